import assert from 'node:assert/strict';
import { type ChildProcess, spawn } from 'node:child_process';
import { writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { after, before, test } from 'node:test';
import { fileURLToPath } from 'node:url';
import { web } from './echo-manifest.ts';
import { command, eventually, findProgram, kernelSkip, startSystem, type TestSystem } from './system.ts';

const skip = kernelSkip('kubectl', 'curl');
const bgpSkip = skip === false && findProgram('bird') === undefined ? 'needs the program bird' : skip;
const outside = `fltest-${process.pid}-outside`;
let system: TestSystem;
let router: ChildProcess | undefined;

/** Runs a command on a machine beside the nodes that knows nothing of the cluster. */
const fromOutside = (...args: readonly string[]) => command('ip', ['netns', 'exec', outside, ...args]);
const ip = async (...args: readonly string[]): Promise<void> => {
  const done = await command('ip', args);
  assert.equal(done.status, 0, `ip ${args.join(' ')}: ${done.stderr}`);
};
const addressOf = (name: string): Promise<string> =>
  eventually(`an address of ${name}`, () =>
    system.kubectl('get', 'service', name, '-o', 'jsonpath={.status.loadBalancer.ingress[0].ip}'),
  );
const holderOf = async (address: string): Promise<string> => {
  const name = `address-${address.replaceAll('.', '-')}`;
  return system.kubectl(
    'get',
    'lease',
    name,
    '-n',
    'fairlead-addresses',
    '--ignore-not-found',
    '-o',
    'jsonpath={.spec.holderIdentity}',
  );
};
const answers = async (address: string): Promise<boolean> => {
  const { stdout } = await fromOutside('curl', '-s', '--max-time', '2', `http://${address}/`);
  return stdout.includes('"pod"');
};
const refuses = async (address: string): Promise<boolean> => {
  const { stderr } = await fromOutside('curl', '-sv', '--max-time', '2', `http://${address}:81/`);
  return stderr.includes('Connection refused');
};
/** The link address that the network gives for an address. */
const neighbor = async (address: string): Promise<string> => {
  const { stdout } = await fromOutside('ip', 'neigh', 'show', address);
  return /lladdr (\S+)/.exec(stdout)?.[1] ?? '';
};

before(async () => {
  if (skip !== false) return;
  system = await startSystem({ args: ['--nodes', '3'] });
  await ip('netns', 'add', outside);
  await ip('link', 'add', 'outside', 'netns', system.machine, 'type', 'veth', 'peer', 'name', 'eth0', 'netns', outside);
  await ip('-n', system.machine, 'link', 'set', 'outside', 'master', 'fairlead0', 'up');
  await ip('-n', outside, 'addr', 'add', '172.29.0.100/24', 'dev', 'eth0');
  await ip('-n', outside, 'link', 'set', 'eth0', 'up');
  await system.apply(web('web', 3, 'type: LoadBalancer'));
  await system.kubectl('wait', 'deployment/web', '--for=condition=Available', '--timeout=100s');
});
after(async () => {
  router?.kill('SIGKILL');
  await system?.dispose();
  await command('ip', ['netns', 'delete', outside]);
});

test('a Service gets an address of the machine pool, and a neighbour reaches it', { skip }, async () => {
  const address = await addressOf('web');
  assert.match(address, /^172\.29\.0\.1(2[89]|[3-9]\d)$/);
  await eventually('an answer', () => answers(address));
  const events = await eventually('who announces', async () => {
    const text = await system.kubectl('describe', 'service', 'web');
    return text.includes('AnnouncedOnLayer2') && text;
  });
  assert.match(events, /AddressesAssigned .*172\.29\.0\.\d+ from pool machine/);
  assert.match(await system.kubectl('get', 'addresspools'), /machine +true .* 1 +126 +True +True/);
  await eventually('an answer to the machine too', async () => {
    const { stdout } = await system.exec('curl', '-s', '--max-time', '5', `http://${address}/`);
    return stdout.includes('"pod"');
  });
  await eventually('a port that no Service has is refused', () => refuses(address));
  const explained = await system.exec(
    process.execPath,
    fileURLToPath(new URL('../packages/fairlead/bin/fairlead.mjs', import.meta.url)),
    'explain',
    `${address}:80`,
    '--from',
    'external',
    '--kubeconfig',
    system.kubeconfig,
  );
  assert.match(
    explained.stdout,
    new RegExp(`${address} is answered for on layer 2 by node ${await holderOf(address)}`),
  );
});

for (const by of ['mac', 'vxlan', 'ipip']) {
  test(`direct server return by ${by}: Pods of every node answer, and see the client`, { skip }, async () => {
    const name = `direct-${by}`;
    await system.apply(`
apiVersion: v1
kind: Service
metadata: {name: ${name}, annotations: {fairlead.dev/direct-server-return: ${by}}}
spec: {type: LoadBalancer, selector: {app: web}, ports: [{port: 8080, targetPort: 8080}]}
`);
    const address = await addressOf(name);
    const placed = await system.kubectl('get', 'pods', '-l', 'app=web', '-o', 'jsonpath={.items[*].spec.nodeName}');
    const nodes = new Set(placed.split(' '));
    assert.ok(nodes.size > 1, placed);
    const ask = async (): Promise<{ readonly node?: string; readonly remote?: string }> => {
      const { stdout } = await fromOutside('curl', '-s', '--max-time', '10', `http://${address}:8080/`);
      return stdout.startsWith('{') ? (JSON.parse(stdout) as { node: string; remote: string }) : {};
    };
    // Translated, until the address is sent on directly: then a Pod of another node sees a node, not the client.
    const direct = new Set<string>();
    await eventually(
      `answers from ${[...nodes]}`,
      async () => {
        const { node, remote } = await ask();
        if (remote?.startsWith('172.29.0.100:') === true && node !== undefined) direct.add(node);
        return direct.size === nodes.size;
      },
      60_000,
    );
    for (let n = 0; n < 10; n++) assert.match((await ask()).remote ?? '', /^172\.29\.0\.100:/);
    await system.kubectl('delete', 'service', name);
  });
}

test('an agent that dies: the address is answered for again', { skip }, async () => {
  const address = await addressOf('web');
  const holder = await eventually('a holder', () => holderOf(address));
  process.kill(await system.pidOf(`agent/${holder}`), 'SIGKILL');
  await fromOutside('ip', 'neigh', 'flush', 'dev', 'eth0');
  await eventually('an answer', () => answers(address));
});

test('an agent that hangs, and a node whose link is cut: another node takes over', { skip }, async () => {
  const address = await addressOf('web');
  const first = await eventually('a holder', () => holderOf(address));
  const pid = await system.pidOf(`agent/${first}`);
  const before = await eventually('a neighbour', async () => (await answers(address)) && neighbor(address));
  process.kill(pid, 'SIGSTOP');
  try {
    await eventually(
      'another holder',
      async () => (await holderOf(address)) !== first && (await holderOf(address)) !== '',
    );
    // Its announcement has replaced what neighbours knew: no flush here.
    await eventually('another neighbour', async () => (await neighbor(address)) !== before);
    await eventually('an answer', () => answers(address));
  } finally {
    process.kill(pid, 'SIGCONT');
  }
  const second = await holderOf(address);
  const links = (await command('ip', ['-n', system.machine, '-o', 'link', 'show', 'master', 'fairlead0'])).stdout;
  const link = new RegExp(`^\\d+: ([^@:]*n${second.split('-').at(-1)}-[^@:]*)`, 'm').exec(links)?.[1] ?? '';
  await ip('-n', system.machine, 'link', 'set', link, 'down');
  await eventually('a holder with a link', async () => {
    const holder = await holderOf(address);
    return holder !== '' && holder !== second;
  });
  await ip('-n', system.machine, 'link', 'set', link, 'up');
  await eventually('an answer', () => answers(address));
});

test('BGP: every node announces to a router, which spreads over them', { skip: bgpSkip }, async () => {
  const neighbors = [11, 12, 13].map(
    (n) => `protocol bgp n${n} { local 172.29.0.100 as 65000; neighbor 172.29.0.${n} as 65001; passive on; bfd on;
      error wait time 1, 1; ipv4 { import all; export none; }; }`,
  );
  const file = join(system.dataDir, 'bird.conf');
  writeFileSync(
    file,
    `log "/dev/null" all; router id 172.29.0.100; protocol device {} protocol bfd {}
     protocol kernel { ipv4 { export all; }; merge paths on; } ${neighbors.join('\n')}`,
  );
  const bird = findProgram('bird') ?? 'bird';
  router = spawn('ip', ['netns', 'exec', outside, bird, '-f', '-c', file, '-s', join(system.dataDir, 'bird.ctl')]);
  const own = (kind: string, name: string, spec: object): string =>
    JSON.stringify({ apiVersion: 'fairlead.dev/v1alpha1', kind, metadata: { name }, spec });
  const peer = { address: '172.29.0.100', peerASN: 65_000, localASN: 65_001, connectRetry: '1s' };
  await system.apply(own('BGPPeer', 'wrong', { ...peer, peerASN: 65_009 }));
  const why = await eventually('the reason', async () => {
    const text = await system.kubectl('get', 'bgppeer', 'wrong', '-o', 'jsonpath={.status.sessions[*].message}');
    return text.includes('spec.peerASN says 65009') && text;
  });
  assert.match(why, /the peer is AS 65000/);
  await system.kubectl('delete', 'bgppeer', 'wrong');
  await system.apply(own('AddressPool', 'routed', { addresses: ['198.51.100.0/28'], autoAssign: false }));
  await system.apply(own('BGPPeer', 'router', { ...peer, bfd: {} }));
  await system.apply(own('BGPAdvertisement', 'routed', { pools: ['routed'] }));
  await system.kubectl('annotate', 'service', 'web', 'fairlead.dev/address-pool=routed');
  const address = await eventually('a routed address', async () => {
    const now = await addressOf('web');
    return now.startsWith('198.51.100.') && now;
  });
  await eventually('a route over three nodes', async () => {
    const { stdout } = await fromOutside('ip', 'route', 'show', address);
    return [...stdout.matchAll(/via 172\.29\.0\.1[123]/g)].length === 3;
  });
  await eventually('an answer', () => answers(address));
  await eventually('a port that no Service has is refused, not sent back to the router', () => refuses(address));
  await eventually('three sessions in the status', async () => {
    const text = await system.kubectl('get', 'bgppeer', 'router', '-o', 'jsonpath={.status.sessions[*].state}');
    return text === 'Established Established Established';
  });
  await eventually('BFD with every node', async () => {
    const text = await system.kubectl('get', 'bgppeer', 'router', '-o', 'jsonpath={.status.sessions[*].bfd}');
    return text === 'Up Up Up';
  });
  await system.kubectl('label', 'node', 'node-1', 'node.kubernetes.io/exclude-from-external-load-balancers=');
  await eventually('a route over two nodes', async () => {
    const { stdout } = await fromOutside('ip', 'route', 'show', address);
    return [...stdout.matchAll(/via 172\.29\.0\.1[23]/g)].length === 2 && !stdout.includes('172.29.0.11');
  });
});

test('a deleted Service: silence, and the address is free', { skip }, async () => {
  await system.apply(web('short', 1, 'type: LoadBalancer'));
  const address = await addressOf('short');
  await eventually('a holder', () => holderOf(address));
  await system.kubectl('delete', 'service', 'short');
  await eventually('no holder', async () => (await holderOf(address)) === '');
  await fromOutside('ip', 'neigh', 'flush', 'dev', 'eth0');
  await fromOutside('curl', '-s', '--max-time', '1', `http://${address}/`);
  assert.equal(await neighbor(address), '');
});
