import type { IncomingMessage, ServerResponse } from 'node:http';
import type { Http2ServerRequest, Http2ServerResponse } from 'node:http2';
import { systemClock } from '../../sys/clock.ts';
import type { Identity } from './identity.ts';

/** State that requests can change. */
export interface EchoState {
  /** `/readyz` answers 503. */
  failReady: boolean;
  /** `/healthz` answers 503. */
  failHealth: boolean;
  /** SIGTERM has come: connections are closed after their next answer. */
  draining: boolean;
}

type Request = IncomingMessage | Http2ServerRequest;
type Response = ServerResponse | Http2ServerResponse;

/** Largest request body that is repeated in the answer. */
const BODY_ECHO_MAX = 64 * 1024;
const BYTES_CHUNK = Buffer.alloc(64 * 1024, 'fairlead');

/**
 * Answers one HTTP request.
 *
 *     /healthz, /readyz     200, or 503 after POST …?fail=1 (until ?fail=0)
 *     /status/CODE          that status
 *     /slow?ms=N            the usual answer after N ms
 *     /bytes/N              N bytes
 *     /env                  the environment of the process, as JSON
 *     anything else         who answers and what arrived, as JSON
 */
export function answer(request: Request, response: Response, identity: Identity, state: EchoState): void {
  const url = new URL(request.url ?? '/', 'http://echo');
  const [, first = '', second = ''] = url.pathname.split('/');
  response.on('error', () => {});
  if (state.draining && request.httpVersionMajor === 1) response.setHeader('connection', 'close');
  switch (first) {
    case 'healthz':
    case 'readyz': {
      const key = first === 'readyz' ? 'failReady' : 'failHealth';
      const fail = url.searchParams.get('fail');
      if (request.method === 'POST' && fail !== null) state[key] = fail !== '0';
      request.resume();
      sendText(response, state[key] ? 503 : 200, state[key] ? 'failing\n' : 'ok\n');
      return;
    }
    case 'status': {
      const code = Number(second);
      if (Number.isInteger(code) && code >= 200 && code <= 599) {
        return void collect(request, (body) => sendJson(request, response, code, identity, url, body));
      }
      break;
    }
    case 'slow': {
      const delay = Math.min(Math.max(Number(url.searchParams.get('ms')) || 0, 0), 600_000);
      return void collect(request, (body) => {
        systemClock.after(delay, () => sendJson(request, response, 200, identity, url, body));
      });
    }
    case 'env': {
      request.resume();
      sendJsonText(request, response, 200, `${JSON.stringify(process.env)}\n`);
      return;
    }
    case 'bytes': {
      request.resume();
      sendBytes(response, Math.min(Math.max(Number(second) || 0, 0), 2 ** 33));
      return;
    }
  }
  collect(request, (body) => sendJson(request, response, 200, identity, url, body));
}

function collect(request: Request, done: (body: Buffer) => void): void {
  if (request.method === 'GET' || request.method === 'HEAD') {
    request.resume();
    done(Buffer.alloc(0));
    return;
  }
  const parts: Buffer[] = [];
  let size = 0;
  request.on('data', (chunk: Buffer) => {
    if (size < BODY_ECHO_MAX) parts.push(chunk);
    size += chunk.length;
  });
  request.on('error', () => {});
  request.on('end', () => done(Buffer.concat(parts).subarray(0, BODY_ECHO_MAX)));
}

function sendText(response: Response, code: number, text: string): void {
  response.statusCode = code;
  response.setHeader('content-type', 'text/plain');
  response.setHeader('content-length', String(Buffer.byteLength(text)));
  (response as ServerResponse).end(text);
}

function sendJson(
  request: Request,
  response: Response,
  code: number,
  identity: Identity,
  url: URL,
  body: Buffer,
): void {
  const { socket } = request;
  const text = `${JSON.stringify({
    ...identity,
    method: request.method,
    path: url.pathname + url.search,
    host: request.headers.host ?? (request.headers as Record<string, string | undefined>)[':authority'] ?? '',
    proto: `HTTP/${request.httpVersion}`,
    remote: `${(socket.remoteAddress ?? '').replace(/^::ffff:/, '')}:${socket.remotePort ?? ''}`,
    headers: Object.fromEntries(Object.entries(request.headers)),
    ...(body.length === 0 ? {} : { body: body.toString() }),
  })}\n`;
  sendJsonText(request, response, code, text);
}

function sendJsonText(request: Request, response: Response, code: number, text: string): void {
  response.statusCode = code;
  if (code === 204 || code === 304) return void (response as ServerResponse).end();
  response.setHeader('content-type', 'application/json');
  response.setHeader('content-length', String(Buffer.byteLength(text)));
  (response as ServerResponse).end(request.method === 'HEAD' ? undefined : text);
}

function sendBytes(response: Response, count: number): void {
  const stream = response as ServerResponse;
  stream.statusCode = 200;
  stream.setHeader('content-type', 'application/octet-stream');
  stream.setHeader('content-length', String(count));
  let left = count;
  const pump = (): void => {
    while (left > 0) {
      const part = left >= BYTES_CHUNK.length ? BYTES_CHUNK : BYTES_CHUNK.subarray(0, left);
      left -= part.length;
      if (!stream.write(part)) {
        stream.once('drain', pump);
        return;
      }
    }
    stream.end();
  };
  pump();
}
