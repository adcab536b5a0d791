import assert from 'node:assert/strict';
import { once } from 'node:events';
import { mkdtempSync, rmSync } from 'node:fs';
import type { IncomingMessage } from 'node:http';
import { type ClientHttp2Session, connect as connectHttp2 } from 'node:http2';
import { Agent, request as httpsRequest } from 'node:https';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import type { Readable } from 'node:stream';
import { after, before, describe, test } from 'node:test';
import { connect as connectTls, type TLSSocket } from 'node:tls';
import { systemClock } from '../../sys/clock.ts';
import { CertificateAuthority } from '../pki/certificate-authority.ts';
import type { AnswerSink, ApiAnswer, ApiRequest } from './api-request.ts';
import { staticTokens } from './authenticate.ts';
import { Listener } from './listener.ts';

const deadlineMs = 20_000;
const dataDir = mkdtempSync(join(tmpdir(), 'fairlead-listener-'));
const authority = CertificateAuthority.open(join(dataDir, 'pki'), systemClock);
const serving = authority.issue({ commonName: 'server', organizations: [], hosts: ['127.0.0.1'] });
const jane = authority.issue({ commonName: 'jane', organizations: ['painters'] });

type Answers = (request: ApiRequest) => ApiAnswer | Promise<ApiAnswer>;

/** A listener whose requests a test answers. */
async function startListener(
  answers: Answers,
  headMs = 60_000,
): Promise<{ readonly port: number; readonly listener: Listener }> {
  const listener = new Listener({
    certificate: serving.certificate,
    key: serving.key,
    ca: authority.certificate,
    tokens: [staticTokens(new Map([['secret', { name: 'robot', groups: [] }]]))],
    audiences: [],
    pipeline: { handle: async (request) => answers(request) },
    headMs,
    clock: systemClock,
    log: () => {},
  });
  return { port: await listener.bind({ host: '127.0.0.1', port: 0 }), listener };
}

interface Asked {
  readonly method?: string;
  readonly path?: string;
  readonly headers?: Readonly<Record<string, string | string[]>>;
  /** Pieces of the body, each sent by itself. */
  readonly body?: readonly (string | Buffer)[];
  /** Without our certificate. */
  readonly isUnknown?: boolean;
}

interface Got {
  readonly status: number;
  readonly headers: Readonly<Record<string, string | string[] | undefined>>;
  readonly content: Readable;
  /** Goes away without reading further. */
  leave(): void;
}

/** A client of either protocol; `open` resolves with the head of the answer. */
interface TestClient {
  open(asked: Asked): Promise<Got>;
  close(): void;
}

const own = { ca: authority.certificate, cert: jane.certificate, key: jane.key };

function http1Client(port: number): TestClient {
  const requests = new Set<ReturnType<typeof httpsRequest>>();
  return {
    async open({ method = 'GET', path = '/', headers = {}, body = [], isUnknown = false }) {
      const request = httpsRequest({
        ...{ host: '127.0.0.1', port, agent: false, method, path, headers, ca: own.ca },
        ...(isUnknown ? {} : own),
      });
      requests.add(request);
      const answered = once(request, 'response');
      request.on('error', () => {});
      for (const piece of body) request.write(piece);
      request.end();
      const [response] = await answered;
      return {
        status: response.statusCode,
        headers: response.headers,
        content: response,
        leave: () => request.destroy(),
      };
    },
    close() {
      for (const request of requests) request.destroy();
    },
  };
}

function http2Client(port: number): TestClient & { readonly session: ClientHttp2Session } {
  const sessions = [true, false].map((isUnknown) =>
    connectHttp2(`https://127.0.0.1:${port}`, isUnknown ? { ca: own.ca } : own),
  );
  for (const session of sessions) session.on('error', () => {});
  const [unknown, known] = sessions as [ClientHttp2Session, ClientHttp2Session];
  return {
    session: known,
    async open({ method = 'GET', path = '/', headers = {}, body = [], isUnknown = false }) {
      const stream = (isUnknown ? unknown : known).request(
        { ':method': method, ...(method === 'CONNECT' ? { ':authority': 'a:1' } : { ':path': path }), ...headers },
        { endStream: body.length === 0 && method !== 'CONNECT' },
      );
      const answered = once(stream, 'response');
      for (const piece of body) stream.write(piece);
      if (body.length > 0) stream.end();
      const [head] = await answered;
      stream.on('error', () => {});
      return { status: Number(head[':status']), headers: head, content: stream, leave: () => stream.close(8) };
    },
    close() {
      for (const session of sessions) session.destroy();
    },
  };
}

async function contentOf({ content }: Got): Promise<string> {
  const chunks: Buffer[] = [];
  for await (const chunk of content) chunks.push(chunk as Buffer);
  return Buffer.concat(chunks).toString('utf8');
}

const text = (body: string): ApiAnswer => ({ status: 200, headers: { 'content-type': 'text/plain' }, body });

after(() => rmSync(dataDir, { recursive: true, force: true }));

for (const protocol of ['HTTP/1.1', 'HTTP/2'] as const) {
  describe(`requests over ${protocol}`, { timeout: deadlineMs }, () => {
    let answers: Answers = () => text('');
    let listener: Listener;
    let client: TestClient;

    before(async () => {
      const started = await startListener((request) => answers(request));
      listener = started.listener;
      client = protocol === 'HTTP/2' ? http2Client(started.port) : http1Client(started.port);
    });
    after(async () => {
      client.close();
      await listener.stop();
    });

    /** What the pipeline was asked, and what the client got. */
    async function exchange(asked: Asked, answer: ApiAnswer = text('fine')): Promise<{ seen?: ApiRequest; got: Got }> {
      let seen: ApiRequest | undefined;
      answers = (request) => {
        seen = request;
        return answer;
      };
      const got = await client.open(asked);
      return { got, ...(seen === undefined ? {} : { seen }) };
    }

    test('all of a request arrives as it was sent', async () => {
      const headers = { 'content-type': 'a/b', 'x-Two': ['1', '2'], cookie: 'a=b', authorization: 'Bearer secret' };
      const { seen, got } = await exchange({
        method: 'POST',
        path: '/a%2Fb?c=d&e',
        headers,
        body: ['{', 'ä'.repeat(50_000), '}'],
      });
      assert.ok(seen !== undefined);
      assert.equal(seen.method, 'POST');
      assert.equal(seen.path, '/a%2Fb');
      assert.equal(seen.query.get('c'), 'd');
      assert.ok(seen.query.has('e'));
      assert.equal(seen.headers['content-type'], 'a/b');
      assert.equal(seen.headers['x-two'], '1, 2');
      assert.equal(Buffer.from(seen.body).toString(), `{${'ä'.repeat(50_000)}}`);
      // The certificate wins over the token.
      assert.equal(seen.user.name, 'jane');
      assert.deepEqual(seen.user.groups, ['painters', 'system:authenticated']);
      assert.equal(seen.sourceAddress, '127.0.0.1');
      assert.equal(await contentOf(got), 'fine');
      assert.equal(got.headers['content-length'], '4');
      assert.match(String(got.headers.date), / GMT$/);
    });

    test('a token names its user, and who has neither is anonymous', async () => {
      const headers = { authorization: 'Bearer secret' };
      const byToken = await exchange({ isUnknown: true, headers });
      assert.equal(byToken.seen?.user.name, 'robot');
      await contentOf(byToken.got);
      const nobody = await exchange({ isUnknown: true });
      assert.equal(nobody.seen?.user.name, 'system:anonymous');
      await contentOf(nobody.got);
    });

    test('a wrong token is refused without a look at the request', async () => {
      const headers = { authorization: 'Bearer wrong' };
      const { seen, got } = await exchange({ isUnknown: true, method: 'POST', headers, body: ['{}'] });
      assert.equal(got.status, 401);
      assert.equal(seen, undefined);
      assert.equal(JSON.parse(await contentOf(got)).reason, 'Unauthorized');
    });

    test('a body beyond the limit is refused', async () => {
      const piece = Buffer.alloc(1024 * 1024);
      const { seen, got } = await exchange({ method: 'POST', body: [piece, piece, piece] });
      assert.equal(seen?.body.length, 3 * 1024 * 1024);
      await contentOf(got);
      const larger = await exchange({ method: 'POST', body: [piece, piece, piece, 'x'] });
      assert.equal(larger.got.status, 413);
      assert.equal(larger.seen, undefined);
      assert.equal(JSON.parse(await contentOf(larger.got)).reason, 'RequestEntityTooLarge');
    });

    test('headers with several values, bytes, and answers without content', async () => {
      const headers = { 'x-a': '1', warning: ['299 - "a"', '299 - "b"'] };
      const bytes = await exchange({}, { status: 200, headers, body: new Uint8Array([0, 255, 1]) });
      assert.equal(String(bytes.got.headers.warning), '299 - "a", 299 - "b"');
      assert.equal((await bytes.got.content.toArray()).map(String).join('').length, 3);
      const none = await exchange({}, { status: 204, headers: {} });
      assert.equal(none.got.status, 204);
      assert.equal(await contentOf(none.got), '');
      const head = await exchange({ method: 'HEAD' }, text('four'));
      assert.equal(head.got.headers['content-length'], '4');
      assert.equal(await contentOf(head.got), '');
    });

    test('a large answer arrives whole, also when it is read late', async () => {
      const body = 'ab'.repeat(4_000_000);
      const { got } = await exchange({}, text(body));
      assert.equal(got.headers['content-length'], String(body.length));
      assert.equal(await contentOf(got), body);
    });

    test('an answer that fails ends the request, not the server', async () => {
      answers = () => {
        throw new Error('a mistake of ours');
      };
      await assert.rejects(client.open({}));
      const { got } = await exchange({});
      assert.equal(await contentOf(got), 'fine');
    });

    test('a stream tells how far its client is behind, and when it has caught up', async () => {
      const chunk = Buffer.alloc(256 * 1024, 'x');
      const sinks = Promise.withResolvers<AnswerSink>();
      const { got } = await exchange({}, { status: 200, headers: {}, stream: async (sink) => sinks.resolve(sink) });
      const sink = await sinks.promise;
      let written = 0;
      // More than the buffers of kernel, connection and stream hold.
      while (sink.queuedBytes < 4 * chunk.length) {
        sink.write(chunk);
        written += chunk.length;
        await new Promise(setImmediate);
      }
      const drained = sink.drained();
      const read = contentOf(got);
      await drained;
      assert.ok(sink.queuedBytes <= chunk.length, `${sink.queuedBytes} bytes`);
      sink.write(Buffer.from('the end'));
      sink.end();
      sink.end();
      sink.write(chunk);
      const all = await read;
      assert.equal(all.length, written + 7);
      assert.ok(all.endsWith('xthe end'));
    });

    test('an aborted stream is no proper end', async () => {
      const { got } = await exchange(
        {},
        {
          status: 200,
          headers: {},
          async stream(sink) {
            sink.write(Buffer.from('half'));
            // What was written before is on its way.
            got.content.once('data', () => sink.abort());
          },
        },
      );
      await assert.rejects(contentOf(got));
    });

    test('the signal of a request aborts when its client goes', async () => {
      const left = Promise.withResolvers<void>();
      const { got, seen } = await exchange(
        {},
        {
          status: 200,
          headers: {},
          async stream(sink) {
            sink.write(Buffer.from('begun'));
          },
        },
      );
      assert.equal(seen?.signal.aborted, false);
      seen.signal.addEventListener('abort', () => left.resolve());
      await once(got.content, 'data');
      got.leave();
      await left.promise;
      // Too late for everybody, and no mistake.
      const other = await exchange({});
      assert.equal(await contentOf(other.got), 'fine');
    });

    test('a stop ends streams in order', async () => {
      const started = await startListener((request) => ({
        status: 200,
        headers: {},
        async stream(sink) {
          sink.write(Buffer.from('one;'));
          request.signal.addEventListener('abort', () => {
            sink.write(Buffer.from('two;'));
            sink.end();
          });
        },
      }));
      const own = protocol === 'HTTP/2' ? http2Client(started.port) : http1Client(started.port);
      const got = await own.open({});
      const stopped = started.listener.stop();
      assert.equal(await contentOf(got), 'one;two;');
      own.close();
      await stopped;
    });
  });
}

describe('of one protocol alone', { timeout: deadlineMs }, () => {
  test('streams of a connection do not wait for each other', async () => {
    const held = Promise.withResolvers<void>();
    const large = 'x'.repeat(3_000_000);
    const { port, listener } = await startListener(async ({ path }) => {
      if (path === '/held') await held.promise;
      return text(path === '/large' ? large : path);
    });
    const client = http2Client(port);
    const waiting = client.open({ path: '/held' });
    // Its window is full, as nobody reads it.
    const unread = await client.open({ path: '/large' });
    const others = await Promise.all(
      Array.from({ length: 200 }, async (_, index) => contentOf(await client.open({ path: `/${index}` }))),
    );
    assert.deepEqual(
      others,
      others.map((_, index) => `/${index}`),
    );
    held.resolve();
    assert.equal(await contentOf(await waiting), '/held');
    assert.equal((await contentOf(unread)).length, large.length);
    client.close();
    await listener.stop();
  });

  test('an idle connection of HTTP/1.1 lasts longer than clients keep one', async () => {
    const { port, listener } = await startListener(() => ({ status: 200, headers: {}, body: 'ok' }));
    const agent = new Agent({ keepAlive: true });
    const asked = httpsRequest({ host: '127.0.0.1', port, agent, ca: authority.certificate }).end();
    const [answer] = (await once(asked, 'response')) as [IncomingMessage];
    assert.equal(answer.headers['keep-alive'], 'timeout=120');
    answer.resume();
    await once(answer, 'end');
    agent.destroy();
    await listener.stop();
  });

  test('a client of HTTP/1.1 that does not finish the head of its request is not waited for', async () => {
    const { port, listener } = await startListener(() => text('never'), 20);
    const socket = connectTls({ host: '127.0.0.1', port, ca: own.ca, ALPNProtocols: ['http/1.1'] });
    socket.on('error', () => {});
    await once(socket, 'secureConnect');
    let answer = '';
    socket.on('data', (bytes: Buffer) => {
      answer += String(bytes);
    });
    socket.write('GET / HTTP/1.1\r\nHost: a\r\n');
    await once(socket, 'close');
    assert.match(answer, /^HTTP\/1\.1 408 /);
    await listener.stop();
  });

  test('CONNECT is no method of this server', async () => {
    const { port, listener } = await startListener(() => text('never'));
    const client = http2Client(port);
    const got = await client.open({ method: 'CONNECT' });
    assert.equal(got.status, 405);
    client.close();
    await listener.stop();
  });

  test('a client that waits for 100 sends its body then', async () => {
    const { port, listener } = await startListener(({ body }) => text(Buffer.from(body).toString()));
    const client = http2Client(port);
    const stream = client.session.request({ ':method': 'POST', expect: '100-continue' }, { endStream: false });
    await once(stream, 'continue');
    stream.end('the body');
    const [head] = await once(stream, 'response');
    assert.equal(head[':status'], 200);
    assert.equal(Buffer.concat(await stream.toArray()).toString(), 'the body');
    client.close();
    await listener.stop();
  });

  const faults: Record<string, string | Buffer> = {
    'HTTP/1.1 after all': 'GET / HTTP/1.1\r\n\r\n',
    'noise behind the preface': Buffer.concat([Buffer.from('PRI * HTTP/2.0\r\n\r\nSM\r\n\r\n'), Buffer.alloc(64, 7)]),
  };
  for (const [name, bytes] of Object.entries(faults)) {
    test(`${name} ends the connection`, async () => {
      const { port, listener } = await startListener(() => text('never'));
      const socket: TLSSocket = connectTls({ host: '127.0.0.1', port, ca: own.ca, ALPNProtocols: ['h2'] });
      socket.on('error', () => {});
      await once(socket, 'secureConnect');
      socket.write(bytes);
      socket.resume();
      await once(socket, 'close');
      const client = http2Client(port);
      assert.equal(await contentOf(await client.open({})), 'never');
      client.close();
      await listener.stop();
    });
  }
});
