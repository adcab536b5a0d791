import { formatIpv4, parseIpv4 } from '@fairlead/api';
import type { FieldCause } from '@fairlead/api/schema';
import type { Random } from '../../sys/clock.ts';
import { ApiServerError } from '../api-server-error.ts';
import type { ServedResource } from '../resources/served-resources.ts';
import type { KubeObject } from '../watch/kube-object.ts';
import { cidrRange, type NumberRange, portRange } from './address-range.ts';
import {
  isHeadless,
  mayHaveNodePort,
  needsClusterIp,
  needsHealthPort,
  needsNodePort,
  type ServiceForm,
  serviceForm,
} from './service-form.ts';
import { alignClusterIps, dropForeignFields, fillFamilies, keepAllocations } from './service-transition.ts';

/** What a write holds until it is committed. Exactly one of the two is called, once. */
export interface ServiceReservation {
  /** The write is stored: what the old version held and the new one does not becomes free. */
  keep(): void;
  /** The write failed or was a dry run: what it took becomes free. */
  giveBack(): void;
}

/** A reservation, or the causes of the 422. */
export type ReserveResult =
  | { readonly ok: true; readonly reservation: ServiceReservation }
  | { readonly ok: false; readonly causes: readonly FieldCause[] };

const nothing: ServiceReservation = { keep() {}, giveBack() {} };

/**
 * Cluster IPs and node ports of Services.
 *
 * A write reserves before its commit and gives back when that fails, in one process and one
 * thread, so two concurrent writes never get the same number. Rebuilt from the stored Services
 * at start; holds no state of its own on disk.
 */
export class ServiceAllocator {
  readonly #addresses: NumberRange;
  readonly #ports: NumberRange;

  constructor(serviceCidr: string, nodePortRange: string, random: Random) {
    const addresses = cidrRange(serviceCidr, random);
    if (addresses === undefined) {
      throw new ApiServerError(
        'InvalidOptions',
        `service range ${serviceCidr} is not an IPv4 CIDR of /8 to /28 (for example 10.96.0.0/16)`,
      );
    }
    const ports = portRange(nodePortRange, random);
    if (ports === undefined) {
      throw new ApiServerError('InvalidOptions', `node port range ${nodePortRange} is not FIRST-LAST within 1-65535`);
    }
    this.#addresses = addresses;
    this.#ports = ports;
  }

  /** The address of the Service `default/kubernetes`. */
  get firstAddress(): string {
    return formatIpv4(this.#addresses.first);
  }

  /** Marks what a stored Service holds: at start. */
  restore(service: KubeObject): void {
    const held = holdings(serviceForm(service));
    for (const address of held.addresses) this.#addresses.take(address);
    for (const port of held.ports) this.#ports.take(port);
  }

  /** Fills in families and aligns addresses of a new Service. Changes `object`. */
  prepareCreate(resource: ServedResource, object: KubeObject): FieldCause[] {
    if (!isService(resource)) return [];
    const spec = serviceForm(object);
    object.spec = spec;
    alignClusterIps(spec, undefined);
    fillFamilies(spec);
    return this.#familyCauses(spec);
  }

  /** Carries over allocations, and drops what the new type cannot have. Changes `next`. */
  prepareUpdate(resource: ServedResource, next: KubeObject, old: KubeObject): FieldCause[] {
    if (!isService(resource)) return [];
    const spec = { ...serviceForm(next) };
    const before = serviceForm(old);
    next.spec = spec;
    alignClusterIps(spec, before);
    keepAllocations(spec, before);
    dropForeignFields(spec, before);
    fillFamilies(spec);
    return this.#familyCauses(spec);
  }

  /** Takes what `next` needs and `old` does not hold. Changes `next`. */
  reserve(resource: ServedResource, next: KubeObject, old: KubeObject | undefined): ReserveResult {
    if (!isService(resource)) return { ok: true, reservation: nothing };
    const spec = serviceForm(next);
    const before = holdings(old === undefined ? {} : serviceForm(old));
    const takenAddresses: number[] = [];
    const takenPorts: number[] = [];
    const giveBack = (): void => {
      for (const address of takenAddresses) this.#addresses.giveBack(address);
      for (const port of takenPorts) this.#ports.giveBack(port);
    };
    const causes =
      this.#reserveAddress(spec, before.addresses, takenAddresses) ??
      this.#reservePorts(spec, before.ports, takenPorts) ??
      this.#reserveHealthPort(spec, before.ports, takenPorts);
    if (causes !== undefined) {
      giveBack();
      return { ok: false, causes };
    }
    const after = holdings(spec);
    const keep = (): void => {
      for (const address of before.addresses) {
        if (!after.addresses.has(address)) this.#addresses.giveBack(address);
      }
      for (const port of before.ports) if (!after.ports.has(port)) this.#ports.giveBack(port);
    };
    return { ok: true, reservation: { keep, giveBack } };
  }

  /** Frees what a removed Service held. */
  release(resource: ServedResource, object: KubeObject): void {
    if (!isService(resource)) return;
    const held = holdings(serviceForm(object));
    for (const address of held.addresses) this.#addresses.giveBack(address);
    for (const port of held.ports) this.#ports.giveBack(port);
  }

  #reserveAddress(spec: ServiceForm, held: ReadonlySet<number>, taken: number[]): FieldCause[] | undefined {
    if (!needsClusterIp(spec) || isHeadless(spec)) return undefined;
    const wanted = spec.clusterIPs?.[0] ?? '';
    if (wanted === '') {
      const address = this.#addresses.takeAny();
      if (address === undefined) {
        return [
          {
            reason: 'InternalError',
            field: 'spec.clusterIPs',
            message: 'Internal error: failed to allocate a serviceIP: range is full',
          },
        ];
      }
      taken.push(address);
      spec.clusterIP = formatIpv4(address);
      spec.clusterIPs = [spec.clusterIP];
      return undefined;
    }
    const address = parseIpv4(wanted);
    if (address !== undefined && held.has(address)) return undefined;
    const failure = address === undefined ? 'outside' : this.#addresses.take(address);
    if (failure === undefined) {
      taken.push(address!);
      return undefined;
    }
    const why =
      failure === 'taken'
        ? 'provided IP is already allocated'
        : 'the provided network does not match the current range';
    return [
      {
        reason: 'FieldValueInvalid',
        field: 'spec.clusterIPs',
        message: `Invalid value: ${JSON.stringify(spec.clusterIPs)}: failed to allocate IP ${wanted}: ${why}`,
      },
    ];
  }

  #reservePorts(spec: ServiceForm, held: ReadonlySet<number>, taken: number[]): FieldCause[] | undefined {
    if (!mayHaveNodePort(spec)) return undefined;
    // One number may serve TCP and UDP of the same Service.
    const own = new Set<number>();
    const ports = (spec.ports ?? []).map((port) => ({ ...port }));
    for (const [index, port] of ports.entries()) {
      const wanted = port.nodePort ?? 0;
      if (wanted === 0) continue;
      if (held.has(wanted) || own.has(wanted)) {
        own.add(wanted);
        continue;
      }
      const failure = this.#ports.take(wanted);
      if (failure !== undefined) {
        return [
          {
            reason: 'FieldValueInvalid',
            field: `spec.ports[${index}].nodePort`,
            message: `Invalid value: ${wanted}: ${this.#portFailure(failure)}`,
          },
        ];
      }
      taken.push(wanted);
      own.add(wanted);
    }
    if (needsNodePort(spec)) {
      for (const port of ports) {
        if ((port.nodePort ?? 0) !== 0) continue;
        const sibling = ports.find(
          (other) => other.port === port.port && other.protocol !== port.protocol && (other.nodePort ?? 0) !== 0,
        );
        const number = sibling?.nodePort ?? this.#ports.takeAny();
        if (number === undefined) return [portsFull('spec.ports')];
        if (sibling === undefined) taken.push(number);
        port.nodePort = number;
      }
    }
    spec.ports = ports;
    return undefined;
  }

  #reserveHealthPort(spec: ServiceForm, held: ReadonlySet<number>, taken: number[]): FieldCause[] | undefined {
    if (!needsHealthPort(spec)) return undefined;
    const wanted = spec.healthCheckNodePort ?? 0;
    if (wanted !== 0) {
      if (held.has(wanted)) return undefined;
      const failure = this.#ports.take(wanted);
      if (failure !== undefined) {
        return [
          {
            reason: 'FieldValueInvalid',
            field: 'spec.healthCheckNodePort',
            message: `Invalid value: ${wanted}: failed to allocate requested HealthCheck NodePort ${wanted}: ${this.#portFailure(failure)}`,
          },
        ];
      }
      taken.push(wanted);
      return undefined;
    }
    const port = this.#ports.takeAny();
    if (port === undefined) return [portsFull('spec.healthCheckNodePort')];
    taken.push(port);
    spec.healthCheckNodePort = port;
    return undefined;
  }

  #portFailure(failure: 'taken' | 'outside'): string {
    return failure === 'taken'
      ? 'provided port is already allocated'
      : `provided port is not in the valid range. The range of valid ports is ${this.#ports.first}-${this.#ports.last}`;
  }

  /** A cluster with IPv4 service addresses only cannot give IPv6 ones. */
  #familyCauses(spec: ServiceForm): FieldCause[] {
    if (!needsClusterIp(spec)) return [];
    if (isHeadless(spec) && Object.keys(spec.selector ?? {}).length === 0) return [];
    if (spec.ipFamilyPolicy === 'RequireDualStack') {
      return [
        {
          reason: 'FieldValueInvalid',
          field: 'spec.ipFamilyPolicy',
          message: 'Invalid value: "RequireDualStack": this cluster is not configured for dual-stack services',
        },
      ];
    }
    const index = (spec.ipFamilies ?? []).indexOf('IPv6');
    if (index < 0) return [];
    return [
      {
        reason: 'FieldValueInvalid',
        field: `spec.ipFamilies[${index}]`,
        message: 'Invalid value: "IPv6": not configured on this cluster',
      },
    ];
  }
}

/** True for the one resource that gets addresses and ports. */
export function isService(resource: ServedResource): boolean {
  return resource.plural === 'services' && resource.group === '';
}

function portsFull(field: string): FieldCause {
  return { reason: 'InternalError', field, message: 'Internal error: failed to allocate a nodePort: range is full' };
}

/** The numbers a Service holds. */
function holdings(spec: ServiceForm): { readonly addresses: ReadonlySet<number>; readonly ports: ReadonlySet<number> } {
  const addresses = new Set<number>();
  const ports = new Set<number>();
  if (needsClusterIp(spec)) {
    for (const text of spec.clusterIPs ?? []) {
      const address = parseIpv4(text);
      if (address !== undefined) addresses.add(address);
    }
  }
  if (mayHaveNodePort(spec)) {
    for (const { nodePort } of spec.ports ?? []) if ((nodePort ?? 0) !== 0) ports.add(nodePort!);
    if ((spec.healthCheckNodePort ?? 0) !== 0) ports.add(spec.healthCheckNodePort!);
  }
  return { addresses, ports };
}
