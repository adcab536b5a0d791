import assert from 'node:assert/strict';
import { randomBytes } from 'node:crypto';
import { once } from 'node:events';
import { createServer as createHttp1Server } from 'node:http';
import {
  type ClientHttp2Stream,
  connect,
  createServer,
  type Http2Server,
  type ServerHttp2Session,
  type ServerHttp2Stream,
} from 'node:http2';
import { after, before, describe, test } from 'node:test';
import fc from 'fast-check';
import { Base64Decoder, encodeBase64 } from './grpc-web.ts';
import { type GatewayRig, startRig, testBackend, testRoute, within } from './test-rig/gateway-rig.ts';

/** One message of a gRPC body. */
function message(content: Uint8Array, flags = 0): Buffer {
  const head = Buffer.alloc(5);
  head[0] = flags;
  head.writeUInt32BE(content.length, 1);
  return Buffer.concat([head, content]);
}

/** The frames of a body: flags and content. */
function framesOf(body: Buffer): { flags: number; content: Buffer }[] {
  const frames = [];
  for (let at = 0; at < body.length; ) {
    const length = body.readUInt32BE(at + 1);
    assert.ok(at + 5 + length <= body.length, 'a whole frame');
    frames.push({ flags: body[at]!, content: body.subarray(at + 5, at + 5 + length) });
    at += 5 + length;
  }
  return frames;
}

let server: Http2Server;
let rig: GatewayRig;
const sessions = new Set<ServerHttp2Session>();
const seen: { headers: Record<string, unknown>; body: Buffer }[] = [];

before(async () => {
  server = createServer();
  server.on('session', (session) => {
    sessions.add(session);
    session.on('error', () => {});
  });
  server.on('stream', (stream: ServerHttp2Stream, headers) => {
    const parts: Buffer[] = [];
    stream.on('error', () => {});
    stream.on('data', (part: Buffer) => parts.push(part));
    stream.on('end', () => {
      // Node tells the end of a stream that was reset, too.
      if (stream.aborted || stream.destroyed) return;
      const body = Buffer.concat(parts);
      seen.push({ headers, body });
      const type = { ':status': 200, 'content-type': String(headers['content-type']) };
      if (headers[':path'] === '/test/plain') {
        stream.respond({ ':status': 403, 'content-type': 'text/plain' });
        stream.end('no');
      } else if (headers[':path'] === '/test/refuse') {
        stream.respond({ ...type, 'grpc-status': '7', 'grpc-message': 'no' }, { endStream: true });
      } else if (headers[':path'] === '/test/sized') {
        stream.respond({ ...type, 'content-length': String(body.length) }, { waitForTrailers: true });
        stream.on('wantTrailers', () => stream.sendTrailers({ 'grpc-status': '0', 'x-sum': String(body.length) }));
        stream.end(body);
      } else if (headers[':path'] === '/test/long-trailers') {
        stream.respond(type, { waitForTrailers: true });
        stream.on('wantTrailers', () => {
          if (!stream.destroyed) stream.sendTrailers({ 'grpc-status': '0', 'x-long': 'y'.repeat(10_000) });
        });
        stream.end(body);
      } else {
        stream.respond(type, { waitForTrailers: true });
        stream.on('wantTrailers', () => stream.sendTrailers({ 'grpc-status': '0', 'x-sum': String(body.length) }));
        // Pieces that no group of three bytes ends with.
        for (let at = 0; at < body.length; at += 10_001) stream.write(body.subarray(at, at + 10_001));
        stream.end();
      }
    });
  });
  server.listen(0, '127.0.0.1');
  await once(server, 'listening');
  const [key, backend] = testBackend('grpc', [(server.address() as { port: number }).port]);
  rig = await startRig({
    hosts: [['http|*', { listener: 'http', hostname: '*', routes: [testRoute('/', [{ backend: key, weight: 1 }])] }]],
    backends: [[key, { ...backend, protocol: 'h2c' }]],
  });
});

after(async () => {
  await rig?.stop();
  for (const session of sessions) session.destroy();
  server?.close();
});

const post = (path: string, type: string, body: Buffer): Promise<Response> =>
  within(
    path,
    fetch(`http://127.0.0.1:${rig.port}${path}`, {
      method: 'POST',
      headers: { 'content-type': type, 'x-grpc-web': '1' },
      body: new Uint8Array(body),
    }),
  );
const bodyOf = async (response: Response): Promise<Buffer> =>
  Buffer.from(await within('a body', response.arrayBuffer()));
/** Pieces, each padded. */
const fromPieces = (text: string): Buffer => {
  const decoder = new Base64Decoder();
  return decoder.decode(Buffer.from(text, 'latin1'), 0, text.length);
};

describe('gRPC-Web', () => {
  for (const size of [0, 1, 70_000, 1_000_000]) {
    test(`binary, a message of ${size} bytes`, async () => {
      const request = message(randomBytes(size));
      const response = await post('/test/echo', 'application/grpc-web+proto', request);
      assert.equal(response.status, 200);
      assert.equal(response.headers.get('content-type'), 'application/grpc-web+proto');
      const frames = framesOf(await bodyOf(response));
      assert.equal(frames.length, 2);
      assert.ok(message(frames[0]!.content).equals(request));
      assert.equal(frames[1]!.flags, 0x80);
      assert.equal(frames[1]!.content.toString(), `grpc-status: 0\r\nx-sum: ${request.length}\r\n`);
      const { headers, body } = seen.at(-1)!;
      assert.equal(headers['content-type'], 'application/grpc+proto');
      assert.equal(headers.te, 'trailers');
      assert.ok(body.equals(request));
    });

    test(`text, a message of ${size} bytes`, async () => {
      const request = message(randomBytes(size));
      // Two pieces, each with its padding, as a client writes that streams.
      const text = request.subarray(0, 4).toString('base64') + request.subarray(4).toString('base64');
      const response = await post('/test/echo', 'application/grpc-web-text', Buffer.from(text));
      assert.equal(response.headers.get('content-type'), 'application/grpc-web-text');
      const frames = framesOf(fromPieces((await bodyOf(response)).toString('latin1')));
      assert.ok(message(frames[0]!.content).equals(request));
      assert.equal(frames[1]!.content.toString(), `grpc-status: 0\r\nx-sum: ${request.length}\r\n`);
      const { headers, body } = seen.at(-1)!;
      assert.equal(headers['content-type'], 'application/grpc');
      assert.equal(headers['content-length'], undefined);
      assert.ok(body.equals(request));
    });
  }

  test('a refusal without messages stays in the head', async () => {
    const response = await post('/test/refuse', 'application/grpc-web', message(Buffer.alloc(1)));
    assert.equal(response.headers.get('grpc-status'), '7');
    assert.equal(response.headers.get('content-type'), 'application/grpc-web');
    assert.equal((await bodyOf(response)).length, 0);
  });

  test('an answer that is not gRPC goes on as it is', async () => {
    const response = await post('/test/plain', 'application/grpc-web-text', Buffer.from('AAAAAAA='));
    assert.equal(response.status, 403);
    assert.equal((await bodyOf(response)).toString(), 'no');
  });

  test('trailers too long for HTTP/1.1 fit into a frame', async () => {
    const response = await post('/test/long-trailers', 'application/grpc-web', message(Buffer.alloc(1)));
    const frames = framesOf(await bodyOf(response));
    assert.match(frames[1]!.content.toString(), /^grpc-status: 0\r\nx-long: y{10000}\r\n$/);
  });

  test('other types are left alone', async () => {
    for (const type of ['application/grpc-webx', 'application/json', 'text/application/grpc-web']) {
      const response = await post('/test/echo', type, message(Buffer.alloc(3)));
      assert.equal(response.headers.get('content-type'), type);
      assert.equal(framesOf(await bodyOf(response)).length, 1);
      assert.equal(seen.at(-1)!.headers['content-type'], type);
    }
  });

  test('over HTTP/2', async () => {
    const session = connect(`http://127.0.0.1:${rig.port}`);
    const stream = session.request({
      ':method': 'POST',
      ':path': '/test/echo',
      'content-type': 'application/grpc-web+json',
    });
    stream.end(message(Buffer.from('{}')));
    const headers = once(stream, 'response') as Promise<[Record<string, unknown>]>;
    const parts: Buffer[] = [];
    stream.on('data', (part: Buffer) => parts.push(part));
    await within('the end', once(stream, 'end'));
    assert.equal((await headers)[0]['content-type'], 'application/grpc-web+json');
    assert.deepEqual(
      framesOf(Buffer.concat(parts)).map(({ flags, content }) => `${flags} ${content}`),
      ['0 {}', '128 grpc-status: 0\r\nx-sum: 7\r\n'],
    );
    session.destroy();
  });
});

/** Also after an error, which comes first. */
const closed = (stream: ClientHttp2Stream): Promise<void> =>
  within('the reset', new Promise((resolve) => stream.on('close', resolve)));

test('trailers too long for an endpoint of HTTP/1.1 break a request; those of an answer arrive', async () => {
  const session = connect(`http://127.0.0.1:${rig.port}`);
  session.on('error', () => {});
  const upload = session.request({ ':method': 'POST', ':path': '/test/echo' }, { waitForTrailers: true });
  upload.on('wantTrailers', () => upload.sendTrailers({ 'x-long': 'y'.repeat(10_000) }));
  upload.on('error', () => {});
  const before = seen.length;
  upload.end('body');
  await closed(upload);
  assert.equal(upload.rstCode, 11);
  assert.equal(seen.length, before);

  const download = session.request({
    ':method': 'POST',
    ':path': '/test/long-trailers',
    'content-type': 'application/grpc',
  });
  download.on('error', () => {});
  let trailers: Record<string, unknown> = {};
  download.on('trailers', (fields) => {
    trailers = { ...fields };
  });
  download.resume();
  download.end(message(Buffer.alloc(1)));
  await closed(download);
  assert.deepEqual([download.rstCode, trailers['grpc-status'], String(trailers['x-long']).length], [0, '0', 10_000]);
  session.destroy();
});

test('base64 in pieces of any size, each padded, is what went in', () => {
  fc.assert(
    fc.property(fc.array(fc.uint8Array({ maxLength: 40 })), fc.integer({ min: 1, max: 9 }), (pieces, step) => {
      const text = Buffer.concat(pieces.map((piece) => encodeBase64(piece, 0, piece.length)));
      const decoder = new Base64Decoder();
      const decoded: Buffer[] = [];
      for (let at = 0; at < text.length; at += step) {
        decoded.push(decoder.decode(text, at, Math.min(at + step, text.length)));
      }
      assert.ok(Buffer.concat(decoded).equals(Buffer.concat(pieces)));
      assert.ok(decoder.isWhole);
    }),
  );
});

describe('broken base64 is noticed', () => {
  const whole = ['', 'AAAA', 'AA==', 'AAA=', 'AA==AAA=AAAA'];
  const broken = ['A===', '=', 'AA=A', 'AAAA=', 'AA!A', 'AA A', 'AAAA\n', 'AA-_', 'AA===', '\u00ffAAA'];
  const unfinished = ['A', 'AA', 'AAA', 'AA=', 'AAAAA'];
  for (const [texts, expected] of [
    [whole, [false, true]],
    [broken, [true, false]],
    [unfinished, [false, false]],
  ] as const) {
    for (const text of texts) {
      test(`${JSON.stringify(text)} → ${expected[0] ? 'broken' : expected[1] ? 'whole' : 'unfinished'}`, () => {
        const decoder = new Base64Decoder();
        for (const byte of Buffer.from(text, 'latin1')) decoder.decode(Buffer.of(byte), 0, 1);
        assert.deepEqual([decoder.isBroken, decoder.isWhole], expected);
        decoder.reset();
        assert.ok(decoder.isWhole);
      });
    }
  }

  test('by the gateway: 400, and the endpoint does not get the end of it', async () => {
    const before = seen.length;
    for (const text of ['AAAAAAA!', 'AAAAAA', `${'AAAA'.repeat(50_000)}A`]) {
      const response = await post('/test/echo', 'application/grpc-web-text', Buffer.from(text));
      assert.equal(response.status, 400);
    }
    assert.equal(seen.length, before);
    const good = await post('/test/echo', 'application/grpc-web-text', Buffer.from('AAAAAAE='));
    assert.equal(good.status, 200);
  });
});

test('an answer with a length keeps its trailers', async () => {
  const session = connect(`http://127.0.0.1:${rig.port}`);
  const type = { 'content-type': 'application/grpc', te: 'trailers' };
  const stream = session.request({ ':method': 'POST', ':path': '/test/sized', ...type });
  const trailers = once(stream, 'trailers');
  const chunks: Buffer[] = [];
  stream.on('data', (chunk: Buffer) => chunks.push(chunk));
  stream.end(message(Buffer.alloc(9)));
  const [fields] = (await within('trailers', trailers)) as [Record<string, string>];
  assert.deepEqual([fields['grpc-status'], fields['x-sum']], ['0', '14']);
  assert.equal(Buffer.concat(chunks).length, 14);
  session.destroy();
});

test('an endpoint of HTTP/1.1 speaks gRPC-Web itself, and gets it as it is', async () => {
  const endpoint = createHttp1Server((request, response) => {
    const chunks: Buffer[] = [];
    request.on('data', (chunk: Buffer) => chunks.push(chunk));
    request.on('end', () => {
      response.setHeader('content-type', String(request.headers['content-type']));
      response.end(Buffer.concat(chunks));
    });
  });
  endpoint.listen(0, '127.0.0.1');
  await once(endpoint, 'listening');
  const web = testBackend('web', [(endpoint.address() as { port: number }).port]);
  await rig.apply({
    hosts: [['http|*', { listener: 'http', hostname: '*', routes: [testRoute('/', [{ backend: 'web', weight: 1 }])] }]],
    backends: [web],
  });
  try {
    for (const [type, body] of [
      ['application/grpc-web+proto', message(randomBytes(100))],
      ['application/grpc-web-text', Buffer.from(message(randomBytes(100)).toString('base64'))],
      ['application/grpc-web-text', Buffer.from('not base64!')],
    ] as const) {
      const response = await post('/test/echo', type, body);
      assert.deepEqual([response.headers.get('content-type'), await bodyOf(response)], [type, body]);
    }
  } finally {
    endpoint.close();
    endpoint.closeAllConnections();
  }
});
