import assert from 'node:assert/strict';
import { once } from 'node:events';
import type { IncomingMessage, ServerResponse } from 'node:http';
import {
  connect,
  createSecureServer,
  type Http2SecureServer,
  type Http2ServerRequest,
  type Http2ServerResponse,
  type SecureServerOptions,
  type ServerHttp2Stream,
} from 'node:http2';
import { createServer as createHttpsServer, type Server } from 'node:https';
import type { AddressInfo } from 'node:net';
import { after, before, describe, test } from 'node:test';
import type { TLSSocket } from 'node:tls';
import type { BackendTls, RouteBackend } from '../routing/route-table.ts';
import { freePort } from '../sys/testing/free-ports.ts';
import { type GatewayRig, startRig, testHost, testRoute, within } from './test-rig/gateway-rig.ts';
import { type Leaf, OpensslPki, opensslSkip } from './test-rig/openssl-pki.ts';

const skip = opensslSkip();

/** What an endpoint says it saw. */
interface Seen {
  readonly version: string;
  readonly scheme: string | undefined;
  readonly name: unknown;
  readonly client: string | undefined;
  readonly bytes: number;
}

/** An endpoint that tells how it was asked; paths `/hold` wait for {@link release}. */
class Endpoint {
  readonly server: Http2SecureServer | Server;
  readonly sockets = new Set<TLSSocket>();
  handshakes = 0;
  #held: (() => void)[] = [];
  #onHeld: () => void = () => {};

  /** @param speaks `http1` answers the offer of HTTP/2 with HTTP/1.1. */
  constructor(options: SecureServerOptions, speaks: 'both' | 'http1' = 'both') {
    const serve = (
      request: Http2ServerRequest | IncomingMessage,
      response: Http2ServerResponse | ServerResponse,
    ): void => {
      let bytes = 0;
      request.on('data', (chunk: Buffer) => {
        bytes += chunk.length;
      });
      request.on('end', () => {
        const socket = ('stream' in request ? request.stream.session!.socket : request.socket) as TLSSocket;
        const seen: Seen = {
          version: request.httpVersion,
          scheme: 'scheme' in request ? request.scheme : undefined,
          name: socket.servername,
          client: socket.getPeerX509Certificate()?.subject,
          bytes,
        };
        const answer = (): void => {
          response.end(JSON.stringify(seen));
        };
        if (request.url !== '/hold') answer();
        else {
          this.#held.push(answer);
          this.#onHeld();
        }
      });
    };
    this.server =
      speaks === 'both'
        ? createSecureServer({ allowHTTP1: true, ...options }, serve)
        : createHttpsServer(options, serve);
    this.server.on('secureConnection', (socket: TLSSocket) => {
      this.handshakes++;
      this.sockets.add(socket);
      socket.on('close', () => this.sockets.delete(socket));
      socket.on('error', () => {});
    });
    this.server.on('sessionError', () => {});
  }

  async listen(at = 0): Promise<number> {
    this.server.listen(at, '127.0.0.1');
    await once(this.server, 'listening');
    return (this.server.address() as AddressInfo).port;
  }

  /** Resolves when a request is held back. */
  held(): Promise<void> {
    const { promise, resolve } = Promise.withResolvers<void>();
    this.#onHeld = resolve;
    return promise;
  }

  release(): void {
    for (const answer of this.#held.splice(0)) answer();
  }

  async close(): Promise<void> {
    for (const socket of this.sockets) socket.destroy();
    this.server.close();
    await once(this.server, 'close');
  }
}

describe('TLS to endpoints', { skip }, () => {
  let pki: OpensslPki;
  let both: Endpoint;
  let old: Endpoint;
  let guarded: Endpoint;
  let rig: GatewayRig;
  let first: Leaf;
  let second: Leaf;
  const ports = { both: 0, old: 0, guarded: 0 };

  before(async () => {
    pki = new OpensslPki();
    const server = pki.leaf('inner.example', {
      names: 'DNS:inner.example,DNS:*.wild.example,URI:spiffe://cluster.local/ns/shop/sa/web',
    });
    first = pki.leaf('first');
    second = pki.leaf('second');
    const own = { cert: server.certificate, key: server.privateKey };
    both = new Endpoint(own);
    old = new Endpoint(own, 'http1');
    guarded = new Endpoint({ ...own, requestCert: true, rejectUnauthorized: true, ca: pki.ca });
    ports.both = await both.listen();
    ports.old = await old.listen();
    ports.guarded = await guarded.listen();
    process.env.SSL_CERT_FILE = pki.caFile;
    rig = await startRig({ hosts: [testHost('*', [testRoute('/', [{ backend: 'a', weight: 1 }])])] });
  });
  after(async () => {
    delete process.env.SSL_CERT_FILE;
    await rig?.stop();
    for (const endpoint of [both, old, guarded]) await endpoint?.close();
    pki?.remove();
  });

  async function use(port: number, tls: BackendTls): Promise<void> {
    const backend: RouteBackend = {
      key: 'a',
      protocol: 'https',
      balance: 'round-robin',
      endpoints: [{ address: '127.0.0.1', port, weight: 1 }],
      tls,
    };
    // Gone in between: connections of the row before end with it.
    await rig.apply({ backends: [['a', undefined]] });
    await rig.apply({ backends: [['a', backend]] });
  }

  const ask = (path = '/', body = ''): Promise<string> =>
    rig.exchange(
      `POST ${path} HTTP/1.1\r\nHost: h\r\nConnection: close\r\nContent-Length: ${body.length}\r\n\r\n${body}`,
    );
  const seenOf = (answer: string): Seen => JSON.parse(/\{.*\}/.exec(answer)?.[0] ?? 'null') as Seen;

  const versions: readonly [string, () => number, BackendTls['versions'], version: string | 502][] = [
    ['both spoken, HTTP/2 preferred', () => ports.both, 'http2-or-http1', '2.0'],
    ['both spoken, HTTP/2 demanded', () => ports.both, 'http2', '2.0'],
    ['both spoken, HTTP/1.1 wanted', () => ports.both, 'http1', '1.1'],
    ['both spoken, nothing said', () => ports.both, undefined, '1.1'],
    ['HTTP/1.1 only, HTTP/2 preferred', () => ports.old, 'http2-or-http1', '1.1'],
    ['HTTP/1.1 only, HTTP/2 demanded', () => ports.old, 'http2', 502],
  ];
  for (const [name, port, wanted, version] of versions) {
    test(`${name} → ${version}`, async () => {
      await use(port(), {
        ca: pki.ca,
        serverName: 'inner.example',
        ...(wanted === undefined ? {} : { versions: wanted }),
      });
      for (let round = 0; round < 3; round++) {
        const answer = await ask('/', 'x'.repeat(300_000));
        if (version === 502) {
          assert.match(answer, /^HTTP\/1\.1 502 /);
          continue;
        }
        assert.match(answer, /^HTTP\/1\.1 200 /);
        const seen = seenOf(answer);
        assert.equal(seen.version, version);
        assert.equal(seen.name, 'inner.example');
        assert.equal(seen.bytes, 300_000);
        if (version === '2.0') assert.equal(seen.scheme, 'https');
      }
      if (version === 502) await rig.logged(/does not agree to HTTP\/2|alert|no application protocol/);
    });
  }

  test('forty requests at once share one handshake where HTTP/2 comes of it', async () => {
    await use(ports.both, { ca: pki.ca, versions: 'http2-or-http1' });
    const before = both.handshakes;
    const answers = await Promise.all(Array.from({ length: 40 }, () => ask()));
    for (const answer of answers) assert.equal(seenOf(answer).version, '2.0');
    assert.equal(both.handshakes, before + 1);
  });

  test('forty requests at once each get an answer where HTTP/1.1 comes of it', async () => {
    await use(ports.old, { ca: pki.ca, versions: 'http2-or-http1' });
    const answers = await Promise.all(Array.from({ length: 40 }, () => ask('/', 'y'.repeat(1000))));
    for (const answer of answers) assert.deepEqual([seenOf(answer).version, seenOf(answer).bytes], ['1.1', 1000]);
  });

  test('an upload larger than what is kept for a handshake arrives whole', async () => {
    await use(ports.both, { ca: pki.ca, versions: 'http2-or-http1' });
    assert.equal(seenOf(await ask('/', 'z'.repeat(3_000_000))).bytes, 3_000_000);
  });

  test('an endpoint that comes back with another protocol', async () => {
    const own = { cert: first.certificate, key: first.privateKey };
    const early = new Endpoint(own);
    const port = await early.listen(await freePort());
    await use(port, { ca: pki.ca, versions: 'http2-or-http1' });
    assert.equal(seenOf(await ask()).version, '2.0');
    await early.close();
    const late = new Endpoint(own, 'http1');
    await late.listen(port);
    try {
      assert.equal(seenOf(await ask()).version, '1.1');
      assert.equal(seenOf(await ask()).version, '1.1');
    } finally {
      await late.close();
    }
  });

  const names: readonly [string, BackendTls, status: number, log?: RegExp][] = [
    ['the DNS name', { names: { dns: ['inner.example'], uris: [] } }, 200],
    ['one DNS name of two', { names: { dns: ['other.example', 'inner.example'], uris: [] } }, 200],
    ['the URI', { names: { dns: [], uris: ['spiffe://cluster.local/ns/shop/sa/web'] } }, 200],
    [
      'the URI in another case',
      { names: { dns: [], uris: ['spiffe://cluster.local/ns/SHOP/sa/web'] } },
      502,
      /bears none of/,
    ],
    ['a name that only a wildcard would match', { names: { dns: ['a.wild.example'], uris: [] } }, 502, /bears none of/],
    [
      'another name',
      { names: { dns: ['other.example'], uris: ['spiffe://x'] } },
      502,
      /none of other\.example, spiffe/,
    ],
    [
      'the names count, the server name chooses only',
      { serverName: 'not.on.it.example', names: { dns: ['inner.example'], uris: [] } },
      200,
    ],
    ['the server name where there are no names', { serverName: 'other.example' }, 502, /hostname mismatch|altnames/],
  ];
  for (const [name, tls, status, log] of names) {
    test(`${name} → ${status}`, async () => {
      await use(ports.both, { ca: pki.ca, versions: 'http2-or-http1', ...tls });
      rig.logs.length = 0;
      assert.match(await ask(), new RegExp(`^HTTP/1\\.1 ${status} `));
      if (log !== undefined) await rig.logged(log);
    });
  }

  test('the CAs of the machine are trusted where that is asked for', async () => {
    await use(ports.both, { systemRoots: true, serverName: 'inner.example', versions: 'http2-or-http1' });
    assert.equal(seenOf(await ask()).version, '2.0');
    const stranger = new OpensslPki('Stranger');
    try {
      await use(ports.both, { ca: stranger.ca, versions: 'http2-or-http1' });
      rig.logs.length = 0;
      assert.match(await ask(), /^HTTP\/1\.1 502 /);
      await rig.logged(/TLS handshake with an endpoint failed.*(certificate|issuer)/);
    } finally {
      stranger.remove();
    }
  });

  for (const versions of ['http1', 'http2', 'http2-or-http1'] as const) {
    test(`an endpoint that wants a certificate gets it, and refuses without one (${versions})`, async () => {
      await use(ports.guarded, { ca: pki.ca, versions, identity: first });
      assert.match(seenOf(await ask()).client ?? '', /CN=first/);
      await use(ports.guarded, { ca: pki.ca, versions });
      rig.logs.length = 0;
      assert.match(await ask(), /^HTTP\/1\.1 502 /);
      await rig.logged(/TLS handshake with an endpoint failed/);
    });
  }

  test('another certificate of ours: what is under way ends as it began, what follows shows the new one', async () => {
    const tls: BackendTls = { ca: pki.ca, versions: 'http2', identity: first };
    const backend = (identity: Leaf): RouteBackend => ({
      key: 'a',
      protocol: 'https',
      balance: 'round-robin',
      endpoints: [{ address: '127.0.0.1', port: ports.guarded, weight: 1 }],
      tls: { ...tls, identity },
    });
    await use(ports.guarded, tls);
    const isHeld = guarded.held();
    const slow = ask('/hold');
    await within('the request', isHeld);
    await rig.apply({ backends: [['a', backend(second)]] });
    assert.match(seenOf(await ask()).client ?? '', /CN=second/);
    guarded.release();
    assert.match(seenOf(await slow).client ?? '', /CN=first/);
    assert.equal(rig.gateway.stats().handlerErrors, 0);
  });

  test('gRPC with trailers over TLS', async () => {
    const server = createSecureServer({ cert: first.certificate, key: first.privateKey });
    server.on('stream', (stream: ServerHttp2Stream) => {
      stream.respond({ ':status': 200, 'content-type': 'application/grpc' }, { waitForTrailers: true });
      stream.on('wantTrailers', () => stream.sendTrailers({ 'grpc-status': '0', 'grpc-message': 'fine' }));
      stream.pipe(stream);
    });
    server.listen(0, '127.0.0.1');
    await once(server, 'listening');
    await use((server.address() as AddressInfo).port, { ca: pki.ca, versions: 'http2' });
    const client = connect(`http://127.0.0.1:${rig.port}`);
    try {
      const stream = client.request({
        ':method': 'POST',
        ':path': '/s/m',
        'content-type': 'application/grpc',
        te: 'trailers',
      });
      const trailers = once(stream, 'trailers');
      stream.resume();
      stream.end(Buffer.from([0, 0, 0, 0, 0]));
      const [fields] = (await within('trailers', trailers)) as [Record<string, string>];
      assert.deepEqual([fields['grpc-status'], fields['grpc-message']], ['0', 'fine']);
    } finally {
      client.destroy();
      server.close();
    }
  });
});
