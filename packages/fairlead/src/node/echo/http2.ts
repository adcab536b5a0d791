import { readFileSync } from 'node:fs';
import {
  createSecureServer,
  createServer,
  type Http2Server,
  type Http2ServerRequest,
  type Http2ServerResponse,
} from 'node:http2';
import type { Server } from 'node:net';
import { answer, type EchoState } from './answer.ts';
import type { Identity } from './identity.ts';

let plain: Http2Server | undefined;

/** The HTTP/2 server for connections with prior knowledge; never listens itself. */
export function http2Server(identity: Identity, state: EchoState): Http2Server {
  if (plain !== undefined) return plain;
  plain = createServer();
  plain.on('request', (request, response) => {
    if (request.headers['content-type']?.startsWith('application/grpc') === true) echoGrpc(request, response);
    else answer(request, response, identity, state);
  });
  plain.on('sessionError', () => {});
  return plain;
}

/** HTTP/1.1 and HTTP/2 over TLS with a given certificate. */
export function createTlsEcho(
  certFile: string | undefined,
  keyFile: string | undefined,
  identity: Identity,
  state: EchoState,
): Server {
  if (certFile === undefined || keyFile === undefined) throw new Error('--tls-port needs --tls-cert and --tls-key');
  const server = createSecureServer({ cert: readFileSync(certFile), key: readFileSync(keyFile), allowHTTP1: true });
  server.on('request', (request, response) => answer(request, response, identity, state));
  return server;
}

/** `grpc.health.v1.HealthCheckResponse { status: SERVING }` as a gRPC message. */
const SERVING_MESSAGE = Buffer.from([0, 0, 0, 0, 2, 0x08, 1]);

/** Health checks pass; every other method gets its own messages back. */
function echoGrpc(request: Http2ServerRequest, response: Http2ServerResponse): void {
  request.on('error', () => {});
  response.on('error', () => {});
  response.writeHead(200, { 'content-type': 'application/grpc' });
  response.addTrailers({ 'grpc-status': '0' });
  if (request.url === '/grpc.health.v1.Health/Check') {
    request.resume();
    response.end(SERVING_MESSAGE);
  } else {
    request.pipe(response);
  }
}
