import { systemClock } from '../../sys/clock.ts';
import type { Log, Running } from '../../sys/role.ts';
import type { GatewayLogOptions } from '../gateway-log-settings.ts';
import { FatalError } from '../role-process.ts';

/** Takes lines of the access log; resolves when they are written. */
export interface RunningAccessLog extends Running {
  readonly write: (lines: string) => Promise<void>;
}

/**
 * Opens the access log; undefined when there is none. SIGHUP opens its file anew.
 * @throws FatalError for a file that cannot be written.
 */
export async function startAccessLog(
  options: GatewayLogOptions | undefined,
  log: Log,
): Promise<RunningAccessLog | undefined> {
  if (options === undefined) return undefined;
  const { LogOutput } = await import('../../gateway/access-log/log-output.ts');
  const output = new LogOutput(options.target, systemClock, log);
  try {
    await output.start();
  } catch (error) {
    throw new FatalError(`--gateway-access-log ${options.target}: ${(error as Error).message}`, { cause: error });
  }
  const reopen = (): void => output.reopen();
  process.on('SIGHUP', reopen);
  return {
    write: (lines) => output.write(lines),
    async stop() {
      process.off('SIGHUP', reopen);
      await output.close();
    },
  };
}
