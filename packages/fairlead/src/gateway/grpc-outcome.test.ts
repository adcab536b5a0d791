import assert from 'node:assert/strict';
import { type ClientHttp2Session, connect, createServer, type Http2Server, type ServerHttp2Stream } from 'node:http2';
import type { AddressInfo } from 'node:net';
import { after, afterEach, before, describe, test } from 'node:test';
import { DEFAULT_BACKEND_POLICY } from '../routing/backend-policies.ts';
import { DEFAULT_RETRY, type RetryPolicy } from '../routing/route-policies.ts';
import { FieldList } from '../wire/http2/field-list.ts';
import { grpcStatusOf, httpStatusOf } from './grpc-status.ts';
import { type GatewayRig, startRig, testBackend, testHost, testRoute, within } from './test-rig/gateway-rig.ts';

/** What the endpoint does with a call: a code alone, or `+code` behind a message; `+` ends without any. */
type Step = string;

let script: Step[] = [];
let calls = 0;
let server: Http2Server;
let rig: GatewayRig;
let client: ClientHttp2Session;
const lines: string[] = [];
let onLine = (): void => {};

function answer(stream: ServerHttp2Stream): void {
  const step = script[Math.min(calls++, script.length - 1)]!;
  const head = { ':status': 200, 'content-type': 'application/grpc' };
  stream.on('error', () => {});
  if (!step.startsWith('+')) {
    stream.respond({ ...head, 'grpc-status': step }, { endStream: true });
    return;
  }
  stream.respond(head, { waitForTrailers: step !== '+' });
  stream.on('wantTrailers', () => stream.sendTrailers({ 'grpc-status': step.slice(1) }));
  stream.end('message');
}

before(async () => {
  server = createServer();
  server.on('stream', answer);
  await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve));
  rig = await startRig(
    {},
    {
      accessLog: (text) => {
        lines.push(...text.trim().split('\n'));
        onLine();
      },
      accessLogRules: { format: { type: 'template', text: '$path $status $grpcStatus' } },
    },
  );
  client = connect(`http://127.0.0.1:${rig.port}`);
});

after(async () => {
  client?.close();
  await rig?.stop();
  server?.close();
});

let round = 0;
/** Each test has a backend of its own: health and limits of the ones before are not its. */
async function install(retry: Partial<RetryPolicy> | undefined, steps: Step[]): Promise<void> {
  script = steps;
  calls = 0;
  const [key, backend] = testBackend(`grpc-${++round}`, [(server.address() as AddressInfo).port]);
  const policy = retry === undefined ? {} : { retry: { ...DEFAULT_RETRY, ...retry } };
  await rig.apply({
    hosts: [testHost('*', [testRoute('/', [{ backend: key, weight: 1 }], policy)])],
    backends: [[key, { ...backend, protocol: 'h2c', policy: { ...DEFAULT_BACKEND_POLICY, outlier: 'off' } }]],
  });
}

/** Makes a call; its code, from wherever it came. */
async function call(path = '/test.Outcome/call'): Promise<string | undefined> {
  const stream = client.request({
    ':method': 'POST',
    ':path': path,
    'content-type': 'application/grpc',
    te: 'trailers',
  });
  let status: string | undefined;
  stream.on('response', (head) => {
    status = head['grpc-status'] as string | undefined;
  });
  stream.on('trailers', (trailers) => {
    status = trailers['grpc-status'] as string | undefined;
  });
  stream.resume();
  const ended = new Promise<void>((resolve, reject) => stream.on('close', resolve).on('error', reject));
  stream.end('question');
  await within(path, ended);
  return status;
}

const rows: readonly [
  name: string,
  retry: Partial<RetryPolicy> | undefined,
  steps: Step[],
  code: string | undefined,
  calls: number,
][] = [
  ['a named code, alone in its answer, is repeated', { grpcStatuses: [14] }, ['14', '+0'], '0', 2],
  ['as often as the policy says', { grpcStatuses: [14], retries: 2 }, ['14'], '14', 3],
  ['another code is not', { grpcStatuses: [14] }, ['8', '+0'], '8', 1],
  ['one of several', { grpcStatuses: [14, 8] }, ['8', '14', '+0'], '0', 3],
  ['behind a message it is too late', { grpcStatuses: [14] }, ['+14', '+0'], '14', 1],
  ['without a wish nothing is', undefined, ['14', '+0'], '14', 1],
  ['a condition on HTTP statuses says nothing about codes', { on: ['5xx', 'gateway-error'] }, ['14', '+0'], '14', 1],
];
describe('calls that fail', () => {
  for (const [name, retry, steps, code, count] of rows) {
    test(name, async () => {
      await install(retry, steps);
      assert.equal(await call(), code);
      assert.equal(calls, count);
    });
  }
});

const ejections: readonly [name: string, step: Step, ejected: number][] = [
  ['UNAVAILABLE alone', '14', 1],
  ['UNAVAILABLE behind a message', '+14', 1],
  ['DEADLINE_EXCEEDED behind a message', '+4', 1],
  ['NOT_FOUND', '5', 0],
  ['INTERNAL is an answer of the application, as a 500 is', '+13', 0],
  ['OK', '+0', 0],
];
describe('five calls in a row to each of two endpoints that end with', () => {
  const own: Http2Server[] = [];
  afterEach(async () => {
    await rig.apply({ backends: [[`grpc-${round}`, undefined]] });
    for (const each of own.splice(0)) each.close();
  });
  for (const [name, step, ejected] of ejections) {
    test(`${name}: ${ejected} ejected`, async () => {
      script = [step];
      calls = 0;
      const key = `grpc-${++round}`;
      const endpoints = [];
      for (let count = 0; count < 2; count++) {
        const each = createServer();
        own.push(each);
        each.on('stream', answer);
        // Health is known by address: another one for each row.
        const address = `127.0.${round}.1`;
        await new Promise<void>((resolve) => each.listen(0, address, resolve));
        endpoints.push({ address, port: (each.address() as AddressInfo).port, weight: 1 });
      }
      await rig.apply({
        hosts: [testHost('*', [testRoute('/', [{ backend: key, weight: 1 }])])],
        backends: [[key, { key, protocol: 'h2c', balance: 'round-robin', endpoints }]],
      });
      const before = rig.gateway.stats().ejections;
      for (let count = 0; count < 10; count++) await call();
      assert.equal(calls, 10);
      assert.equal(rig.gateway.stats().ejections - before, ejected);
    });
  }
});

test('the log tells the code, wherever it was', async () => {
  await install(undefined, ['5', '+7', '+']);
  for (const path of ['/log/head', '/log/trailers', '/log/none']) await call(path);
  const logged = async (): Promise<string[]> => {
    const found = lines.filter((line) => line.startsWith('/log/'));
    if (found.length === 3) return found;
    await new Promise<void>((resolve) => {
      onLine = resolve;
    });
    return logged();
  };
  assert.deepEqual(await within('three lines', logged()), [
    '/log/head 200 5',
    '/log/trailers 200 7',
    '/log/none 200 2',
  ]);
});

describe('grpc-status', () => {
  const texts: readonly [text: string | undefined, status: number][] = [
    ['0', 0],
    ['14', 14],
    ['007', 7],
    ['99', 99],
    ['', 2],
    ['x', 2],
    ['-1', 2],
    ['9999', 2],
    [undefined, 2],
  ];
  for (const [text, status] of texts) {
    test(`${text}`, () => {
      const fields = new FieldList();
      fields.addText('grpc-message', 'x');
      if (text !== undefined) fields.addText('grpc-status', text);
      assert.equal(grpcStatusOf(fields), status);
    });
  }

  test('every code says what an HTTP status says', () => {
    const statuses = Array.from({ length: 18 }, (_, code) => httpStatusOf(code));
    assert.deepEqual(
      statuses,
      [200, 499, 500, 400, 504, 404, 409, 403, 429, 400, 409, 400, 501, 500, 503, 500, 401, 500],
    );
  });
});
