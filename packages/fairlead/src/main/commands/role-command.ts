import type { Log } from '../../sys/role.ts';
import type { Machine } from '../cluster-options.ts';
import type { RunningRole } from '../role-process.ts';
import type { Setting, SettingValues } from '../settings.ts';

/** How a role is made from its settings. Its code is loaded only when it runs. */
export interface RoleCommand {
  readonly settings: readonly Setting[];
  /** @throws ConfigurationError with all problems together. */
  prepare(values: SettingValues, machine: Machine): Promise<(log: Log, signal: AbortSignal) => Promise<RunningRole>>;
}
