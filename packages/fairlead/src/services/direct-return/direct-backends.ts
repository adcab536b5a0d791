import { IpipEndpointEnds } from './ipip/endpoint-ends.ts';
import { runBatch } from './run-ip.ts';
import { tunnelCommands, tunnelLink } from './vxlan-tunnels.ts';

/** What one Pod needs to take packets for addresses of Services. */
export interface BackendWish {
  readonly ip: string;
  readonly vips: ReadonlySet<string>;
  /** Whether packets come in VXLAN tunnels. */
  readonly vxlan: boolean;
  /** Those addresses for which packets come in IPIP tunnels. */
  readonly ipipVips: ReadonlySet<string>;
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
  readonly #ipip: IpipEndpointEnds;
  readonly #onProblem: (ip: string, error: unknown) => void;
  /** By Pod address: a Pod may have one of each family. */
  readonly #present = new Map<string, Backend>();
  #wanted = new Map<string, Backend>();
  /** Present no more under their addresses: another Pod has the address now. */
  #replaced: Backend[] = [];

  constructor(
    namespaceOf: (ip: string) => string | undefined,
    run: RunInNamespace,
    ipip: IpipEndpointEnds = new IpipEndpointEnds(),
    onProblem: (ip: string, error: unknown) => void = () => undefined,
  ) {
    this.#namespaceOf = namespaceOf;
    this.#run = run;
    this.#ipip = ipip;
    this.#onProblem = onProblem;
  }

  /** Ends of IPIP tunnels are not known any more: the next {@link give} makes them anew. */
  forget(): void {
    for (const [ip, backend] of this.#present) this.#present.set(ip, { ...backend, ipipVips: new Set() });
    this.#ipip.forget();
  }

  /** What is not wished any more stays until {@link takeAway}. */
  async give(wishes: Iterable<BackendWish>): Promise<void> {
    this.#wanted = new Map();
    for (const wish of wishes) {
      const namespace = this.#namespaceOf(wish.ip);
      if (namespace !== undefined) this.#wanted.set(wish.ip, { ...wish, namespace });
    }
    for (const wish of this.#wanted.values()) {
      const known = this.#present.get(wish.ip);
      const before = known?.namespace === wish.namespace ? known : undefined;
      if (known !== undefined && before === undefined) {
        this.#replaced.push(known);
        this.#present.delete(wish.ip);
      }
      await this.#giveOne(wish, before);
    }
  }

  async #giveOne(wish: Backend, before: Backend | undefined): Promise<void> {
    const { ip, namespace } = wish;
    const added = [...wish.vips].filter((vip) => before?.vips.has(vip) !== true);
    if (before === undefined) await this.#run(namespace, ['sysctl', '-qw', ...quietArp]);
    const lines = added.map((vip) =>
      vip.includes(':') ? `address replace ${vip}/128 dev lo nodad` : `address replace ${vip}/32 dev lo`,
    );
    const tunnelMissing = wish.vxlan && before?.vxlan !== true;
    if (tunnelMissing) lines.push(...tunnelCommands(ip, 'endpoint'));
    await runBatch('ip', lines, namespace);
    if (tunnelMissing) {
      const settings = ['all', tunnelLink(ip)].map((link) => `net.ipv4.conf.${link}.rp_filter=0`);
      await this.#run(namespace, ['sysctl', '-qw', ...settings]);
    }
    const vips = new Set([...(before?.vips ?? []), ...wish.vips]);
    const given: Backend = { ...wish, vips, vxlan: wish.vxlan || before?.vxlan === true, ipipVips: new Set() };
    this.#present.set(ip, given);
    this.#ipip.addVips(wish.ipipVips);
    if (wish.ipipVips.size > 0 && !before?.ipipVips.size) {
      try {
        await this.#ipip.attach(namespace, ip);
      } catch (error) {
        // A Pod that is just going must not keep the others waiting. Tried again with the next call.
        this.#onProblem(ip, error);
        return;
      }
    }
    this.#present.set(ip, { ...given, ipipVips: new Set([...(before?.ipipVips ?? []), ...wish.ipipVips]) });
  }

  /** Takes away what the last {@link give} did not wish. */
  async takeAway(): Promise<void> {
    for (const { ip, namespace, vips, vxlan, ipipVips } of [...this.#replaced.splice(0), ...this.#present.values()]) {
      const wish = this.#wanted.get(ip);
      const kept = wish?.namespace === namespace ? wish : undefined;
      const gone = [...vips].filter((vip) => kept?.vips.has(vip) !== true);
      const lines = gone.map((vip) => `address delete ${vip}/${vip.includes(':') ? 128 : 32} dev lo`);
      if (vxlan && kept?.vxlan !== true) lines.push(`link delete ${tunnelLink(ip)}`);
      // The namespace may be gone with its Pod.
      await runBatch('ip', lines, namespace);
      if (ipipVips.size > 0 && !kept?.ipipVips.size) await this.#ipip.detach(namespace, ip);
      if (kept !== undefined) this.#present.set(ip, kept);
      else if (wish === undefined) this.#present.delete(ip);
    }
    this.#ipip.keepVips(new Set([...this.#wanted.values()].flatMap(({ ipipVips }) => [...ipipVips])));
  }
}
