import assert from 'node:assert/strict';
import { once } from 'node:events';
import { createServer, type Server } from 'node:http';
import type { AddressInfo } from 'node:net';
import { afterEach, beforeEach, describe, test } from 'node:test';
import { type Clock, systemClock } from '../sys/clock.ts';
import { type RunningOtlpExporter, SPANS_MAX, startOtlpExporter } from './otlp-exporter.ts';
import type { Span } from './span.ts';

const SPAN: Span = {
  traceId: '0af7651916cd43dd8448eb211c80319c',
  spanId: 'b7ad6b7169203331',
  parentId: '',
  traceState: '',
  name: 'GET',
  kind: 'server',
  startMs: 1_795_287_007_123.456,
  endMs: 1_795_287_007_200,
  attributes: [
    ['url.path', '/ä'],
    ['http.response.status_code', 200],
  ],
  error: undefined,
};

/** A collector: decodes what it gets, and answers what the test says. */
interface Received {
  readonly resourceSpans: readonly {
    readonly resource: unknown;
    readonly scopeSpans: readonly { readonly spans: readonly Record<string, unknown>[] }[];
  }[];
}
let server: Server;
let url: URL;
let received: Received[];
let types: (string | undefined)[];
let tokens: (string | undefined)[];
let token: string;
let answers: (readonly [status: number, headers: Record<string, string>, body: string] | 'reset')[];
let arrived: () => void;
/** Pauses that the exporter made; none of them takes time. */
let pauses: number[];
let logs: string[];
let exporter: RunningOtlpExporter;

const clock: Clock = {
  ...systemClock,
  sleep: async (ms, signal) => {
    pauses.push(ms);
    await systemClock.sleep(ms === 1000 ? 20 : 1, signal);
  },
};

beforeEach(async () => {
  received = [];
  types = [];
  tokens = [];
  token = 'first';
  answers = [];
  pauses = [];
  logs = [];
  arrived = () => {};
  server = createServer(async (request, response) => {
    const chunks = await Array.fromAsync(request as AsyncIterable<Buffer>);
    const answer = answers.shift() ?? [200, {}, '{}'];
    if (answer === 'reset') {
      request.socket.destroy();
      return;
    }
    const [status, headers, body] = answer;
    if (status < 300) {
      received.push(JSON.parse(Buffer.concat(chunks).toString()) as Received);
      types.push(request.headers['content-type']);
      tokens.push(request.headers.authorization);
    }
    response.writeHead(status, headers).end(body);
    arrived();
  });
  server.listen(0, '127.0.0.1');
  await once(server, 'listening');
  url = new URL(`http://127.0.0.1:${(server.address() as AddressInfo).port}/v1/traces`);
  exporter = startOtlpExporter({
    url,
    resource: [['service.name', 'test']],
    headers: async () => ({ authorization: `Bearer ${token}`, 'content-type': 'text/plain' }),
    clock,
    random: () => 1,
    log: (level, message) => logs.push(`${level} ${message}`),
  });
});
afterEach(async () => {
  await exporter.stop();
  server.closeAllConnections();
  server.close();
});

const spansOf = (batch: Received): readonly Record<string, unknown>[] =>
  batch.resourceSpans.flatMap(({ scopeSpans }) => scopeSpans.flatMap(({ spans }) => spans));
async function until(what: string, holds: () => boolean): Promise<void> {
  const deadline = AbortSignal.timeout(60_000);
  while (!holds()) {
    if (deadline.aborted) throw new Error(`waited too long for ${what}; ${JSON.stringify([exporter.stats(), logs])}`);
    const { promise, resolve } = Promise.withResolvers<void>();
    arrived = resolve;
    await Promise.race([promise, systemClock.sleep(50)]);
  }
}

describe('OTLP', () => {
  test('spans as a collector reads them', async () => {
    exporter.add([
      SPAN,
      { ...SPAN, parentId: SPAN.spanId, traceState: 'a=b', kind: 'client', error: 'no answer', attributes: [] },
    ]);
    await until('a batch', () => received.length === 1);
    assert.equal(types[0], 'application/json');
    assert.deepEqual(received[0], {
      resourceSpans: [
        {
          resource: { attributes: [{ key: 'service.name', value: { stringValue: 'test' } }] },
          scopeSpans: [
            {
              scope: { name: 'fairlead' },
              spans: [
                {
                  traceId: SPAN.traceId,
                  spanId: SPAN.spanId,
                  name: 'GET',
                  kind: 2,
                  startTimeUnixNano: '1795287007123456000',
                  endTimeUnixNano: '1795287007200000000',
                  attributes: [
                    { key: 'url.path', value: { stringValue: '/ä' } },
                    { key: 'http.response.status_code', value: { intValue: '200' } },
                  ],
                  status: {},
                },
                {
                  traceId: SPAN.traceId,
                  spanId: SPAN.spanId,
                  parentSpanId: SPAN.spanId,
                  traceState: 'a=b',
                  name: 'GET',
                  kind: 3,
                  startTimeUnixNano: '1795287007123456000',
                  endTimeUnixNano: '1795287007200000000',
                  attributes: [],
                  status: { code: 2, message: 'no answer' },
                },
              ],
            },
          ],
        },
      ],
    });
    await until('the count', () => exporter.stats().sent === 2);
  });

  test('in batches, and all of them in the end', async () => {
    exporter.add(Array.from({ length: 1200 }, () => SPAN));
    await until('three batches', () => received.length === 3);
    assert.deepEqual(
      received.map((batch) => spansOf(batch).length),
      [512, 512, 176],
    );
    exporter.add([SPAN]);
    await exporter.stop();
    assert.equal(spansOf(received[3]!).length, 1);
    assert.deepEqual(exporter.stats(), { sent: 1201, dropped: 0 });
  });

  test('with headers as they are at the time, and a type of its own', async () => {
    exporter.add([SPAN]);
    await until('a batch', () => received.length === 1);
    token = 'second';
    exporter.add([SPAN]);
    await until('another', () => received.length === 2);
    assert.deepEqual(tokens, ['Bearer first', 'Bearer second']);
    assert.deepEqual(types, ['application/json', 'application/json']);
  });

  test('again, later each time, and as the collector asks for it', async () => {
    answers = [[503, {}, ''], 'reset', [429, { 'retry-after': '7' }, ''], [502, {}, '']];
    exporter.add([SPAN]);
    await until('a batch', () => received.length === 1);
    assert.deepEqual(pauses.slice(1), [500, 1000, 7000, 4000]);
    await until('the end of the trouble', () => logs.length === 2);
    assert.deepEqual(logs, ['warn spans are not taken', 'info spans are taken again']);
    assert.deepEqual(exporter.stats(), { sent: 1, dropped: 0 });
  });

  test('not for ever', async () => {
    answers = Array.from({ length: 6 }, () => [503, {}, ''] as const);
    exporter.add([SPAN]);
    await until('giving up', () => exporter.stats().dropped === 1);
    exporter.add([SPAN]);
    await until('the next one', () => exporter.stats().sent === 1);
  });

  test('what is refused is not sent again', async () => {
    answers = [[400, {}, 'no']];
    exporter.add([SPAN, SPAN]);
    await until('the refusal', () => exporter.stats().dropped === 2);
    assert.equal(answers.length, 0);
  });

  test('spans that the collector rejects from a batch are counted', async () => {
    answers = [[200, {}, '{"partialSuccess":{"rejectedSpans":"1","errorMessage":"x"}}']];
    exporter.add([SPAN, SPAN, SPAN]);
    await until('the count', () => exporter.stats().sent === 2);
    assert.equal(exporter.stats().dropped, 1);
  });

  test('what waits has a bound', () => {
    exporter.add(Array.from({ length: SPANS_MAX + 5 }, () => SPAN));
    assert.equal(exporter.stats().dropped, 5);
  });
});
