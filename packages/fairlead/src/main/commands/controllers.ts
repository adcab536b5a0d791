import { controllersSettings, validateControllersOptions } from '../controllers-options.ts';
import type { RoleCommand } from './role-command.ts';

/** `fairlead controllers`: the controllers, against any API. */
export const command: RoleCommand = {
  settings: controllersSettings,
  async prepare(values, machine) {
    const options = validateControllersOptions(values, machine);
    const { startControllersRole } = await import('../roles/controllers.ts');
    return (log) => startControllersRole(options, log);
  },
};
