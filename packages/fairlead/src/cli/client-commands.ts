import { existsSync } from 'node:fs';
import { join } from 'node:path';
import type { ApiClient } from '@fairlead/client';
import { type Command, Option } from 'commander';
import { dataFiles } from '../main/data-files.ts';
import { systemClock, systemRandom } from '../sys/clock.ts';
import { UsageError } from './usage-error.ts';

/** What the commands need to know of this machine. */
export interface CommandSurroundings {
  /** Kubeconfig to use where no flag and no variable names one. */
  readonly defaultKubeconfig: string;
  /** Data directory of `fairlead up`. */
  readonly defaultDataDir: string;
  print(line: string): void;
  printError(line: string): void;
}

interface CommonFlags {
  readonly kubeconfig?: string;
  readonly namespace?: string;
}

const surroundings = { clock: systemClock, random: systemRandom };

/** Runs an action with a client of the chosen kubeconfig; failures are one line and status 1. */
async function withClient(
  flags: CommonFlags,
  host: CommandSurroundings,
  action: (client: ApiClient) => Promise<void>,
): Promise<number> {
  // The roles share this command line and must not pay for what only its clients need.
  const { ApiError, connect, loadKubeconfig } = await import('@fairlead/client');
  let client: ApiClient | undefined;
  try {
    client = connect(loadKubeconfig(flags.kubeconfig ?? presentDefault(host)), surroundings);
    await action(client);
    return 0;
  } catch (error) {
    const known = error instanceof ApiError || error instanceof UsageError;
    const prefix =
      error instanceof ApiError && error.reason !== '' ? `Error from server (${error.reason}): ` : 'error: ';
    host.printError(`${known ? prefix : 'error: '}${(error as Error).message}`);
    return 1;
  } finally {
    await client?.close();
  }
}

/** The kubeconfig that `fairlead up` writes. */
function presentDefault({ defaultKubeconfig: file }: CommandSurroundings): string {
  if (existsSync(file)) return file;
  throw new UsageError(
    `no kubeconfig at ${file}: \`fairlead up\` writes one there; --kubeconfig or $KUBECONFIG names another`,
  );
}

function clientCommand(program: Command, usage: string, summary: string): Command {
  const command = program.command(usage).description(summary);
  command.addOption(new Option('--kubeconfig <FILE>', 'default: $KUBECONFIG, else of `fairlead up`').env('KUBECONFIG'));
  command.option('-n, --namespace <NAME>', 'namespace (default: default)');
  return command;
}

interface LogsFlags {
  readonly container?: string;
  readonly previous?: boolean;
  readonly follow?: boolean;
  readonly timestamps?: boolean;
  readonly tail?: number;
  readonly since?: number;
}

/** Adds `apply`, `get`, `describe`, `delete`, `logs` and `status`: for machines without kubectl. */
export function addClientCommands(program: Command, host: CommandSurroundings, status: { code: number }): void {
  const run = async (flags: CommonFlags, action: (client: ApiClient) => Promise<void>): Promise<void> => {
    status.code = await withClient(flags, host, action);
  };
  const scope = (flags: CommonFlags) => (flags.namespace === undefined ? {} : { namespace: flags.namespace });

  clientCommand(program, 'apply', 'create or change objects from files')
    .requiredOption('-f, --filename <FILE...>', 'files, folders, or - for standard input')
    .action(async (flags: CommonFlags & { filename: string[] }) => {
      const { applyCommand } = await import('./apply.ts');
      await run(flags, (client) => applyCommand(client, { files: flags.filename, ...scope(flags) }, host.print));
    });

  clientCommand(program, 'get <types> [names...]', 'print objects as a table')
    .option('-A, --all-namespaces', 'objects of all namespaces')
    .option('-l, --selector <SELECTOR>', 'label selector')
    .addOption(new Option('-o, --output <FORMAT>').choices(['wide', 'yaml', 'json', 'name']))
    .action(async (types: string, names: string[], flags: CommonFlags & GetFlags) => {
      const { getCommand } = await import('./get.ts');
      const options = {
        types,
        names,
        ...scope(flags),
        allNamespaces: flags.allNamespaces === true,
        ...(flags.selector === undefined ? {} : { selector: flags.selector }),
        ...(flags.output === undefined ? {} : { output: flags.output }),
      };
      await run(flags, (client) => getCommand(client, options, host.print));
    });

  clientCommand(program, 'describe <type> <name>', 'print all about one object').action(
    async (type: string, name: string, flags: CommonFlags) => {
      const { describeCommand } = await import('./describe.ts');
      await run(flags, (client) =>
        describeCommand(client, { type, names: [name], now: systemClock.now(), ...scope(flags) }, host.print),
      );
    },
  );

  clientCommand(program, 'delete [type] [names...]', 'delete objects, by name or from files')
    .option('-f, --filename <FILE...>', 'files, folders, or - for standard input')
    .action(async (type: string | undefined, names: string[], flags: CommonFlags & { filename?: string[] }) => {
      const { deleteCommand } = await import('./delete.ts');
      const options = {
        ...(type === undefined ? {} : { type }),
        names,
        ...(flags.filename === undefined ? {} : { files: flags.filename }),
        ...scope(flags),
      };
      await run(flags, (client) => deleteCommand(client, options, host.print));
    });

  clientCommand(program, 'logs <pod>', 'print the log of a container')
    .option('-c, --container <NAME>', 'default: the first one')
    .option('-p, --previous', 'of the run before the last restart')
    .option('--tail <LINES>', 'only the last lines', Number)
    .option('--since <SECONDS>', 'only what was written in the last so many seconds', Number)
    .option('--timestamps', 'put the time in front of each line')
    .option('-f, --follow', 'go on printing what is written')
    .action(async (pod: string, flags: CommonFlags & LogsFlags) => {
      const { logsCommand } = await import('./logs.ts');
      const options = {
        pod,
        ...scope(flags),
        ...(flags.container === undefined ? {} : { container: flags.container }),
        previous: flags.previous === true,
        follow: flags.follow === true,
        timestamps: flags.timestamps === true,
        ...(flags.tail === undefined ? {} : { tailLines: flags.tail }),
        ...(flags.since === undefined ? {} : { sinceSeconds: flags.since }),
      };
      await run(flags, (client) => logsCommand(client, options, host.print));
    });

  clientCommand(program, 'run <name> <command...>', 'run a local process as a Pod: run NAME -- COMMAND')
    .option('-l, --label <LABEL...>', 'KEY=VALUE (default: app=NAME)')
    .option('--port <PORT>', 'port it listens on', Number)
    .action(async (name: string, command: string[], flags: CommonFlags & { label?: string[]; port?: number }) => {
      const { runCommand } = await import('./run.ts');
      const options = {
        name,
        command,
        labels: flags.label ?? [],
        workingDir: process.cwd(),
        ...(flags.port === undefined ? {} : { port: flags.port }),
        ...scope(flags),
      };
      await run(flags, (client) => runCommand(client, options, host.print));
    });

  clientCommand(program, 'explain <target>', 'say where a connection ends, and why')
    .option('--from <SOURCE>', 'pod/NAMESPACE/NAME, node/NAME or external (default: the first node)')
    .option(
      '-H, --header <HEADER...>',
      'request header, for a URL',
      (value: string, all: string[]) => [...all, value],
      [],
    )
    .option('--udp', 'a UDP port')
    .option('--cluster-domain <NAME>', 'DNS domain', 'cluster.local')
    .option('--external-zone <ZONE>', 'zone that DNS has for clients outside (--dns-external-zone)')
    .option('--clusterset-zone <ZONE>', 'zone of imported Services', 'clusterset.local')
    .addOption(new Option('-o, --output <FORMAT>').choices(['json']))
    .action(async (target: string, flags: CommonFlags & ExplainFlags) => {
      const { explainCommand } = await import('./explain/explain-command.ts');
      const options = {
        target,
        headers: flags.header,
        udp: flags.udp === true,
        clusterDomain: flags.clusterDomain,
        clustersetZone: flags.clustersetZone,
        ...(flags.externalZone === undefined ? {} : { externalZone: flags.externalZone }),
        ...(flags.from === undefined ? {} : { from: flags.from }),
        ...(flags.output === undefined ? {} : { output: flags.output }),
      };
      await run(flags, (client) => explainCommand(client, options, host.print));
    });

  clientCommand(program, 'tap', 'print requests, DNS queries and connections of this machine as they pass')
    .option('--kind <KINDS>', 'some of request,query,connection (default: all)')
    .option('--service <[NAMESPACE/]NAME>', 'to this Service, and queries of its name')
    .option('--pod <[NAMESPACE/]NAME>', 'from or to this Pod')
    .option('--host <NAME>', 'requests for this host, and queries of this name')
    .option('--path <PREFIX>', 'requests whose path begins so')
    .option('--lines <N>', 'ends after so many lines', Number)
    .option('--data-dir <DIR>', `of \`fairlead up\` (default: ${host.defaultDataDir})`)
    .option('--socket <FILE...>', 'sockets of single roles instead (--tap-socket, --gateway-metrics-socket)')
    .addOption(new Option('-o, --output <FORMAT>').choices(['json']))
    .action(async (flags: CommonFlags & TapFlags) => {
      const { tapCommand } = await import('./tap/tap-command.ts');
      const { dataDir = host.defaultDataDir, socket, namespace = 'default', kind, ...rest } = flags;
      const options = {
        ...rest,
        namespace,
        places: socket ?? { folder: dataFiles(dataDir).roles },
        ...(kind === undefined ? {} : { kinds: kind }),
      };
      const untilKilled = new AbortController().signal;
      await run(flags, (client) => tapCommand(client, options, { ...surroundings, ...host }, untilKilled));
    });

  clientCommand(program, 'status', 'nodes, Services and Ingresses at a glance').action(async (flags: CommonFlags) => {
    const { statusCommand } = await import('./status.ts');
    await run(flags, (client) => statusCommand(client, host.print));
  });
}

interface TapFlags {
  readonly kind?: string;
  readonly service?: string;
  readonly pod?: string;
  readonly host?: string;
  readonly path?: string;
  readonly lines?: number;
  readonly dataDir?: string;
  readonly socket?: string[];
  readonly output?: 'json';
}

interface ExplainFlags {
  readonly from?: string;
  readonly header: string[];
  readonly udp?: boolean;
  readonly clusterDomain: string;
  readonly externalZone?: string;
  readonly clustersetZone: string;
  readonly output?: 'json';
}

interface GetFlags {
  readonly allNamespaces?: boolean;
  readonly selector?: string;
  readonly output?: 'wide' | 'yaml' | 'json' | 'name';
}

/** Kubeconfig that `fairlead up` writes by default. */
export function defaultKubeconfig(dataDir: string): string {
  return join(dataDir, 'kubeconfig');
}
