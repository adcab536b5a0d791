import assert from 'node:assert/strict';
import { after, before, test } from 'node:test';
import { web } from './echo-manifest.ts';
import { command, eventually, kernelSkip, startSystem, type TestSystem } from './system.ts';

const skip = kernelSkip('kubectl', 'curl');
let system: TestSystem;

before(async () => {
  if (skip === false) system = await startSystem();
});
after(async () => {
  await system?.dispose();
});

/** Which Pods answered `count` new connections to a URL. */
async function spread(
  url: string,
  count: number,
  from: (...args: readonly string[]) => Promise<{ stdout: string }>,
): Promise<Map<string, number>> {
  const script = `i=0; while [ $i -lt ${count} ]; do curl -s --max-time 5 ${url}; echo; i=$((i+1)); done`;
  const { stdout } = await from('sh', '-c', script);
  const seen = new Map<string, number>();
  for (const [, pod = ''] of stdout.matchAll(/"pod":\s*"([^"]*)"/g)) seen.set(pod, (seen.get(pod) ?? 0) + 1);
  return seen;
}

function assertEven(seen: ReadonlyMap<string, number>, pods: number, count: number): void {
  assert.equal(seen.size, pods, JSON.stringify([...seen]));
  for (const [pod, hits] of seen) {
    assert.ok(hits >= count * 0.2 && hits <= count * 0.47, `${pod} got ${hits} of ${count}`);
  }
}

async function podNamespace(pod: string): Promise<string> {
  const ip = await system.kubectl('get', 'pod', pod, '-o', 'jsonpath={.status.podIP}');
  const { stdout } = await system.exec('ip', 'netns', 'list');
  for (const line of stdout.split('\n')) {
    const name = line.split(' ')[0] ?? '';
    if (!name.startsWith('fl-')) continue;
    const { stdout: addresses } = await system.exec('ip', '-n', name, '-o', '-4', 'addr', 'show');
    if (addresses.includes(` ${ip}/`)) return name;
  }
  throw new Error(`no namespace has ${ip}`);
}

async function firstPod(app: string): Promise<string> {
  return system.kubectl('get', 'pods', '-l', `app=${app}`, '-o', 'jsonpath={.items[0].metadata.name}');
}

test('a Deployment and a Service are reachable after apply, and spread evenly', { skip }, async () => {
  await system.apply(web('web', 3));
  await system.kubectl('wait', 'deployment/web', '--for=condition=Available', '--timeout=100s');
  const ip = await system.kubectl('get', 'service', 'web', '-o', 'jsonpath={.spec.clusterIP}');
  await eventually('three ready Pods behind the Service', async () => {
    const seen = await spread(`http://${ip}/`, 12, system.exec);
    return seen.size === 3;
  });
  assertEven(await spread(`http://${ip}/`, 300, system.exec), 3, 300);
  const netns = await podNamespace(await firstPod('web'));
  assertEven(
    await spread(`http://${ip}/`, 300, (...args) => system.exec('ip', 'netns', 'exec', netns, ...args)),
    3,
    300,
  );
});

test('names and environment inside a Pod', { skip }, async () => {
  await system.apply(web('names', 1));
  await system.kubectl('wait', 'deployment/names', '--for=condition=Available', '--timeout=100s');
  const netns = await podNamespace(await firstPod('names'));
  const inside = (...args: readonly string[]) => system.exec('ip', 'netns', 'exec', netns, ...args);
  const answer = await inside('curl', '-s', '--max-time', '20', 'http://web/');
  assert.match(answer.stdout, /"pod":\s*"web-/, answer.stderr);
  const full = await inside('getent', 'ahostsv4', 'web.default.svc.cluster.local');
  const ip = await system.kubectl('get', 'service', 'web', '-o', 'jsonpath={.spec.clusterIP}');
  assert.ok(full.stdout.includes(ip), full.stdout);
  const environment = await eventually('an answer', async () => {
    const { stdout } = await inside('curl', '-s', '--max-time', '20', 'http://names/env');
    return stdout !== '' && stdout;
  });
  for (const variable of [`"WEB_SERVICE_HOST":"${ip}"`, '"WEB_SERVICE_PORT":"80"', `"WEB_PORT_80_TCP_ADDR":"${ip}"`]) {
    assert.ok(environment.replaceAll('": "', '":"').includes(variable), `${variable} in ${environment}`);
  }
});

test('a scaled Deployment gets traffic on its new Pods', { skip }, async () => {
  await system.kubectl('scale', 'deployment/web', '--replicas=5');
  const ip = await system.kubectl('get', 'service', 'web', '-o', 'jsonpath={.spec.clusterIP}');
  await eventually('five Pods answer', async () => (await spread(`http://${ip}/`, 40, system.exec)).size === 5);
});

test('node ports answer from another namespace of the machine', { skip }, async () => {
  await system.apply(web('ported', 2, 'type: NodePort'));
  await system.kubectl('wait', 'deployment/ported', '--for=condition=Available', '--timeout=100s');
  const port = await system.kubectl('get', 'service', 'ported', '-o', 'jsonpath={.spec.ports[0].nodePort}');
  const other = `fltest-${process.pid}-outside`;
  try {
    for (const line of [
      `netns add ${other}`,
      `-n ${system.machine} link add out0 type veth peer name eth0 netns ${other}`,
      `-n ${system.machine} addr add 198.51.100.1/24 dev out0`,
      `-n ${system.machine} link set out0 up`,
      `-n ${other} addr add 198.51.100.2/24 dev eth0`,
      `-n ${other} link set eth0 up`,
      `-n ${other} route add default via 198.51.100.1`,
    ]) {
      const done = await command('ip', line.split(' '));
      assert.equal(done.status, 0, done.stderr);
    }
    for (const address of ['198.51.100.1', '192.0.2.10']) {
      const answer = await eventually(`node port on ${address}`, async () => {
        const done = await command('ip', [
          'netns',
          'exec',
          other,
          'curl',
          '-s',
          '--max-time',
          '2',
          `http://${address}:${port}/`,
        ]);
        return done.stdout.includes('"pod"') && done.stdout;
      });
      assert.match(answer, /"pod":\s*"ported-/);
    }
  } finally {
    await command('ip', ['netns', 'delete', other]);
  }
});

test('a killed process is restarted, and no connection fails once its readiness is gone', { skip }, async () => {
  const ip = await system.kubectl('get', 'service', 'web', '-o', 'jsonpath={.spec.clusterIP}');
  const victim = await firstPod('web');
  const { stdout: pids } = await system.exec('ip', 'netns', 'pids', await podNamespace(victim));
  const pid = Number(pids.trim().split('\n')[0]);
  assert.ok(pid > 1, pids);
  process.kill(pid, 'SIGKILL');
  await eventually('the container has restarted and is ready', async () => {
    const state = await system.kubectl(
      'get',
      'pod',
      victim,
      '-o',
      'jsonpath={.status.containerStatuses[0].restartCount} {.status.containerStatuses[0].ready}',
    );
    const seen = await spread(`http://${ip}/`, 3, system.exec);
    return state === '1 true' && seen.size > 0;
  });
  const seen = await spread(`http://${ip}/`, 60, system.exec);
  assert.equal(
    [...seen.values()].reduce((sum, hits) => sum + hits, 0),
    60,
  );
});

test('what the service proxy says of annotations is in the status, written with an agent’s own rights', {
  skip,
}, async () => {
  await system.apply(`
apiVersion: v1
kind: Service
metadata: {name: annotated, annotations: {fairlead.dev/load-balancing: best, fairlead.dev/drain-seconds: "5"}}
spec: {selector: {app: nobody}, ports: [{port: 80}]}
`);
  const condition = await eventually('the condition', async () => {
    const text = await system.kubectl('get', 'service', 'annotated', '-o', 'jsonpath={.status.conditions[0]}');
    return text !== '' && text;
  });
  assert.match(condition, /AnnotationsAccepted/);
  assert.match(condition, /InvalidAnnotation/);
  assert.match(condition, /load-balancing/);
  assert.doesNotMatch(system.output(), /no right to patch/);
});
