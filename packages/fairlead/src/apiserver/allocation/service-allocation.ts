import type { FieldCause } from '@fairlead/api/schema';
import { invalid } from '@fairlead/api/schema/field-cause';
import { parseLegacyIp } from '@fairlead/api/schema/validate/addresses';
import type { Companion } from '../resources/companion.ts';
import { StatusError } from '../server/status-error.ts';
import type { StorageWrite } from '../storage/storage.ts';
import type { KubeObject } from '../watch/kube-object.ts';
import { addressKey, claimsOf, portKey } from './claims.ts';
import type { ServiceAllocator } from './service-allocator.ts';
import {
  isHeadless,
  mayHaveNodePort,
  needsClusterIp,
  needsHealthPort,
  needsNodePort,
  serviceForm,
} from './service-form.ts';
import type { IpFamily } from './service-ranges.ts';

/** What one write takes and gives back. */
export class ServiceAllocation implements Companion {
  readonly #next: KubeObject | undefined;
  readonly #old: KubeObject | undefined;
  readonly #allocator: ServiceAllocator;
  readonly #held = new Set<string>();
  readonly #dynamic = new Set<string>();
  /** Revisions of claims to give back, as a conflict told them. */
  readonly #revisions = new Map<string, number | undefined>();
  /** The specification before anything was filled in: for another try. */
  readonly #asked: unknown;
  readonly #dryRun: boolean;

  constructor(next: KubeObject | undefined, old: KubeObject | undefined, allocator: ServiceAllocator, dryRun = false) {
    this.#dryRun = dryRun;
    this.#next = next;
    this.#old = old;
    this.#allocator = allocator;
    this.#asked = structuredClone(next?.spec);
  }

  /** Takes all that is needed, or nothing. @throws StatusError when a range is full */
  reserve(): readonly FieldCause[] | undefined {
    let causes: readonly FieldCause[] | undefined = [];
    try {
      causes = this.#reserveAddresses() ?? this.#reservePorts() ?? this.#reserveHealthPort();
    } finally {
      if (causes !== undefined) this.close();
    }
    return causes;
  }

  writes(): readonly StorageWrite[] {
    const before = claimsOf(this.#old);
    const after = claimsOf(this.#next);
    const writes: StorageWrite[] = [];
    for (const key of after) if (!before.has(key)) writes.push(this.#allocator.claimWrite(key, this.#next!));
    for (const key of before) {
      if (after.has(key) || (this.#revisions.has(key) && this.#revisions.get(key) === undefined)) continue;
      const write = this.#allocator.releaseWrite(key, this.#revisions.get(key));
      if (write !== undefined) writes.push(write);
    }
    return writes;
  }

  lost(key: string, current: { readonly modRevision: number } | undefined): readonly FieldCause[] | undefined {
    if (!this.#held.has(key)) {
      this.#revisions.set(key, current?.modRevision);
      return undefined;
    }
    const wasDynamic = this.#dynamic.has(key);
    this.close();
    if (wasDynamic) this.#allocator.lose(key);
    this.#next!.spec = structuredClone(this.#asked) as Record<string, unknown>;
    return this.reserve();
  }

  close(): void {
    for (const key of this.#held) this.#allocator.letGo(key);
    this.#held.clear();
    this.#dynamic.clear();
  }

  #hold(key: string, dynamic: boolean): void {
    this.#allocator.hold(key);
    this.#held.add(key);
    if (dynamic) this.#dynamic.add(key);
  }

  /** All addresses of a Service that had none, the second one of a Service that gets a second family. */
  #reserveAddresses(): FieldCause[] | undefined {
    const spec = serviceForm(this.#next!);
    if (!needsClusterIp(spec) || isHeadless(spec)) return undefined;
    const before = this.#old === undefined ? {} : serviceForm(this.#old);
    const had = needsClusterIp(before) && !isHeadless(before) ? (before.clusterIPs ?? []).length : 0;
    const families = (spec.ipFamilies ?? []) as IpFamily[];
    const wanted = [...(spec.clusterIPs ?? [])];
    for (const [index, family] of families.entries()) {
      if (index < had) continue;
      const asked = wanted[index] ?? '';
      const address = asked === '' ? this.#allocator.pickAddress(family) : asked;
      if (address === undefined) {
        throw internalError('failed to allocate a serviceIP: range is full');
      }
      const ip = parseLegacyIp(address);
      const key = addressKey(address);
      if (ip === undefined || key === undefined) continue;
      const why = !this.#allocator.ranges.has(ip)
        ? this.#allocator.ranges.whyNot(ip, address, this.#dryRun)
        : asked !== '' && this.#allocator.isTaken(key)
          ? 'provided IP is already allocated'
          : undefined;
      if (why !== undefined) {
        const text = `failed to allocate IP ${address}: ${why}`;
        return [
          invalid(
            'spec.clusterIPs',
            wanted.filter((one) => one !== ''),
            text,
          ),
        ];
      }
      this.#hold(key, asked === '');
      wanted[index] = address;
    }
    if (wanted.length > 0) {
      spec.clusterIPs = wanted;
      spec.clusterIP = wanted[0];
    }
    return undefined;
  }

  #reservePorts(): FieldCause[] | undefined {
    const spec = serviceForm(this.#next!);
    if (!mayHaveNodePort(spec)) return undefined;
    const before = claimsOf(this.#old);
    const ports = (spec.ports ?? []).map((port) => ({ ...port }));
    const taken = new Set<string>();
    for (const [index, port] of ports.entries()) {
      const wanted = port.nodePort ?? 0;
      // One number may serve TCP and UDP of the same Service, but only one port of each protocol.
      const claim = `${port.protocol} ${wanted}`;
      if (wanted !== 0 && taken.has(claim) && !before.has(portKey(wanted))) {
        return [invalid(`spec.ports[${index}].nodePort`, wanted, 'provided port is already allocated')];
      }
      taken.add(claim);
      if (wanted === 0 || before.has(portKey(wanted)) || this.#held.has(portKey(wanted))) continue;
      const why = this.#portFailure(wanted);
      if (why !== undefined) return [invalid(`spec.ports[${index}].nodePort`, wanted, why)];
      this.#hold(portKey(wanted), false);
    }
    if (needsNodePort(spec)) {
      for (const port of ports) {
        if ((port.nodePort ?? 0) !== 0) continue;
        // A new Service has one number for both protocols of a port; a changed one gets a number for each.
        const sibling =
          this.#old === undefined
            ? ports.find(
                (other) => other.port === port.port && other.protocol !== port.protocol && (other.nodePort ?? 0) !== 0,
              )
            : undefined;
        const number = sibling?.nodePort ?? this.#allocator.pickPort();
        if (number === undefined) throw internalError('failed to allocate a nodePort: range is full');
        if (sibling === undefined) this.#hold(portKey(number), true);
        port.nodePort = number;
      }
    }
    spec.ports = ports;
    return undefined;
  }

  #reserveHealthPort(): FieldCause[] | undefined {
    const spec = serviceForm(this.#next!);
    if (!needsHealthPort(spec)) return undefined;
    const wanted = spec.healthCheckNodePort ?? 0;
    if (wanted === 0) {
      const port = this.#allocator.pickPort();
      if (port === undefined) throw internalError('failed to allocate a HealthCheck NodePort 0: range is full');
      this.#hold(portKey(port), true);
      spec.healthCheckNodePort = port;
      return undefined;
    }
    if (claimsOf(this.#old).has(portKey(wanted))) return undefined;
    const why = this.#portFailure(wanted);
    if (why !== undefined) throw internalError(`failed to allocate requested HealthCheck NodePort ${wanted}: ${why}`);
    this.#hold(portKey(wanted), false);
    return undefined;
  }

  #portFailure(port: number): string | undefined {
    const { first, last } = this.#allocator.ports;
    if (port < first || port > last) {
      return `provided port is not in the valid range. The range of valid ports is ${first}-${last}`;
    }
    return this.#allocator.isTaken(portKey(port)) ? 'provided port is already allocated' : undefined;
  }
}

/** What the real server calls an error of its own. */
function internalError(why: string): StatusError {
  return new StatusError(500, 'InternalError', `Internal error occurred: ${why}`, { causes: [{ message: why }] });
}
