import type { SecureClientSessionOptions } from 'node:http2';
import {
  type ClientHttp2Session,
  type ClientHttp2Stream,
  connect,
  constants,
  type OutgoingHttpHeaders,
} from 'node:http2';

/** One HTTP/2 connection that sends one request at a time, as cheaply as Node can. */
export class Http2Client {
  readonly #session: ClientHttp2Session;

  private constructor(session: ClientHttp2Session) {
    this.#session = session;
  }

  static async open(origin: string, options: SecureClientSessionOptions = {}): Promise<Http2Client> {
    const session = connect(origin, options);
    await new Promise<void>((resolve, reject) => {
      session.once('connect', () => resolve());
      session.once('error', reject);
    });
    session.on('error', () => undefined);
    return new Http2Client(session);
  }

  /** Resolves with status and body once the stream has ended; trailers (gRPC) win over headers. */
  send(
    headers: OutgoingHttpHeaders,
    body?: Uint8Array,
  ): Promise<{ status: number; grpcStatus: string | undefined; body: Buffer }> {
    return new Promise((resolve, reject) => {
      const stream = this.stream(headers, body);
      const chunks: Buffer[] = [];
      let status = 0;
      let grpcStatus: string | undefined;
      stream.on('response', (received) => {
        status = Number(received[constants.HTTP2_HEADER_STATUS] ?? 0);
        grpcStatus = received['grpc-status'] as string | undefined;
      });
      stream.on('trailers', (received) => {
        grpcStatus = (received['grpc-status'] as string | undefined) ?? grpcStatus;
      });
      stream.on('data', (chunk: Buffer) => chunks.push(chunk));
      stream.on('error', reject);
      stream.on('close', () => resolve({ status, grpcStatus, body: Buffer.concat(chunks) }));
    });
  }

  /** Opens a stream and leaves it to the caller. */
  stream(headers: OutgoingHttpHeaders, body?: Uint8Array): ClientHttp2Stream {
    const stream = this.#session.request(headers, { endStream: body === undefined });
    if (body !== undefined) stream.end(body);
    return stream;
  }

  close(): void {
    this.#session.destroy();
  }
}

/** Runs `total` operations over the clients, one at a time on each; resolves to seconds. */
export async function runOverClients(
  clients: readonly Http2Client[],
  total: number,
  operation: (client: Http2Client, index: number) => Promise<void>,
): Promise<number> {
  let next = 0;
  const began = performance.now();
  await Promise.all(
    clients.map(async (client) => {
      while (next < total) {
        const index = next;
        next += 1;
        await operation(client, index);
      }
    }),
  );
  return (performance.now() - began) / 1000;
}
