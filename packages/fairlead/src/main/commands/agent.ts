import { agentSettings, validateAgentOptions } from '../agent-options.ts';
import type { RoleCommand } from './role-command.ts';

/** `fairlead agent`: Pods, Services and DNS of one node, against any API. */
export const command: RoleCommand = {
  settings: agentSettings,
  async prepare(values, machine) {
    const corefile = values.corefile === undefined ? undefined : await import('../../dns/corefile/import-corefile.ts');
    const options = validateAgentOptions(values, machine, corefile?.importCorefile);
    const { loadAgentParts, startAgentRole } = await import('../roles/agent.ts');
    await loadAgentParts(options);
    return (log, signal) => startAgentRole(options, log, signal);
  },
};
