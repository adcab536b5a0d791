import type { RuntimeClient } from '../runtime/runtime-client.ts';
import { finish, onSizes } from './exec-session.ts';
import { exitStatus, type RemoteStreams } from './remote-streams.ts';

/** What a client attaches to. */
export interface AttachTarget {
  readonly processId: string;
  readonly tty: boolean;
  /** The container's input closes with its first client's (`stdinOnce`). */
  readonly stdinOnce: boolean;
  /** Resolves when the container attempt is over. */
  readonly ended: Promise<void>;
}

/** Joins a container's streams until the client or the container ends. */
export async function runAttachSession(
  streams: RemoteStreams,
  target: AttachTarget,
  runtime: RuntimeClient,
): Promise<void> {
  const { processId } = target;
  const detach = await runtime.attach(processId, (stream, data) => {
    const output = stream === 'stderr' ? streams.stderr : streams.stdout;
    if (output !== undefined && !output.writableEnded) output.write(data);
  });
  const ignore = (): undefined => undefined;
  streams.stdin?.on('data', (data: Buffer) => void runtime.input(processId, data, false).catch(ignore));
  streams.stdin?.on('end', () => {
    if (target.stdinOnce && !target.tty) runtime.input(processId, Buffer.alloc(0), true).catch(ignore);
  });
  onSizes(streams.resize, (columns, rows) => void runtime.resize(processId, columns, rows).catch(ignore));
  await Promise.race([target.ended, streams.closed]);
  detach();
  await finish(streams, exitStatus(0));
}
