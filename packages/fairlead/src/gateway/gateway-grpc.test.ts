import assert from 'node:assert/strict';
import { randomBytes } from 'node:crypto';
import { once } from 'node:events';
import {
  connect as connectHttp2,
  createSecureServer,
  createServer,
  type Http2Server,
  type IncomingHttpHeaders,
  type ServerHttp2Session,
  type ServerHttp2Stream,
} from 'node:http2';
import type { AddressInfo } from 'node:net';
import { after, before, describe, type TestContext, test } from 'node:test';
import {
  Client,
  type ClientDuplexStream,
  type ClientOptions,
  type ClientReadableStream,
  type ClientWritableStream,
  compressionAlgorithms,
  credentials,
  Metadata,
  Server,
  ServerCredentials,
  type ServiceError,
  status,
} from '@grpc/grpc-js';
import type { BackendTls } from '../routing/route-table.ts';
import { type GatewayRig, startRig, testBackend, testRoute, within } from './test-rig/gateway-rig.ts';
import { INTEROP_CASES, METHODS, OTHER_INTEROP_CASES, SERVICE, same, seen } from './test-rig/grpc-interop-service.ts';
import { OpensslPki, opensslSkip } from './test-rig/openssl-pki.ts';

const NAME = 'grpc.example';
const withTls = opensslSkip();
const pki = withTls === false ? new OpensslPki() : undefined;
const leaf = pki?.leaf(NAME);
after(() => pki?.remove());

let server: Server;
let compressing: Http2Server;
const sessions = new Set<ServerHttp2Session>();
/** First bytes of the messages that came: 1 for a compressed one. */
let flags: number[] = [];
let rig: GatewayRig;
let client: Client;
let isTls = false;
const clients: Client[] = [];

/** A client with a connection of its own, unless it is like another one. */
function newClient(options: ClientOptions = {}): Client {
  const trust = isTls ? credentials.createSsl(Buffer.from(pki!.ca)) : credentials.createInsecure();
  const made = new Client(`127.0.0.1:${rig.port}`, trust, {
    'grpc.max_receive_message_length': -1,
    'grpc.default_authority': NAME,
    'grpc.ssl_target_name_override': NAME,
    'grpc.enable_retries': 0,
    ...options,
  });
  clients.push(made);
  return made;
}

/** Sends back what it gets, compressed as it came: no server of grpc-js compresses. */
function echoCompressed(stream: ServerHttp2Stream, headers: IncomingHttpHeaders): void {
  stream.on('error', () => {});
  stream.respond(
    { ':status': 200, 'content-type': 'application/grpc', 'grpc-encoding': headers['grpc-encoding'] ?? 'identity' },
    { waitForTrailers: true },
  );
  stream.on('wantTrailers', () => stream.sendTrailers({ 'grpc-status': '0' }));
  let pending = Buffer.alloc(0);
  stream.on('data', (chunk: Buffer) => {
    pending = Buffer.concat([pending, chunk]);
    while (pending.length >= 5 && pending.length >= 5 + pending.readUInt32BE(1)) {
      const length = 5 + pending.readUInt32BE(1);
      flags.push(pending[0]!);
      stream.write(pending.subarray(0, length));
      pending = pending.subarray(length);
    }
  });
  stream.on('end', () => stream.end());
}

async function start(tls: boolean): Promise<void> {
  isTls = tls;
  server = new Server({ 'grpc.max_receive_message_length': -1 });
  server.addService(SERVICE, METHODS);
  const pair = tls
    ? { private_key: Buffer.from(leaf!.privateKey), cert_chain: Buffer.from(leaf!.certificate) }
    : undefined;
  const trust = pair === undefined ? ServerCredentials.createInsecure() : ServerCredentials.createSsl(null, [pair]);
  const port = await new Promise<number>((resolve, reject) => {
    server.bindAsync('127.0.0.1:0', trust, (error, bound) => (error === null ? resolve(bound) : reject(error)));
  });
  compressing = tls ? createSecureServer({ cert: leaf!.certificate, key: leaf!.privateKey }) : createServer();
  compressing.on('session', (session: ServerHttp2Session) => sessions.add(session));
  compressing.on('stream', echoCompressed);
  compressing.listen(0, '127.0.0.1');
  await once(compressing, 'listening');
  const ports = { grpc: port, compressed: (compressing.address() as AddressInfo).port, dead: 1 };
  const toEndpoints: BackendTls | undefined = tls ? { ca: pki!.ca, serverName: NAME, versions: 'http2' } : undefined;
  const listener = tls ? 'https' : 'http';
  const routes = [
    testRoute('/test.Dead', [{ backend: 'dead', weight: 1 }]),
    testRoute('/test.Interop', [{ backend: 'grpc', weight: 1 }]),
    testRoute('/test.Compressed', [{ backend: 'compressed', weight: 1 }]),
  ];
  rig = await startRig(
    {
      listeners: [[listener, { name: listener, protocol: listener, address: '127.0.0.1', port: 0 }]],
      hosts: [[`${listener}|*`, { listener, hostname: '*', routes }]],
      backends: Object.entries(ports).map(([key, at]) => {
        const [, backend] = testBackend(key, [at]);
        const protocol = toEndpoints === undefined ? 'h2c' : 'https';
        return [key, { ...backend, protocol, ...(toEndpoints === undefined ? {} : { tls: toEndpoints }) }] as const;
      }),
    },
    tls ? { defaultCertificate: leaf! } : {},
  );
  client = newClient();
}

async function stop(): Promise<void> {
  for (const each of clients.splice(0)) each.close();
  server?.forceShutdown();
  for (const session of sessions) session.destroy();
  sessions.clear();
  compressing?.close();
  await rig?.stop();
}

interface Outcome {
  readonly answer: Buffer | undefined;
  readonly error: ServiceError | undefined;
  readonly initial: Metadata;
  readonly trailing: Metadata;
}

function unary(
  path: string,
  request: Buffer,
  metadata = new Metadata(),
  deadlineMs?: number,
  from = client,
): Promise<Outcome> {
  const { promise, resolve } = Promise.withResolvers<Outcome>();
  let initial = new Metadata();
  let result: Pick<Outcome, 'answer' | 'error'> = { answer: undefined, error: undefined };
  const options = deadlineMs === undefined ? {} : { deadline: Date.now() + deadlineMs };
  const call = from.makeUnaryRequest(path, same, same, request, metadata, options, (error, answer) => {
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

/** Cases that have run. */
const played = new Set<string>();

for (const transport of ['in clear text', 'over TLS'] as const) {
  describe(`grpc-js on both sides ${transport}`, { skip: transport === 'over TLS' && withTls }, () => {
    before(() => start(transport === 'over TLS'));
    after(stop);

    /** A test of one or more of gRPC's cases. */
    const interop = (names: string, run: (context: TestContext) => Promise<void>): void => {
      for (const name of names.split(/[,:]? /)) played.add(name);
      void test(names, run);
    };

    interop('empty_unary, large_unary', async () => {
      assert.deepEqual((await unary(SERVICE.unary.path, Buffer.alloc(0))).answer, Buffer.alloc(0));
      for (const size of [1, 16_384, 271_828, 4_000_000]) {
        const request = randomBytes(size);
        const { answer, error } = await unary(SERVICE.unary.path, request);
        assert.equal(error, undefined);
        assert.ok(answer!.equals(request), `${size}`);
      }
    });

    interop('client_streaming', async () => {
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

    interop('server_streaming', async () => {
      const sizes = [31, 9, 0, 255, 58];
      const call = client.makeServerStreamRequest(SERVICE.scatter.path, same, same, Buffer.from(sizes));
      assert.deepEqual(
        (await answersOf(call)).map(({ length }) => length),
        sizes.map((size) => size * 1000),
      );
    });

    interop('ping_pong: each answer comes before the next request is sent', async () => {
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

    interop('empty_stream', async () => {
      const call = client.makeBidiStreamRequest(SERVICE.pingPong.path, same, same);
      call.end();
      assert.deepEqual(await answersOf(call), []);
    });

    interop('custom_metadata: several values, binary ones, initial and trailing', async () => {
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

    interop('status_code_and_message, special_status_message: every code, and text beyond ASCII', async () => {
      for (const code of Object.values(status)) {
        if (typeof code !== 'number' || code === status.OK) continue;
        const { error } = await unary(SERVICE.fails.path, Buffer.from([code]));
        assert.equal(error?.code, code);
        assert.equal(error?.details, 'as asked: é, 100 %');
      }
    });

    interop('unimplemented_method, unimplemented_service, unreachable service', async () => {
      assert.equal((await unary('/test.Interop/none', Buffer.alloc(0))).error?.code, status.UNIMPLEMENTED);
      assert.equal((await unary('/test.Nowhere/unary', Buffer.alloc(0))).error?.code, status.UNIMPLEMENTED);
      assert.equal((await unary('/test.Dead/unary', Buffer.alloc(0))).error?.code, status.UNAVAILABLE);
    });

    interop('cancel_after_begin: the server learns of it', async () => {
      seen.hanging = Promise.withResolvers();
      seen.cancelled = Promise.withResolvers();
      const { promise: failed, resolve } = Promise.withResolvers<ServiceError | null>();
      const call = client.makeUnaryRequest(SERVICE.hangs.path, same, same, Buffer.alloc(3), resolve);
      await within('the request upstream', seen.hanging.promise);
      call.cancel();
      assert.equal((await within('the error', failed))?.code, status.CANCELLED);
      await within('the cancellation upstream', seen.cancelled.promise);
    });

    interop('cancel_after_first_response', async () => {
      const call = client.makeBidiStreamRequest(SERVICE.pingPong.path, same, same);
      const failed = within('the error', new Promise<ServiceError>((resolve) => call.once('error', resolve)));
      call.once('data', () => call.cancel());
      call.write(Buffer.alloc(10));
      assert.equal((await failed).code, status.CANCELLED);
    });

    interop('timeout_on_sleeping_server: the deadline reaches the server and ends the call', async () => {
      const { error } = await unary(SERVICE.hangs.path, Buffer.alloc(1), new Metadata(), 1000);
      assert.equal(error?.code, status.DEADLINE_EXCEEDED);
      assert.ok(Number.isFinite(seen.deadlines.at(-1)));
    });

    test('the gateway keeps the deadline for a caller that does not', async () => {
      const session = isTls
        ? connectHttp2(`https://127.0.0.1:${rig.port}`, { ca: pki!.ca, servername: NAME })
        : connectHttp2(`http://127.0.0.1:${rig.port}`);
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

    interop('client_compressed_unary, server_compressed_unary', async () => {
      const gzip = newClient({ 'grpc.default_compression_algorithm': compressionAlgorithms.gzip });
      for (const [from, flag] of [
        [gzip, 1],
        [client, 0],
      ] as const) {
        flags = [];
        const request = Buffer.alloc(271_828, 7);
        const { answer, error } = await unary('/test.Compressed/unary', request, undefined, undefined, from);
        assert.equal(error, undefined);
        assert.ok(answer!.equals(request));
        assert.deepEqual(flags, [flag]);
      }
    });

    interop('client_compressed_streaming, server_compressed_streaming', async () => {
      const gzip = newClient({ 'grpc.default_compression_algorithm': compressionAlgorithms.gzip });
      flags = [];
      const call = gzip.makeBidiStreamRequest('/test.Compressed/stream', same, same);
      const answers = answersOf(call);
      const parts = [31_415, 9, 92_653].map((size) => Buffer.alloc(size, 9));
      for (const part of parts) call.write(part);
      call.end();
      assert.deepEqual(await answers, parts);
      assert.deepEqual(flags, [1, 1, 1]);
    });

    interop('concurrent_large_unary', async () => {
      const request = randomBytes(271_828);
      const outcomes = await Promise.all(Array.from({ length: 50 }, () => unary(SERVICE.unary.path, request)));
      for (const { answer, error } of outcomes) {
        assert.equal(error, undefined);
        assert.ok(answer!.equals(request));
      }
    });

    interop('rpc_soak, channel_soak: in a row, over one connection and over as many', async () => {
      const request = randomBytes(2718);
      for (let round = 0; round < 30; round++) {
        // Without a pool of subchannels each client connects anew.
        const own = newClient({ 'grpc.use_local_subchannel_pool': 1 });
        for (const from of [client, own]) {
          const { answer, error } = await unary(SERVICE.unary.path, request, undefined, undefined, from);
          assert.equal(error, undefined);
          assert.ok(answer!.equals(request));
        }
        own.close();
      }
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
}

test('no case of the list is missing', () => {
  assert.deepEqual(
    INTEROP_CASES.filter((name) => !played.has(name)),
    [],
  );
  assert.equal(new Set([...INTEROP_CASES, ...Object.keys(OTHER_INTEROP_CASES)]).size, 32);
});
