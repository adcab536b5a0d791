import { chmodSync, rmSync } from 'node:fs';
import type { IncomingMessage, ServerResponse } from 'node:http';
import type { AddressInfo } from 'node:net';
import { nodeHttp } from '../sys/node-http.ts';
import type { Log, Running } from '../sys/role.ts';
import { METRICS_CONTENT_TYPE, negotiateMetricsFormat, renderMetrics } from './exposition.ts';
import type { LineFeed } from './line-feed.ts';
import type { MetricRegistry } from './metrics.ts';

/** A named condition; the returned text says what is wrong, undefined that all is well. */
export type HealthCheck = () => string | undefined;

/** What is served beside the traffic: health and metrics. */
export interface AdminServerOptions {
  /** IP literal; keep it on loopback. Default `127.0.0.1`. */
  readonly address?: string;
  /** 0: the kernel chooses. */
  readonly port: number;
  /** File of a socket to listen on instead of an address. A leftover there is replaced; only the owner may connect. */
  readonly socket?: string;
  readonly metrics: MetricRegistry;
  /** What must hold for the role to take traffic. */
  readonly ready?: Readonly<Record<string, HealthCheck>>;
  /** What must hold for the process to be kept. */
  readonly live?: Readonly<Record<string, HealthCheck>>;
  /** The programs that run now, by name: answered as JSON on `/debug/program` and `/debug/program/NAME`. */
  readonly programs?: Readonly<Record<string, () => unknown>>;
  /** What passes right now, on `/tap` of a socket: never at an address, where anybody may ask. */
  readonly tap?: LineFeed;
  readonly log: Log;
}

/** A server under way, and where. */
export interface RunningAdminServer extends Running {
  readonly address: string;
  readonly port: number;
}

/**
 * The small HTTP server beside each role: `/metrics`, `/healthz` and `/livez`, `/readyz` (with
 * `?verbose` every check by name, as kube-apiserver has it), `/debug/program`.
 * Rejects when the address cannot be had.
 */
export async function startAdminServer(options: AdminServerOptions): Promise<RunningAdminServer> {
  const address = options.address ?? '127.0.0.1';
  const server = nodeHttp.createServer((request, response) => {
    try {
      answer(options, request, response);
    } catch (error) {
      options.log('error', 'admin request failed', { path: request.url, error });
      send(response, 500, 'text/plain; charset=utf-8', `${(error as Error).message}\n`);
    }
  });
  const { socket } = options;
  if (socket === undefined) server.listen(options.port, address);
  else {
    rmSync(socket, { force: true });
    server.listen(socket);
  }
  await new Promise<void>((resolve, reject) => {
    server.once('listening', resolve);
    server.once('error', reject);
  });
  if (socket !== undefined) chmodSync(socket, 0o600);
  return {
    address: socket ?? address,
    port: socket === undefined ? (server.address() as AddressInfo).port : 0,
    async stop() {
      if (!server.listening) return;
      const closed = new Promise((resolve) => server.close(resolve));
      server.closeAllConnections();
      await closed;
    },
  };
}

function answer(options: AdminServerOptions, request: IncomingMessage, response: ServerResponse): void {
  const url = new URL(request.url ?? '/', 'http://localhost');
  const text = 'text/plain; charset=utf-8';
  if (request.method !== 'GET' && request.method !== 'HEAD') {
    response.setHeader('allow', 'GET, HEAD');
    send(response, 405, text, 'method not allowed\n');
    return;
  }
  const [, first = '', second = '', name] = url.pathname.split('/');
  switch (first) {
    case 'metrics': {
      const format = negotiateMetricsFormat(request.headers.accept);
      send(response, 200, METRICS_CONTENT_TYPE[format], renderMetrics(options.metrics, format));
      return;
    }
    case 'healthz':
    case 'livez':
      sendChecks(response, first, options.live ?? {}, url.searchParams.has('verbose'));
      return;
    case 'readyz':
      sendChecks(response, first, options.ready ?? {}, url.searchParams.has('verbose'));
      return;
    case 'tap':
      if (options.socket === undefined || options.tap === undefined) break;
      options.tap.serve(response);
      return;
    case 'debug':
      if (second !== 'program') break;
      sendPrograms(response, options.programs ?? {}, name);
      return;
  }
  send(response, 404, text, 'paths: /metrics /healthz /livez /readyz /debug/program\n');
}

function sendChecks(
  response: ServerResponse,
  name: string,
  checks: Readonly<Record<string, HealthCheck>>,
  verbose: boolean,
): void {
  const results = Object.entries(checks).map(([check, run]) => ({ check, problem: run() }));
  const failed = results.some(({ problem }) => problem !== undefined);
  const lines = results.map(({ check, problem }) =>
    problem === undefined ? `[+]${check} ok` : `[-]${check} failed: ${problem}`,
  );
  const verdict = `${name} check ${failed ? 'failed' : 'passed'}`;
  const body = failed || verbose ? `${[...lines, verdict].join('\n')}\n` : 'ok';
  send(response, failed ? 503 : 200, 'text/plain; charset=utf-8', body);
}

function sendPrograms(
  response: ServerResponse,
  programs: Readonly<Record<string, () => unknown>>,
  name: string | undefined,
): void {
  const one = name === undefined || name === '' ? undefined : programs[name];
  if (one === undefined && name !== undefined && name !== '') {
    send(response, 404, 'text/plain; charset=utf-8', `programs: ${Object.keys(programs).join(' ')}\n`);
    return;
  }
  const value =
    one === undefined ? Object.fromEntries(Object.entries(programs).map(([key, get]) => [key, get()])) : one();
  send(response, 200, 'application/json', `${JSON.stringify(value, programValue, 2)}\n`);
}

/** Maps and sets of a program become objects and lists. */
function programValue(_key: string, value: unknown): unknown {
  if (value instanceof Map) return Object.fromEntries(value);
  if (value instanceof Set) return [...value];
  return typeof value === 'bigint' ? value.toString() : value;
}

function send(response: ServerResponse, status: number, contentType: string, body: string): void {
  response.writeHead(status, { 'content-type': contentType, 'content-length': Buffer.byteLength(body) });
  response.end(body);
}
