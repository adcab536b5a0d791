import { apiServerSettings, validateApiServerOptions } from '../apiserver-options.ts';
import { openStoreEarly } from '../open-store-early.ts';
import type { RoleCommand } from './role-command.ts';

/** `fairlead apiserver`: the API alone. */
export const command: RoleCommand = {
  settings: apiServerSettings,
  async prepare(values, machine) {
    const options = validateApiServerOptions(values, machine);
    openStoreEarly(options.dataDir, options.datastore);
    const { startApiServerRole } = await import('../roles/apiserver.ts');
    return (log, signal) => startApiServerRole(options, log, signal);
  },
};
