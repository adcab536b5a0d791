import assert from 'node:assert/strict';
import { after, before, test } from 'node:test';
import { web } from './echo-manifest.ts';
import { command, eventually, kernelSkip, startSystem, type TestSystem } from './system.ts';

const skip = kernelSkip('kubectl', 'curl');
let system: TestSystem;

interface PodPlace {
  readonly name: string;
  readonly node: string;
  readonly ip: string;
  readonly netns: string;
}

async function places(app: string): Promise<PodPlace[]> {
  const text = await system.kubectl(
    'get',
    'pods',
    '-l',
    `app=${app}`,
    '-o',
    'jsonpath={range .items[*]}{.metadata.name} {.spec.nodeName} {.status.podIP}{"\\n"}{end}',
  );
  const { stdout } = await system.exec('ip', 'netns', 'list');
  const namespaces = stdout
    .split('\n')
    .map((line) => line.split(' ')[0] ?? '')
    .filter((name) => name.startsWith('fl-'));
  const byAddress = new Map<string, string>();
  for (const netns of namespaces) {
    const addresses = await system.exec('ip', '-n', netns, '-o', '-4', 'addr', 'show', 'dev', 'eth0');
    const ip = /inet ([\d.]+)\//.exec(addresses.stdout)?.[1];
    if (ip !== undefined) byAddress.set(ip, netns);
  }
  return text
    .trim()
    .split('\n')
    .map((line) => {
      const [name = '', node = '', ip = ''] = line.split(' ');
      return { name, node, ip, netns: byAddress.get(ip) ?? '' };
    });
}

before(async () => {
  if (skip !== false) return;
  system = await startSystem({ args: ['--nodes', '3'] });
  await system.apply(web('spread', 6, 'type: NodePort'));
  await system.kubectl('wait', 'deployment/spread', '--for=condition=Available', '--timeout=100s');
  await eventually('six ready Pods', async () => {
    const ready = await system.kubectl('get', 'deployment', 'spread', '-o', 'jsonpath={.status.readyReplicas}');
    return ready === '6';
  });
});
after(async () => {
  await system?.dispose();
});

test('Pods are spread over three nodes', { skip }, async () => {
  const nodes = new Set((await places('spread')).map((pod) => pod.node));
  assert.equal(nodes.size, 3);
});

test('Pod to Pod, cluster IP and node port work across nodes', { skip }, async () => {
  const pods = await places('spread');
  const from = pods[0];
  const far = pods.find((pod) => pod.node !== from?.node);
  assert.ok(from !== undefined && far !== undefined);
  const inside = (...args: readonly string[]) => system.exec('ip', 'netns', 'exec', from.netns, ...args);
  const direct = await inside('curl', '-s', '--max-time', '20', `http://${far.ip}:8080/`);
  assert.ok(direct.stdout.includes(far.name), direct.stdout);

  const ip = await system.kubectl('get', 'service', 'spread', '-o', 'jsonpath={.spec.clusterIP}');
  const port = await system.kubectl('get', 'service', 'spread', '-o', 'jsonpath={.spec.ports[0].nodePort}');
  const reachesAll = (
    where: string,
    exec: (...args: readonly string[]) => Promise<{ stdout: string }>,
    url: string,
  ): Promise<unknown> => {
    const seen = new Set<string>();
    // Which endpoint a connection gets is chance.
    return eventually(`all six Pods ${where}`, async () => {
      const { stdout } = await exec('sh', '-c', `for i in $(seq 30); do curl -s --max-time 5 ${url}; echo; done`);
      for (const [, pod = ''] of stdout.matchAll(/"pod":\s*"([^"]*)"/g)) seen.add(pod);
      return seen.size === 6;
    });
  };
  await reachesAll('from a Pod', inside, `http://${ip}/`);
  await reachesAll('from the machine', system.exec, `http://${ip}/`);
  const addresses = await system.kubectl(
    'get',
    'nodes',
    '-o',
    'jsonpath={.items[*].status.addresses[?(@.type=="InternalIP")].address}',
  );
  assert.equal(addresses.split(' ').length, 3);
  for (const address of addresses.split(' ')) {
    await reachesAll(`at the node port of ${address}`, system.exec, `http://${address}:${port}/`);
  }
});

test('large packets cross the overlay', { skip }, async () => {
  const pods = await places('spread');
  const far = pods.find((pod) => pod.node !== pods[0]?.node);
  const done = await system.exec(
    'ip',
    'netns',
    'exec',
    pods[0]?.netns ?? '',
    'curl',
    '-s',
    '--max-time',
    '10',
    '-o',
    '/dev/null',
    '-w',
    '%{size_download}',
    `http://${far?.ip}:8080/bytes/3000000`,
  );
  assert.equal(done.stdout, '3000000', done.stderr);
});

test('while a node’s agent is paused its Services work as they were; then it catches up', { skip }, async () => {
  const pods = await places('spread');
  const node = pods[0]?.node ?? '';
  const here = pods[0]?.netns ?? '';
  const there = pods.find((pod) => pod.node !== node)?.netns ?? '';
  const clusterIp = await system.kubectl('get', 'service', 'spread', '-o', 'jsonpath={.spec.clusterIP}');
  const reaches = async (netns: string, ip: string): Promise<boolean> => {
    const url = `http://${ip}/`;
    return (await system.exec('ip', 'netns', 'exec', netns, 'curl', '-s', '--max-time', '2', url)).stdout.includes(
      'pod',
    );
  };
  const pid = await system.pidOf(`agent/${node}`);
  process.kill(pid, 'SIGSTOP');
  let late = '';
  try {
    for (let n = 0; n < 20; n++) assert.ok(await reaches(here, clusterIp), 'what was installed serves on');
    await system.kubectl('expose', 'deployment', 'spread', '--name=late', '--port=80', '--target-port=8080');
    late = await system.kubectl('get', 'service', 'late', '-o', 'jsonpath={.spec.clusterIP}');
    await eventually('the new Service on another node', () => reaches(there, late));
    assert.equal(await reaches(here, late), false, 'nobody has told this one');
  } finally {
    process.kill(pid, 'SIGCONT');
  }
  await eventually('the new Service on this node', () => reaches(here, late));
  assert.ok(await reaches(here, clusterIp));
  await system.kubectl('delete', 'service', 'late');
});

test('Pods of a dead node leave service', { skip }, async () => {
  const pods = await places('spread');
  const lost = pods[0]?.node ?? '';
  const ip = await system.kubectl('get', 'service', 'spread', '-o', 'jsonpath={.spec.clusterIP}');
  // The node's link is cut: its agent lives, but nobody hears from it.
  const index = lost.split('-').at(-1);
  const link = (await command('ip', ['-n', system.machine, '-o', 'link', 'show', 'master', 'fairlead0'])).stdout
    .split('\n')
    .map((line) => /^\d+: ([^@:]+)/.exec(line)?.[1] ?? '')
    .find((name) => name.includes(`n${index}-`));
  assert.ok(link !== undefined, 'a link to the node');
  const cut = await command('ip', ['-n', system.machine, 'link', 'set', link, 'down']);
  assert.equal(cut.status, 0, cut.stderr);
  await eventually(
    'the node is not ready and its Pods are no endpoints',
    async () => {
      const slices = await system.kubectl(
        'get',
        'endpointslices',
        '-l',
        'kubernetes.io/service-name=spread',
        '-o',
        'json',
      );
      const items: { endpoints?: { nodeName?: string; conditions?: { ready?: boolean } }[] }[] =
        JSON.parse(slices).items;
      const ready = items
        .flatMap((slice) => slice.endpoints ?? [])
        .filter((endpoint) => endpoint.conditions?.ready !== false);
      return ready.length > 0 && ready.every((endpoint) => endpoint.nodeName !== lost);
    },
    90_000,
  );
  await eventually('every connection succeeds', async () => {
    const { stdout } = await system.exec(
      'sh',
      '-c',
      `for i in $(seq 30); do curl -s -o /dev/null --max-time 2 -w '%{http_code} ' http://${ip}/; done`,
    );
    return stdout.trim() === Array(30).fill('200').join(' ');
  });
});
