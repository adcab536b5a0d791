import { execFileSync, spawn } from 'node:child_process';
import { createInterface } from 'node:readline';
import type { ProbeAnswer, ProbeCommand } from './probe.ts';

/** Why kernel tests cannot run here; `false` when they can. For the `skip` option of a test. */
export function kernelTestsProblem(): string | false {
  if (process.platform !== 'linux') return 'needs Linux';
  if (process.getuid?.() !== 0) return 'needs root for network namespaces';
  for (const program of ['nft', 'ip']) {
    try {
      execFileSync('sh', ['-c', `command -v ${program}`], { stdio: 'ignore' });
    } catch {
      return `needs the program '${program}'`;
    }
  }
  return false;
}

type WithoutId<T> = T extends unknown ? Omit<T, 'id'> : never;

/** A probe process in a namespace. */
export interface Probe {
  /** What the server answered, or `error CODE`. */
  ask(command: WithoutId<ProbeCommand>): Promise<string>;
}

/** Network namespaces of one test, joined by a node that routes. */
export interface TestNetwork {
  /** Words that run a program in the node's namespace. */
  readonly inNode: readonly string[];
  readonly node: Probe;
  /** Name of a host's network namespace. */
  namespaceOf(host: string): string;
  /** Runs a program in a namespace and returns its output. */
  run(host: string, command: string): string;
  probe(host: string): Probe;
  remove(): Promise<void>;
}

/** A namespace beside the node: its addresses are routed by the node. */
export interface TestHost {
  readonly name: string;
  readonly addresses: readonly string[];
}

let networks = 0;

function startProbe(namespace: string): { readonly probe: Probe; readonly stop: () => Promise<void> } {
  const script = new URL('./probe.ts', import.meta.url).pathname;
  const child = spawn('ip', ['netns', 'exec', namespace, process.execPath, script], {
    stdio: ['pipe', 'pipe', 'inherit'],
  });
  const waiting = new Map<number, (text: string) => void>();
  let lastId = 0;
  createInterface({ input: child.stdout }).on('line', (line) => {
    const answer = JSON.parse(line) as ProbeAnswer;
    waiting.get(answer.id)?.('text' in answer ? answer.text : `error ${answer.error}`);
    waiting.delete(answer.id);
  });
  const exited = new Promise<void>((resolve) => child.once('exit', () => resolve()));
  return {
    probe: {
      ask: (command) =>
        new Promise((resolve) => {
          const id = ++lastId;
          waiting.set(id, resolve);
          child.stdin.write(`${JSON.stringify({ id, ...command })}\n`);
        }),
    },
    stop: async () => {
      child.kill('SIGKILL');
      await exited;
    },
  };
}

/**
 * Makes a node namespace and one namespace per host, each joined to the node by a
 * veth with host routes, so that all traffic passes the node's IP layer.
 */
export async function createTestNetwork(
  nodeAddresses: readonly string[],
  hosts: readonly TestHost[],
): Promise<TestNetwork> {
  const prefix = `fltest-${process.pid}-${++networks}`;
  const nameOf = (host: string): string => `${prefix}-${host}`;
  const namespaces = [nameOf('node'), ...hosts.map((host) => nameOf(host.name))];
  const stops: (() => Promise<void>)[] = [];
  const sh = (text: string): string => execFileSync('sh', ['-ec', text], { encoding: 'utf8' });
  const removeNamespaces = (): void => {
    for (const namespace of namespaces) {
      try {
        execFileSync('ip', ['netns', 'delete', namespace], { stdio: 'ignore' });
      } catch {
        // It was never made.
      }
    }
  };
  try {
    const node = nameOf('node');
    const lines = namespaces.map((namespace) => `ip netns add ${namespace}; ip -n ${namespace} link set lo up`);
    lines.push(
      `ip netns exec ${node} sysctl -qw net.ipv4.ip_forward=1 net.ipv6.conf.all.forwarding=1 net.ipv4.conf.all.rp_filter=0 net.ipv4.conf.default.rp_filter=0`,
      `ip -n ${node} link add uplink type veth peer name upstream; ip -n ${node} link set uplink up; ip -n ${node} link set upstream up`,
      ...nodeAddresses.map((ip) => `ip -n ${node} addr add ${ip} dev uplink${ip.includes(':') ? ' nodad' : ''}`),
      `ip -n ${node} route add default dev uplink; ip -6 -n ${node} route add default dev uplink`,
    );
    for (const [index, host] of hosts.entries()) {
      const namespace = nameOf(host.name);
      const link = `v${index}`;
      lines.push(
        `ip link add ${link} netns ${node} type veth peer name eth0 netns ${namespace}`,
        `ip -n ${node} link set ${link} up; ip -n ${namespace} link set eth0 up`,
        `ip -n ${node} addr add 169.254.1.1/32 dev ${link} scope link; ip -n ${node} addr add fe80::1/64 dev ${link} nodad`,
        `ip -n ${namespace} route add 169.254.1.1 dev eth0; ip -n ${namespace} addr add fe80::2/64 dev eth0 nodad`,
      );
      for (const ip of host.addresses) {
        const v6 = ip.includes(':');
        lines.push(
          `ip -n ${namespace} addr add ${ip} dev eth0${v6 ? ' nodad' : ''}`,
          v6 ? `ip -6 -n ${node} route add ${ip} via fe80::2 dev ${link}` : `ip -n ${node} route add ${ip} dev ${link}`,
        );
      }
      lines.push(
        `ip -n ${namespace} route add default via 169.254.1.1 dev eth0`,
        `ip -6 -n ${namespace} route add default via fe80::1 dev eth0`,
      );
    }
    sh(lines.join('\n'));
  } catch (error) {
    removeNamespaces();
    throw error;
  }
  const probes = new Map<string, Probe>();
  const probe = (host: string): Probe => {
    const known = probes.get(host);
    if (known !== undefined) return known;
    const started = startProbe(nameOf(host));
    stops.push(started.stop);
    probes.set(host, started.probe);
    return started.probe;
  };
  return {
    inNode: ['ip', 'netns', 'exec', nameOf('node')],
    get node() {
      return probe('node');
    },
    namespaceOf: nameOf,
    run: (host, command) => sh(`ip netns exec ${nameOf(host)} ${command}`),
    probe,
    remove: async () => {
      await Promise.all(stops.map((stop) => stop()));
      removeNamespaces();
    },
  };
}
