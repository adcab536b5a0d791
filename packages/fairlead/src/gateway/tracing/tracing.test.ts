import assert from 'node:assert/strict';
import { once } from 'node:events';
import http2 from 'node:http2';
import { after, afterEach, before, beforeEach, describe, test } from 'node:test';
import { DEFAULT_RETRY } from '../../routing/route-policies.ts';
import { systemClock } from '../../sys/clock.ts';
import { renderMetrics } from '../../telemetry/exposition.ts';
import { MetricRegistry } from '../../telemetry/metrics.ts';
import type { Span } from '../../telemetry/span.ts';
import { createMetricsMemory, METRIC } from '../gateway-metrics.ts';
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
import { registerRouteMetrics } from '../traffic/route-metrics.ts';
import { SPANS_QUEUED_MAX, type TraceRules, Tracing } from './tracing.ts';

const TRACE = '0af7651916cd43dd8448eb211c80319c';
const SPAN = 'b7ad6b7169203331';

let upstream: RawUpstream;
let port: number;
let rig: GatewayRig | undefined;
let requests: string[] = [];
let spans: Span[] = [];
let arrived: () => void = () => {};

before(async () => {
  upstream = new RawUpstream((connection) =>
    onRequests(connection, (request) => {
      requests.push(request);
      if (request.startsWith('GET /twice') && requests.length < 2)
        return 'HTTP/1.1 503 No\r\nContent-Length: 0\r\n\r\n';
      if (request.startsWith('GET /reset')) {
        connection.socket.destroy();
        return undefined;
      }
      if (request.startsWith('GET /switch'))
        return 'HTTP/1.1 101 Switching\r\nConnection: upgrade\r\nUpgrade: x\r\n\r\n';
      return ok('up');
    }),
  );
  port = await upstream.listen();
});
beforeEach(() => {
  requests = [];
  spans = [];
});
afterEach(async () => rig?.stop());
after(async () => upstream.close());

async function start(rules: Partial<TraceRules> | 'off' = {}): Promise<GatewayRig> {
  const web = [{ backend: 'shop/web:80', weight: 1 }];
  const retry = { ...DEFAULT_RETRY, on: ['5xx'] as const, retries: 1 };
  rig = await startRig(
    {
      hosts: [testHost('h', [testRoute('/twice', web, { retry }), testRoute('/', web)])],
      backends: [testBackend('shop/web:80', [port])],
    },
    rules === 'off'
      ? {}
      : {
          tracing: {
            share: 1,
            b3: false,
            ...rules,
            take(taken) {
              spans.push(...taken);
              arrived();
            },
          },
        },
  );
  return rig;
}

async function untilSpans(count: number): Promise<Span[]> {
  await within(
    `${count} spans`,
    (async () => {
      while (spans.length < count) {
        const { promise, resolve } = Promise.withResolvers<void>();
        arrived = resolve;
        await promise;
      }
    })(),
  );
  assert.equal(spans.length, count);
  return spans;
}
const get = (path: string, fields = ''): string =>
  `GET ${path} HTTP/1.1\r\nHost: h\r\nConnection: close\r\n${fields}\r\n`;
const of = (kind: Span['kind']): Span[] => spans.filter((span) => span.kind === kind);
const attributes = (span: Span): Record<string, string | number> => Object.fromEntries(span.attributes);

/** What an endpoint was told. */
function told(request: string): { readonly traceId: string; readonly spanId: string; readonly flags: string } {
  const all = [...request.matchAll(/^traceparent: 00-([0-9a-f]{32})-([0-9a-f]{16})-(\d\d)\r$/gm)];
  assert.equal(all.length, 1, request);
  const [, traceId = '', spanId = '', flags = ''] = all[0]!;
  return { traceId, spanId, flags };
}

describe('traces', () => {
  test('a trace begins here: a span of ours, and one of the try that the endpoint is told', async () => {
    await (await start()).exchange(get('/a?b'));
    await untilSpans(2);
    const [server] = of('server');
    const [client] = of('client');
    const { traceId, spanId, flags } = told(requests[0]!);
    assert.equal(flags, '01');
    assert.equal(server!.traceId, traceId);
    assert.equal(server!.parentId, '');
    assert.deepEqual([client!.traceId, client!.parentId, client!.spanId], [traceId, server!.spanId, spanId]);
    assert.notEqual(spanId, server!.spanId);
    assert.equal(server!.name, 'GET');
    assert.deepEqual(attributes(server!), {
      'http.request.method': 'GET',
      'url.path': '/a',
      'url.scheme': 'http',
      'server.address': 'h',
      'client.address': '127.0.0.1',
      'network.peer.address': '127.0.0.1',
      'network.protocol.version': '1.1',
      'http.response.status_code': 200,
      'fairlead.route': 'Ingress test/test',
      'fairlead.backend': 'shop/web:80',
    });
    assert.deepEqual(attributes(client!), {
      'server.address': '127.0.0.1',
      'server.port': port,
      'fairlead.backend': 'shop/web:80',
      'http.response.status_code': 200,
    });
    assert.ok(server!.startMs <= client!.startMs && client!.endMs <= server!.endMs);
    assert.ok(Math.abs(server!.endMs - systemClock.now()) < 60_000);
    assert.deepEqual([server!.error, client!.error], [undefined, undefined]);
  });

  test('a scrape leads from the bucket of a duration to the trace', async () => {
    const rig = await start();
    await rig.exchange(get('/a'));
    await untilSpans(2);
    const [server] = of('server');
    const registry = new MetricRegistry();
    registerRouteMetrics(registry, rig.gateway);
    const text = renderMetrics(registry, 'openmetrics');
    const [, bound, , id, value, at] =
      /_bucket\{.*service="web",port="80",le="([^"]+)"\} (\d+) # \{trace_id="(\w+)"\} (\S+) (\S+)$/m.exec(text) ?? [];
    assert.equal(id, server!.traceId, text);
    assert.ok(Number(value) <= Number(bound!.replace('+Inf', 'Infinity')));
    assert.ok(Math.abs(Number(at) * 1000 - server!.endMs) < 2);
    assert.equal(/#.*trace_id/.test(renderMetrics(registry, 'prometheus')), false);
  });

  test('a trace goes on, with its state, whoever else would have sampled', async () => {
    await (await start({ share: 0 })).exchange(
      get('/', `traceparent: 00-${TRACE}-${SPAN}-01\r\ntracestate: a=b\r\nTraceState: c=d\r\n`),
    );
    await untilSpans(2);
    assert.deepEqual([of('server')[0]!.traceId, of('server')[0]!.parentId], [TRACE, SPAN]);
    assert.equal(of('server')[0]!.traceState, 'a=b,c=d');
    assert.equal(told(requests[0]!).traceId, TRACE);
    assert.match(requests[0]!, /^tracestate: a=b,c=d\r$/m);
    assert.equal(requests[0]!.match(/tracestate/gi)?.length, 1);
  });

  test('a trace that its caller does not sample goes on unrecorded, with an id of ours', async () => {
    const at = await start();
    await at.exchange(get('/', `traceparent: 00-${TRACE}-${SPAN}-00\r\n`));
    const { traceId, spanId, flags } = told(requests[0]!);
    assert.deepEqual([traceId, flags], [TRACE, '00']);
    assert.notEqual(spanId, SPAN);
    await at.exchange(get('/'));
    await untilSpans(2);
    assert.ok(spans.every((span) => span.traceId !== TRACE));
  });

  test('with a share of none nothing is recorded', async () => {
    const at = await start({ share: 0 });
    await at.exchange(get('/'));
    assert.equal(told(requests[0]!).flags, '00');
    await at.stop();
    rig = undefined;
    assert.equal(spans.length, 0);
  });

  for (const [name, fields] of [
    ['a broken traceparent', 'traceparent: 00-1-2-03\r\ntracestate: a=b\r\n'],
    ['two of them', `traceparent: 00-${TRACE}-${SPAN}-01\r\ntraceparent: 00-${TRACE}-${SPAN}-01\r\n`],
  ] as const) {
    test(`${name} begins another trace`, async () => {
      await (await start()).exchange(get('/', fields));
      assert.notEqual(told(requests[0]!).traceId, TRACE);
      assert.doesNotMatch(requests[0]!, /tracestate/);
      await untilSpans(2);
      assert.equal(of('server')[0]!.parentId, '');
    });
  }

  test('each try has a span of its own, and tells its own id', async () => {
    await (await start()).exchange(get('/twice'));
    await untilSpans(3);
    const [first, second] = of('client');
    assert.deepEqual([told(requests[0]!).spanId, told(requests[1]!).spanId], [first!.spanId, second!.spanId]);
    assert.notEqual(first!.spanId, second!.spanId);
    assert.deepEqual([first!.error, second!.error], ['503', undefined]);
    assert.equal(attributes(second!)['http.request.resend_count'], 1);
    assert.equal(of('server')[0]!.error, undefined);
    // The rest of the request is the same.
    assert.equal(requests[0]!.replace(first!.spanId, ''), requests[1]!.replace(second!.spanId, ''));
  });

  test('what goes wrong', async () => {
    const at = await start();
    await at.exchange(get('/reset'));
    await untilSpans(2);
    assert.deepEqual([of('client')[0]!.error, of('server')[0]!.error], ['no answer', 'upstream-reset']);
    spans.length = 0;
    await at.exchange('GET / HTTP/1.1\r\nHost: other\r\nConnection: close\r\n\r\nx');
    await at.exchange('nonsense\r\n\r\n');
    await untilSpans(2);
    assert.deepEqual(
      spans.map((span) => [span.name, span.error, attributes(span)['fairlead.reason']]),
      [
        ['GET', undefined, 'no-route'],
        ['HTTP', undefined, 'bad-request'],
      ],
    );
    assert.notEqual(spans[0]!.traceId, spans[1]!.traceId);
  });

  test('an upgrade', async () => {
    const at = await start();
    const client = at.dial();
    client.send('GET /switch HTTP/1.1\r\nHost: h\r\nConnection: upgrade\r\nUpgrade: x\r\n\r\n');
    await client.until('the switch', (text) => text.includes('101'));
    client.socket.resetAndDestroy();
    await untilSpans(2);
    assert.equal(attributes(of('client')[0]!)['http.response.status_code'], 101);
    assert.equal(of('client')[0]!.error, undefined);
  });

  test('B3: fields are read, and ours take their place', async () => {
    const at = await start({ share: 0, b3: true });
    await at.exchange(get('/', `X-B3-TraceId: ${TRACE}\r\nX-B3-SpanId: ${SPAN}\r\nX-B3-Sampled: 1\r\n`));
    await untilSpans(2);
    const { spanId } = told(requests[0]!);
    assert.match(requests[0]!, new RegExp(`^b3: ${TRACE}-${spanId}-1-${of('server')[0]!.spanId}\r$`, 'm'));
    assert.doesNotMatch(requests[0]!, /x-b3-/i);
    assert.equal(of('server')[0]!.parentId, SPAN);
  });

  test('HTTP/2', async () => {
    const at = await start();
    const session = http2.connect(`http://127.0.0.1:${at.port}`);
    session.on('error', () => {});
    const stream = session.request({ ':path': '/', ':authority': 'h', traceparent: `00-${TRACE}-${SPAN}-01` });
    await within('an answer', once(stream.resume(), 'end'));
    await untilSpans(2);
    assert.equal(told(requests[0]!).traceId, TRACE);
    assert.equal(attributes(of('server')[0]!)['network.protocol.version'], '2.0');
    session.close();
  });

  test('off, fields of callers go on as they are', async () => {
    await (await start('off')).exchange(get('/', `traceparent: 00-${TRACE}-${SPAN}-01\r\nb3: 0\r\n`));
    assert.deepEqual(told(requests[0]!), { traceId: TRACE, spanId: SPAN, flags: '01' });
    assert.match(requests[0]!, /^b3: 0\r$/m);
  });
});

test('spans that nobody takes have a bound, and are counted', () => {
  const metrics = new Float64Array(createMetricsMemory());
  const queue = new SharedArrayBuffer(4);
  let sent = 0;
  const tracing = new Tracing(
    { share: 1, b3: false },
    { clock: systemClock, random: Math.random, metrics, queue, send: (batch) => (sent += batch.length) },
  );
  for (let i = 0; i < SPANS_QUEUED_MAX + 10; i++) tracing.add({} as Span);
  tracing.flush();
  assert.equal(sent, SPANS_QUEUED_MAX);
  assert.equal(metrics[METRIC.spansDropped], 10);
});
