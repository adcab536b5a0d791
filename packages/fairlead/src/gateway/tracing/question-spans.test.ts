import assert from 'node:assert/strict';
import { after, before, beforeEach, describe, test } from 'node:test';
import type { RouteFilter } from '../../routing/route-filters.ts';
import type { Span } from '../../telemetry/span.ts';
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

const TRACE = '0af7651916cd43dd8448eb211c80319c';
const CALLER = 'b7ad6b7169203331';
const auth = (requestHeaders: readonly string[] | '*'): RouteFilter => ({
  type: 'forward-auth',
  backend: 'asked',
  method: 'GET',
  host: 'asked',
  target: '/authorize',
  timeoutMs: 5000,
  requestHeaders,
  responseHeaders: [],
  passesCookies: false,
});
const FILTERS: Readonly<Record<string, RouteFilter>> = {
  '/authorize': auth([]),
  '/authorize-all': auth('*'),
  '/mirror': { type: 'mirror', backend: 'asked', share: 1, host: 'keep', bodyMaxBytes: 1000 },
  '/page': {
    type: 'error-pages',
    statuses: [[404, 404]],
    of: 'both',
    source: { type: 'service', backend: 'asked', host: 'asked', target: '/page' },
    namespace: 'shop',
    ingress: 'web',
  },
};

let rig: GatewayRig;
let spans: Span[] = [];
let asked: string[] = [];
let failures = 0;
let arrived: () => void = () => {};
const service = new RawUpstream((connection) =>
  onRequests(connection, (request) => {
    asked.push(request);
    arrived();
    if (failures-- > 0) {
      connection.socket.destroy();
      return undefined;
    }
    return ok('asked');
  }),
);
const upstream = new RawUpstream((connection) =>
  onRequests(connection, (request) => {
    upstreamTold = request;
    return request.startsWith('GET /page') ? 'HTTP/1.1 404 No\r\nContent-Length: 0\r\n\r\n' : ok('up');
  }),
);
let upstreamTold = '';

before(async () => {
  const web = [{ backend: 'web', weight: 1 }];
  const routes = Object.entries(FILTERS).map(([path, filter]) => testRoute(path, web, { filters: [filter] }));
  rig = await startRig(
    {
      hosts: [testHost('*', routes)],
      backends: [testBackend('web', [await upstream.listen()]), testBackend('asked', [await service.listen()])],
    },
    {
      tracing: {
        share: 1,
        b3: true,
        take(taken) {
          spans.push(...taken);
          arrived();
        },
      },
    },
  );
});
beforeEach(() => {
  spans = [];
  asked = [];
  failures = 0;
});
after(async () => {
  await rig?.stop();
  await Promise.all([service.close(), upstream.close()]);
});

async function until(what: string, holds: () => boolean): Promise<void> {
  await within(
    what,
    (async () => {
      while (!holds()) {
        const { promise, resolve } = Promise.withResolvers<void>();
        arrived = resolve;
        await promise;
      }
    })(),
  );
}

/** The only trace context that a request has: W3C and B3 say the same. */
function told(request: string): readonly string[] {
  const fields = [...request.matchAll(/^(traceparent|b3): (.*)\r$/gm)];
  assert.equal(fields.length, 2, request);
  const [, traceId = '', spanId = '', flags = ''] = /^00-(\w{32})-(\w{16})-(\d\d)$/.exec(fields[0]![2]!) ?? [];
  assert.match(fields[1]![2]!, new RegExp(`^${traceId}-${spanId}-[01]-`));
  return [traceId, spanId, flags];
}

describe('what the gateway asks is a part of the trace', () => {
  const rows = [
    ['/authorize', 'authorize'],
    ['/authorize-all', 'authorize'],
    ['/mirror', 'mirror'],
    ['/page', 'error page'],
  ] as const;
  for (const [path, name] of rows) {
    test(`${path}: ${name}`, async () => {
      const caller = `Traceparent: 00-${TRACE}-${CALLER}-01\r\nTracestate: a=b\r\nb3: ${TRACE}-${CALLER}-1\r\n`;
      await rig.exchange(`GET ${path} HTTP/1.1\r\nHost: h\r\nConnection: close\r\n${caller}\r\n`);
      await until('three spans', () => spans.length === 3);
      const server = spans.find(({ kind }) => kind === 'server')!;
      const question = spans.find((span) => span.name === name)!;
      assert.deepEqual(
        [question.kind, question.traceId, question.parentId, question.traceState, question.error],
        ['client', TRACE, server.spanId, 'a=b', undefined],
      );
      assert.deepEqual(told(asked[0]!), [TRACE, question.spanId, '01']);
      assert.match(asked[0]!, /^tracestate: a=b\r$/m);
      assert.ok(question.attributes.some(([key, value]) => key === 'fairlead.backend' && value === 'asked'));
      const attempt = spans.find((span) => span.name === 'try')!;
      assert.deepEqual(told(upstreamTold), [TRACE, attempt.spanId, '01']);
    });
  }

  test('a caller that does not want it recorded has no spans, and its decision goes on', async () => {
    const caller = `traceparent: 00-${TRACE}-${CALLER}-00\r\n`;
    await rig.exchange(`GET /authorize HTTP/1.1\r\nHost: h\r\nConnection: close\r\n${caller}\r\n`);
    await rig.exchange('GET /authorize HTTP/1.1\r\nHost: h\r\nConnection: close\r\n\r\n');
    await until('spans of the second', () => spans.length === 3);
    assert.equal(told(asked[0]!)[2], '00');
    assert.ok(spans.every(({ traceId }) => traceId !== TRACE));
  });

  test('each try of a question is a span of its own', async () => {
    // The first question opens a connection that the second one finds in the pool, and loses.
    const ask = 'GET /authorize HTTP/1.1\r\nHost: h\r\nConnection: close\r\n\r\n';
    await rig.exchange(ask);
    await until('three spans', () => spans.length === 3);
    spans = [];
    asked = [];
    failures = 1;
    await rig.exchange(ask);
    await until('four spans', () => spans.length === 4);
    const questions = spans.filter(({ name }) => name === 'authorize');
    assert.deepEqual(
      asked.map((request) => told(request)[1]),
      questions.map(({ spanId }) => spanId),
    );
    assert.equal(new Set(questions.map(({ spanId }) => spanId)).size, 2);
    assert.deepEqual(
      questions.map(({ error }) => error),
      ['no answer', undefined],
    );
  });
});
