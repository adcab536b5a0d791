import assert from 'node:assert/strict';
import { randomBytes } from 'node:crypto';
import { connect as connectHttp2 } from 'node:http2';
import { after, before, describe, test } from 'node:test';
import {
  Client,
  type ClientDuplexStream,
  type ClientReadableStream,
  type ClientWritableStream,
  credentials,
  Metadata,
  type MethodDefinition,
  Server,
  ServerCredentials,
  type ServerDuplexStream,
  type ServerReadableStream,
  type ServerUnaryCall,
  type ServerWritableStream,
  type ServiceError,
  type sendUnaryData,
  status,
  type UntypedServiceImplementation,
} from '@grpc/grpc-js';
import { type GatewayRig, startRig, testBackend, testRoute, within } from './test-rig/gateway-rig.ts';

const same = (bytes: Buffer): Buffer => bytes;
const method = (name: string, requestStream: boolean, responseStream: boolean): MethodDefinition<Buffer, Buffer> => ({
  path: `/test.Interop/${name}`,
  requestStream,
  responseStream,
  requestSerialize: same,
  requestDeserialize: same,
  responseSerialize: same,
  responseDeserialize: same,
});
const SERVICE = {
  unary: method('unary', false, false),
  fails: method('fails', false, false),
  hangs: method('hangs', false, false),
  collect: method('collect', true, false),
  scatter: method('scatter', false, true),
  pingPong: method('pingPong', true, true),
};

/** What the server saw. */
const seen = {
  hanging: Promise.withResolvers<void>(),
  cancelled: Promise.withResolvers<void>(),
  deadlines: [] as number[],
  metadata: new Metadata(),
};
const METHODS: UntypedServiceImplementation = {
  unary(call: ServerUnaryCall<Buffer, Buffer>, done: sendUnaryData<Buffer>) {
    seen.metadata = call.metadata;
    const initial = new Metadata();
    for (const value of call.metadata.get('x-echo-initial')) initial.add('x-echo-initial', value);
    if (call.metadata.get('x-echo-initial').length > 0) call.sendMetadata(initial);
    const trailing = new Metadata();
    for (const value of call.metadata.get('x-echo-trailing-bin')) trailing.add('x-echo-trailing-bin', value);
    done(null, call.request, trailing);
  },
  fails(call: ServerUnaryCall<Buffer, Buffer>, done: sendUnaryData<Buffer>) {
    done({ code: call.request[0]!, details: 'as asked: é, 100 %' });
  },
  hangs(call: ServerUnaryCall<Buffer, Buffer>) {
    const deadline = call.getDeadline();
    seen.deadlines.push(deadline instanceof Date ? deadline.getTime() : deadline);
    call.on('cancelled', () => seen.cancelled.resolve());
    seen.hanging.resolve();
  },
  collect(call: ServerReadableStream<Buffer, Buffer>, done: sendUnaryData<Buffer>) {
    const parts: Buffer[] = [];
    call.on('data', (part: Buffer) => parts.push(part));
    call.on('end', () => done(null, Buffer.concat(parts)));
  },
  scatter(call: ServerWritableStream<Buffer, Buffer>) {
    for (const size of call.request) call.write(Buffer.alloc(size * 1000, size));
    call.end();
  },
  pingPong(call: ServerDuplexStream<Buffer, Buffer>) {
    call.on('data', (ping: Buffer) => call.write(ping));
    call.on('end', () => call.end());
  },
};

let server: Server;
let rig: GatewayRig;
let client: Client;

before(async () => {
  server = new Server({ 'grpc.max_receive_message_length': -1 });
  server.addService(SERVICE, METHODS);
  const port = await new Promise<number>((resolve, reject) => {
    server.bindAsync('127.0.0.1:0', ServerCredentials.createInsecure(), (error, bound) =>
      error === null ? resolve(bound) : reject(error),
    );
  });
  const [key, backend] = testBackend('grpc', [port]);
  const [deadKey, dead] = testBackend('dead', [1]);
  const routes = [
    testRoute('/test.Dead', [{ backend: 'dead', weight: 1 }]),
    testRoute('/test.Interop', [{ backend: 'grpc', weight: 1 }]),
  ];
  rig = await startRig({
    hosts: [['http|*', { listener: 'http', hostname: '*', routes }]],
    backends: [
      [key, { ...backend, protocol: 'h2c' }],
      [deadKey, { ...dead, protocol: 'h2c' }],
    ],
  });
  client = new Client(`127.0.0.1:${rig.port}`, credentials.createInsecure(), {
    'grpc.max_receive_message_length': -1,
    'grpc.default_authority': 'grpc.example',
    'grpc.enable_retries': 0,
  });
});

after(async () => {
  client?.close();
  server?.forceShutdown();
  await rig?.stop();
});

interface Outcome {
  readonly answer: Buffer | undefined;
  readonly error: ServiceError | undefined;
  readonly initial: Metadata;
  readonly trailing: Metadata;
}

function unary(path: string, request: Buffer, metadata = new Metadata(), deadlineMs?: number): Promise<Outcome> {
  const { promise, resolve } = Promise.withResolvers<Outcome>();
  let initial = new Metadata();
  let result: Pick<Outcome, 'answer' | 'error'> = { answer: undefined, error: undefined };
  const options = deadlineMs === undefined ? {} : { deadline: Date.now() + deadlineMs };
  const call = client.makeUnaryRequest(path, same, same, request, metadata, options, (error, answer) => {
    result = { answer, error: error ?? undefined };
  });
  call.on('metadata', (sent: Metadata) => {
    initial = sent;
  });
  call.on('status', ({ metadata: trailing }) => {
    // The call's answer comes right before or right behind its status.
    setImmediate(() => resolve({ ...result, initial, trailing }));
  });
  return within(path, promise);
}

function answersOf(call: ClientReadableStream<Buffer> | ClientDuplexStream<Buffer, Buffer>): Promise<Buffer[]> {
  const answers: Buffer[] = [];
  return within(
    'the end of a stream',
    new Promise((resolve, reject) => {
      call.on('data', (answer: Buffer) => answers.push(answer));
      call.on('error', reject);
      call.on('end', () => resolve(answers));
    }),
  );
}

describe('grpc-js on both sides', () => {
  test('empty_unary and large_unary', async () => {
    assert.deepEqual((await unary(SERVICE.unary.path, Buffer.alloc(0))).answer, Buffer.alloc(0));
    for (const size of [1, 16_384, 271_828, 4_000_000]) {
      const request = randomBytes(size);
      const { answer, error } = await unary(SERVICE.unary.path, request);
      assert.equal(error, undefined);
      assert.ok(answer!.equals(request), `${size}`);
    }
  });

  test('client_streaming', async () => {
    const parts = [27_182, 8, 1828, 45_904, 0].map((size) => randomBytes(size));
    const answer = await within(
      'the answer',
      new Promise<Buffer>((resolve, reject) => {
        const call: ClientWritableStream<Buffer> = client.makeClientStreamRequest(
          SERVICE.collect.path,
          same,
          same,
          (error, value) => (error === null ? resolve(value!) : reject(error)),
        );
        for (const part of parts) call.write(part);
        call.end();
      }),
    );
    assert.ok(answer.equals(Buffer.concat(parts)));
  });

  test('server_streaming', async () => {
    const sizes = [31, 9, 0, 255, 58];
    const call = client.makeServerStreamRequest(SERVICE.scatter.path, same, same, Buffer.from(sizes));
    assert.deepEqual(
      (await answersOf(call)).map(({ length }) => length),
      sizes.map((size) => size * 1000),
    );
  });

  test('ping_pong: each answer comes before the next request is sent', async () => {
    const call = client.makeBidiStreamRequest(SERVICE.pingPong.path, same, same);
    for (const size of [1, 8, 70_000, 0]) {
      const ping = randomBytes(size);
      const pong = within('a pong', new Promise<Buffer>((resolve) => call.once('data', resolve)));
      call.write(ping);
      assert.ok((await pong).equals(ping));
    }
    const end = answersOf(call);
    call.end();
    assert.deepEqual(await end, []);
  });

  test('empty_stream', async () => {
    const call = client.makeBidiStreamRequest(SERVICE.pingPong.path, same, same);
    call.end();
    assert.deepEqual(await answersOf(call), []);
  });

  test('custom_metadata: several values, binary ones, initial and trailing', async () => {
    const metadata = new Metadata();
    metadata.add('x-echo-initial', 'one');
    metadata.add('x-echo-initial', 'two');
    metadata.set('x-echo-trailing-bin', Buffer.from([0xab, 0xab, 0, 13, 10]));
    const { initial, trailing, error } = await unary(SERVICE.unary.path, Buffer.alloc(1), metadata);
    assert.equal(error, undefined);
    // node:http2 on the server's side joins them.
    assert.deepEqual(initial.get('x-echo-initial'), ['one, two']);
    assert.deepEqual(trailing.get('x-echo-trailing-bin'), [Buffer.from([0xab, 0xab, 0, 13, 10])]);
    assert.deepEqual(seen.metadata.get('x-forwarded-for'), ['127.0.0.1']);
  });

  test('status_code_and_message, special_status_message: every code, and text beyond ASCII', async () => {
    for (const code of Object.values(status)) {
      if (typeof code !== 'number' || code === status.OK) continue;
      const { error } = await unary(SERVICE.fails.path, Buffer.from([code]));
      assert.equal(error?.code, code);
      assert.equal(error?.details, 'as asked: é, 100 %');
    }
  });

  test('unimplemented_method, unimplemented_service, unreachable service', async () => {
    assert.equal((await unary('/test.Interop/none', Buffer.alloc(0))).error?.code, status.UNIMPLEMENTED);
    assert.equal((await unary('/test.Nowhere/unary', Buffer.alloc(0))).error?.code, status.UNIMPLEMENTED);
    assert.equal((await unary('/test.Dead/unary', Buffer.alloc(0))).error?.code, status.UNAVAILABLE);
  });

  test('cancel_after_begin: the server learns of it', async () => {
    seen.hanging = Promise.withResolvers();
    seen.cancelled = Promise.withResolvers();
    const { promise: failed, resolve } = Promise.withResolvers<ServiceError | null>();
    const call = client.makeUnaryRequest(SERVICE.hangs.path, same, same, Buffer.alloc(3), resolve);
    await within('the request upstream', seen.hanging.promise);
    call.cancel();
    assert.equal((await within('the error', failed))?.code, status.CANCELLED);
    await within('the cancellation upstream', seen.cancelled.promise);
  });

  test('cancel_after_first_response', async () => {
    const call = client.makeBidiStreamRequest(SERVICE.pingPong.path, same, same);
    const failed = within('the error', new Promise<ServiceError>((resolve) => call.once('error', resolve)));
    call.once('data', () => call.cancel());
    call.write(Buffer.alloc(10));
    assert.equal((await failed).code, status.CANCELLED);
  });

  test('timeout_on_sleeping_server: the deadline reaches the server and ends the call', async () => {
    const { error } = await unary(SERVICE.hangs.path, Buffer.alloc(1), new Metadata(), 300);
    assert.equal(error?.code, status.DEADLINE_EXCEEDED);
    assert.ok(Number.isFinite(seen.deadlines.at(-1)));
  });

  test('the gateway keeps the deadline for a caller that does not', async () => {
    const session = connectHttp2(`http://127.0.0.1:${rig.port}`);
    const stream = session.request({
      ':method': 'POST',
      ':authority': 'grpc.example',
      ':path': SERVICE.hangs.path,
      'content-type': 'application/grpc',
      'grpc-timeout': '50m',
      te: 'trailers',
    });
    stream.end(Buffer.from([0, 0, 0, 0, 1, 9]));
    const headers = await within(
      'a status',
      new Promise<Record<string, unknown>>((resolve) => {
        const take = (fields: Record<string, unknown>): void => {
          if (fields['grpc-status'] !== undefined) resolve(fields);
        };
        stream.on('response', take);
        stream.on('trailers', take);
      }),
    );
    assert.equal(headers['grpc-status'], '4');
    session.destroy();
  });

  test('200 calls at once', async () => {
    const outcomes = await Promise.all(
      Array.from({ length: 200 }, (_, i) => unary(SERVICE.unary.path, Buffer.alloc(i * 10, i))),
    );
    for (const [i, { answer, error }] of outcomes.entries()) {
      assert.equal(error, undefined);
      assert.ok(answer!.equals(Buffer.alloc(i * 10, i)));
    }
  });
});
