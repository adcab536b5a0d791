import { readFileSync } from 'node:fs';
import { Command, CommanderError } from 'commander';
import { addClientCommands, defaultKubeconfig } from '../cli/client-commands.ts';
import { addDatastoreCommands } from '../cli/datastore/datastore-commands.ts';
import { systemClock } from '../sys/clock.ts';
import type { Log, LogLevel } from '../sys/role.ts';
import { createLog } from '../telemetry/log.ts';
import { addSettings, reportConfigurationError, settingValues } from './command-settings.ts';
import { probeMachine } from './machine.ts';
import { openStoreEarly } from './open-store-early.ts';
import {
  agentSettings,
  apiServerSettings,
  controllersSettings,
  gatewaySettings,
  validateAgentOptions,
  validateApiServerOptions,
  validateControllersOptions,
  validateGatewayOptions,
} from './role-options.ts';
import { type RunningRole, runRole } from './role-process.ts';
import { ConfigurationError, type Setting, type SettingValues } from './settings.ts';
import { defaultDataDir, type Machine, upSettings, validateUpOptions } from './up-options.ts';
import { version } from './version.ts';

/** How a role is made from its settings. Its code is loaded only when it runs. */
interface RoleCommand {
  readonly name: string;
  readonly summary: string;
  readonly hidden?: boolean;
  readonly settings: readonly Setting[];
  prepare(values: SettingValues, machine: Machine): Promise<(log: Log, signal: AbortSignal) => Promise<RunningRole>>;
}

const roleCommands: readonly RoleCommand[] = [
  {
    name: 'apiserver',
    summary: 'the API alone',
    settings: apiServerSettings,
    async prepare(values, machine) {
      const options = validateApiServerOptions(values, machine);
      openStoreEarly(options.dataDir, options.datastore);
      const { startApiServerRole } = await import('./roles/apiserver.ts');
      return (log, signal) => startApiServerRole(options, log, signal);
    },
  },
  {
    name: 'control',
    summary: 'API and controllers in one process',
    hidden: true,
    settings: apiServerSettings,
    async prepare(values, machine) {
      const options = validateApiServerOptions(values, machine);
      openStoreEarly(options.dataDir, options.datastore);
      const { startControlRole } = await import('./roles/control.ts');
      return (log, signal) => startControlRole(options, log, signal);
    },
  },
  {
    name: 'controllers',
    summary: 'the controllers, against any API',
    settings: controllersSettings,
    async prepare(values, machine) {
      const options = validateControllersOptions(values, machine);
      const { startControllersRole } = await import('./roles/controllers.ts');
      return (log) => startControllersRole(options, log);
    },
  },
  {
    name: 'agent',
    summary: 'one node: Pods, Services and DNS, against any API',
    settings: agentSettings,
    async prepare(values, machine) {
      const options = validateAgentOptions(values, machine);
      const { loadAgentParts, startAgentRole } = await import('./roles/agent.ts');
      await loadAgentParts(options);
      return (log, signal) => startAgentRole(options, log, signal);
    },
  },
  {
    name: 'gateway',
    summary: 'the L7 gateway, against any API',
    settings: gatewaySettings,
    async prepare(values, machine) {
      const options = validateGatewayOptions(values, machine);
      const { startGatewayRole } = await import('./roles/gateway.ts');
      return (log) => startGatewayRole(options, log);
    },
  },
];

const levels: readonly LogLevel[] = ['debug', 'info', 'warn', 'error'];

/** Set before a role's options are checked, so that their check can log. */
function logLevelOf(values: SettingValues): LogLevel {
  const given = values['log-level'];
  const level = given === undefined ? 'warn' : levels.find((known) => known === given);
  if (level === undefined) throw new ConfigurationError([`--log-level ${given}: must be one of ${levels.join(', ')}`]);
  return level;
}

/** Resolves on SIGTERM or SIGINT. */
function stopSignal(): Promise<void> {
  return new Promise((resolve) => {
    for (const signal of ['SIGTERM', 'SIGINT', 'SIGHUP'] as const) process.on(signal, () => resolve());
  });
}

async function up(values: SettingValues, machine: Machine): Promise<number> {
  const options = validateUpOptions(values, machine);
  const log = createLog({ level: options.logLevel, fields: { role: 'up' } });
  const stopAsked = stopSignal();
  if (options.mode === 'userspace' && machine.kernelModeObstacle !== undefined) {
    process.stdout.write(`userspace mode: kernel mode ${machine.kernelModeObstacle}\n`);
  }
  const { runUp } = await import('./up.ts');
  return runUp(
    options,
    {
      async createNodes(request) {
        const { createNodeNamespaces, ensureMachineLink } = await import('../node/node-namespaces.ts');
        if (request.count > 1) return createNodeNamespaces({ ...request, clock: systemClock, log });
        const link = await ensureMachineLink(request.instance, request.serviceCidr);
        return { nodes: [], remove: link.remove };
      },
      program: [process.execPath, process.argv[1] ?? ''],
      clock: systemClock,
      log,
      async startDemo(kubeconfig, gateway, stop) {
        const { startDemo } = await import('./demo.ts');
        return startDemo(kubeconfig, gateway, stop);
      },
      print: (line) => process.stdout.write(`${line}\n`),
    },
    stopAsked,
  );
}

/** Builds the command line. Actions put their exit status into `status`. */
async function buildProgram(status: { code: number }): Promise<Command> {
  const machine = probeMachine((path) => readFileSync(path, 'utf8'));
  const program = new Command('fairlead')
    .description('Kubernetes service discovery and load balancing as one program')
    .version(version, '--version')
    .showHelpAfterError('(see fairlead --help)')
    .exitOverride();
  const upCommand = addSettings(program.command('up').description('everything on this machine'), upSettings);
  upCommand.action(async () => {
    status.code = await up(settingValues(upCommand, upSettings), machine);
  });
  for (const role of roleCommands) {
    const command = program.command(role.name, { hidden: role.hidden === true }).description(role.summary);
    addSettings(command, role.settings).action(async () => {
      const values = settingValues(command, role.settings);
      const log = createLog({ level: logLevelOf(values), fields: { role: role.name } });
      const start = await role.prepare(values, machine);
      status.code = await runRole((signal) => start(log, signal), log);
    });
  }
  program
    .command('version')
    .description('print the version')
    .action(() => {
      process.stdout.write(`${version}\n`);
    });
  const host = {
    defaultKubeconfig: defaultKubeconfig(defaultDataDir(machine)),
    defaultDataDir: defaultDataDir(machine),
    print: (line: string): void => void process.stdout.write(`${line}\n`),
    printError: (line: string): void => void process.stderr.write(`${line}\n`),
  };
  addClientCommands(program, host, status);
  addDatastoreCommands(program, host, status);
  return program;
}

/** Runs the command line; resolves to the exit status and ends the process with it. */
export async function main(args: readonly string[]): Promise<number> {
  const status = { code: 0 };
  try {
    const program = await buildProgram(status);
    await program.parseAsync(args, { from: 'user' });
  } catch (error) {
    if (error instanceof ConfigurationError) status.code = reportConfigurationError(error);
    else if (error instanceof CommanderError) status.code = error.exitCode;
    else {
      process.stderr.write(`fairlead: ${(error as Error).message}\n`);
      status.code = 1;
    }
  }
  // A role has stopped all it started; what is left is a handle that would only delay the end.
  process.exit(status.code);
}
