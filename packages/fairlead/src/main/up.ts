import { randomBytes } from 'node:crypto';
import { existsSync, mkdirSync, readdirSync, rmSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { networksOf } from '../node/machine-network.ts';
import type { Clock } from '../sys/clock.ts';
import type { Log } from '../sys/role.ts';
import { auditArguments } from './audit-settings.ts';
import { dataFiles } from './data-files.ts';
import { datastoreArguments } from './datastore-settings.ts';
import { claimSystem } from './one-system.ts';
import { formatListenAddress, type ListenAddress } from './settings.ts';
import { startStatusPage } from './status-page.ts';
import { type ChildSpec, type ReadyFacts, startSupervisor } from './supervisor.ts';
import type { UpOptions } from './up-options.ts';

/** kube-proxy's place, so that scrape configurations find the only node's agent. Taken: no metrics, with a warning. */
const singleNodeMetrics = '127.0.0.1:10249';

/** What the machine gives to `up`: its links and namespaces, and how to start a role. */
export interface UpMachine {
  /** Makes `fairlead0` and the node namespaces; removes them with `remove`. */
  createNodes(options: {
    readonly instance: string;
    readonly count: number;
    readonly serviceCidrs: readonly string[];
  }): Promise<{
    readonly nodes: readonly { readonly name: string; readonly netns: string; readonly addresses: readonly string[] }[];
    remove(): Promise<void>;
  }>;
  /** Command line of this program, before the arguments of a role. */
  readonly program: readonly string[];
  readonly clock: Clock;
  readonly log: Log;
  /** Applies the demo application through the API; resolves to its host once it answers through the gateway. */
  startDemo(kubeconfig: string, gateway: ListenAddress, stop: AbortSignal): Promise<string>;
  print(line: string): void;
}

type NodeList = Awaited<ReturnType<UpMachine['createNodes']>>['nodes'];

/** The children of `fairlead up`, from its options; pure. */
export function planChildren(
  options: UpOptions,
  nodes: NodeList,
  program: readonly string[],
  env: Readonly<Record<string, string | undefined>>,
): ChildSpec[] {
  const files = dataFiles(options.dataDir);
  const range = `${options.nodePortRange.from}-${options.nodePortRange.to}`;
  const shared = [
    ['--service-cidr', options.serviceCidr],
    ['--pod-cidr', options.podCidr],
    ['--node-port-range', range],
    ['--cluster-domain', options.clusterDomain],
    ['--log-level', options.logLevel],
  ].flat();
  const child = (name: string, rank: number, args: readonly string[], netns?: string): ChildSpec => {
    // Not `ip netns exec`: that makes a mount namespace of its own, and the Pod namespaces which the agent
    // mounts below /run/netns would be lost to its successor and to everybody else.
    const [first = process.execPath, ...rest] =
      netns === undefined ? program : ['nsenter', `--net=/run/netns/${netns}`, ...program];
    return { name, rank, command: first, args: [...rest, ...args], env };
  };
  // Of the preferred family: that of `default/kubernetes`, by which Pods find the API.
  const [network] = options.mode === 'kernel' ? networksOf(options.serviceCidr.split(',')) : [];
  const control = child('control', 0, [
    'control',
    ...shared,
    '--data-dir',
    options.dataDir,
    '--api-listen',
    formatListenAddress(options.apiListen),
    '--kubeconfig',
    options.kubeconfig,
    ...datastoreArguments(options.datastore),
    '--compact-every',
    `${options.compactEveryMs}ms`,
    ...auditArguments(options.audit),
    '--log-token-file',
    files.logToken,
    ...(network === undefined ? [] : ['--advertise-address', network.address]),
    ...(nodes.length === 0 ? [options.nodeName] : nodes.map((node) => node.name)).flatMap((name) => ['--agent', name]),
    ...(nodes.length === 0 ? [] : ['--edge-agent']),
    '--gateway-metrics',
    `unix:${files.gatewayMetrics}`,
  ]);
  const agentArgs = (nodeName: string): string[] => [
    'agent',
    ...shared,
    '--kubeconfig',
    files.agentKubeconfig(nodeName),
    '--node-name',
    nodeName,
    '--mode',
    options.mode,
    '--instance',
    options.instance,
    '--data-dir',
    options.dataDir,
    '--log-token-file',
    files.logToken,
    '--tap-socket',
    files.agentTap(nodeName),
    ...options.images.flatMap((image) => ['--image', image]),
    ...(options.corefile === undefined ? [] : ['--corefile', options.corefile]),
  ];
  const agents =
    nodes.length === 0
      ? [child(`agent/${options.nodeName}`, 1, [...agentArgs(options.nodeName), '--metrics-listen', singleNodeMetrics])]
      : [
          ...nodes.map((node) =>
            child(
              `agent/${node.name}`,
              1,
              [...agentArgs(node.name), '--node-ip', node.addresses.join(), '--overlay'],
              node.netns,
            ),
          ),
          child('agent/edge', 1, [...agentArgs('edge'), '--edge']),
        ];
  const gateway = child('gateway', 1, [
    'gateway',
    '--log-level',
    options.logLevel,
    '--kubeconfig',
    files.gatewayKubeconfig,
    '--gateway-http',
    formatListenAddress(options.gatewayHttp),
    '--gateway-https',
    formatListenAddress(options.gatewayHttps),
    '--gateway-metrics-socket',
    files.gatewayMetrics,
    '--gateway-secrets',
    files.gatewaySecrets,
    // With several nodes it runs beside them, on none.
    ...(nodes.length === 0 ? ['--gateway-node', options.nodeName] : []),
    ...options.gatewayArgs,
  ]);
  return [control, ...agents, gateway];
}

function secretFile(file: string): void {
  if (!existsSync(file)) writeFileSync(file, randomBytes(24).toString('hex'), { mode: 0o600 });
}

function gatewayUrl({ host, port }: ListenAddress): string {
  const name = host === '0.0.0.0' || host === '::' ? 'localhost' : host.includes(':') ? `[${host}]` : host;
  return `http://${name}${port === 80 ? '' : `:${port}`}/`;
}

function announce(options: UpOptions, facts: ReadyFacts, print: (line: string) => void): void {
  const kubeconfig = options.kubeconfig;
  print(`kubeconfig  ${kubeconfig}`);
  print(`API         ${facts.get('control')?.url ?? ''}`);
  print(`gateway     ${gatewayUrl(options.gatewayHttp)}`);
  print(`status      http://${formatListenAddress(options.consoleListen)}/`);
  const dns = [...facts.values()].find((fact) => fact.dns !== undefined)?.dns;
  if (dns !== undefined) print(`DNS         ${dns}`);
  print(`mode        ${options.mode}, ${options.nodes} node${options.nodes === 1 ? '' : 's'}`);
  print('ready');
}

/** What the user wants of a system that runs. */
export interface UpWishes {
  /** Resolves when it shall stop. */
  readonly stop: Promise<void>;
  /** Resolves when it shall not even finish what it has to tidy up. */
  readonly stopAtOnce: Promise<void>;
}

/**
 * Runs the whole system until asked to stop. Resolves to the exit status.
 * Prints `ready` with the kubeconfig path and URLs once every role serves.
 */
export async function runUp(options: UpOptions, machine: UpMachine, wishes: UpWishes): Promise<number> {
  // Rules and links have names of their own once per network namespace; a data directory has one system in any mode.
  const claim = await claimSystem(options.mode === 'kernel' ? 'kernel' : options.instance);
  if (claim === undefined) {
    const where = options.mode === 'kernel' ? 'in kernel mode on this machine' : `on ${options.dataDir}`;
    process.stderr.write(`fairlead: another \`fairlead up\` runs ${where}; stop it first\n`);
    return 1;
  }
  try {
    return await runSystem(options, machine, wishes);
  } finally {
    claim.release();
  }
}

async function runSystem(options: UpOptions, machine: UpMachine, wishes: UpWishes): Promise<number> {
  const { log, print } = machine;
  const files = dataFiles(options.dataDir);
  try {
    mkdirSync(files.roles, { recursive: true, mode: 0o700 });
    secretFile(files.logToken);
  } catch (error) {
    process.stderr.write(`fairlead: cannot use data directory ${options.dataDir}: ${(error as Error).message}\n`);
    return 1;
  }
  // Written anew by the control child; a leftover would name a CA of a system that is gone.
  for (const file of readdirSync(files.roles)) {
    if (file.endsWith('.kubeconfig')) rmSync(join(files.roles, file), { force: true });
  }
  const created =
    options.mode === 'kernel'
      ? await machine.createNodes({
          instance: options.instance,
          count: options.nodes,
          serviceCidrs: options.serviceCidr.split(','),
        })
      : { nodes: [], remove: async () => {} };
  const nodes = options.nodes > 1 ? created.nodes : [];
  const env = { ...process.env };
  const supervisor = startSupervisor({
    children: planChildren(options, nodes, machine.program, env),
    clock: machine.clock,
    log,
  });
  const stopping = new AbortController();
  let status = 0;
  let page: { stop(): Promise<void> } | undefined;
  try {
    page = await startStatusPage({ listen: options.consoleListen, children: () => supervisor.children() });
    const facts = await Promise.race([supervisor.ready, wishes.stop.then(() => undefined)]);
    if (facts !== undefined) {
      announce(options, facts, print);
      if (options.demo) {
        machine.startDemo(options.kubeconfig, options.gatewayHttp, stopping.signal).then(
          (host) => print(`demo        curl -H 'Host: ${host}' ${gatewayUrl(options.gatewayHttp)}`),
          (error: Error) => {
            if (!stopping.signal.aborted) log('error', 'the demo does not answer', { error: error.message });
          },
        );
      }
      await wishes.stop;
    }
  } catch (error) {
    process.stderr.write(`fairlead: ${(error as Error).message}\n`);
    status = 1;
  } finally {
    stopping.abort();
    void wishes.stopAtOnce.then(() => supervisor.kill());
    await page?.stop();
    await supervisor.stop();
    await created.remove();
  }
  return status;
}
