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

/** The machine's link to the nodes, and its address. */
export const MACHINE_LINK = 'fairlead0';
export const MACHINE_ADDRESS = '172.29.0.1';
/** Addresses on the machine link that are for Services of type LoadBalancer. Nodes have 172.29.0.11 to .74. */
export const MACHINE_POOL: string = '172.29.0.128-172.29.0.254';
const MACHINE_PREFIX = 24;
const NETNS_DIR = '/run/netns';

/** A node that is a network namespace of this machine. */
export interface NodeNamespace {
  /** `node-1` … */
  readonly name: string;
  /** Network namespace in which the node's agent runs. */
  readonly netns: string;
  /** The node's InternalIP. */
  readonly address: string;
}

/** Several nodes on one machine. */
export interface NodeNamespaces {
  readonly nodes: readonly NodeNamespace[];
  /** Removes namespaces and links. */
  remove(): Promise<void>;
}

export interface NodeNamespacesOptions {
  /** Four hex digits that mark this system's names. */
  readonly instance: string;
  readonly count: number;
  /** Cluster IPs; routed to the machine's link. */
  readonly serviceCidr: string;
  readonly log?: Log;
  readonly clock?: Clock;
}

/** Name, namespace and address of node `index` (from 1). */
export function nodeNamespace(instance: string, index: number): NodeNamespace {
  return { name: `node-${index}`, netns: `fl-${instance}-node-${index}`, address: `172.29.0.${10 + index}` };
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
    throw new Error(`link ${MACHINE_LINK} belongs to another system (${owner || 'no alias'}); stop that system first`);
  }
  const [link] = await ipJson<{ linkinfo?: { info_kind?: string } }>(['-details', 'link', 'show', 'dev', MACHINE_LINK]);
  return link?.linkinfo?.info_kind === 'bridge';
}

async function ensureLink(instance: string, serviceCidr: string): Promise<void> {
  if (!(await machineLinkPresent(instance))) {
    await ipBatchForce([`link del ${MACHINE_LINK}`]);
    await ipBatch([
      `link add ${MACHINE_LINK} type bridge forward_delay 0 stp_state 0`,
      `link set ${MACHINE_LINK} alias ${alias(instance)}`,
    ]);
  }
  await ipBatch([
    `addr replace ${MACHINE_ADDRESS}/${MACHINE_PREFIX} dev ${MACHINE_LINK}`,
    `link set ${MACHINE_LINK} up`,
    // The machine's own packets to cluster IPs need a route before the kernel translates them, also where there
    // is no default route; and those to addresses of no Service must not leave the machine.
    `route replace ${serviceCidr} dev ${MACHINE_LINK}`,
  ]);
}

/** The machine's address for a system of one node: a bridge without ports, which every kernel has. Idempotent. */
export async function ensureMachineLink(
  instance: string,
  serviceCidr: string,
): Promise<{ readonly address: string; remove(): Promise<void> }> {
  await ensureLink(instance, serviceCidr);
  return {
    address: MACHINE_ADDRESS,
    remove: () => removeMachineLinks(instance),
  };
}

/**
 * Makes `count` nodes as network namespaces behind one bridge. Those of a killed predecessor are taken over,
 * those beyond `count` are removed.
 *
 *     machine  fairlead0 172.29.0.1/24 ── veth ── eth0 172.29.0.11/24  fl-INST-node-1
 *                                      └─ veth ── eth0 172.29.0.12/24  fl-INST-node-2
 */
export async function createNodeNamespaces(options: NodeNamespacesOptions): Promise<NodeNamespaces> {
  const { instance, count } = options;
  await ensureLink(instance, options.serviceCidr);
  const nodes: NodeNamespace[] = [];
  for (let index = 1; index <= count; index++) {
    const node = nodeNamespace(instance, index);
    nodes.push(node);
    const link = nodeLink(instance, index);
    if (existsSync(join(NETNS_DIR, node.netns)) && linkExists(link)) continue;
    await ipBatchForce([`link del ${link}`, `netns del ${node.netns}`]);
    await ipBatch([
      `netns add ${node.netns}`,
      `link add ${link} master ${MACHINE_LINK} type veth peer name eth0 netns ${node.netns}`,
      `link set ${link} up`,
    ]);
    await ipBatch(
      [
        'link set lo up',
        `addr add ${node.address}/${MACHINE_PREFIX} dev eth0`,
        'link set eth0 up',
        `route add default via ${MACHINE_ADDRESS}`,
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
export async function removeMachineLinks(instance: string): Promise<void> {
  const names = existsSync(NETNS_DIR) ? readdirSync(NETNS_DIR) : [];
  for (const name of names) if (name.startsWith(`fl-${instance}-`)) await removeNetns(name);
  const links = linkNames(`fl${instance}`);
  const ours = linkExists(MACHINE_LINK) && (await linkAlias(MACHINE_LINK)) === alias(instance);
  await ipBatchForce([...links.map((link) => `link del ${link}`), ...(ours ? [`link del ${MACHINE_LINK}`] : [])]);
}
