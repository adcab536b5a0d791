import assert from 'node:assert/strict';
import { relative } from 'node:path';
import { test } from 'node:test';
import { fileURLToPath } from 'node:url';
import { instanceOf } from './cluster-options.ts';
import { ConfigurationError } from './settings.ts';
import { planChildren } from './up.ts';
import { validateUpOptions } from './up-options.ts';

const root = { isRoot: true, home: '/root' };
const user = { isRoot: false, home: '/home/ada', kernelModeObstacle: 'needs root' };

test('defaults as root: kernel mode', () => {
  const options = validateUpOptions({}, root);
  assert.equal(options.mode, 'kernel');
  assert.equal(options.dataDir, '/var/lib/fairlead');
  assert.equal(options.kubeconfig, '/var/lib/fairlead/kubeconfig');
  assert.deepEqual(options.apiListen, { host: '127.0.0.1', port: 6443 });
  assert.deepEqual(options.gatewayHttp, { host: '::', port: 80 });
  assert.deepEqual(options.gatewayHttps, { host: '::', port: 443 });
  assert.equal(options.serviceCidr, '10.96.0.0/16');
});

test('the gateway listens on every address of both families, where the machine has both', () => {
  const { gatewayHttp, gatewayHttps } = validateUpOptions(
    { 'gateway-https': ':8443' },
    { ...root, ipv6Obstacle: 'no' },
  );
  assert.deepEqual([gatewayHttp.host, gatewayHttps.host], ['0.0.0.0', '0.0.0.0']);
  assert.deepEqual(validateUpOptions({ 'gateway-https': ':8443' }, root).gatewayHttps, { host: '::', port: 8443 });
});

test('defaults without root: userspace mode', () => {
  const options = validateUpOptions({}, user);
  assert.equal(options.mode, 'userspace');
  assert.equal(options.dataDir, '/home/ada/.local/share/fairlead');
  assert.equal(options.gatewayHttp.port, 8080);
  assert.equal(options.podCidr, '127.244.0.0/16');
});

test('problems come together', () => {
  const values = { mode: 'kernel', nodes: '3', datastore: 'mysql://x', image: ['nginx'], 'pod-cidr': '10.0.0.0/30' };
  assert.throws(
    () => validateUpOptions(values, user),
    (error) => {
      assert.ok(error instanceof ConfigurationError);
      assert.deepEqual(error.problems, [
        '--mode kernel: needs root',
        '--datastore mysql://x: must be sqlite:FILE or etcd://HOST:PORT[,HOST:PORT…]',
        '--image nginx: must be PATTERN=COMMAND',
        '--pod-cidr 10.0.0.0/30: must be an IPv4 range with a prefix from /8 to /22, an IPv6 one from /32 to /62, or one of each joined by a comma',
      ]);
      return true;
    },
  );
  assert.throws(() => validateUpOptions({ nodes: '3' }, user), /more than one node needs kernel mode/);
});

const dual = { services: '10.96.0.0/16,fd00:10:96::/112', pods: '10.244.0.0/16,fd00:10:244::/56' };
const ipv6 = { services: 'fd00:10:96::/112', pods: 'fd00:10:244::/56' };
const families: readonly [name: string, values: Record<string, string>, expected: object | RegExp, machine?: object][] =
  [
    ['dual', { 'ip-family': 'dual' }, dual],
    ['IPv6', { 'ip-family': 'ipv6' }, ipv6],
    ['one range decides of the other', { 'service-cidr': dual.services }, dual],
    ['also the range of Pods', { 'pod-cidr': 'fd00:7::/48' }, { ...ipv6, pods: 'fd00:7::/48' }],
    [
      'the order is that of the range',
      { 'service-cidr': 'fd00:96::/112,10.96.0.0/16' },
      { services: 'fd00:96::/112,10.96.0.0/16', pods: 'fd00:10:244::/56,10.244.0.0/16' },
    ],
    ['a family and a range', { 'ip-family': 'dual', 'pod-cidr': dual.pods }, dual],
    [
      'other families',
      { 'service-cidr': dual.services, 'pod-cidr': '10.244.0.0/16' },
      /^--pod-cidr 10\.244\.0\.0\/16: must have the families of --service-cidr 10\.96\S+, in the same order$/,
    ],
    [
      'another order',
      { 'service-cidr': dual.services, 'pod-cidr': 'fd00:10:244::/56,10.244.0.0/16' },
      /in the same order$/,
    ],
    [
      'a range against the family',
      { 'ip-family': 'ipv6', ...{ 'service-cidr': '10.96.0.0/16', 'pod-cidr': '10.244.0.0/16' } },
      /^--ip-family: /,
    ],
    ['userspace mode', { 'ip-family': 'dual', mode: 'userspace' }, /^--pod-cidr \S+: userspace mode has no IPv6/],
    [
      'a kernel without IPv6',
      { 'ip-family': 'dual' },
      /^--pod-cidr \S+: IPv6 is missing$/,
      { ipv6Obstacle: 'is missing' },
    ],
  ];
for (const [name, values, expected, machine] of families) {
  test(`address families: ${name}`, () => {
    const read = () => validateUpOptions(values, { ...root, ...machine });
    if (expected instanceof RegExp) {
      assert.throws(read, (error) => {
        assert.ok(error instanceof ConfigurationError);
        assert.equal(error.problems.length, 1, error.message);
        assert.match(error.problems[0] ?? '', expected);
        return true;
      });
    } else {
      const { serviceCidr, podCidr } = read();
      assert.deepEqual({ services: serviceCidr, pods: podCidr }, expected);
    }
  });
}

test('dual stack reaches every child: ranges, addresses of nodes, and the API at the preferred family', () => {
  const options = validateUpOptions({ 'service-cidr': 'fd00:96::/112,10.96.0.0/16', 'data-dir': '/tmp/d' }, root);
  const nodes = [{ name: 'node-1', netns: 'n', addresses: ['fd00:172:29::11', '172.29.0.11'] }];
  const children = planChildren(options, nodes, ['fairlead'], {});
  const argumentOf = (child: string, flag: string): string | undefined => {
    const args = children.find(({ name }) => name === child)?.args ?? [];
    return args.includes(flag) ? args[args.indexOf(flag) + 1] : undefined;
  };
  for (const child of ['control', 'agent/node-1', 'agent/edge']) {
    assert.equal(argumentOf(child, '--service-cidr'), 'fd00:96::/112,10.96.0.0/16', child);
    assert.equal(argumentOf(child, '--pod-cidr'), 'fd00:10:244::/56,10.244.0.0/16', child);
  }
  assert.equal(argumentOf('control', '--advertise-address'), 'fd00:172:29::1');
  assert.equal(argumentOf('agent/node-1', '--node-ip'), 'fd00:172:29::11,172.29.0.11');
});

test('the gateway of a single node runs on it, that of several beside them', () => {
  const options = validateUpOptions({ 'data-dir': '/tmp/d' }, root);
  const nodes = [{ name: 'node-1', netns: 'n', addresses: ['172.29.0.11'] }];
  for (const [of, expected] of [
    [[], [options.nodeName]],
    [nodes, []],
  ] as const) {
    const { args } = planChildren(options, of, ['fairlead'], {}).find(({ name }) => name === 'gateway')!;
    assert.deepEqual(
      args.filter((_, index) => args[index - 1] === '--gateway-node'),
      expected,
    );
  }
});

test('an instance is four hex digits, and differs between directories', () => {
  assert.match(instanceOf('/a'), /^[0-9a-f]{4}$/);
  assert.notEqual(instanceOf('/a'), instanceOf('/b'));
  assert.equal(instanceOf('/a/../b'), instanceOf('/b'));
});

test('a Corefile goes to every agent, by its absolute path', () => {
  const corefile = fileURLToPath(import.meta.url);
  const options = validateUpOptions({ corefile: relative(process.cwd(), corefile), 'data-dir': '/tmp/d' }, root);
  const given = planChildren(options, [], ['fairlead'], {}).filter(({ args }) => args.includes('--corefile'));
  assert.deepEqual(
    given.map(({ name, args }) => [name.split('/')[0], args[args.indexOf('--corefile') + 1]]),
    [['agent', corefile]],
  );
  assert.throws(
    () => validateUpOptions({ corefile: '/nowhere/Corefile' }, root),
    /--corefile \/nowhere\/Corefile: ENOENT/,
  );
});
