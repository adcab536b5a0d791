import { runBatch } from './run-ip.ts';

/** Identifier and port of the tunnel; not those of the overlay network between nodes. */
const tunnelOptions = 'id 78 dstport 8474 nolearning';

/** Link of the tunnel to endpoints of this address's family, on the node and in Pods: a VXLAN link has one family outside. */
export function tunnelLink(ip: string): string {
  return ip.includes(':') ? 'fl-direct6' : 'fl-direct';
}

/** What makes an end of the tunnel; `local`: the endpoint's own address, or any of the node's. */
export function tunnelCommands(ip: string, end: 'node' | 'endpoint'): string[] {
  const link = tunnelLink(ip);
  // The unspecified address says no more than the family.
  const local = end === 'endpoint' ? ` local ${ip}` : ip.includes(':') ? ' local ::' : '';
  const mac = end === 'endpoint' ? ` address ${tunnelMac(ip)}` : '';
  return [`link add ${link}${mac} type vxlan ${tunnelOptions}${local}`, `link set ${link} up`];
}

/** FNV-1a, 32 bits. */
function shortHash(text: string): number {
  let hash = 0x811c9dc5;
  for (let index = 0; index < text.length; index++) hash = Math.imul(hash ^ text.charCodeAt(index), 0x01000193);
  return hash >>> 0;
}

/** The link address that stands for an endpoint in the tunnel: made from its canonical address, so both ends know it. */
export function tunnelMac(ip: string): string {
  const bytes = ip.includes(':')
    ? [...Buffer.from(shortHash(ip).toString(16).padStart(8, '0'), 'hex')]
    : ip.split('.').map(Number);
  return ['02', 'fd', ...bytes.map((byte) => byte.toString(16).padStart(2, '0'))].join(':');
}

/** What one Pod needs to take packets for addresses of Services. */
export interface BackendWish {
  readonly ip: string;
  readonly vips: ReadonlySet<string>;
  readonly tunnel: boolean;
}

/** Kernel settings of a Pod: it must not answer for the Services' addresses on the link. */
const quietArp: readonly string[] = ['net.ipv4.conf.all.arp_ignore=1', 'net.ipv4.conf.all.arp_announce=2'];

/** Runs a program in a network namespace; false when it failed. */
export type RunInNamespace = (namespace: string, command: readonly string[]) => Promise<boolean>;

interface Backend extends BackendWish {
  readonly namespace: string;
}

/**
 * Gives Pods the addresses of the Services they answer for, on their loopback link, and takes them away: in two
 * steps, because packets must have ceased to come before an address goes.
 * Only Pods whose namespaces this machine's agent has made.
 */
export class DirectBackends {
  readonly #namespaceOf: (ip: string) => string | undefined;
  readonly #run: RunInNamespace;
  /** By Pod address: a Pod may have one of each family. */
  readonly #present = new Map<string, Backend>();
  #wanted = new Map<string, Backend>();
  /** Present no more under their addresses: another Pod has the address now. */
  #replaced: Backend[] = [];

  constructor(namespaceOf: (ip: string) => string | undefined, run: RunInNamespace) {
    this.#namespaceOf = namespaceOf;
    this.#run = run;
  }

  /** What is not wished any more stays until {@link takeAway}. */
  async give(wishes: Iterable<BackendWish>): Promise<void> {
    this.#wanted = new Map();
    for (const wish of wishes) {
      const namespace = this.#namespaceOf(wish.ip);
      if (namespace !== undefined) this.#wanted.set(wish.ip, { ...wish, namespace });
    }
    for (const wish of this.#wanted.values()) {
      const { ip, namespace } = wish;
      const known = this.#present.get(ip);
      const before = known?.namespace === namespace ? known : undefined;
      if (known !== undefined && before === undefined) this.#replaced.push(known);
      const added = [...wish.vips].filter((vip) => before?.vips.has(vip) !== true);
      if (before === undefined) await this.#run(namespace, ['sysctl', '-qw', ...quietArp]);
      const lines = added.map((vip) =>
        vip.includes(':') ? `address replace ${vip}/128 dev lo nodad` : `address replace ${vip}/32 dev lo`,
      );
      const tunnelMissing = wish.tunnel && before?.tunnel !== true;
      if (tunnelMissing) lines.push(...tunnelCommands(ip, 'endpoint'));
      await runBatch('ip', lines, namespace);
      if (tunnelMissing) {
        const settings = ['all', tunnelLink(ip)].map((link) => `net.ipv4.conf.${link}.rp_filter=0`);
        await this.#run(namespace, ['sysctl', '-qw', ...settings]);
      }
      const vips = before === undefined ? wish.vips : new Set([...before.vips, ...wish.vips]);
      this.#present.set(ip, { ...wish, vips, tunnel: wish.tunnel || before?.tunnel === true });
    }
  }

  /** Takes away what the last {@link give} did not wish. */
  async takeAway(): Promise<void> {
    for (const { ip, namespace, vips, tunnel } of [...this.#replaced.splice(0), ...this.#present.values()]) {
      const wish = this.#wanted.get(ip);
      const kept = wish?.namespace === namespace ? wish : undefined;
      const gone = [...vips].filter((vip) => kept?.vips.has(vip) !== true);
      const lines = gone.map((vip) => `address delete ${vip}/${vip.includes(':') ? 128 : 32} dev lo`);
      if (tunnel && kept?.tunnel !== true) lines.push(`link delete ${tunnelLink(ip)}`);
      // The namespace may be gone with its Pod.
      await runBatch('ip', lines, namespace);
      if (kept !== undefined) this.#present.set(ip, kept);
      else if (wish === undefined) this.#present.delete(ip);
    }
  }
}
