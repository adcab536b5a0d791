import assert from 'node:assert/strict';
import { test } from 'node:test';
import { TestClock } from '@fairlead/client/test-clock';
import { compileService } from './compile.ts';
import { DrainSchedule } from './drain-schedule.ts';
import type { Protocol, ServiceProgram } from './program.ts';
import { scene, sceneService, sceneSlice } from './testing/traffic-matrix.ts';

const node = { nodeName: scene.nodeName, nodeIps: [...scene.nodeIps] };
const a = scene.localEndpoint;
const b = scene.remoteEndpoint;

function program(seconds: number | undefined, ...endpoints: string[]): ServiceProgram {
  return annotatedProgram({}, seconds, ...endpoints);
}

function annotatedProgram(
  annotations: Readonly<Record<string, string>>,
  seconds: number | undefined,
  ...endpoints: string[]
): ServiceProgram {
  const service = sceneService('web', {
    type: 'NodePort',
    clusterIP: '10.96.0.1',
    ports: [{ port: 80, nodePort: 30080 }],
  });
  service.metadata.annotations = {
    'fairlead.dev/port-ranges': '7000-7009',
    ...annotations,
    ...(seconds === undefined ? {} : { 'fairlead.dev/drain-seconds': String(seconds) }),
  };
  const slice = sceneSlice(
    'web',
    endpoints.map((ip) => ({ ip })),
  );
  return compileService(service, [slice], node).program as ServiceProgram;
}

function flow(to: string, port: number, endpoint: string, endpointPort = 8080, protocol: Protocol = 'TCP') {
  return {
    protocol,
    source: { ip: '198.51.100.1', port: 40_000 },
    destination: { ip: to, port },
    replySource: { ip: endpoint, port: endpointPort },
    identity: Buffer.from(`${to} ${port} ${endpoint} ${endpointPort} ${protocol}`),
  };
}

/** A kernel that tracks these flows. */
function fakeTracking(flows: ReturnType<typeof flow>[]) {
  const clock = new TestClock();
  const ended: string[] = [];
  const told: string[] = [];
  const schedule = new DrainSchedule({
    clock,
    log: (level, message) => assert.notEqual(level, 'error', message),
    nodeIps: () => ['192.0.2.1'],
    endingUnheard: async (unheard) => {
      for (const { destination } of unheard) told.push(`${destination.ip} ${destination.port}`);
    },
    deleteFlows: async (isOver, before) => {
      const over = flows.filter((each) => isOver(each));
      await before();
      for (const each of over) {
        flows.splice(flows.indexOf(each), 1);
        ended.push(String(each.identity));
      }
      return { deleted: over.length, errno: 0 };
    },
  });
  const pass = async (ms: number): Promise<readonly string[]> => {
    await clock.advance(ms);
    return ended.splice(0).sort();
  };
  return { schedule, pass, told };
}

test('flows to an endpoint that left end on time, at every frontend, and no others', async () => {
  const { schedule, pass } = fakeTracking([
    flow('10.96.0.1', 80, a),
    flow('10.96.0.1', 80, b),
    flow('192.0.2.1', 30080, a),
    flow('10.96.0.1', 7003, a, 7003),
    flow('10.96.0.1', 7003, b, 7003),
    flow('10.96.0.1', 80, a, 8080, 'UDP'),
    flow('10.96.0.9', 80, a),
    flow(a, 8080, a),
  ]);
  schedule.update([['default/web', { before: undefined, after: program(10, a, b) }]]);
  assert.deepEqual(await pass(20_000), []);
  schedule.update([['default/web', { before: program(10, a, b), after: program(10, b) }]]);
  assert.deepEqual(await pass(9_999), []);
  assert.deepEqual(await pass(1), [
    `10.96.0.1 7003 ${a} 7003 TCP`,
    `10.96.0.1 80 ${a} 8080 TCP`,
    `192.0.2.1 30080 ${a} 8080 TCP`,
  ]);
  await schedule.stop();
});

test('an endpoint that comes back keeps its connections; each one has its own time', async () => {
  const { schedule, pass } = fakeTracking([flow('10.96.0.1', 80, a), flow('10.96.0.1', 80, b)]);
  const all = program(10, a, b, '10.244.2.9');
  schedule.update([['default/web', { before: undefined, after: all }]]);
  await pass(10_000);
  const withoutA = program(10, b, '10.244.2.9');
  const withoutBoth = program(10, '10.244.2.9');
  schedule.update([['default/web', { before: all, after: withoutA }]]);
  assert.deepEqual(await pass(6_000), []);
  schedule.update([['default/web', { before: withoutA, after: withoutBoth }]]);
  schedule.update([['default/web', { before: withoutBoth, after: program(10, a, '10.244.2.9') }]]);
  assert.deepEqual(await pass(6_000), [], 'the first is back, the second has 4 seconds left');
  assert.deepEqual(await pass(4_000), [`10.96.0.1 80 ${b} 8080 TCP`]);
  await schedule.stop();
});

test('a deleted Service keeps its bound; one without a bound never ends anything', async () => {
  const { schedule, pass } = fakeTracking([flow('10.96.0.1', 80, a)]);
  schedule.update([['default/web', { before: undefined, after: program(undefined, a) }]]);
  schedule.update([['default/web', { before: program(undefined, a), after: undefined }]]);
  assert.deepEqual(await pass(100_000), []);
  schedule.update([['default/web', { before: undefined, after: program(5, a) }]]);
  schedule.update([['default/web', { before: program(5, a), after: undefined }]]);
  assert.deepEqual(await pass(4_999), []);
  assert.deepEqual(await pass(1), [`10.96.0.1 80 ${a} 8080 TCP`]);
  await schedule.stop();
});

test('clients of which the kernel answers handshakes are told before their connections end', async () => {
  for (const [synProxy, expected] of [
    ['off', []],
    ['on', ['10.96.0.1 80']],
  ] as const) {
    const { schedule, pass, told } = fakeTracking([flow('10.96.0.1', 80, a), flow('10.96.0.1', 80, b)]);
    const of = (...endpoints: string[]): ServiceProgram =>
      annotatedProgram({ 'fairlead.dev/syn-proxy': synProxy }, 5, ...endpoints);
    schedule.update([['default/web', { before: undefined, after: of(a, b) }]]);
    schedule.update([['default/web', { before: of(a, b), after: of(b) }]]);
    assert.deepEqual(await pass(5_000), [`10.96.0.1 80 ${a} 8080 TCP`]);
    assert.deepEqual(told, expected, synProxy);
    await schedule.stop();
  }
});

test('endpoints that left before the start are given the whole time from then', async () => {
  const { schedule, pass } = fakeTracking([flow('10.96.0.1', 80, a), flow('10.96.0.1', 80, b)]);
  schedule.update([['default/web', { before: undefined, after: program(5, b) }]]);
  assert.deepEqual(await pass(4_999), []);
  assert.deepEqual(await pass(1), [`10.96.0.1 80 ${a} 8080 TCP`]);
  await schedule.stop();
});
