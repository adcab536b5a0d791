import type { FieldCause } from '@fairlead/api/schema/field-cause';
import type { Clock, Random } from '../../sys/clock.ts';
import { ApiServerError } from '../api-server-error.ts';
import { type Companion, noCompanion } from '../resources/companion.ts';
import type { ServedResource } from '../resources/served-resources.ts';
import type { StorageWrite } from '../storage/storage.ts';
import type { KubeObject } from '../watch/kube-object.ts';
import type { ObjectCache } from '../watch/object-cache.ts';
import { addressRange, type NumberRange, pickNumber, portRange } from './address-range.ts';
import { addressPrefix, claimValue, portKey, portPrefix } from './claims.ts';
import { ServiceAllocation } from './service-allocation.ts';
import { completeFamilies } from './service-families.ts';
import { serviceForm } from './service-form.ts';
import { type IpFamily, ServiceRanges } from './service-ranges.ts';
import { alignClusterIps, dropForeignFields, keepAllocations } from './service-transition.ts';

/** What a Service got, to be committed with it; or the causes of the 422. */
export type AllocationResult =
  | { readonly ok: true; readonly companion: Companion }
  | { readonly ok: false; readonly causes: readonly FieldCause[] };

/** Cluster IPs and node ports of Services. Holds nothing but what writes in progress have asked for. */
export class ServiceAllocator {
  readonly ranges: ServiceRanges;
  readonly #ports: NumberRange;
  readonly #cache: ObjectCache;
  readonly #clock: Clock;
  readonly #random: Random;
  /** Claims of writes that are not committed yet. */
  readonly #pending = new Set<string>();
  /** Claims that another server has won and this one's cache has not seen yet. */
  readonly #lost = new Set<string>();

  /** @param serviceCidr one range, or one of each family joined by a comma, the default family first */
  constructor(serviceCidr: string, nodePortRange: string, cache: ObjectCache, clock: Clock, random: Random) {
    const ranges = serviceCidr.split(',').map((text) => ({ text, range: addressRange(text.trim()) }));
    for (const { text, range } of ranges) {
      const [least, most] = range?.cidr.family === 6 ? [64, 124] : [8, 28];
      if (range === undefined || range.cidr.prefix < least || range.cidr.prefix > most) {
        const example = 'for example 10.96.0.0/16 or fd00:96::/108';
        throw new ApiServerError(
          'InvalidOptions',
          `service range ${text} is not an IPv4 CIDR of /8 to /28 or an IPv6 CIDR of /64 to /124 (${example})`,
        );
      }
    }
    const usable = ranges.map(({ range }) => range!);
    if (usable.length > 2 || (usable.length === 2 && usable[0]!.cidr.family === usable[1]!.cidr.family)) {
      throw new ApiServerError('InvalidOptions', `service range ${serviceCidr} has more than one range of a family`);
    }
    const ports = portRange(nodePortRange);
    if (ports === undefined) {
      throw new ApiServerError('InvalidOptions', `node port range ${nodePortRange} is not FIRST-LAST within 1-65535`);
    }
    this.ranges = new ServiceRanges(usable, cache);
    this.#ports = ports;
    this.#cache = cache;
    this.#clock = clock;
    this.#random = random;
  }

  /**
   * Completes a Service that is written, and reserves what it needs and `old` does not hold. Changes `next`.
   * Mistakes are reported before all others of the object, as by the real server.
   */
  allocate(resource: ServedResource, next: KubeObject, old: KubeObject | undefined, dryRun: boolean): AllocationResult {
    if (!isService(resource)) return { ok: true, companion: noCompanion };
    const spec = { ...serviceForm(next) };
    next.spec = spec;
    const before = old === undefined ? undefined : serviceForm(old);
    alignClusterIps(spec, before);
    if (before !== undefined) {
      keepAllocations(spec, before);
      dropForeignFields(spec, before);
    }
    const causes = completeFamilies(spec, before, this.ranges.families);
    if (causes.length > 0) return { ok: false, causes };
    const allocation = new ServiceAllocation(next, old, this, dryRun);
    const refused = allocation.reserve();
    return refused === undefined ? { ok: true, companion: allocation } : { ok: false, causes: refused };
  }

  /** The claims that go with a Service. */
  release(resource: ServedResource, object: KubeObject): Companion {
    return isService(resource) ? new ServiceAllocation(undefined, object, this) : noCompanion;
  }

  get ports(): NumberRange {
    return this.#ports;
  }

  isTaken(key: string): boolean {
    if (this.#pending.has(key) || this.#stored(key) !== undefined) return true;
    return this.#lost.has(key);
  }

  pickAddress(family: IpFamily): string | undefined {
    return this.ranges.pick(family, (address) => this.isTaken(addressPrefix + address), this.#random);
  }

  pickPort(): number | undefined {
    return pickNumber(this.#ports, (port) => this.isTaken(portKey(port)), this.#random);
  }

  hold(key: string): void {
    this.#pending.add(key);
  }

  letGo(key: string): void {
    this.#pending.delete(key);
  }

  /** Another server was faster; its claim is on the way to the cache. */
  lose(key: string): void {
    this.#pending.delete(key);
    this.#lost.add(key);
    const { prefix } = this.#cache.resource(key.startsWith(portPrefix) ? portPrefix : addressPrefix);
    for (const known of this.#lost) if (known.startsWith(prefix) && this.#stored(known)) this.#lost.delete(known);
  }

  /** The write that takes a claim, or gives it back; `undefined` when there is nothing to give back. */
  claimWrite(key: string, service: KubeObject): StorageWrite {
    return { key, expect: 0, ...claimValue(key, service, this.#clock) };
  }

  releaseWrite(key: string, revision: number | undefined): StorageWrite | undefined {
    const expect = revision ?? this.#stored(key)?.modRevision;
    return expect === undefined ? undefined : { key, expect, value: undefined };
  }

  #stored(key: string): { readonly modRevision: number } | undefined {
    return this.#cache.resource(key.startsWith(portPrefix) ? portPrefix : addressPrefix).get(key);
  }
}

/** True for the one resource that gets addresses and ports. */
function isService(resource: ServedResource): boolean {
  return resource.plural === 'services' && resource.group === '';
}
