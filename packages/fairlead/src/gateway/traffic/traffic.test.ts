import assert from 'node:assert/strict';
import { after, before, describe, test } from 'node:test';
import type { Route, RouteTableDiff } from '../../routing/route-table.ts';
import { checkExposition } from '../../telemetry/check-exposition.ts';
import { renderMetrics } from '../../telemetry/exposition.ts';
import { MetricRegistry } from '../../telemetry/metrics.ts';
import { registerGatewayMetrics } from '../exposed-metrics.ts';
import {
  type GatewayRig,
  ok,
  onRequests,
  RawUpstream,
  startRig,
  testBackend,
  testHost,
  testRoute,
  within,
} from '../test-rig/gateway-rig.ts';
import { registerRouteMetrics } from './route-metrics.ts';
import { createTrafficMemory, recordTraffic, TRAFFIC_SLOTS } from './traffic-memory.ts';
import { TrafficSeries } from './traffic-series.ts';

const named = (name: string, path: string, backends: readonly string[]): Route =>
  testRoute(
    path,
    backends.map((backend) => ({ backend, weight: 1 })),
    { source: { kind: 'Ingress', namespace: 'shop', name, field: 'spec' } },
  );
const hosts = (hostname: string, ...routes: readonly Route[]): Pick<RouteTableDiff, 'hosts'> => ({
  hosts: [testHost(hostname, routes)],
});
const gone = (hostname: string): Pick<RouteTableDiff, 'hosts'> => ({ hosts: [[`http|${hostname}`, undefined]] });

describe('series of traffic', () => {
  /** Series by name that have a count, of a worker that counted one request in each. */
  const names = (series: TrafficSeries): string[] =>
    series
      .read()
      .map(({ labels }) => (labels === undefined ? 'other' : `${labels.name} ${labels.service}:${labels.port}`));
  function countAll(series: TrafficSeries): SharedArrayBuffer {
    const memory = createTrafficMemory();
    for (const [, slot] of series.all()) recordTraffic(new Float64Array(memory), slot, 200, 1);
    series.join(memory);
    return memory;
  }

  test('come and go with routes', () => {
    const series = new TrafficSeries();
    series
      .prepare(hosts('a', named('one', '/', ['shop/web:80#https,,']), named('one', '/x', ['shop/web:80#https,,'])))
      .commit();
    series.prepare(hosts('b', named('one', '/', ['shop/api:http']))).commit();
    countAll(series);
    assert.deepEqual(names(series).sort(), ['one :', 'one api:http', 'one web:80']);
    series.prepare(gone('a')).commit();
    assert.deepEqual(names(series).sort(), ['one :', 'one api:http']);
    series.prepare(hosts('b', named('two', '/', ['shop/api:http']))).commit();
    assert.deepEqual(names(series), []);
  });

  test('a difference that was refused leaves no trace', () => {
    const series = new TrafficSeries();
    series.prepare(hosts('a', named('one', '/', []))).commit();
    series.prepare(hosts('a', named('two', '/', []))).undo();
    countAll(series);
    assert.deepEqual(names(series), ['one :']);
    series.prepare(gone('a')).commit();
    assert.deepEqual(series.all(), []);
  });

  test('what a worker counted outlives it', () => {
    const series = new TrafficSeries();
    series.prepare(hosts('a', named('one', '/', []))).commit();
    series.leave(countAll(series));
    countAll(series);
    const [own] = series.read();
    assert.equal(own!.classes[2], 2);
    assert.equal(
      own!.buckets.reduce((sum, count) => sum + count, 0),
      2,
    );
    assert.equal(own!.sumMs, 2);
  });

  test('have a bound, beyond which they are one, and slots are used again', () => {
    const series = new TrafficSeries();
    const routes = (from: number, count: number): Route[] =>
      Array.from({ length: count }, (_, at) => named(`n${from + at}`, '/', []));
    series.prepare(hosts('a', ...routes(0, TRAFFIC_SLOTS - 1))).commit();
    series.prepare(hosts('b', named('late', '/', []))).commit();
    countAll(series);
    assert.equal(names(series).length, TRAFFIC_SLOTS);
    assert.ok(names(series).includes('other') && !names(series).includes('late :'));
    series.prepare(hosts('a', ...routes(0, 10))).commit();
    series.prepare(hosts('b', named('later', '/', []))).commit();
    assert.equal(names(series).includes('later :'), false, 'nothing of who had the slot before');
    countAll(series);
    assert.ok(names(series).includes('later :'));
  });
});

describe('metrics by route', () => {
  let upstream: RawUpstream;
  let rig: GatewayRig;
  before(async () => {
    upstream = new RawUpstream((connection) =>
      onRequests(connection, (request) =>
        request.includes('/bad') ? 'HTTP/1.1 500 No\r\nContent-Length: 0\r\n\r\n' : ok('up'),
      ),
    );
    rig = await startRig(
      {
        ...hosts('h', named('web', '/none', ['shop/none:80']), named('web', '/', ['shop/web:80'])),
        backends: [testBackend('shop/web:80', [await upstream.listen()]), testBackend('shop/none:80', [])],
      },
      { workers: 2 },
    );
  });
  after(async () => {
    await rig.stop();
    await upstream.close();
  });
  const get = (path: string, host = 'h'): Promise<string> =>
    rig.exchange(`GET ${path} HTTP/1.1\r\nHost: ${host}\r\nConnection: close\r\n\r\n`);

  test('requests and durations, as Prometheus reads them, over workers that come and go', async () => {
    const registry = new MetricRegistry();
    registerGatewayMetrics(registry, rig.gateway);
    registerRouteMetrics(registry, rig.gateway);
    const scrape = (): string => {
      const text = renderMetrics(registry, 'prometheus');
      assert.deepEqual(checkExposition(text), []);
      return text;
    };
    for (const path of ['/', '/', '/bad', '/none']) await get(path);
    await get('/', 'nobody');
    const own = (service: string): string =>
      `kind="Ingress",namespace="shop",name="web",service="${service}",port="${service === '' ? '' : '80'}"`;
    const first = scrape();
    for (const line of [
      `fairlead_gateway_route_requests_total{${own('web')},class="2xx"} 2`,
      `fairlead_gateway_route_requests_total{${own('web')},class="5xx"} 1`,
      `fairlead_gateway_route_requests_total{${own('')},class="5xx"} 1`,
      `fairlead_gateway_route_duration_seconds_count{${own('web')}} 3`,
    ]) {
      assert.ok(first.includes(`${line}\n`), `${line} in\n${first}`);
    }
    await within('new workers', rig.gateway.replaceWorkers({ drainMs: 100 }));
    await get('/');
    assert.match(scrape(), new RegExp(`requests_total\\{${own('web')},class="2xx"\\} 3\n`));
    await rig.apply(gone('h'));
    assert.doesNotMatch(scrape(), /name="web"/);
  });
});
