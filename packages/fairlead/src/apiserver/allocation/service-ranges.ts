import { type Cidr, cidrContains, formatIp, type IpAddress, parseCidr } from '@fairlead/api';
import type { Random } from '../../sys/clock.ts';
import { type KubeObject, recordOf } from '../watch/kube-object.ts';
import type { ObjectCache } from '../watch/object-cache.ts';
import { AddressRange } from './address-range.ts';

/** `IPv4` or `IPv6`, as in `spec.ipFamilies`. */
export type IpFamily = 'IPv4' | 'IPv6';

const prefix = '/networking.k8s.io/servicecidrs/';

/** The family name of an address. */
export function familyName({ family }: Pick<IpAddress, 'family'>): IpFamily {
  return family === 4 ? 'IPv4' : 'IPv6';
}

/**
 * The ranges that cluster IPs come from: those the server was started with, and those of all ServiceCIDRs
 * that are ready and not going away. Families are those of the start: further ranges add room, not families.
 */
export class ServiceRanges {
  readonly families: readonly IpFamily[];
  readonly #configured: readonly AddressRange[];
  readonly #cache: ObjectCache;
  #further: readonly AddressRange[] = [];
  #asOf = -1;

  constructor(configured: readonly AddressRange[], cache: ObjectCache) {
    this.#configured = configured;
    this.families = configured.map(({ cidr }) => familyName(cidr));
    this.#cache = cache;
  }

  /** The first address of each family; the first of all is that of the Service `default/kubernetes`. */
  get firstAddresses(): readonly string[] {
    return this.#configured.map(({ firstAddress }) => firstAddress);
  }

  /** True when the address may be handed out. */
  has(ip: IpAddress): boolean {
    return this.#all().some((range) => range.has(ip));
  }

  /** Why an address may not be handed out, in the server's words: it says more where nothing is written. */
  whyNot(ip: IpAddress, text: string, dryRun: boolean): string {
    const around = dryRun ? this.#all().find(({ cidr }) => cidrContains(cidr, ip)) : undefined;
    if (around === undefined) return 'the provided network does not match the current range';
    const { family, network, prefix: length } = around.cidr;
    const range = `${formatIp({ family, value: network })}/${length}`;
    return `the provided IP (${text}) is not in the valid range. The range of valid IPs is ${range}`;
  }

  /** Any free address of a family; `undefined` when all ranges are full. */
  pick(family: IpFamily, isTaken: (address: string) => boolean, random: Random): string | undefined {
    for (const range of this.#all()) {
      const found = familyName(range.cidr) === family ? range.pick(isTaken, random) : undefined;
      if (found !== undefined) return found;
    }
    return undefined;
  }

  #all(): readonly AddressRange[] {
    const resource = this.#cache.resource(prefix);
    if (this.#asOf !== resource.lastChange) {
      this.#asOf = resource.lastChange;
      const known = this.#configured.map(({ cidr }) => cidr);
      this.#further = resource
        .list('')
        .flatMap(({ object }) => usableRanges(object))
        .filter((cidr) => !known.some((own) => sameCidr(own, cidr)))
        .map((cidr) => new AddressRange(cidr));
    }
    return [...this.#configured, ...this.#further];
  }
}

/** The ranges of a ServiceCIDR that addresses may be taken from now. */
function usableRanges(object: KubeObject): Cidr[] {
  if (object.metadata.deletionTimestamp !== undefined) return [];
  const conditions = recordOf(object.status)?.conditions;
  const ready = (Array.isArray(conditions) ? (conditions as unknown[]) : [])
    .map(recordOf)
    .some((condition) => condition?.type === 'Ready' && condition.status === 'True');
  const cidrs = recordOf(object.spec)?.cidrs;
  if (!ready || !Array.isArray(cidrs)) return [];
  return cidrs.map((text) => parseCidr(String(text))).filter((cidr) => cidr !== undefined);
}

function sameCidr(a: Cidr, b: Cidr): boolean {
  return a.prefix === b.prefix && cidrContains(a, { family: b.family, value: b.network });
}
