import type { IncomingMessage } from 'node:http';
import { Agent, request as httpsRequest, type RequestOptions } from 'node:https';
import type { Duplex } from 'node:stream';
import type { FrontProxy } from '../pki/front-proxy.ts';
import type { AnswerSink, ApiAnswer, ApiRequest, UserInfo } from '../server/api-request.ts';
import { isWatch } from '../server/authorize.ts';
import { StatusError } from '../server/status-error.ts';
import type { RemoteService } from './remote-service.ts';

/** Headers that are about one connection, about who asks, or written anew. */
const ownHeaders: ReadonlySet<string> = new Set([
  'authorization',
  'connection',
  'content-length',
  'host',
  'http2-settings',
  'keep-alive',
  'proxy-authenticate',
  'proxy-authorization',
  'proxy-connection',
  'te',
  'trailer',
  'transfer-encoding',
  'upgrade',
]);
const repeatable: ReadonlySet<string> = new Set(['GET', 'HEAD', 'PUT', 'DELETE', 'OPTIONS']);
const NEWLINE = 0x0a;

/** Where to send requests of an extension server. */
export interface ProxyTarget {
  readonly remote: RemoteService;
  readonly host: string;
  readonly port: number;
}

/** Sends requests of users to extension servers, as this server and in the name of the user. */
export class RequestProxy {
  readonly #frontProxy: FrontProxy;
  readonly #agent = new Agent({ keepAlive: true, maxFreeSockets: 32 });

  constructor(frontProxy: FrontProxy) {
    this.#frontProxy = frontProxy;
  }

  close(): void {
    this.#agent.destroy();
  }

  /** Passes a request on; what cannot be reached is a 503. @throws StatusError */
  forward(target: ProxyTarget, request: ApiRequest): Promise<ApiAnswer> {
    const query = request.query.toString();
    const upgrades = request.headers.upgrade !== undefined;
    const options = {
      ...this.#options(target),
      method: request.method,
      path: `${request.path}${query === '' ? '' : `?${query}`}`,
      headers: {
        ...passedHeaders(request),
        ...identityHeaders(request.user),
        host: `${serverName(target.remote)}`,
        ...(request.body.length === 0 ? {} : { 'content-length': request.body.length }),
        ...(upgrades ? { connection: 'Upgrade', upgrade: request.headers.upgrade } : {}),
      },
      signal: request.signal,
      // What must not be sent twice does not go over a connection that the other side may be closing.
      ...(upgrades || !repeatable.has(request.method) ? { agent: false } : {}),
    } as RequestOptions;
    return this.#send(options, request);
  }

  #send(options: RequestOptions, request: ApiRequest): Promise<ApiAnswer> {
    return new Promise((resolve, reject) => {
      const upstream = httpsRequest(options);
      upstream.on('error', (error: NodeJS.ErrnoException) => {
        const closedWhileIdle = upstream.reusedSocket && error.code === 'ECONNRESET';
        if (!closedWhileIdle) reject(unreachable(error));
        else this.#send({ ...options, agent: false }, request).then(resolve, reject);
      });
      upstream.on('response', (response) => resolve(answerOf(request, response)));
      upstream.on('upgrade', (response, backend: Duplex, head: Buffer) => resolve(upgraded(response, backend, head)));
      upstream.end(request.body);
    });
  }

  /**
   * GET in the name of this server itself; answers with status and text of at most `maxBytes`.
   * Rejects with what went wrong.
   */
  read(
    target: ProxyTarget,
    path: string,
    accept: string,
    signal: AbortSignal,
    maxBytes: number,
  ): Promise<{ readonly status: number; readonly contentType: string; readonly text: string }> {
    const user = { name: 'system:kube-aggregator', groups: ['system:masters'] };
    const headers = { accept, host: serverName(target.remote), ...identityHeaders(user) };
    return new Promise((resolve, reject) => {
      const upstream = httpsRequest({
        ...this.#options(target),
        method: 'GET',
        path,
        headers,
        signal,
      } as RequestOptions);
      upstream.on('error', reject);
      upstream.on('response', (response) => {
        const chunks: Buffer[] = [];
        let size = 0;
        response.on('data', (chunk: Buffer) => {
          size += chunk.length;
          chunks.push(chunk);
          if (size > maxBytes) upstream.destroy(new Error('answer is too large'));
        });
        response.on('error', reject);
        response.on('end', () => {
          const contentType = response.headers['content-type'] ?? '';
          resolve({ status: response.statusCode ?? 0, contentType, text: Buffer.concat(chunks).toString('utf8') });
        });
      });
      upstream.end();
    });
  }

  #options({ remote, host, port }: ProxyTarget): RequestOptions {
    const { client } = this.#frontProxy;
    return {
      host,
      port,
      servername: serverName(remote),
      cert: client.certificate,
      key: client.key,
      agent: this.#agent,
      rejectUnauthorized: !remote.insecure,
      ...(remote.ca === undefined ? {} : { ca: remote.ca }),
    };
  }
}

function serverName({ service }: RemoteService): string {
  return `${service.name}.${service.namespace}.svc`;
}

function passedHeaders({ headers }: ApiRequest): Record<string, string | string[]> {
  const passed: Record<string, string | string[]> = {};
  for (const [name, value] of Object.entries(headers)) {
    if (value === undefined || name.startsWith(':') || ownHeaders.has(name)) continue;
    if (name.startsWith('x-remote-') || name.startsWith('impersonate-')) continue;
    passed[name] = value;
  }
  return passed;
}

/** Who asks, as extension servers take it from a front proxy. */
function identityHeaders(user: UserInfo): Record<string, string | string[]> {
  const headers: Record<string, string | string[]> = { 'x-remote-user': user.name };
  if (user.groups.length > 0) headers['x-remote-group'] = [...user.groups];
  if (user.uid !== undefined) headers['x-remote-uid'] = user.uid;
  for (const [key, values] of Object.entries(user.extra ?? {})) {
    headers[`x-remote-extra-${encodeURIComponent(key.toLowerCase())}`] = [...values];
  }
  return headers;
}

function unreachable(error: Error): StatusError {
  const text = `error trying to reach service: ${error.message}`;
  return new StatusError(503, 'ServiceUnavailable', text);
}

function answerHeaders(response: IncomingMessage): Record<string, string | readonly string[]> {
  const headers: Record<string, string | readonly string[]> = {};
  for (const [name, value] of Object.entries(response.headers)) {
    if (value !== undefined && !ownHeaders.has(name)) headers[name] = value;
  }
  return headers;
}

function answerOf(request: ApiRequest, response: IncomingMessage): ApiAnswer {
  const byLine = isWatch(request.query) && String(response.headers['content-type']).startsWith('application/json');
  return {
    status: response.statusCode ?? 502,
    headers: answerHeaders(response),
    stream: (sink) => pump(response, sink, byLine),
  };
}

/** Passes the body on as it comes; of a watch each piece is one line, which is one event. */
async function pump(response: IncomingMessage, sink: AnswerSink, byLine: boolean): Promise<void> {
  let rest: Buffer = Buffer.alloc(0);
  try {
    for await (const chunk of response as AsyncIterable<Buffer>) {
      if (!byLine) sink.write(chunk);
      else {
        let bytes: Buffer = rest.length === 0 ? chunk : Buffer.concat([rest, chunk]);
        for (let end = bytes.indexOf(NEWLINE); end >= 0; end = bytes.indexOf(NEWLINE)) {
          sink.write(bytes.subarray(0, end + 1));
          bytes = bytes.subarray(end + 1);
        }
        rest = bytes;
      }
      await sink.drained();
    }
    if (rest.length > 0) sink.write(rest);
    sink.end();
  } catch {
    sink.abort();
  }
}

function upgraded(response: IncomingMessage, backend: Duplex, backendHead: Buffer): ApiAnswer {
  const headers = { ...answerHeaders(response), connection: 'Upgrade', upgrade: response.headers.upgrade ?? '' };
  return {
    status: 101,
    headers,
    upgrade(client, clientHead) {
      if (backendHead.length > 0) client.write(backendHead);
      if (clientHead.length > 0) backend.write(clientHead);
      for (const [from, to] of [
        [client, backend],
        [backend, client],
      ] as const) {
        from.pipe(to);
        from.on('error', () => to.destroy());
        from.once('close', () => to.end());
      }
    },
  };
}
