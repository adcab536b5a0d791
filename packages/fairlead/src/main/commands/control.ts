import { apiServerSettings, validateApiServerOptions } from '../apiserver-options.ts';
import { openStoreEarly } from '../open-store-early.ts';
import type { RoleCommand } from './role-command.ts';

/** The control child of `fairlead up`: API and controllers in one process. */
export const command: RoleCommand = {
  settings: apiServerSettings,
  async prepare(values, machine) {
    const options = validateApiServerOptions(values, machine);
    openStoreEarly(options.dataDir, options.datastore);
    const { startControlRole } = await import('../roles/control.ts');
    return (log, signal) => startControlRole(options, log, signal);
  },
};
