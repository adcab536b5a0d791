import { once } from 'node:events';
import { request as httpRequest, type IncomingMessage } from 'node:http';
import http2, { type ClientHttp2Session, type IncomingHttpHeaders } from 'node:http2';
import { within } from './gateway-rig.ts';

/** The versions of HTTP that a client may speak to the gateway. */
export const HTTP_VERSIONS = ['HTTP/1.1', 'HTTP/2'] as const;
/** One of {@link HTTP_VERSIONS}. */
export type HttpVersion = (typeof HTTP_VERSIONS)[number];

/** A request of a test. */
export interface EitherRequest {
  readonly method?: string;
  /** Sent as it is. */
  readonly path: string;
  /** Default `h`. */
  readonly host?: string;
  readonly headers?: Readonly<Record<string, string | string[]>>;
  readonly body?: string;
}

/** An answer, the same in both versions. */
export interface EitherAnswer {
  readonly status: number;
  /** Lower-case names; Set-Cookie as a list. */
  readonly headers: Readonly<Record<string, string | string[] | undefined>>;
  readonly body: string;
}

/** Sends the same requests in either version of HTTP; of HTTP/2 all over one connection. */
export class EitherClient {
  readonly #port: number;
  readonly #version: HttpVersion;
  readonly #session: ClientHttp2Session | undefined;

  constructor(port: number, version: HttpVersion) {
    this.#port = port;
    this.#version = version;
    this.#session = version === 'HTTP/2' ? http2.connect(`http://127.0.0.1:${port}`) : undefined;
    this.#session?.on('error', () => {});
  }

  ask(request: EitherRequest): Promise<EitherAnswer> {
    const what = `an answer to ${this.#version} ${request.path}`;
    return within(what, this.#session === undefined ? this.#askHttp1(request) : this.#askHttp2(request));
  }

  async #askHttp1({ method = 'GET', path, host = 'h', headers, body }: EitherRequest): Promise<EitherAnswer> {
    const outgoing = httpRequest({
      host: '127.0.0.1',
      port: this.#port,
      method,
      path,
      headers: { ...headers, host },
      agent: false,
    });
    outgoing.end(body);
    const [incoming] = (await once(outgoing, 'response')) as [IncomingMessage];
    const answer = { status: incoming.statusCode ?? 0, headers: incoming.headers };
    return { ...answer, body: await textOf(incoming) };
  }

  async #askHttp2({ method = 'GET', path, host = 'h', headers, body }: EitherRequest): Promise<EitherAnswer> {
    // HTTP/2 has no such field, and Node refuses to send it.
    const { connection: _, ...fields } = headers ?? {};
    const stream = this.#session!.request(
      { ...fields, ':method': method, ':path': path, ':authority': host },
      { endStream: body === undefined },
    );
    if (body !== undefined) stream.end(body);
    const [head] = (await once(stream, 'response')) as [IncomingHttpHeaders];
    return { status: Number(head[':status']), headers: head, body: await textOf(stream) };
  }

  close(): void {
    this.#session?.destroy();
  }
}

async function textOf(stream: AsyncIterable<unknown>): Promise<string> {
  const chunks: Buffer[] = [];
  for await (const chunk of stream) chunks.push(chunk as Buffer);
  return Buffer.concat(chunks).toString('latin1');
}
