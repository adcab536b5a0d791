import { createHash } from 'node:crypto';
import { existsSync, readdirSync, rmSync } from 'node:fs';
import { join } from 'node:path';
import type { Clock } from '../sys/clock.ts';
import type { Log } from '../sys/role.ts';
import {
  ipBatch,
  ipBatchForce,
  ipJson,
  linkAlias,
  linkExists,
  linkNames,
  runCommand,
  systemProgram,
} from './commands.ts';
import { addressFlags, enableIpv6 } from './ipv6-link.ts';
import { familyOf, MACHINE_LINK, networksOf } from './machine-network.ts';

const NETNS_DIR = '/run/netns';

/** A node that is a network namespace of this machine. */
export interface NodeNamespace {
  /** `node-1` … */
  readonly name: string;
  /** Network namespace in which the node's agent runs. */
  readonly netns: string;
  /** The node's InternalIPs, one per family of the cluster IPs, in that order. */
  readonly addresses: readonly string[];
}

/** Several nodes on one machine. */
export interface NodeNamespaces {
  readonly nodes: readonly NodeNamespace[];
  /** Removes namespaces and links. */
  remove(): Promise<void>;
}

/** The nodes of one machine. */
export interface NodeNamespacesOptions {
  /** Four hex digits that mark this system's names. */
  readonly instance: string;
  readonly count: number;
  /** Ranges of cluster IPs, one per family; routed to the machine's link, which has an address of each family. */
  readonly serviceCidrs: readonly string[];
  readonly log?: Log;
  readonly clock?: Clock;
}

/** Name, namespace and addresses of node `index` (from 1). */
function nodeNamespace(instance: string, index: number, serviceCidrs: readonly string[]): NodeNamespace {
  const addresses = networksOf(serviceCidrs).map((network) => network.nodeAddress(index));
  return { name: `node-${index}`, netns: `fl-${instance}-node-${index}`, addresses };
}

function alias(instance: string): string {
  return `fairlead-${instance}`;
}

/** Name of the machine's end of a node's link; at most 15 characters. */
function nodeLink(instance: string, index: number): string {
  const hash = createHash('sha256').update(`${instance}/${index}`).digest('hex').slice(0, 4);
  return `fl${instance}n${index}-${hash}`.slice(0, 15);
}

/** Throws when the machine link belongs to another system; true when it is there and ours. */
async function machineLinkPresent(instance: string): Promise<boolean> {
  if (!linkExists(MACHINE_LINK)) return false;
  const owner = await linkAlias(MACHINE_LINK);
  if (owner !== alias(instance)) {
    const what = `link ${MACHINE_LINK} belongs to another system (${owner || 'no alias'})`;
    throw new Error(`${what}; stop it, or remove what a killed one left: ip link delete ${MACHINE_LINK}`);
  }
  const [link] = await ipJson<{ linkinfo?: { info_kind?: string } }>(['-details', 'link', 'show', 'dev', MACHINE_LINK]);
  return link?.linkinfo?.info_kind === 'bridge';
}

/**
 * Link-local address of the machine or a node, for solicitations of what it forwards: a generated one would be
 * checked for duplicates first, for a second.
 */
function linkLocal(address: string): string {
  return `fe80::${address.slice(address.lastIndexOf(':') + 1)}`;
}

/** `ip` commands that give a link its addresses; to be repeated at will. */
function addressCommands(link: string, addresses: readonly string[]): string[] {
  const networks = networksOf(addresses);
  const global = addresses.map(
    (address, index) => `addr replace ${address}/${networks[index]?.prefixLength} dev ${link}${addressFlags(address)}`,
  );
  const local = addresses
    .filter((address) => familyOf(address) === 6)
    .flatMap((address) => [
      `link set ${link} addrgenmode none`,
      `addr replace ${linkLocal(address)}/64 dev ${link}${addressFlags(address)}`,
    ]);
  return [...global, ...local];
}

async function ensureLink(instance: string, serviceCidrs: readonly string[]): Promise<void> {
  if (!(await machineLinkPresent(instance))) {
    await ipBatchForce([`link del ${MACHINE_LINK}`]);
    await ipBatch([
      `link add ${MACHINE_LINK} type bridge forward_delay 0 stp_state 0`,
      `link set ${MACHINE_LINK} alias ${alias(instance)}`,
    ]);
  }
  if (serviceCidrs.some((cidr) => familyOf(cidr) === 6)) enableIpv6(MACHINE_LINK);
  const addresses = networksOf(serviceCidrs).map(({ address }) => address);
  await ipBatch([
    ...addressCommands(MACHINE_LINK, addresses),
    `link set ${MACHINE_LINK} up`,
    // The machine's own packets to cluster IPs need a route before the kernel translates them, also where there
    // is no default route; and those to addresses of no Service must not leave the machine.
    ...serviceCidrs.map((cidr) => `route replace ${cidr} dev ${MACHINE_LINK}`),
  ]);
}

/** The machine's addresses for a system of one node: a bridge without ports, which every kernel has. Idempotent. */
export async function ensureMachineLink(
  instance: string,
  serviceCidrs: readonly string[],
): Promise<{ remove(): Promise<void> }> {
  await ensureLink(instance, serviceCidrs);
  return { remove: () => removeMachineLinks(instance) };
}

/**
 * Makes `count` nodes as network namespaces behind one bridge. Those of a killed predecessor are taken over,
 * those beyond `count` are removed. With IPv6 all have addresses of fd00:172:29::/64 as well, or instead.
 *
 *     machine  fairlead0 172.29.0.1/24 ── veth ── eth0 172.29.0.11/24  fl-INST-node-1
 *                                      └─ veth ── eth0 172.29.0.12/24  fl-INST-node-2
 */
export async function createNodeNamespaces(options: NodeNamespacesOptions): Promise<NodeNamespaces> {
  const { instance, count } = options;
  await ensureLink(instance, options.serviceCidrs);
  const gateways = networksOf(options.serviceCidrs).map(({ address }) => address);
  const nodes: NodeNamespace[] = [];
  for (let index = 1; index <= count; index++) {
    const node = nodeNamespace(instance, index, options.serviceCidrs);
    nodes.push(node);
    const link = nodeLink(instance, index);
    if (!existsSync(join(NETNS_DIR, node.netns)) || !linkExists(link)) {
      await ipBatchForce([`link del ${link}`, `netns del ${node.netns}`]);
      await ipBatch([
        `netns add ${node.netns}`,
        `link add ${link} master ${MACHINE_LINK} type veth peer name eth0 netns ${node.netns}`,
        `link set ${link} up`,
      ]);
    }
    // Also where the namespace was there: the families may have changed since.
    await ipBatch(
      [
        'link set lo up',
        ...addressCommands('eth0', node.addresses),
        'link set eth0 up',
        ...gateways.map((gateway) => `route replace default via ${gateway}`),
      ],
      node.netns,
    );
  }
  const wanted = new Set(nodes.map((node) => node.netns));
  for (const netns of nodeNetns(instance)) if (!wanted.has(netns)) await removeNetns(netns);
  return { nodes, remove: () => removeMachineLinks(instance) };
}

function nodeNetns(instance: string): string[] {
  if (!existsSync(NETNS_DIR)) return [];
  return readdirSync(NETNS_DIR).filter((name) => new RegExp(`^fl-${instance}-node-\\d+$`).test(name));
}

async function removeNetns(netns: string): Promise<void> {
  const pids = await runCommand(systemProgram('ip'), ['netns', 'pids', netns]).catch(() => '');
  for (const pid of pids.split('\n').map(Number)) {
    if (!(pid > 1)) continue;
    try {
      process.kill(pid, 'SIGKILL');
    } catch {
      // Ended meanwhile.
    }
  }
  await ipBatchForce([`netns del ${netns}`]);
  rmSync(join('/etc/netns', netns), { recursive: true, force: true });
}

/** Removes everything of this instance that this module or a killed agent left: namespaces of nodes and Pods, links. */
async function removeMachineLinks(instance: string): Promise<void> {
  const names = existsSync(NETNS_DIR) ? readdirSync(NETNS_DIR) : [];
  for (const name of names) if (name.startsWith(`fl-${instance}-`)) await removeNetns(name);
  const links = linkNames(`fl${instance}`);
  const ours = linkExists(MACHINE_LINK) && (await linkAlias(MACHINE_LINK)) === alias(instance);
  await ipBatchForce([...links.map((link) => `link del ${link}`), ...(ours ? [`link del ${MACHINE_LINK}`] : [])]);
}
