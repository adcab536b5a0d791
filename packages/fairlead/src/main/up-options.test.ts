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
  assert.deepEqual(options.gatewayHttp, { host: '0.0.0.0', port: 80 });
  assert.deepEqual(options.gatewayHttps, { host: '0.0.0.0', port: 443 });
  assert.equal(options.serviceCidr, '10.96.0.0/16');
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
        '--pod-cidr 10.0.0.0/30: must be an IPv4 range with a prefix from /8 to /22',
      ]);
      return true;
    },
  );
  assert.throws(() => validateUpOptions({ nodes: '3' }, user), /more than one node needs kernel mode/);
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
