import assert from 'node:assert/strict';
import { once } from 'node:events';
import http2 from 'node:http2';
import { after, before, beforeEach, describe, test } from 'node:test';
import type { ExchangeRecord } from '../exchange-record.ts';
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
import { AccessLog, LOG_QUEUE_MAX_BYTES } from './access-log.ts';
import { type AccessLogRules, DEFAULT_ACCESS_LOG_RULES } from './access-log-rules.ts';

const FIELDS = [
  'client',
  'peer',

  'method',
  'host',
  'target',
  'protocol',
  'status',
  'bodyBytesSent',
  'attempts',
  'reason',
  'flags',
  'header.user-agent',
];
type Row = Readonly<Record<string, unknown>>;

let upstream: RawUpstream;
let rig: GatewayRig;
let rows: Row[] = [];
let onSilence: () => void = () => {};
let arrived: () => void = () => {};

before(async () => {
  upstream = new RawUpstream((connection) =>
    onRequests(connection, (request) => {
      if (request.includes('/reset')) {
        connection.socket.destroy();
        return undefined;
      }
      if (request.includes('/silent')) {
        onSilence();
        return undefined;
      }
      return ok('12345');
    }),
  );
  const web = [{ backend: 'web', weight: 1 }];
  rig = await startRig(
    {
      hosts: [
        testHost('h', [
          testRoute('/empty', [{ backend: 'none', weight: 1 }]),
          testRoute('/slow', web, {
            timeouts: { requestMs: 300, connectMs: 1000, idleMs: 1000 },
            pathRewrite: { type: 'full', value: '/silent' },
          }),
          testRoute('/limit', web, {
            filters: [{ type: 'rate-limit', name: 'l', per: 'route', requests: 1, windowMs: 3_600_000, burst: 1 }],
          }),
          testRoute('/fault', web, { filters: [{ type: 'fault', abort: { share: 1, status: 418 }, maxActive: 1 }] }),
          testRoute('/', web),
        ]),
      ],
      backends: [testBackend('web', [await upstream.listen()]), testBackend('none', [])],
    },
    {
      trustedProxies: ['127.0.0.1'],
      accessLogRules: { format: { type: 'json', fields: FIELDS } },
      accessLog(lines) {
        rows.push(
          ...lines
            .trimEnd()
            .split('\n')
            .map((line) => JSON.parse(line) as Row),
        );
        arrived();
      },
    },
  );
});
beforeEach(() => {
  rows = [];
});
after(async () => {
  await rig.stop();
  await upstream.close();
});

/** Waits for the line that has all of this. */
async function logged(wanted: Row): Promise<Row> {
  return within(
    `a line with ${JSON.stringify(wanted)}; got ${JSON.stringify(rows)}`,
    (async () => {
      for (;;) {
        const { promise, resolve } = Promise.withResolvers<void>();
        arrived = resolve;
        const found = rows.find((row) => Object.entries(wanted).every(([key, value]) => row[key] === value));
        if (found !== undefined) return found;
        await promise;
      }
    })(),
  );
}

const request = (target: string, more = ''): string =>
  `GET ${target} HTTP/1.1\r\nHost: h\r\nConnection: close\r\nUser-Agent: "a"\\b\r\n${more}\r\n`;
const ends: readonly (readonly [name: string, send: string, line: Row])[] = [
  [
    'an answer',
    request('/x?y'),
    {
      method: 'GET',
      host: 'h',
      target: '/x?y',
      protocol: 'HTTP/1.1',
      status: 200,
      bodyBytesSent: 5,
      attempts: 1,
      'header.user-agent': '"a"\\b',
    },
  ],
  ['HTTP/1.0', 'GET /old HTTP/1.0\r\nHost: h\r\n\r\n', { target: '/old', protocol: 'HTTP/1.0', status: 200 }],
  ['no endpoint', request('/empty'), { status: 503, reason: 'no-endpoint', flags: 'UH' }],
  [
    'no route',
    'GET / HTTP/1.1\r\nHost: o\r\nConnection: close\r\n\r\n',
    { host: 'o', status: 404, reason: 'no-route', flags: 'NR' },
  ],
  ['what is no request', 'nonsense\r\n\r\n', { status: 400, reason: 'bad-request', flags: 'DPE' }],
  ['an endpoint that breaks off', request('/reset'), { status: 502, reason: 'upstream-reset' }],
  ['an endpoint that says nothing', request('/slow'), { status: 504, reason: 'upstream-timeout', flags: 'UT' }],
  ['a fault', request('/fault'), { status: 418, reason: 'fault', flags: 'FI' }],
];

describe('the access log', () => {
  for (const [name, send, line] of ends) {
    test(name, async () => {
      await rig.exchange(send);
      await logged(line);
    });
  }

  test('a limit', async () => {
    await rig.exchange(request('/limit'));
    await rig.exchange(request('/limit'));
    await logged({ status: 429, reason: 'rate-limited', flags: 'RL' });
  });

  test('a client that goes away', async () => {
    const asked = Promise.withResolvers<void>();
    onSilence = asked.resolve;
    const client = rig.dial();
    client.send(request('/silent'));
    await within('the request', asked.promise);
    client.socket.resetAndDestroy();
    const { status } = await logged({ target: '/silent', reason: 'client-reset', flags: 'DC' });
    assert.equal(status, 0);
  });

  test('who a trusted proxy says it is for', async () => {
    await rig.exchange(request('/told', 'X-Forwarded-For: 198.51.100.9, 192.0.2.7\r\n'));
    await logged({ target: '/told', client: '192.0.2.7', peer: '127.0.0.1' });
    await rig.exchange(request('/itself'));
    await logged({ target: '/itself', client: '127.0.0.1', peer: '127.0.0.1' });
  });

  test('HTTP/2', async () => {
    const session = http2.connect(`http://127.0.0.1:${rig.port}`);
    session.on('error', () => {});
    const stream = session.request({ ':path': '/two', ':authority': 'h', 'user-agent': 'two' });
    await within('an answer', once(stream.resume(), 'end'));
    await logged({ target: '/two', protocol: 'HTTP/2.0', status: 200, bodyBytesSent: 5, 'header.user-agent': 'two' });
    session.close();
  });

  test('a header of one request is not that of the next', async () => {
    const client = rig.dial();
    client.send('GET /one HTTP/1.1\r\nHost: h\r\nUser-Agent: x\r\n\r\nGET /next HTTP/1.1\r\nHost: h\r\n\r\n');
    await logged({ target: '/one', 'header.user-agent': 'x' });
    assert.equal((await logged({ target: '/next' }))['header.user-agent'], undefined);
  });
});

/** A log of its own, and the lines that it handed over. */
function logOf(
  rules: Partial<AccessLogRules>,
  random = Math.random,
): { readonly log: AccessLog; readonly lines: string[]; readonly dropped: () => number; readonly queue: Int32Array } {
  const lines: string[] = [];
  let dropped = 0;
  const queue = new SharedArrayBuffer(4);
  const log = new AccessLog(
    { ...DEFAULT_ACCESS_LOG_RULES, format: { type: 'template', text: '$status' }, ...rules },
    {
      clock: { now: () => 0 } as never,
      random,
      onDropped: () => {
        dropped++;
      },
      queue,
      write: (text) => lines.push(...text.trimEnd().split('\n')),
    },
  );
  return { log, lines, dropped: () => dropped, queue: new Int32Array(queue) };
}
const exchange = (status: number): ExchangeRecord => ({ status }) as ExchangeRecord;

describe('which exchanges are logged', () => {
  test('by status', () => {
    const { log, lines } = logOf({
      statuses: [
        [0, 0],
        [404, 404],
        [500, 599],
      ],
    });
    for (const status of [0, 200, 403, 404, 405, 499, 500, 599]) log.add(exchange(status));
    log.flush();
    assert.deepEqual(lines, ['0', '404', '500', '599']);
  });

  test('a share of them', () => {
    let at = 0;
    const { log, lines } = logOf({ share: 0.25 }, () => (at++ % 4) / 4);
    for (let i = 0; i < 40; i++) log.add(exchange(200));
    log.flush();
    assert.equal(lines.length, 10);
  });

  test('while nobody writes them, up to a bound; the others are counted', () => {
    const { log, lines, dropped, queue } = logOf({});
    queue[0] = LOG_QUEUE_MAX_BYTES - 2;
    log.add(exchange(200));
    log.add(exchange(201));
    log.flush();
    assert.deepEqual(lines, ['200']);
    assert.equal(dropped(), 1);
    assert.equal(queue[0], LOG_QUEUE_MAX_BYTES + 2);
    queue[0] = 0;
    log.add(exchange(202));
    log.flush();
    assert.deepEqual(lines, ['200', '202']);
  });
});
