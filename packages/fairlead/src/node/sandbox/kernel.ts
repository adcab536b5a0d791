import { createHash } from 'node:crypto';
import { existsSync, mkdirSync, readdirSync, readFileSync, rmSync, statSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import type { Pod, Stored } from '@fairlead/api';
import type { Clock } from '../../sys/clock.ts';
import type { Log } from '../../sys/role.ts';
import { ipBatch, ipBatchForce, ipJson, linkAlias, linkExists, linkNames, systemProgram } from '../commands.ts';
import { addressFlags, enableIpv6, IPV6_LEAST_MTU } from '../ipv6-link.ts';
import { familyOf } from '../machine-network.ts';
import { forwardPackets } from './forwarding.ts';
import { mountScript } from './mounts.ts';
import { createPodAddresses } from './pod-addresses.ts';
import { type DnsSettings, podHosts, podResolvConf } from './pod-files.ts';
import { NETNS_DIR, type Sandbox, type SandboxDriver, SandboxError } from './sandbox.ts';
import { createSysctls } from './sysctls.ts';

/** Name of the Pod bridge. */
const POD_BRIDGE = 'fl-pods';

/** What Pods in network namespaces need. */
export interface KernelSandboxOptions {
  /** Four hex digits that mark this system's names. */
  readonly instance: string;
  /** The node's Pod ranges, one per family, the preferred one first. */
  readonly podCidrs: readonly string[];
  readonly nodeIps: readonly string[];
  /** MTU of Pod interfaces. */
  readonly mtu: number;
  /** Folder for state that outlives the agent. */
  readonly stateDir: string;
  readonly dns: Omit<DnsSettings, 'nodeResolvConf'>;
  readonly log: Log;
  readonly clock: Clock;
}

/** `fl-INST-HASH`, from the Pod's uid. */
export function podNetns(instance: string, uid: string): string {
  return `fl-${instance}-${uidHash(uid)}`;
}

/** Name of the node's end of a Pod's veth pair: exactly the 15 characters that the kernel allows. */
export function podLink(instance: string, uid: string): string {
  return `fl${instance}-${uidHash(uid)}`;
}

/** MAC address of a Pod's `eth0`, locally administered: the node knows its neighbours without asking. */
export function podMac(uid: string): string {
  return `0a:58:${uidHash(uid).match(/../g)!.join(':')}`;
}

function uidHash(uid: string): string {
  return createHash('sha256').update(uid).digest('hex').slice(0, 8);
}

const NETNS_ETC = '/etc/netns';

/**
 * Pods in network namespaces on a bridge.
 *
 *     Pod netns                      node
 *     eth0 10.244.0.7/32         ── veth ──  fl-pods 10.244.0.1/24
 *          fd00:10:244::7/128                        fd00:10:244::1/64
 *     default via 10.244.0.1, fd00:10:244::1
 *
 * The Pod's address is a /32 or a /128: traffic between two Pods of a node goes through the node's IP layer
 * as well, so an answer to a translated connection comes back the way it went. With a common subnet
 * the answer would take the short way over the bridge and bypass connection tracking.
 */
export async function createKernelSandboxes(options: KernelSandboxOptions): Promise<SandboxDriver> {
  const { instance, stateDir, log } = options;
  const alias = `fairlead-${instance}`;
  const addresses = createPodAddresses(options.podCidrs, join(stateDir, 'last-pod-ip'));
  const sysctls = createSysctls(join(stateDir, 'sysctls.json'));
  const claimed = new Map<string, Sandbox>();
  const clusterDns = options.dns.clusterDns ?? addresses.gateways[0];
  const ip = systemProgram('ip');
  const unshare = systemProgram('unshare');

  await ensureBridge(options.podCidrs, addresses.gateways, alias, options.mtu);
  forwardPackets(sysctls, options.podCidrs, log);
  writeFileSync(`/proc/sys/net/ipv4/conf/${POD_BRIDGE}/send_redirects`, '0');

  const writeFiles = (pod: Stored<Pod>, netns: string, podIps: readonly string[]): void => {
    const folder = join(NETNS_ETC, netns);
    mkdirSync(folder, { recursive: true });
    const nodeResolvConf = existsSync('/etc/resolv.conf') ? readFileSync('/etc/resolv.conf', 'utf8') : '';
    writeFileSync(join(folder, 'resolv.conf'), podResolvConf(pod, { ...options.dns, clusterDns, nodeResolvConf }));
    writeFileSync(join(folder, 'hosts'), podHosts(pod, podIps, options.dns.clusterDomain));
  };

  const removeNetns = async (uid: string, netns: string, neighbours: readonly string[] = []): Promise<void> => {
    if (existsSync(join(NETNS_DIR, netns))) {
      killInNetns([netns]);
      const entries = neighbours.map((to) => `neigh del ${to}`);
      await ipBatchForce([`link del ${podLink(instance, uid)}`, `netns del ${netns}`, ...entries]);
    }
    rmSync(join(NETNS_ETC, netns), { recursive: true, force: true });
    removeIfEmpty(NETNS_ETC);
  };

  const driver: SandboxDriver = {
    mode: 'kernel',
    gatewayIps: addresses.gateways,
    async create(pod) {
      const uid = pod.metadata.uid;
      if (pod.spec?.hostNetwork === true) {
        return { uid, podIps: options.nodeIps, hostNetwork: true };
      }
      const netns = podNetns(instance, uid);
      const link = podLink(instance, uid);
      const podIps = addresses.allocate();
      const sandbox: Sandbox = { uid, podIps, hostNetwork: false, netns };
      try {
        await removeNetns(uid, netns);
        writeFiles(pod, netns, podIps);
        await ipBatch([
          `netns add ${netns}`,
          `link add ${link} mtu ${options.mtu} master ${POD_BRIDGE} type veth peer name eth0 address ${podMac(uid)} mtu ${options.mtu} netns ${netns}`,
          // Where br_netfilter is on, a Pod's packet to its own Service is translated inside the bridge and has to
          // leave by the port it came from.
          `link set ${link} type bridge_slave hairpin on`,
          `link set ${link} up`,
          ...podNeighbours(podIps).map((to) => `neigh replace ${to} lladdr ${podMac(uid)} nud permanent`),
        ]);
        await ipBatch(
          [
            'link set lo up',
            ...podIps.map((podIp) => `addr add ${podIp} dev eth0${addressFlags(podIp)}`),
            'link set eth0 up',
            ...addresses.gateways.flatMap((gateway) => [
              `route add ${gateway} dev eth0 scope link`,
              `route add default via ${gateway}`,
            ]),
          ],
          netns,
        );
      } catch (cause) {
        await removeNetns(uid, netns);
        addresses.release(podIps);
        throw new SandboxError(`network namespace ${netns}: ${(cause as Error).message}`, { cause });
      }
      claimed.set(uid, sandbox);
      return sandbox;
    },
    async adopt(sandbox) {
      if (sandbox.netns === undefined) return sandbox.podIps.join() === options.nodeIps.join();
      const link = podLink(instance, sandbox.uid);
      if (!existsSync(join(NETNS_DIR, sandbox.netns)) || !linkExists(link)) return false;
      if (!addresses.claim(sandbox.podIps)) return false;
      claimed.set(sandbox.uid, sandbox);
      return true;
    },
    async remove(sandbox) {
      if (sandbox.netns === undefined) return;
      await removeNetns(sandbox.uid, sandbox.netns, podNeighbours(sandbox.podIps));
      claimed.delete(sandbox.uid);
      addresses.release(sandbox.podIps);
    },
    wrapper(sandbox, plan) {
      if (sandbox.netns === undefined) {
        if (plan.mounts.length === 0) return [];
        return [unshare, '--mount', '--propagation', 'slave', ...mountScript({ ...plan, hostname: undefined })];
      }
      return [ip, 'netns', 'exec', sandbox.netns, unshare, '--uts', ...mountScript(plan)];
    },
    async removeLeftovers() {
      const used = new Set([...claimed.values()].map((sandbox) => sandbox.netns));
      const links = await ipJson<{ ifname: string }>(['link', 'show', 'master', POD_BRIDGE]);
      const byHash = new Map(links.map((link) => [link.ifname.split('@')[0]!.slice(-8), link.ifname]));
      for (const [hash, name] of byHash) {
        const netns = `fl-${instance}-${hash}`;
        if (!name.startsWith(`fl${instance}-`) || used.has(netns)) continue;
        log('info', 'removing a Pod namespace that nobody owns', { netns });
        if (existsSync(join(NETNS_DIR, netns))) killInNetns([netns]);
        await ipBatchForce([`link del ${name}`, `netns del ${netns}`]);
        rmSync(join(NETNS_ETC, netns), { recursive: true, force: true });
      }
      removeIfEmpty(NETNS_ETC);
    },
    async close() {
      const names = [...claimed.values()].map((sandbox) => sandbox.netns!);
      killInNetns(names);
      // The links go with their namespaces, all at once and off this thread.
      await ipBatchForce(names.map((name) => `netns del ${name}`));
      for (const name of names) rmSync(join(NETNS_ETC, name), { recursive: true, force: true });
      claimed.clear();
      for (let turn = 0; turn < 200 && linkNames(`fl${instance}-`).length > 0; turn++) await options.clock.sleep(10);
      await driver.removeLeftovers();
      await ipBatchForce([`link del ${POD_BRIDGE}`]);
      sysctls.restore();
      addresses.forget();
    },
  };
  return driver;
}

/**
 * Makes the Pod bridge, or takes over that of a predecessor. With IPv6 it has no link-local address, without which
 * the node sends no redirects; its neighbours, the Pods, have permanent entries, so that it needs none to find them.
 * Its MAC address is fixed: one that follows its ports would change with them, and Linux forgets neighbours then.
 */
async function ensureBridge(
  podCidrs: readonly string[],
  gateways: readonly string[],
  alias: string,
  mtu: number,
): Promise<void> {
  const hasIpv6 = podCidrs.some((cidr) => familyOf(cidr) === 6);
  if (hasIpv6 && mtu < IPV6_LEAST_MTU) {
    throw new SandboxError(`IPv6 needs an MTU of ${IPV6_LEAST_MTU} bytes; the node's link leaves ${mtu} to Pods`);
  }
  if (linkExists(POD_BRIDGE)) {
    const owner = await linkAlias(POD_BRIDGE);
    if (owner !== alias) {
      throw new SandboxError(
        `link ${POD_BRIDGE} belongs to another system (${owner || 'no alias'}); remove it or stop that system`,
      );
    }
    const [{ address } = { address: '' }] = await ipJson<{ address: string }>(['link', 'show', 'dev', POD_BRIDGE]);
    await ipBatch([
      `link set ${POD_BRIDGE} mtu ${mtu}`,
      ...(address === podMac(alias) ? [] : [`link set ${POD_BRIDGE} address ${podMac(alias)}`]),
    ]);
  } else {
    await ipBatch([
      `link add ${POD_BRIDGE} address ${podMac(alias)} mtu ${mtu} type bridge forward_delay 0 stp_state 0`,
      `link set ${POD_BRIDGE} alias ${alias}`,
    ]);
  }
  if (hasIpv6) enableIpv6(POD_BRIDGE);
  const prefix = (index: number): string => podCidrs[index]?.split('/')[1] ?? '';
  await ipBatch([
    ...(hasIpv6 ? [`link set ${POD_BRIDGE} addrgenmode none`, `addr flush dev ${POD_BRIDGE} scope link`] : []),
    ...gateways.map(
      (gateway, index) => `addr replace ${gateway}/${prefix(index)} dev ${POD_BRIDGE}${addressFlags(gateway)}`,
    ),
    `link set ${POD_BRIDGE} up`,
  ]);
}

/** The neighbours of the bridge that a Pod is: its IPv6 addresses. In IPv4 the node asks (ARP). */
function podNeighbours(podIps: readonly string[]): string[] {
  return podIps.filter((podIp) => familyOf(podIp) === 6).map((podIp) => `${podIp} dev ${POD_BRIDGE}`);
}

/** Kills whatever still runs in Pod namespaces: children that left their process group. */
function killInNetns(names: readonly string[]): void {
  const inodes = new Set<number>();
  for (const name of names) {
    const stat = statSync(join(NETNS_DIR, name), { throwIfNoEntry: false });
    if (stat !== undefined) inodes.add(stat.ino);
  }
  for (const pid of readdirSync('/proc')) {
    if (!/^\d+$/.test(pid)) continue;
    try {
      if (inodes.has(statSync(`/proc/${pid}/ns/net`).ino)) process.kill(Number(pid), 'SIGKILL');
    } catch {
      // Ended meanwhile.
    }
  }
}

function removeIfEmpty(folder: string): void {
  try {
    if (readdirSync(folder).length === 0) rmSync(folder, { recursive: true, force: true });
  } catch {
    // Not there.
  }
}
