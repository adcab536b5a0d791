import assert from 'node:assert/strict';
import { describe, test } from 'node:test';
import type { Ingress } from '@fairlead/api';
import { ApiError } from '@fairlead/client';
import type { Clock } from '../../sys/clock.ts';
import { gatewayMetricsSource } from './gateway-metrics-source.ts';
import type { MetricReading, MetricsSource } from './metrics-source.ts';
import { readGatewayLoads } from './read-gateway-loads.ts';

/** `service:port` → requests and in flight, as a gateway prints them. */
function exposition(loads: Readonly<Record<string, readonly [requests: number, inFlight: number]>>): string {
  const lines = ['# HELP fairlead_gateway_workers Worker threads', 'fairlead_gateway_workers 2'];
  for (const [key, [requests, inFlight]] of Object.entries(loads)) {
    const [service, port] = key.split(':');
    const labels = `{namespace="default",service="${service}",port="${port}"}`;
    lines.push(`fairlead_gateway_backend_requests_total${labels} ${requests}`);
    lines.push(`fairlead_gateway_backend_requests_in_flight${labels} ${inFlight}`);
  }
  return `${lines.join('\n')}\n`;
}

const ingress: Ingress = {
  metadata: { name: 'site', namespace: 'default' },
  spec: {
    defaultBackend: { service: { name: 'web', port: { number: 80 } } },
    rules: [
      {
        http: {
          paths: [
            { path: '/a', pathType: 'Prefix', backend: { service: { name: 'api', port: { name: 'http' } } } },
            { path: '/b', pathType: 'Prefix', backend: { service: { name: 'web', port: { number: 80 } } } },
          ],
        },
      },
    ],
  },
};

/** A source over gateways whose texts a test sets, and a clock that a test moves. */
function scene(count = 1): {
  readonly source: MetricsSource;
  readonly texts: (string | Error)[];
  readonly clock: { nowMs: number };
  reads(): number;
} {
  const state = { nowMs: 1_000_000 };
  const texts: (string | Error)[] = Array.from({ length: count }, () => exposition({}));
  let reads = 0;
  const clock: Clock = {
    now: () => state.nowMs,
    monotonicMs: () => state.nowMs,
    after: () => () => {},
    async sleep(delayMs) {
      state.nowMs += delayMs;
    },
  };
  const source = gatewayMetricsSource({
    gateways: texts.map((_, index) => ({
      name: `gateway-${index}`,
      async read() {
        reads++;
        const text = texts[index]!;
        if (text instanceof Error) throw text;
        return text;
      },
    })),
    client: {
      get: async (_ref: unknown, { name }: { name: string }) => {
        if (name !== 'site') throw new ApiError(404, 'NotFound', `ingresses.networking.k8s.io "${name}" not found`);
        return ingress as never;
      },
    } as never,
    clock,
  });
  return { source, texts, clock: state, reads: () => reads };
}

const rate = (source: MetricsSource, name: string, kind = 'Service', metric = 'requests-per-second') =>
  source.object('default', { kind, name }, { name: metric });
const valueIn = (reading: MetricReading): number | string => (reading.ok ? reading.value : reading.reason);

describe('metrics of the gateways', () => {
  test('the rate is over the last 15 s of what there is; the first question waits for a second reading', async () => {
    const { source, texts, clock, reads } = scene();
    texts[0] = exposition({ 'web:80': [100, 3] });
    assert.equal(valueIn(await rate(source, 'web')), 0);
    assert.equal(reads(), 2);
    clock.nowMs += 9_000;
    texts[0] = exposition({ 'web:80': [600, 3] });
    assert.equal(valueIn(await rate(source, 'web')), 50);
    clock.nowMs += 10_000;
    texts[0] = exposition({ 'web:80': [600, 0] });
    // Compared with the reading 19 s old: the youngest of at least 15 s.
    assert.equal(valueIn(await rate(source, 'web')), 500 / 19);
    clock.nowMs += 15_000;
    assert.equal(valueIn(await rate(source, 'web')), 0);
  });

  test('questions in the same moment share one reading', async () => {
    const { source, texts, clock, reads } = scene();
    texts[0] = exposition({ 'web:80': [1, 3], 'api:80': [1, 5] });
    const inFlight = (name: string) => rate(source, name, 'Service', 'requests-in-flight');
    assert.deepEqual((await Promise.all([inFlight('web'), inFlight('api')])).map(valueIn), [3, 5]);
    assert.equal(reads(), 1);
    clock.nowMs += 5_000;
    texts[0] = exposition({ 'web:80': [1, 9] });
    assert.equal(valueIn(await inFlight('web')), 6, 'the mean of the readings');
    clock.nowMs += 60_000;
    assert.equal(valueIn(await inFlight('web')), 9, 'old ones are forgotten');
  });

  test('ports and gateways add up; a gateway that started again counts from 0', async () => {
    const { source, texts, clock } = scene(2);
    texts[0] = exposition({ 'web:80': [1000, 0], 'web:81': [10, 0] });
    texts[1] = exposition({ 'web:80': [500, 0] });
    await rate(source, 'web');
    clock.nowMs += 9_000;
    texts[0] = exposition({ 'web:80': [1100, 0], 'web:81': [60, 0] });
    texts[1] = exposition({ 'web:80': [50, 0] });
    assert.equal(valueIn(await rate(source, 'web')), 20);
  });

  test('an Ingress is the Services that it leads to, each once', async () => {
    const { source, texts, clock } = scene();
    texts[0] = exposition({ 'web:80': [0, 2], 'api:80': [0, 1], 'other:80': [0, 7] });
    assert.equal(valueIn(await rate(source, 'site', 'Ingress')), 0);
    clock.nowMs += 9_000;
    texts[0] = exposition({ 'web:80': [100, 2], 'api:80': [200, 1], 'other:80': [900, 7] });
    assert.equal(valueIn(await rate(source, 'site', 'Ingress')), 30);
    assert.equal(valueIn(await rate(source, 'site', 'Ingress', 'requests-in-flight')), 3);
  });

  const prefix = 'unable to get metric requests-per-second';
  const failures: readonly [what: string, kind: string, name: string, metric: string, text: string | Error, RegExp][] =
    [
      [
        'a Service without a route',
        'Service',
        'none',
        'requests-per-second',
        '',
        /Service on default none\/no gateway leads/,
      ],
      ['another kind', 'Pod', 'web', 'requests-per-second', '', /gateways know Services and Ingresses, no Pod/],
      [
        'another metric',
        'Service',
        'web',
        'hits',
        '',
        /^unable to get metric hits: .*no such metric; the gateways tell/,
      ],
      ['no such Ingress', 'Ingress', 'gone', 'requests-per-second', '', /"gone" not found/],
      [
        'a gateway that is gone',
        'Service',
        'web',
        'requests-per-second',
        new Error('refused'),
        /gateway-0 does not.*refused/,
      ],
    ];
  for (const [what, kind, name, metric, text, expected] of failures) {
    test(`told, not guessed: ${what}`, async () => {
      const { source, texts } = scene();
      texts[0] = text === '' ? exposition({ 'web:80': [1, 1] }) : text;
      const reading = await rate(source, name, kind, metric);
      assert.equal(reading.ok, false);
      assert.match(String(valueIn(reading)), expected);
      if (metric !== 'hits') assert.ok(String(valueIn(reading)).startsWith(prefix));
    });
  }

  test('one gateway of two that is gone makes the sum unknown', async () => {
    const { source, texts } = scene(2);
    texts[0] = exposition({ 'web:80': [1, 1] });
    texts[1] = new Error('timeout');
    assert.match(String(valueIn(await rate(source, 'web'))), /gateway-1 does not tell its metrics: timeout/);
  });

  test('only whole lines of the two families count', () => {
    const loads = readGatewayLoads(
      `${exposition({ 'web:80': [5, 1] })}fairlead_gateway_backend_requests_total{namespace="default",service="web",port="81"} NaN\nfairlead_gateway_backend_requests_in`,
    );
    assert.deepEqual([...(loads.get('default/web') ?? [])], [['80', { requests: 5, inFlight: 1 }]]);
  });
});
