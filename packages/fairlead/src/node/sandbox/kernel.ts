import { createHash } from 'node:crypto';
import { existsSync, mkdirSync, readdirSync, readFileSync, rmSync, statSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import type { Pod, Stored } from '@fairlead/api';
import type { Clock } from '../../sys/clock.ts';
import type { Log } from '../../sys/role.ts';
import { ipBatch, ipBatchForce, ipJson, linkAlias, linkExists, linkNames, systemProgram } from '../commands.ts';
import { mountScript } from './mounts.ts';
import { type DnsSettings, podHosts, podResolvConf } from './pod-files.ts';
import { createPodIps, type PodIps } from './pod-ips.ts';
import { NETNS_DIR, type Sandbox, type SandboxDriver, SandboxError } from './sandbox.ts';
import { createSysctls } from './sysctls.ts';

/** Name of the Pod bridge. */
export const POD_BRIDGE = 'fl-pods';

export interface KernelSandboxOptions {
  /** Four hex digits that mark this system's names. */
  readonly instance: string;
  readonly podCidr: string;
  readonly nodeIp: string;
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

function uidHash(uid: string): string {
  return createHash('sha256').update(uid).digest('hex').slice(0, 8);
}

const NETNS_ETC = '/etc/netns';

/**
 * Pods in network namespaces on a bridge.
 *
 *     Pod netns                      node
 *     eth0 10.244.0.7/32 ── veth ──  fl-pods 10.244.0.1/24
 *     default via 10.244.0.1
 *
 * The Pod's address is a /32: traffic between two Pods of a node goes through the node's IP layer
 * as well, so an answer to a translated connection comes back the way it went. With a common subnet
 * the answer would take the short way over the bridge and bypass connection tracking.
 */
export async function createKernelSandboxes(options: KernelSandboxOptions): Promise<SandboxDriver> {
  const { instance, podCidr, stateDir, log } = options;
  const alias = `fairlead-${instance}`;
  const lastIpFile = join(stateDir, 'last-pod-ip');
  const lastIp = existsSync(lastIpFile) ? readFileSync(lastIpFile, 'utf8').trim() : undefined;
  const ips: PodIps = createPodIps(podCidr, lastIp);
  const prefix = podCidr.split('/')[1] ?? '24';
  const sysctls = createSysctls(join(stateDir, 'sysctls.json'));
  const claimed = new Map<string, Sandbox>();
  const clusterDns = options.dns.clusterDns ?? ips.gateway;
  const ip = systemProgram('ip');
  const unshare = systemProgram('unshare');

  await ensureBridge(ips.gateway, prefix, alias, options.mtu);
  sysctls.set('net/ipv4/ip_forward', '1');
  // A packet that leaves by the bridge it came from must not earn a redirect: the Pod would then
  // send the rest of a translated connection past the node.
  sysctls.set('net/ipv4/conf/all/send_redirects', '0');
  writeFileSync(`/proc/sys/net/ipv4/conf/${POD_BRIDGE}/send_redirects`, '0');

  const writeFiles = (pod: Stored<Pod>, netns: string, podIp: string): void => {
    const folder = join(NETNS_ETC, netns);
    mkdirSync(folder, { recursive: true });
    const nodeResolvConf = existsSync('/etc/resolv.conf') ? readFileSync('/etc/resolv.conf', 'utf8') : '';
    writeFileSync(join(folder, 'resolv.conf'), podResolvConf(pod, { ...options.dns, clusterDns, nodeResolvConf }));
    writeFileSync(join(folder, 'hosts'), podHosts(pod, podIp, options.dns.clusterDomain));
  };

  const removeNetns = async (uid: string, netns: string): Promise<void> => {
    if (existsSync(join(NETNS_DIR, netns))) {
      killInNetns([netns]);
      await ipBatchForce([`link del ${podLink(instance, uid)}`, `netns del ${netns}`]);
    }
    rmSync(join(NETNS_ETC, netns), { recursive: true, force: true });
    removeIfEmpty(NETNS_ETC);
  };

  const driver: SandboxDriver = {
    mode: 'kernel',
    gatewayIp: ips.gateway,
    async create(pod) {
      const uid = pod.metadata.uid;
      if (pod.spec?.hostNetwork === true) {
        return { uid, podIp: options.nodeIp, hostNetwork: true };
      }
      const netns = podNetns(instance, uid);
      const link = podLink(instance, uid);
      const podIp = ips.allocate();
      writeFileSync(lastIpFile, podIp);
      const sandbox: Sandbox = { uid, podIp, hostNetwork: false, netns };
      try {
        await removeNetns(uid, netns);
        writeFiles(pod, netns, podIp);
        await ipBatch([
          `netns add ${netns}`,
          `link add ${link} mtu ${options.mtu} master ${POD_BRIDGE} type veth peer name eth0 mtu ${options.mtu} netns ${netns}`,
          // Where br_netfilter is on, a Pod's packet to its own Service is translated inside the bridge and has to
          // leave by the port it came from.
          `link set ${link} type bridge_slave hairpin on`,
          `link set ${link} up`,
        ]);
        await ipBatch(
          [
            'link set lo up',
            `addr add ${podIp}/32 dev eth0`,
            'link set eth0 up',
            `route add ${ips.gateway} dev eth0 scope link`,
            `route add default via ${ips.gateway}`,
          ],
          netns,
        );
      } catch (cause) {
        await removeNetns(uid, netns);
        ips.release(podIp);
        throw new SandboxError(`network namespace ${netns}: ${(cause as Error).message}`, { cause });
      }
      claimed.set(uid, sandbox);
      return sandbox;
    },
    async adopt(sandbox) {
      if (sandbox.netns === undefined) return sandbox.podIp === options.nodeIp;
      const link = podLink(instance, sandbox.uid);
      if (!existsSync(join(NETNS_DIR, sandbox.netns)) || !linkExists(link)) return false;
      if (!ips.claim(sandbox.podIp)) return false;
      claimed.set(sandbox.uid, sandbox);
      return true;
    },
    async remove(sandbox) {
      if (sandbox.netns === undefined) return;
      await removeNetns(sandbox.uid, sandbox.netns);
      claimed.delete(sandbox.uid);
      ips.release(sandbox.podIp);
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
      rmSync(lastIpFile, { force: true });
    },
  };
  return driver;
}

async function ensureBridge(gateway: string, prefix: string, alias: string, mtu: number): Promise<void> {
  if (linkExists(POD_BRIDGE)) {
    const owner = await linkAlias(POD_BRIDGE);
    if (owner !== alias) {
      throw new SandboxError(
        `link ${POD_BRIDGE} belongs to another system (${owner || 'no alias'}); remove it or stop that system`,
      );
    }
    await ipBatch([`link set ${POD_BRIDGE} mtu ${mtu}`]);
  } else {
    await ipBatch([
      `link add ${POD_BRIDGE} mtu ${mtu} type bridge forward_delay 0 stp_state 0`,
      `link set ${POD_BRIDGE} alias ${alias}`,
    ]);
  }
  await ipBatch([`addr replace ${gateway}/${prefix} dev ${POD_BRIDGE}`, `link set ${POD_BRIDGE} up`]);
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
