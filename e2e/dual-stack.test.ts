import assert from 'node:assert/strict';
import { after, before, describe, test } from 'node:test';
import { fileURLToPath } from 'node:url';
import { annotatedIngress, web } from './echo-manifest.ts';
import { machineOfBothFamilies, machineOutside } from './machines.ts';
import { command, eventually, kernelSkip, startSystem, type TestSystem } from './system.ts';

const skip = kernelSkip('kubectl', 'curl', 'kdig');
const constantRate = fileURLToPath(new URL('./constant-rate.ts', import.meta.url));

/** What `kubectl get` has at a JSON path. */
async function field(system: TestSystem, path: string, ...object: readonly string[]): Promise<string> {
  return system.kubectl('get', ...object, '-o', `jsonpath=${path}`);
}

const urlOf = (ip: string, port = 80): string => `http://${ip.includes(':') ? `[${ip}]` : ip}:${port}/`;

/** The answer of an echo Pod to the machine, or to a Pod's program; `undefined` when there is none. */
async function echoed(system: TestSystem, url: string, pod?: string): Promise<Record<string, string> | undefined> {
  const curl = ['curl', '-s', '-g', '--max-time', '5', url];
  const exec = pod === undefined ? [] : ['kubectl', '--kubeconfig', system.kubeconfig, 'exec', pod, '--'];
  const { stdout } = await system.exec(...exec, ...curl);
  return stdout.startsWith('{') ? (JSON.parse(stdout) as Record<string, string>) : undefined;
}

async function dig(system: TestSystem, server: string, ...query: readonly string[]): Promise<string[]> {
  const { stdout } = await system.exec('kdig', '+short', '+timeout=3', `@${server}`, ...query);
  return stdout
    .split('\n')
    .filter((line) => line !== '')
    .sort();
}

/** A Service over the Pods of `web`. */
function overWeb(name: string, spec: string): string {
  return `---
apiVersion: v1
kind: Service
metadata: { name: ${name} }
spec: { selector: { app: web }, ports: [{ name: http, port: 80, targetPort: http }], ${spec} }
`;
}

async function ready(system: TestSystem, replicas: number): Promise<string[]> {
  await system.kubectl('wait', 'deployment/web', '--for=condition=Available', '--timeout=60s');
  return eventually('all Pods are ready', async () => {
    const names = await field(system, '{.items[?(@.status.containerStatuses[0].ready==true)].metadata.name}', 'pods');
    const found = names.split(' ').filter((name) => name !== '');
    return found.length === replicas && found;
  });
}

describe('two families on one node', { skip }, () => {
  let system: TestSystem;
  let pods: string[] = [];
  before(async () => {
    system = await startSystem({ machine: await machineOfBothFamilies(), args: ['--ip-family', 'dual'] });
    await system.apply(
      [
        web('web', 2, 'type: NodePort\n  ipFamilyPolicy: PreferDualStack'),
        overWeb('peers', 'clusterIP: None, ipFamilyPolicy: RequireDualStack'),
        overWeb('balanced', 'type: LoadBalancer, ipFamilyPolicy: RequireDualStack'),
        overWeb('changing', 'ipFamilyPolicy: SingleStack'),
        annotatedIngress('web', 'web', {}),
      ].join('\n'),
    );
    pods = await ready(system, 2);
  });
  after(() => system?.dispose());

  test('the node and its Pods have addresses of both', async () => {
    const node = '{.items[0].spec.podCIDRs} {.items[0].status.addresses[?(@.type=="InternalIP")].address}';
    assert.equal(await field(system, node, 'nodes'), '["10.244.0.0/24","fd00:10:244::/64"] 192.0.2.10 2001:db8::10');
    const [name = ''] = pods;
    const { podIP, podIPs, hostIP, hostIPs } = JSON.parse(await field(system, '{.status}', 'pod', name));
    assert.equal(podIPs[0].ip, podIP);
    assert.match(podIPs.map(({ ip }: { ip: string }) => ip).join(), /^10\.244\.0\.\d+,fd00:10:244::[0-9a-f]+$/);
    assert.deepEqual([hostIP, hostIPs], ['192.0.2.10', [{ ip: '192.0.2.10' }, { ip: '2001:db8::10' }]]);
    const { stdout: hosts } = await system.exec(
      'kubectl',
      '--kubeconfig',
      system.kubeconfig,
      'exec',
      name,
      '--',
      'cat',
      '/etc/hosts',
    );
    for (const { ip } of podIPs) assert.ok(hosts.includes(`${ip}\t${name}`), hosts);
  });

  test('cluster IPs, node ports and load balancer addresses, from the machine and from Pods', async () => {
    const [pod = ''] = pods;
    const places: string[] = [];
    const ips = (await field(system, '{.spec.clusterIPs[*]}', 'service', 'web')).split(' ');
    assert.match(ips.join(), /^10\.96\.\d+\.\d+,fd00:10:96::[0-9a-f]+$/);
    places.push(...ips.map((ip) => urlOf(ip)));
    const port = Number(await field(system, '{.spec.ports[0].nodePort}', 'service', 'web'));
    places.push(urlOf('192.0.2.10', port), urlOf('2001:db8::10', port));
    const addresses = await eventually('addresses of both families', async () => {
      const found = (await field(system, '{.status.loadBalancer.ingress[*].ip}', 'service', 'balanced')).split(' ');
      return found.length === 2 && found;
    });
    assert.deepEqual(addresses, ['172.29.0.128', 'fd00:172:29::128']);
    places.push(...addresses.map((ip) => urlOf(ip)));
    for (const url of places) {
      for (const from of [undefined, pod]) {
        const answer = await eventually(`${url} from ${from ?? 'the machine'}`, () => echoed(system, url, from));
        assert.equal(answer.remote?.startsWith('fd00:'), url.includes('['), `${url}: ${answer.remote}`);
      }
    }
  });

  test('a machine outside reaches node ports of both', async () => {
    await machineOutside(system, async (outside) => {
      const port = Number(await field(system, '{.spec.ports[0].nodePort}', 'service', 'web'));
      for (const ip of ['192.0.2.10', '2001:db8::10']) {
        await eventually(`node port of ${ip}`, async () => {
          const curl = ['netns', 'exec', outside, 'curl', '-s', '-g', '--max-time', '5', urlOf(ip, port)];
          return (await command('ip', curl)).stdout.includes('"pod"');
        });
      }
    });
  });

  test('DNS answers on both addresses: A, AAAA, headless Pods, reverse names', async () => {
    const ips = (await field(system, '{.spec.clusterIPs[*]}', 'service', 'web')).split(' ');
    const podIps = (await field(system, '{.items[*].status.podIPs[*].ip}', 'pods')).split(' ').sort();
    const [v4, v6] = [podIps.filter((ip) => !ip.includes(':')), podIps.filter((ip) => ip.includes(':'))];
    const domain = 'default.svc.cluster.local';
    assert.equal(
      await field(system, '{.spec.clusterIPs[*]}', 'service', 'kube-dns', '-n', 'kube-system'),
      '10.96.0.10 fd00:10:96::a',
    );
    for (const server of ['10.96.0.10', 'fd00:10:96::a']) {
      const answers = async (expected: readonly string[], ...query: readonly string[]): Promise<void> => {
        await eventually(`${query.join(' ')} at ${server}: ${expected}`, async () => {
          return (await dig(system, server, ...query)).join() === expected.join();
        });
      };
      await answers([ips[0] ?? ''], `web.${domain}`, 'A');
      await answers([ips[1] ?? ''], `web.${domain}`, 'AAAA');
      await answers([ips[1] ?? ''], '+tcp', `web.${domain}`, 'AAAA');
      await answers(v4, `peers.${domain}`, 'A');
      await answers(v6, `peers.${domain}`, 'AAAA');
      for (const ip of ips) await answers([`web.${domain}.`], '-x', ip);
    }
    const answer = await echoed(system, `http://web.${domain}/`, pods[0]);
    assert.equal(answer?.host, `web.${domain}`);
  });

  test('the gateway serves both, and tells backends the client’s address as it is', async () => {
    for (const [url, client] of [
      ['http://127.0.0.1/', '127.0.0.1'],
      ['http://[::1]/', '::1'],
      ['http://[2001:db8::10]/', '2001:db8::10'],
    ] as const) {
      const answer = await eventually(`the Ingress at ${url}`, async () => {
        const curl = ['curl', '-s', '-g', '--max-time', '5', '-H', 'Host: web.example', url];
        const { stdout } = await system.exec(...curl);
        return stdout.startsWith('{') && (JSON.parse(stdout) as { headers: Record<string, string> });
      });
      assert.equal(answer.headers['x-forwarded-for'], client);
    }
    await eventually('both addresses in the status', async () => {
      const found = await field(system, '{.status.loadBalancer.ingress[*].ip}', 'ingress', 'web');
      return found === '192.0.2.10 2001:db8::10';
    });
  });

  test('the downward API names all addresses, Service variables the preferred one', async () => {
    const fields = ['status.podIP', 'status.podIPs', 'status.hostIP', 'status.hostIPs'];
    const env = fields.map((path) => `{ name: ${path.slice(7)}, valueFrom: { fieldRef: { fieldPath: ${path} } } }`);
    await system.apply(`apiVersion: v1
kind: Pod
metadata: { name: facts }
spec:
  restartPolicy: Never
  containers: [{ name: c, image: fairlead/echo, command: [env], env: [${env.join(', ')}] }]
`);
    await system.kubectl('wait', 'pod/facts', '--for=jsonpath={.status.phase}=Succeeded', '--timeout=30s');
    const log = await system.kubectl('logs', 'facts');
    const ips = await field(system, '{.status.podIPs[*].ip}', 'pod', 'facts');
    for (const line of [
      `podIP=${ips.split(' ')[0]}`,
      `podIPs=${ips.replace(' ', ',')}`,
      'hostIP=192.0.2.10',
      'hostIPs=192.0.2.10,2001:db8::10',
      'KUBERNETES_SERVICE_HOST=10.96.0.1',
    ]) {
      assert.ok(log.split('\n').includes(line), `${line} in\n${log}`);
    }
    await system.kubectl('delete', 'pod', 'facts', '--now');
  });

  test('a Service gets and gives back its second family under traffic', async () => {
    const own = ['service', 'changing'] as const;
    const [first = ''] = (await field(system, '{.spec.clusterIPs[*]}', ...own)).split(' ');
    await eventually('it answers', () => echoed(system, urlOf(first)));
    const load = system.exec(process.execPath, constantRate, urlOf(first), 'changing', '100', '6');
    const policy = (name: string) => system.kubectl('patch', ...own, '-p', `{"spec":{"ipFamilyPolicy":"${name}"}}`);
    await policy('PreferDualStack');
    const ips = (await field(system, '{.spec.clusterIPs[*]}', ...own)).split(' ');
    assert.equal(ips.length, 2);
    assert.equal(ips[0], first, 'the first address stays');
    const second = ips[1] ?? '';
    await eventually('the IPv6 address answers', () => echoed(system, urlOf(second)));
    await eventually('AAAA', async () =>
      (await dig(system, '10.96.0.10', 'changing.default.svc.cluster.local', 'AAAA')).includes(second),
    );
    await policy('SingleStack');
    assert.equal(await field(system, '{.spec.clusterIPs[*]}', ...own), first);
    await eventually('the IPv6 address is nobody’s', async () => (await echoed(system, urlOf(second))) === undefined);
    await eventually(
      'no AAAA',
      async () => (await dig(system, '10.96.0.10', 'changing.default.svc.cluster.local', 'AAAA')).length === 0,
    );
    const { stdout, stderr } = await load;
    assert.deepEqual(JSON.parse(stdout || `{"outcomes":${JSON.stringify(stderr)}}`).outcomes, { 200: 600 });
  });

  test('a Pod whose port is open at once is reached at once: nothing waits for neighbours', async () => {
    const ips = (await field(system, '{.items[*].status.podIPs[1].ip}', 'pods', '-l', 'app=web')).split(' ');
    const { stdout: addresses } = await system.exec('ip', '-6', '-o', 'addr');
    assert.doesNotMatch(addresses, /fl-pods.*fe80|(fl-pods|fairlead0).*tentative/);
    const { stdout } = await system.exec('ip', '-6', 'neigh', 'show', 'dev', 'fl-pods');
    for (const ip of ips) assert.match(stdout, new RegExp(`^${ip} lladdr 0a:58:[0-9a-f:]+ PERMANENT`, 'm'));
  });
});

describe('IPv6 alone', { skip }, () => {
  let system: TestSystem;
  let pods: string[] = [];
  before(async () => {
    system = await startSystem({ args: ['--ip-family', 'ipv6'] });
    await system.apply(
      [web('web', 1, 'type: NodePort\n  ipFamilyPolicy: PreferDualStack'), annotatedIngress('web', 'web', {})].join(
        '\n',
      ),
    );
    pods = await ready(system, 1);
  });
  after(() => system?.dispose());

  test('Pods, Services and DNS have IPv6 addresses and nothing else', async () => {
    assert.match(await field(system, '{.status.podIPs[*].ip}', 'pod', pods[0] ?? ''), /^fd00:10:244::[0-9a-f]+$/);
    const ips = await field(system, '{.spec.clusterIPs[*]} {.spec.ipFamilies[*]}', 'service', 'web');
    assert.match(ips, /^fd00:10:96::[0-9a-f]+ IPv6$/);
    const [ip = ''] = ips.split(' ');
    for (const from of [undefined, pods[0]]) await eventually(`from ${from}`, () => echoed(system, urlOf(ip), from));
    await eventually('by name', () => echoed(system, 'http://web/', pods[0]));
    assert.deepEqual(await dig(system, 'fd00:10:96::a', 'web.default.svc.cluster.local', 'A'), []);
    const node = '{.items[0].status.addresses[?(@.type=="InternalIP")].address}';
    assert.equal(await field(system, node, 'nodes'), 'fd00:172:29::1', 'the machine has no other IPv6 address');
  });

  test('logs, exec, the API from a Pod, and an Ingress over IPv4', async () => {
    const [pod = ''] = pods;
    assert.match(await system.kubectl('logs', pod), /listening on port 8080/);
    const script = 'curl -s --max-time 5 --cacert $0/ca.crt https://kubernetes.default.svc/version';
    const folder = '/var/run/secrets/kubernetes.io/serviceaccount';
    assert.match(await system.kubectl('exec', pod, '--', 'sh', '-c', script, folder), /gitVersion/);
    await eventually('the Ingress', async () => {
      const { stdout } = await system.exec(
        'curl',
        '-s',
        '--max-time',
        '5',
        '-H',
        'Host: web.example',
        'http://127.0.0.1/',
      );
      return stdout.includes('"pod"');
    });
  });
});

test('used data gets a second family behind the first one, and keeps it; nothing is left', {
  skip,
}, async (context) => {
  const machine = await machineOfBothFamilies();
  const only4 = await startSystem({ machine });
  context.after(() => only4.dispose());
  const { dataDir } = only4;
  await only4.apply(web('web', 1));
  const [pod = ''] = await ready(only4, 1);
  await context.test('one family is as it was', async () => {
    assert.match(await field(only4, '{.status.podIPs[*].ip}', 'pod', pod), /^10\.244\.0\.\d+$/);
    assert.equal(await field(only4, '{.items[0].spec.podCIDRs[*]}', 'nodes'), '10.244.0.0/24');
    const { stdout } = await only4.exec('ip', '-6', '-o', 'addr', 'show', 'scope', 'global');
    assert.doesNotMatch(stdout, /fairlead0|fl-pods/);
    await assert.rejects(
      only4.apply(overWeb('both', 'ipFamilyPolicy: RequireDualStack')),
      /not configured for dual-stack/,
    );
  });
  const clusterIp = await field(only4, '{.spec.clusterIP}', 'service', 'web');
  await only4.kubectl('label', 'node', '--all', 'shelf=left');
  const settings = async (): Promise<string> => {
    const read = 'cd /proc/sys/net/ipv6/conf; grep -s . */forwarding */force_forwarding */accept_ra */disable_ipv6';
    return (await command('ip', ['netns', 'exec', machine, 'sh', '-c', `${read} | grep -v '^f[l]'; true`])).stdout;
  };
  assert.equal(await only4.stop(), 0, only4.output());
  const before = await settings();

  const both = await startSystem({ machine, dataDir, args: ['--ip-family', 'dual'] });
  context.after(() => both.dispose());
  await context.test('with both, old Services keep their address and Pods get two', async () => {
    assert.equal(await field(both, '{.spec.clusterIPs[*]}', 'service', 'web'), clusterIp);
    const spec = '{.items[0].spec.podCIDRs[*]} {.items[0].metadata.labels.shelf}';
    assert.equal(await field(both, spec, 'nodes'), '10.244.0.0/24 fd00:10:244::/64 left');
    await eventually('the Pod has two addresses', async () =>
      /^10\.244\.0\.\d+ fd00:10:244::\S+$/.test(
        await field(both, '{.items[*].status.podIPs[*].ip}', 'pods', '-l', 'app=web'),
      ),
    );
    await both.kubectl('patch', 'service', 'web', '-p', '{"spec":{"ipFamilyPolicy":"RequireDualStack"}}');
    const second = await field(both, '{.spec.clusterIPs[1]}', 'service', 'web');
    for (const ip of [clusterIp, second]) await eventually(ip, () => echoed(both, urlOf(ip)));
  });
  assert.equal(await both.stop(), 0, both.output());
  await context.test('SIGTERM leaves no address, route, rule or setting', async () => {
    const { stdout: addresses } = await command('ip', ['-n', machine, '-6', '-o', 'addr', 'show', 'scope', 'global']);
    assert.deepEqual(
      [...addresses.matchAll(/inet6 (\S+)/g)].map(([, ip]) => ip),
      ['2001:db8::10/64'],
    );
    const { stdout: routes } = await command('ip', ['-n', machine, '-6', 'route']);
    assert.doesNotMatch(routes, /fd00:/);
    const { stdout: rules } = await command('ip', ['netns', 'exec', machine, 'nft', 'list', 'ruleset']);
    assert.equal(rules.trim(), '');
    assert.equal(await settings(), before);
  });
  await context.test('without the second family again: one line that says what to do', async () => {
    await assert.rejects(startSystem({ machine, dataDir }), (error: Error) => {
      assert.match(
        error.message,
        /service range 10\.96\.0\.0\/16: the data was made with 10\.96\.0\.0\/16,fd00:10:96::\/112/,
      );
      return true;
    });
  });
});

test('two nodes: Pods reach each other in both families, large packets and logs too', { skip }, async (context) => {
  const system = await startSystem({ args: ['--ip-family', 'dual', '--nodes', '2'] });
  context.after(() => system.dispose());
  await system.apply(web('web', 4, 'type: NodePort\n  ipFamilyPolicy: PreferDualStack'));
  const [pod = ''] = await ready(system, 4);
  const ips = (await field(system, '{.items[*].status.podIPs[*].ip}', 'pods')).split(' ');
  assert.deepEqual([ips.length, ips.filter((ip) => ip.includes(':')).length], [8, 4]);
  for (const ip of ips) {
    const url = `${urlOf(ip, 8080)}bytes/300000`;
    const curl = ['curl', '-s', '-g', '--max-time', '10', '-o', '/dev/null', '-w', '%{size_download}', url];
    await eventually(`${ip} from the machine`, async () => (await system.exec(...curl)).stdout === '300000');
    assert.equal(await system.kubectl('exec', pod, '--', ...curl), '300000', `${ip} from a Pod`);
  }
  const port = Number(await field(system, '{.spec.ports[0].nodePort}', 'service', 'web'));
  for (const place of ['172.29.0.11', '172.29.0.12', 'fd00:172:29::11', 'fd00:172:29::12']) {
    await eventually(`node port of ${place}`, () => echoed(system, urlOf(place, port)));
  }
  for (const name of await ready(system, 4)) assert.match(await system.kubectl('logs', name), /listening on port 8080/);
});
