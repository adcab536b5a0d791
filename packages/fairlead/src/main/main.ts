import { readFileSync } from 'node:fs';
import { Command, CommanderError } from 'commander';
import { addClientCommands, defaultKubeconfig } from '../cli/client-commands.ts';
import type { LogLevel } from '../sys/role.ts';
import { createLog } from '../telemetry/log.ts';
import { type OutputWatch, watchOutput } from './broken-output.ts';
import { defaultDataDir } from './cluster-options.ts';
import { addSettings, reportConfigurationError, settingValues } from './command-settings.ts';
import type { RoleCommand } from './commands/role-command.ts';
import { layOutHelp, pointToHelp } from './help-layout.ts';
import { probeMachine } from './machine.ts';
import { runRole } from './role-process.ts';
import { ConfigurationError, type SettingValues } from './settings.ts';
import { version } from './version.ts';

/** A role that is a command of its own. What it takes to read its settings is loaded only when it is asked for. */
interface RoleEntry {
  readonly name: string;
  readonly summary: string;
  readonly hidden?: boolean;
  load(): Promise<{ readonly command: RoleCommand }>;
}

const roles: readonly RoleEntry[] = [
  { name: 'apiserver', summary: 'the API alone', load: () => import('./commands/apiserver.ts') },
  {
    name: 'control',
    summary: 'API and controllers in one process',
    hidden: true,
    load: () => import('./commands/control.ts'),
  },
  {
    name: 'controllers',
    summary: 'the controllers, against any API',
    load: () => import('./commands/controllers.ts'),
  },
  {
    name: 'agent',
    summary: 'one node: Pods, Services and DNS, against any API',
    load: () => import('./commands/agent.ts'),
  },
  { name: 'gateway', summary: 'the L7 gateway, against any API', load: () => import('./commands/gateway.ts') },
];

const levels: readonly LogLevel[] = ['debug', 'info', 'warn', 'error'];

/** Set before a role's options are checked, so that their check can log. */
function logLevelOf(values: SettingValues): LogLevel {
  const given = values['log-level'];
  const level = given === undefined ? 'warn' : levels.find((known) => known === given);
  if (level === undefined) throw new ConfigurationError([`--log-level ${given}: must be one of ${levels.join(', ')}`]);
  return level;
}

/**
 * Builds the command line. Actions put their exit status into `status`. Every process of the system starts here, so
 * only the commands that `args` name get their settings; all of them where the arguments ask for help alone.
 */
async function buildProgram(args: readonly string[], status: { code: number }, output: OutputWatch): Promise<Command> {
  const machine = probeMachine((path) => readFileSync(path, 'utf8'));
  const program = layOutHelp(new Command('fairlead'))
    .description('Kubernetes service discovery and load balancing as one program')
    .version(version, '--version')
    .exitOverride();
  const asksForHelp = args.every((arg) => arg.startsWith('-') || arg === 'help');
  const isNamed = (name: string): boolean => asksForHelp || args.includes(name);
  const upCommand = program.command('up').description('everything on this machine');
  if (isNamed('up')) {
    const { settings, run } = await import('./commands/up.ts');
    addSettings(upCommand, settings).action(async () => {
      output.serve();
      status.code = await run(settingValues(upCommand, settings), machine);
    });
  }
  for (const { name, summary, hidden = false, load } of roles) {
    const command = program.command(name, { hidden }).description(summary);
    if (!isNamed(name)) continue;
    const role = (await load()).command;
    addSettings(command, role.settings).action(async () => {
      output.serve();
      const values = settingValues(command, role.settings);
      const log = createLog({ level: logLevelOf(values), fields: { role: name } });
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
  const datastore = program.command('datastore').description('back up, restore and move the objects of the API');
  if (isNamed('datastore')) {
    const { addDatastoreCommands } = await import('../cli/datastore/datastore-commands.ts');
    addDatastoreCommands(datastore, host, status);
  }
  pointToHelp(program, 'fairlead');
  return program;
}

/** Runs the command line; resolves to the exit status and ends the process with it. */
export async function main(args: readonly string[]): Promise<number> {
  const status = { code: 0 };
  const { stdout, stderr } = process;
  const output = watchOutput({ stdout, stderr, exit: (code) => process.exit(code) });
  try {
    const program = await buildProgram(args, status, output);
    await program.parseAsync(args, { from: 'user' });
  } catch (error) {
    if (error instanceof ConfigurationError) status.code = reportConfigurationError(error);
    else if (error instanceof CommanderError) status.code = error.exitCode;
    else {
      process.stderr.write(`fairlead: ${(error as Error).message}\n`);
      status.code = 1;
    }
  }
  // That something could not be written shows after it was.
  await new Promise((resolve) => stdout.write('', resolve));
  // A role has stopped all it started; what is left is a handle that would only delay the end.
  process.exit(status.code);
}
