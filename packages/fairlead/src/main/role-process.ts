import type { Log, Running } from '../sys/role.ts';

/** What a child tells its supervisor. */
export type ChildMessage =
  | { readonly type: 'loaded' }
  | { readonly type: 'ready'; readonly facts: Readonly<Record<string, string>> }
  | { readonly type: 'fatal'; readonly message: string };

/** What a supervisor tells a child. */
export type ParentMessage = { readonly type: 'start' } | { readonly type: 'stop' };

/** A failure that a restart would only repeat (bad flag, port in use, corrupt data). */
export class FatalError extends Error {
  override readonly name: string = 'FatalError';
}

/** The start of a role gave up because it was asked to stop. */
export class StoppedWhileStarting extends Error {
  override readonly name: string = 'StoppedWhileStarting';
}

/** A started role, with facts for the supervisor's ready lines. */
export interface RunningRole extends Running {
  readonly facts: Readonly<Record<string, string>>;
}

/**
 * Runs a role until SIGTERM, SIGINT, a stop message, or the supervisor's death.
 *
 * Under a supervisor it loads its code at once, but starts when told to, so that
 * roles load side by side. `start` may give up with {@link StoppedWhileStarting} when its signal aborts.
 * Resolves to the exit status: 1 for a fatal error.
 */
export async function runRole(start: (signal: AbortSignal) => Promise<RunningRole>, log: Log): Promise<number> {
  const supervised = process.send !== undefined;
  const tell = (message: ChildMessage): void => {
    if (supervised && process.connected) process.send?.(message);
  };
  const { promise: stopAsked, resolve: askStop } = Promise.withResolvers<void>();
  const giveUp = new AbortController();
  void stopAsked.then(() => giveUp.abort());
  process.on('SIGTERM', () => askStop());
  // Ctrl-C reaches the whole process group; a supervised child waits for its supervisor's order.
  process.on('SIGINT', () => {
    if (!supervised) askStop();
  });
  if (supervised) {
    const { promise: startTold, resolve: begin } = Promise.withResolvers<void>();
    process.on('message', (message: ParentMessage) => {
      if (message.type === 'start') begin();
      else askStop();
    });
    process.on('disconnect', () => askStop());
    tell({ type: 'loaded' });
    const told = await Promise.race([startTold.then(() => true), stopAsked.then(() => false)]);
    if (!told) return 0;
  }
  let running: RunningRole | undefined;
  try {
    const starting = start(giveUp.signal);
    running = await Promise.race([starting, stopAsked.then(() => undefined)]);
    if (running === undefined) {
      // Asked to stop while starting: finish the start, so that stopping removes everything.
      running = await starting;
    } else {
      tell({ type: 'ready', facts: running.facts });
      await stopAsked;
    }
    await running.stop();
    return 0;
  } catch (error) {
    if (error instanceof StoppedWhileStarting) return 0;
    const message = (error as Error).message;
    if (error instanceof FatalError) {
      tell({ type: 'fatal', message });
      if (!supervised) process.stderr.write(`fairlead: ${message}\n`);
    } else log('error', 'role failed', { error: (error as Error).stack ?? message });
    await running?.stop().catch(() => {});
    return 1;
  }
}
