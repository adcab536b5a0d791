import { timingSafeEqual } from 'node:crypto';
import { closeSync, existsSync, fstatSync, openSync, readSync, statSync, watch } from 'node:fs';
import type { IncomingMessage, ServerResponse } from 'node:http';
import type { AddressInfo } from 'node:net';
import { dirname } from 'node:path';
import type { Duplex } from 'node:stream';
import type { Clock } from '../../sys/clock.ts';
import { nodeHttp } from '../../sys/node-http.ts';
import { createLogFormatter, type LogQuery, readLog } from './read-log.ts';

/** Where a container's log is, and whether it may still grow. */
export interface LogTarget {
  readonly path: string;
  readonly running: () => boolean;
}

/** Where logs are served, and of what. */
export interface LogServerOptions {
  readonly host: string;
  readonly port: number;
  /** Bearer token that every request must carry. */
  readonly token: string;
  readonly clock: Clock;
  /** exec, attach, port-forward. */
  readonly upgrade: UpgradeHandler;
  /** Finds a container; a text is the reason why there is no log (404 or 400 by `notFound`). */
  readonly find: (
    namespace: string,
    pod: string,
    container: string,
    previous: boolean,
  ) => LogTarget | { readonly notFound: boolean; readonly message: string };
}

/** Takes requests with an `Upgrade` header whose token is right. */
export type UpgradeHandler = (request: IncomingMessage, socket: Duplex, head: Buffer) => void;

/** A server of logs under way. */
export interface LogServer {
  readonly port: number;
  stop(): Promise<void>;
}

/** How long a followed log of an ended container is polled on. */
const FOLLOW_POLL_MS = 200;

/**
 * Serves `GET /containerLogs/NAMESPACE/POD/CONTAINER` with `follow`, `tailLines`, `sinceSeconds`, `sinceTime`,
 * `timestamps`, `previous` and `limitBytes`, and `/healthz`.
 */
export function startLogServer(options: LogServerOptions): Promise<LogServer> {
  const server = nodeHttp.createServer((request, response) => handle(request, response, options));
  server.on('upgrade', (request: IncomingMessage, socket: Duplex, head: Buffer) => {
    if (isAuthorized(request.headers.authorization, options.token)) options.upgrade(request, socket, head);
    else socket.end('HTTP/1.1 401 Unauthorized\r\nContent-Length: 0\r\nConnection: close\r\n\r\n');
  });
  return new Promise((resolve, reject) => {
    server.once('error', reject);
    server.listen(options.port, options.host, () => {
      resolve({
        port: (server.address() as AddressInfo).port,
        stop() {
          return new Promise((done) => {
            server.close(() => done());
            server.closeAllConnections();
          });
        },
      });
    });
  });
}

function handle(request: IncomingMessage, response: ServerResponse, options: LogServerOptions): void {
  const url = new URL(request.url ?? '/', 'http://node');
  const fail = (code: number, message: string): void => {
    response.writeHead(code, { 'content-type': 'text/plain' });
    response.end(`${message}\n`);
  };
  if (url.pathname === '/healthz') {
    fail(200, 'ok');
    return;
  }
  if (!isAuthorized(request.headers.authorization, options.token)) {
    fail(401, 'unauthorized');
    return;
  }
  const [, what, ...names] = url.pathname.split('/').map(decodeURIComponent);
  if (what !== 'containerLogs' || names.length !== 3) {
    fail(404, 'not found');
    return;
  }
  if (request.method !== 'GET') {
    fail(405, 'method not allowed');
    return;
  }
  const [namespace, pod, container] = names as [string, string, string];
  const query = parseLogQuery(url.searchParams, options.clock.now());
  if ('error' in query) {
    fail(400, query.error);
    return;
  }
  const target = options.find(namespace, pod, container, url.searchParams.get('previous') === 'true');
  if ('message' in target) {
    fail(target.notFound ? 404 : 400, target.message);
    return;
  }
  sendLog(response, target, query, options.clock);
}

function isAuthorized(header: string | undefined, token: string): boolean {
  const given = Buffer.from(header ?? '');
  const wanted = Buffer.from(`Bearer ${token}`);
  return given.length === wanted.length && timingSafeEqual(given, wanted);
}

/** Reads the query of a log request; the first mistake is the answer. */
export function parseLogQuery(params: URLSearchParams, now: number): LogQuery | { readonly error: string } {
  const integer = (name: string): number | undefined => {
    const text = params.get(name);
    return text === null || text === '' ? undefined : Number(text);
  };
  const values = {
    tailLines: integer('tailLines'),
    sinceSeconds: integer('sinceSeconds'),
    limitBytes: integer('limitBytes'),
  };
  for (const [name, value] of Object.entries(values)) {
    if (value !== undefined && !(Number.isInteger(value) && value >= 0))
      return { error: `${name} must be a number of at least 0` };
  }
  const sinceTime = params.get('sinceTime');
  const since =
    values.sinceSeconds !== undefined
      ? now - values.sinceSeconds * 1000
      : sinceTime === null
        ? undefined
        : Date.parse(sinceTime);
  if (since !== undefined && Number.isNaN(since)) return { error: 'sinceTime must be an RFC 3339 time' };
  return {
    follow: params.get('follow') === 'true',
    timestamps: params.get('timestamps') === 'true',
    tailLines: values.tailLines,
    since,
    limitBytes: values.limitBytes,
  };
}

function sendLog(response: ServerResponse, target: LogTarget, query: LogQuery, clock: Clock): void {
  response.writeHead(200, { 'content-type': 'text/plain; charset=utf-8' });
  let left = query.limitBytes ?? Number.POSITIVE_INFINITY;
  const write = (data: Buffer): void => {
    if (left <= 0) return;
    const part = data.length > left ? data.subarray(0, left) : data;
    left -= part.length;
    if (part.length > 0) response.write(part);
  };
  const { text, end, inode } = readLog(target.path, query);
  write(text);
  if (!query.follow || left <= 0) {
    response.end();
    return;
  }
  response.flushHeaders();
  follow(response, target, query, clock, { position: end, inode }, write, () => left > 0);
}

function follow(
  response: ServerResponse,
  target: LogTarget,
  query: LogQuery,
  clock: Clock,
  from: { position: number; inode: number },
  write: (data: Buffer) => void,
  wants: () => boolean,
): void {
  const format = createLogFormatter(query);
  const buffer = Buffer.alloc(64 * 1024);
  let { position, inode } = from;
  let cancel: () => void = () => {};
  const drain = (): void => {
    if (!existsSync(target.path)) return;
    if (statSync(target.path).ino !== inode) {
      // Rotated: what was left of the old file is in its rotated place.
      if (existsSync(`${target.path}.1`)) readFrom(`${target.path}.1`, inode);
      position = 0;
      inode = statSync(target.path).ino;
    }
    readFrom(target.path, inode);
  };
  const readFrom = (path: string, expected: number): void => {
    const fd = openSync(path, 'r');
    try {
      if (fstatSync(fd).ino !== expected) return;
      for (;;) {
        const got = readSync(fd, buffer, 0, buffer.length, position);
        if (got === 0) break;
        position += got;
        write(format(buffer.subarray(0, got)));
      }
    } finally {
      closeSync(fd);
    }
  };
  const stop = (): void => {
    cancel();
    watcher?.close();
  };
  const turn = (): void => {
    cancel();
    const running = target.running();
    drain();
    if (!running || !wants()) {
      stop();
      response.end();
      return;
    }
    cancel = clock.after(FOLLOW_POLL_MS, turn);
  };
  let watcher: ReturnType<typeof watch> | undefined;
  try {
    watcher = watch(dirname(target.path), () => drain());
    watcher.on('error', () => {});
  } catch {
    // No inotify watch left: polling alone.
  }
  response.on('close', stop);
  turn();
}
