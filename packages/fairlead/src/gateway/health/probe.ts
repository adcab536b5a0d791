import { connect as http2Connect } from 'node:http2';
import { request as httpsRequest } from 'node:https';
import { connect } from 'node:net';
import { type ConnectionOptions, checkServerIdentity } from 'node:tls';
import type { CheckResult } from '@fairlead/balance';
import type { HealthCheckPolicy } from '../../routing/backend-policies.ts';
import type { RouteBackend, RouteEndpoint } from '../../routing/route-table.ts';
import { bearsName, namesProblem } from '../../sys/certificate-names.ts';
import { nodeHttp } from '../../sys/node-http.ts';
import { systemRoots } from '../../sys/system-roots.ts';

/** Whom and how to ask. */
export interface ProbeTarget {
  readonly endpoint: Pick<RouteEndpoint, 'address' | 'port'>;
  readonly check: HealthCheckPolicy;
  readonly protocol: RouteBackend['protocol'];
  readonly tls: RouteBackend['tls'];
}

/**
 * Asks an endpoint once. Ends at the latest when `signal` aborts, which is a failure. `wrong` is an
 * answer that should be another one; no answer is `failed`.
 */
export type Probe = (target: ProbeTarget, signal: AbortSignal) => Promise<CheckResult>;

/** Over real connections, of node's own clients: checks are rare. */
export const probeEndpoint: Probe = (target, signal) => {
  switch (target.check.type) {
    case 'http':
      return probeHttp(target, signal);
    case 'tcp':
      return probeTcp(target, signal);
    case 'grpc':
      return probeGrpc(target, signal);
  }
};

function probeTcp({ endpoint }: ProbeTarget, signal: AbortSignal): Promise<CheckResult> {
  const { promise, resolve } = Promise.withResolvers<CheckResult>();
  const socket = connect({ host: endpoint.address, port: endpoint.port, signal });
  socket.on('connect', () => {
    resolve('passed');
    socket.destroy();
  });
  socket.on('error', () => resolve('failed'));
  return promise;
}

/** HTTP/1.1, over TLS where the backend speaks it. Redirects are answers like others. */
function probeHttp({ endpoint, check, protocol, tls }: ProbeTarget, signal: AbortSignal): Promise<CheckResult> {
  if (protocol === 'h2c' || tls?.versions === 'http2') {
    return probeHttp2(endpoint, check, protocol === 'https' ? tlsOptions(tls) : undefined, signal);
  }
  const { promise, resolve } = Promise.withResolvers<CheckResult>();
  const send = protocol === 'https' ? httpsRequest : nodeHttp.request;
  const asked = send({
    host: endpoint.address,
    port: endpoint.port,
    path: check.path,
    headers: { host: hostOf(endpoint, check), 'user-agent': 'fairlead-health-check', connection: 'close' },
    agent: false,
    signal,
    ...(protocol === 'https' ? tlsOptions(tls) : {}),
  });
  asked.on('response', (response) => {
    resolve(isExpected(check, response.statusCode ?? 0) ? 'passed' : 'wrong');
    response.destroy();
  });
  asked.on('error', () => resolve('failed'));
  asked.end();
  return promise;
}

function probeHttp2(
  endpoint: ProbeTarget['endpoint'],
  check: HealthCheckPolicy,
  tls: ConnectionOptions | undefined,
  signal: AbortSignal,
): Promise<CheckResult> {
  return overHttp2(endpoint, tls, signal, (session, resolve) => {
    const stream = session.request({ ':path': check.path, ':authority': hostOf(endpoint, check) });
    stream.on('response', (headers) => resolve(isExpected(check, headers[':status'] ?? 0) ? 'passed' : 'wrong'));
    stream.on('error', () => resolve('failed'));
    stream.end();
  });
}

/** `grpc.health.v1.Health/Check`: passed for SERVING, wrong for any other answer. */
function probeGrpc({ endpoint, check, protocol, tls }: ProbeTarget, signal: AbortSignal): Promise<CheckResult> {
  return overHttp2(endpoint, protocol === 'https' ? tlsOptions(tls) : undefined, signal, (session, resolve) => {
    const stream = session.request({
      ':method': 'POST',
      ':path': '/grpc.health.v1.Health/Check',
      ':authority': hostOf({ address: endpoint.address, port: endpoint.port }, { ...check, host: '' }),
      'content-type': 'application/grpc',
      te: 'trailers',
    });
    const body: Buffer[] = [];
    stream.on('data', (chunk: Buffer) => body.push(chunk));
    stream.on('end', () => resolve(servingStatus(Buffer.concat(body)) === SERVING ? 'passed' : 'wrong'));
    stream.on('error', () => resolve('failed'));
    stream.end(healthRequest(check.host));
  });
}

/** What the gateway itself checks and shows, for a client of node:tls. */
function tlsOptions(tls: RouteBackend['tls']): ConnectionOptions {
  const { ca, systemRoots: isSystem, serverName, names, identity } = tls ?? {};
  const roots = ca ?? (isSystem === true ? systemRoots() : undefined);
  return {
    rejectUnauthorized: roots !== undefined,
    ...(roots === undefined ? {} : { ca: roots }),
    ...(serverName === undefined ? {} : { servername: serverName }),
    ...(identity === undefined ? {} : { cert: identity.certificate, key: identity.privateKey }),
    checkServerIdentity: (_, certificate) => {
      if (names !== undefined) return bearsName(certificate.raw, names) ? undefined : new Error(namesProblem(names));
      return serverName === undefined ? undefined : checkServerIdentity(serverName, certificate);
    },
  };
}

function overHttp2(
  endpoint: ProbeTarget['endpoint'],
  tls: ConnectionOptions | undefined,
  signal: AbortSignal,
  ask: (session: ReturnType<typeof http2Connect>, resolve: (result: CheckResult) => void) => void,
): Promise<CheckResult> {
  const { promise, resolve } = Promise.withResolvers<CheckResult>();
  const session = http2Connect(`${tls === undefined ? 'http' : 'https'}://${hostOf(endpoint, undefined)}`, tls ?? {});
  const end = (result: CheckResult): void => {
    resolve(result);
    session.destroy();
  };
  session.on('error', () => end('failed'));
  signal.addEventListener('abort', () => end('failed'), { once: true });
  ask(session, end);
  return promise;
}

function hostOf(endpoint: ProbeTarget['endpoint'], check: HealthCheckPolicy | undefined): string {
  if (check !== undefined && check.host !== '') return check.host;
  const address = endpoint.address.includes(':') ? `[${endpoint.address}]` : endpoint.address;
  return `${address}:${endpoint.port}`;
}

function isExpected(check: HealthCheckPolicy, status: number): boolean {
  return check.statuses.some(([from, to]) => status >= from && status <= to);
}

const SERVING = 1;

/** A length-prefixed HealthCheckRequest: field 1, the service's name. */
export function healthRequest(service: string): Buffer {
  const name = Buffer.from(service);
  const message = name.length === 0 ? Buffer.alloc(0) : Buffer.concat([Buffer.from([0x0a, name.length]), name]);
  const prefix = Buffer.alloc(5);
  prefix.writeUInt32BE(message.length, 1);
  return Buffer.concat([prefix, message]);
}

/** `status` (field 1, varint) of a length-prefixed HealthCheckResponse; 0 when it is not there. */
export function servingStatus(body: Buffer): number {
  if (body.length < 7 || body[0] !== 0 || body.readUInt32BE(1) !== body.length - 5) return 0;
  return body[5] === 0x08 ? (body[6] ?? 0) : 0;
}
