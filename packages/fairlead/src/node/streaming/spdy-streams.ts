import type { Duplex } from 'node:stream';
import type { Clock } from '../../sys/clock.ts';
import type { RemoteStreams, StreamRequest } from './remote-streams.ts';
import { SpdyConnection, type SpdyStream } from './spdy-connection.ts';

/** Versions of the exec and attach protocol over SPDY, the best first. */
export const EXEC_SPDY_PROTOCOLS = ['v4.channel.k8s.io', 'v3.channel.k8s.io', 'v2.channel.k8s.io'] as const;

/** A client opens its streams within this time. */
const STREAMS_WITHIN_MS = 30_000;

/** Waits for the streams that a client asked for; undefined when they do not come. */
export function spdyStreams(
  transport: Duplex,
  request: StreamRequest,
  protocol: string,
  clock: Clock,
): Promise<RemoteStreams | undefined> {
  const wanted = new Set(['error']);
  for (const name of ['stdin', 'stdout', 'stderr'] as const) if (request[name]) wanted.add(name);
  if (request.tty && (protocol === 'v4.channel.k8s.io' || protocol === 'v3.channel.k8s.io')) wanted.add('resize');
  const streams = new Map<string, SpdyStream>();
  return new Promise((resolve) => {
    const connection = new SpdyConnection(transport, (stream) => {
      const type = stream.headers.streamtype ?? '';
      if (!wanted.has(type) || streams.has(type)) {
        stream.destroy();
        return;
      }
      streams.set(type, stream);
      if (streams.size < wanted.size) return;
      cancel();
      resolve({
        stdin: streams.get('stdin'),
        stdout: streams.get('stdout'),
        stderr: streams.get('stderr'),
        error: streams.get('error')!,
        resize: streams.get('resize'),
        closed: connection.closed,
        close: () => connection.close(),
      });
    });
    const cancel = clock.after(STREAMS_WITHIN_MS, () => {
      connection.close();
      resolve(undefined);
    });
    void connection.closed.then(() => {
      cancel();
      resolve(undefined);
    });
  });
}
