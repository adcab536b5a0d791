import assert from 'node:assert/strict';
import { createServer as createHttpServer, get } from 'node:http';
import { type AddressInfo, connect, createServer } from 'node:net';
import { test } from 'node:test';
import { systemClock } from '../sys/clock.ts';
import { freePort } from '../sys/testing/free-ports.ts';
import { MetricRegistry } from '../telemetry/metrics.ts';
import { compileService } from './compile.ts';
import { HealSchedule } from './heal-schedule.ts';
import { createHealthCheckPorts, type HealthCheckNotice } from './health-check-ports.ts';
import { createLocalhostPorts } from './localhost-ports.ts';
import type { ServiceProgram } from './program.ts';
import { ProxyHealth, serveProxyHealth } from './proxy-health.ts';
import { countNoLocalEndpoints, registerServiceProxyMetrics } from './service-proxy-metrics.ts';
import { scene, sceneService, sceneSlice } from './testing/traffic-matrix.ts';

const node = { nodeName: scene.nodeName, nodeIps: [...scene.nodeIps] };

/** A port that was free a moment ago. */
interface Answer {
  readonly status: number | undefined;
  readonly weight: string | undefined;
  readonly body: string;
}

/** Each request on a connection of its own. */
function ask(port: number, path = '/'): Promise<Answer> {
  return new Promise((resolve, reject) => {
    get({ host: '127.0.0.1', port, path, agent: false }, (response) => {
      let body = '';
      response.setEncoding('utf8').on('data', (part: string) => {
        body += part;
      });
      const weight = response.headers['x-load-balancing-endpoint-weight'] as string | undefined;
      response.on('end', () => resolve({ status: response.statusCode, weight, body }));
    }).on('error', reject);
  });
}

interface Slice {
  readonly ip: string;
  readonly conditions?: { readonly ready?: boolean; readonly serving?: boolean; readonly terminating?: boolean };
}

function balancer(port: number, endpoints: readonly Slice[], name = 'lb'): ServiceProgram {
  const service = sceneService(
    name,
    {
      type: 'LoadBalancer',
      clusterIP: '10.96.9.1',
      externalTrafficPolicy: 'Local',
      healthCheckNodePort: port,
      ports: [{ port: 80, nodePort: 30500 }],
    },
    ['203.0.113.50'],
  );
  const slice = sceneSlice(name, endpoints);
  return compileService(service, [slice], node).program as ServiceProgram;
}

const terminating = { ready: false, serving: true, terminating: true };
const local = scene.localEndpoint;
const remote = scene.remoteEndpoint;
const rows: readonly [name: string, endpoints: readonly Slice[], status: number, weight: number][] = [
  ['two local endpoints, one remote', [{ ip: local }, { ip: '10.244.1.9' }, { ip: remote }], 200, 2],
  ['one local', [{ ip: local }], 200, 1],
  ['only remote', [{ ip: remote }], 503, 0],
  ['local but terminating: served still, yet not for new balancers', [{ ip: local, conditions: terminating }], 503, 0],
  ['local but not ready', [{ ip: local, conditions: { ready: false } }], 503, 0],
  ['none', [], 503, 0],
];

test('health check ports', async (t) => {
  const port = await freePort();
  const notices: HealthCheckNotice[] = [];
  let healthy = true;
  const ports = createHealthCheckPorts({
    addresses: ['127.0.0.1'],
    healthy: () => healthy,
    log: () => undefined,
    onNotice: (notice) => notices.push(notice),
  });
  for (const [name, endpoints, status, weight] of rows) {
    await t.test(name, async () => {
      await ports.apply(new Map([['default/lb', balancer(port, endpoints)]]));
      const response = await ask(port, '/anything');
      assert.equal(response.status, status);
      assert.equal(response.weight, String(weight));
      assert.deepEqual(JSON.parse(response.body), {
        service: { namespace: 'default', name: 'lb' },
        localEndpoints: weight,
        serviceProxyHealthy: true,
      });
    });
  }
  await t.test('a stuck proxy is not healthy whatever it has', async () => {
    await ports.apply(new Map([['default/lb', balancer(port, [{ ip: local }])]]));
    healthy = false;
    const response = await ask(port);
    assert.equal(response.status, 503);
    assert.match(response.body, /"serviceProxyHealthy": false/);
    healthy = true;
  });
  await t.test('the port moves to another Service in one change', async () => {
    const other = balancer(port, [{ ip: local }], 'other');
    await ports.apply(
      new Map([
        ['default/other', other],
        ['default/lb', undefined],
      ]),
    );
    assert.match((await ask(port)).body, /"name": "other"/);
  });
  await t.test('a port that is taken is told of', async () => {
    const holder = createHttpServer();
    await new Promise<void>((resolve) => holder.listen(0, '127.0.0.1', resolve));
    const taken = (holder.address() as AddressInfo).port;
    await ports.apply(new Map([['default/third', balancer(taken, [], 'third')]]));
    assert.deepEqual(
      notices.map(({ service, reason }) => [service, reason]),
      [['default/third', 'HealthCheckPortInUse']],
    );
    holder.close();
  });
  await ports.stop();
  await assert.rejects(ask(port));
});

test('node ports on loopback lead to endpoints; ports of others stay theirs', async () => {
  const echo = createServer((socket) => socket.end('endpoint'));
  await new Promise<void>((resolve) => echo.listen(0, '127.0.0.1', resolve));
  const target = (echo.address() as AddressInfo).port;
  const nodePort = await freePort();
  const foreign = createServer((socket) => socket.end('foreign'));
  await new Promise<void>((resolve) => foreign.listen(0, '127.0.0.1', resolve));
  const takenPort = (foreign.address() as AddressInfo).port;
  const service = sceneService('np', {
    type: 'NodePort',
    clusterIP: '10.96.9.2',
    ports: [
      { name: 'a', port: 80, nodePort },
      { name: 'b', port: 81, nodePort: takenPort },
    ],
  });
  const slice = sceneSlice(
    'np',
    [{ ip: '127.0.0.1' }],
    [
      { name: 'a', port: target },
      { name: 'b', port: target },
    ],
  );
  const program = compileService(service, [slice], node).program as ServiceProgram;
  const ports = createLocalhostPorts({ clock: systemClock });
  const read = (port: number): Promise<string> =>
    new Promise((resolve) => {
      let text = '';
      const socket = connect(port, '127.0.0.1');
      socket.on('data', (part) => {
        text += part;
      });
      socket.on('error', (error: NodeJS.ErrnoException) => resolve(error.code ?? ''));
      socket.on('end', () => resolve(text));
    });
  await ports.apply(new Map([[program.key, program]]));
  assert.equal(await read(nodePort), 'endpoint');
  assert.equal(await read(takenPort), 'foreign');
  await ports.apply(new Map([[program.key, undefined]]));
  assert.equal(await read(nodePort), 'ECONNREFUSED');
  await ports.stop();
  echo.close();
  foreign.close();
});

/** A clock that stands still until told. */
function handClock() {
  let nowMs = 1_000_000;
  const timers: { at: number; callback: () => void }[] = [];
  return {
    now: () => nowMs,
    monotonicMs: () => nowMs,
    after: (delayMs: number, callback: () => void) => {
      const timer = { at: nowMs + delayMs, callback };
      timers.push(timer);
      return () => void timers.splice(timers.indexOf(timer), 1);
    },
    sleep: () => Promise.reject(new Error('not used')),
    pass(ms: number) {
      nowMs += ms;
      for (const timer of timers.filter(({ at }) => at <= nowMs)) {
        timers.splice(timers.indexOf(timer), 1);
        timer.callback();
      }
    },
  };
}

test('/healthz and /livez: stuck changes and departing nodes', async () => {
  const clock = handClock();
  const health = new ProxyHealth(clock);
  const server = await serveProxyHealth({ host: '127.0.0.1', port: 0 }, health, clock);
  const statuses = async (): Promise<(number | undefined)[]> =>
    Promise.all(['healthz', 'livez'].map(async (path) => (await ask(server.port, `/${path}`)).status));
  assert.deepEqual(await statuses(), [200, 200], 'starting');
  clock.pass(61_000);
  assert.deepEqual(await statuses(), [503, 503], 'never synchronized');
  health.updated();
  clock.pass(600_000);
  assert.deepEqual(await statuses(), [200, 200], 'nothing to do is healthy');
  health.queued();
  clock.pass(59_000);
  health.queued();
  assert.deepEqual(await statuses(), [200, 200]);
  clock.pass(2000);
  assert.deepEqual(await statuses(), [503, 503], 'the oldest change counts');
  health.updated();
  health.nodeEligible = false;
  assert.deepEqual(await statuses(), [503, 200], 'the node is being removed');
  assert.equal((await ask(server.port)).status, 404);
  await server.stop();
});

test('repairs: at once, then ever more seldom, and at once again after a quiet time', () => {
  const clock = handClock();
  const healed: number[] = [];
  const start = clock.now();
  const schedule = new HealSchedule(clock, () => healed.push(clock.now() - start));
  for (let second = 0; second < 20; second++) {
    schedule.changed();
    schedule.changed();
    clock.pass(0);
    clock.pass(1000);
  }
  assert.deepEqual(healed, [0, 1000, 3000, 7000, 15_000]);
  clock.pass(12_000);
  clock.pass(200_000);
  const before = healed.length;
  schedule.changed();
  clock.pass(0);
  assert.equal(healed.length, before + 1);
});

test('metrics have kube-proxy’s names', () => {
  const registry = new MetricRegistry();
  const metrics = registerServiceProxyMetrics(registry, { now: () => 5000 });
  metrics.queued({ services: 2, endpoints: 3 });
  metrics.synced({ durationMs: 12, services: 2, full: false });
  metrics.programmed(700);
  metrics.syncFailed();
  metrics.conntrackReconciled({ deleted: 4, durationMs: 1 });
  countNoLocalEndpoints([balancer(30_999, [{ ip: remote }])], metrics);
  const values = new Map(
    registry.collect().map((family) => {
      const total = [...family.samples()].reduce(
        (sum, sample) => sum + (sample.type === 'value' ? sample.value : sample.counts.reduce((a, b) => a + b, 0)),
        0,
      );
      return [family.name, total];
    }),
  );
  assert.deepEqual(Object.fromEntries(values), {
    kubeproxy_conntrack_reconciler_deleted_entries_total: 4,
    kubeproxy_conntrack_reconciler_sync_duration_seconds: 1,
    kubeproxy_network_programming_duration_seconds: 1,
    kubeproxy_sync_full_proxy_rules_duration_seconds: 0,
    kubeproxy_sync_partial_proxy_rules_duration_seconds: 1,
    kubeproxy_sync_proxy_rules_duration_seconds: 1,
    kubeproxy_sync_proxy_rules_endpoint_changes_pending: 0,
    kubeproxy_sync_proxy_rules_endpoint_changes_total: 3,
    kubeproxy_sync_proxy_rules_last_queued_timestamp_seconds: 5,
    kubeproxy_sync_proxy_rules_last_timestamp_seconds: 5,
    kubeproxy_sync_proxy_rules_nftables_sync_failures_total: 1,
    kubeproxy_sync_proxy_rules_no_local_endpoints: 1,
    kubeproxy_sync_proxy_rules_service_changes_pending: 0,
    kubeproxy_sync_proxy_rules_service_changes_total: 2,
  });
});
