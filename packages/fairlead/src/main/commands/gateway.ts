import { gatewaySettings, validateGatewayOptions } from '../gateway-options.ts';
import type { RoleCommand } from './role-command.ts';

/** `fairlead gateway`: the L7 gateway, against any API. */
export const command: RoleCommand = {
  settings: gatewaySettings,
  async prepare(values, machine) {
    const options = validateGatewayOptions(values, machine);
    const { startGatewayRole } = await import('../roles/gateway.ts');
    return (log) => startGatewayRole(options, log);
  },
};
