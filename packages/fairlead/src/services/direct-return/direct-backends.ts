import { runBatch } from './run-ip.ts';

/** Link of the tunnel, on the node and in Pods. */
export const tunnelLink = 'fl-direct';
/** VXLAN identifier and port of the tunnel; not those of the overlay network between nodes. */
export const tunnelOptions = 'id 78 dstport 8474 nolearning';

/** The link address that stands for an endpoint in the tunnel: made from its address, so both ends know it. */
export function tunnelMac(ip: string): string {
  const bytes = ip.includes(':')
    ? // The last four groups differ between Pods of a range; a collision would only share a forwarding entry.
      [...Buffer.from(ip.replaceAll(':', '').slice(-8).padStart(8, '0'), 'hex')]
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

/**
 * Gives Pods the addresses of the Services they answer for, on their loopback link, and takes them away.
 * Only Pods whose namespaces this machine's agent has made.
 */
export class DirectBackends {
  readonly #namespaceOf: (ip: string) => string | undefined;
  readonly #run: RunInNamespace;
  /** By namespace. */
  readonly #present = new Map<string, BackendWish>();

  constructor(namespaceOf: (ip: string) => string | undefined, run: RunInNamespace) {
    this.#namespaceOf = namespaceOf;
    this.#run = run;
  }

  async apply(wishes: Iterable<BackendWish>): Promise<void> {
    const wanted = new Map<string, BackendWish>();
    for (const wish of wishes) {
      const namespace = this.#namespaceOf(wish.ip);
      if (namespace !== undefined) wanted.set(namespace, wish);
    }
    for (const [namespace, { vips, tunnel }] of this.#present) {
      const next = wanted.get(namespace);
      const gone = [...vips].filter((vip) => next?.vips.has(vip) !== true);
      const lines = gone.map((vip) => `address delete ${vip}/${vip.includes(':') ? 128 : 32} dev lo`);
      if (tunnel && next?.tunnel !== true) lines.push(`link delete ${tunnelLink}`);
      // The namespace may be gone with its Pod.
      await runBatch('ip', lines, namespace);
      if (next === undefined) this.#present.delete(namespace);
    }
    for (const [namespace, wish] of wanted) {
      const before = this.#present.get(namespace);
      const added = [...wish.vips].filter((vip) => before?.vips.has(vip) !== true);
      if (before === undefined) await this.#run(namespace, ['sysctl', '-qw', ...quietArp]);
      const lines = added.map((vip) =>
        vip.includes(':') ? `address replace ${vip}/128 dev lo nodad` : `address replace ${vip}/32 dev lo`,
      );
      if (wish.tunnel && before?.tunnel !== true) {
        const local = wish.ip;
        lines.push(
          `link add ${tunnelLink} address ${tunnelMac(wish.ip)} type vxlan ${tunnelOptions} local ${local}`,
          `link set ${tunnelLink} up`,
        );
      }
      await runBatch('ip', lines, namespace);
      if (wish.tunnel && before?.tunnel !== true) {
        const settings = ['all', tunnelLink].map((link) => `net.ipv4.conf.${link}.rp_filter=0`);
        await this.#run(namespace, ['sysctl', '-qw', ...settings]);
      }
      this.#present.set(namespace, wish);
    }
  }
}
