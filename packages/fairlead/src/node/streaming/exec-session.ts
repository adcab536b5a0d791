import type { Readable } from 'node:stream';
import type { Clock } from '../../sys/clock.ts';
import { type ContainerCommand, endOf, startCommand } from '../runtime/command.ts';
import { exitStatus, failureStatus, type RemoteStreams, type StreamRequest } from './remote-streams.ts';

/** Output that comes after the program's end is waited for no longer. */
const OUTPUT_WITHIN_MS = 1000;
/** What does not heed the hang-up of its client is killed. */
const KILL_AFTER_MS = 5000;

/** Runs a command for a client until one of the two ends. */
export async function runExecSession(
  streams: RemoteStreams,
  request: StreamRequest,
  command: ContainerCommand,
  clock: Clock,
): Promise<void> {
  let running: Awaited<ReturnType<typeof startCommand>>;
  try {
    running = await startCommand(command, request.tty, request.stdin);
  } catch (error) {
    await finish(streams, failureStatus((error as Error).message));
    return;
  }
  const { stdin, stdout, stderr } = running;
  if (stdin !== undefined) {
    // A terminal stays open when its client's input ends: the program may go on.
    streams.stdin?.pipe(stdin, { end: !request.tty });
  }
  if (streams.stdout === undefined) stdout.resume();
  else stdout.pipe(streams.stdout, { end: false });
  if (streams.stderr === undefined) stderr?.resume();
  else stderr?.pipe(streams.stderr, { end: false });
  onSizes(streams.resize, running.resize);

  let over = false;
  void streams.closed.then(() => {
    if (over) return;
    stdin?.destroy();
    stdout.destroy();
    stderr?.destroy();
    running.signal('SIGHUP');
    const cancel = clock.after(KILL_AFTER_MS, () => running.signal('SIGKILL'));
    void running.exited.then(cancel);
  });
  const { exitCode } = await running.exited;
  over = true;
  await Promise.all([endOf(stdout, clock, OUTPUT_WITHIN_MS), endOf(stderr, clock, OUTPUT_WITHIN_MS)]);
  stdout.destroy();
  stderr?.destroy();
  await finish(streams, exitStatus(exitCode));
}

/** Calls back with each terminal size; a size is a JSON object, one after the other. */
export function onSizes(stream: Readable | undefined, resize: (columns: number, rows: number) => void): void {
  let text = '';
  stream?.on('data', (chunk: Buffer) => {
    text += chunk.toString();
    for (let end = text.indexOf('}'); end >= 0; end = text.indexOf('}')) {
      const size = /"Width":(\d+).*"Height":(\d+)/s.exec(text.slice(0, end + 1));
      text = text.slice(end + 1);
      if (size !== null) resize(Number(size[1]), Number(size[2]));
    }
    if (text.length > 1024) text = '';
  });
}

/** Ends the outputs, says how it went, and closes. */
export async function finish(streams: RemoteStreams, status: object): Promise<void> {
  streams.stdin?.unpipe();
  streams.stdin?.resume();
  const ended = [streams.stdout, streams.stderr].map(
    (stream) => new Promise<void>((resolve) => (stream === undefined ? resolve() : stream.end(() => resolve()))),
  );
  await Promise.race([Promise.all(ended), streams.closed]);
  streams.error.end(JSON.stringify(status), () => streams.close());
}
