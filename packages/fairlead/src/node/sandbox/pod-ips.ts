import { SandboxError } from './sandbox.ts';

/** An IPv4 address as a number. */
export function ipv4ToNumber(text: string): number {
  const parts = text.split('.');
  let value = 0;
  for (const part of parts) value = value * 256 + Number(part);
  return value;
}

/** The text of an IPv4 address. */
export function numberToIpv4(value: number): string {
  return [24, 16, 8, 0].map((shift) => (value >>> shift) & 255).join('.');
}

/** First, second and last usable address of a CIDR: network + 0, + 1 and broadcast - 1. */
export function ipv4Range(cidr: string): { readonly network: number; readonly size: number } {
  const [base = '', bits = ''] = cidr.split('/');
  const prefix = Number(bits);
  if (base.split('.').length !== 4 || !(prefix >= 8 && prefix <= 30)) {
    throw new SandboxError(`Pod CIDR ${JSON.stringify(cidr)} is not an IPv4 network between /8 and /30`);
  }
  const size = 2 ** (32 - prefix);
  return { network: Math.floor(ipv4ToNumber(base) / size) * size, size };
}

/** Addresses of one node's Pods. Hands them out in turn, so that a freed one rests as long as possible. */
export interface PodIps {
  /** First address of the range: the gateway. */
  readonly gateway: string;
  allocate(): string;
  /** Takes a known address; false when it is outside the range or taken. */
  claim(ip: string): boolean;
  release(ip: string): void;
  /** The most recent allocation, to be kept across restarts. */
  readonly last: string;
}

/** Makes the pool of a node's `spec.podCIDR`: network, gateway and broadcast are never handed out. */
export function createPodIps(podCidr: string, last?: string): PodIps {
  const { network, size } = ipv4Range(podCidr);
  const first = network + 2;
  const end = network + size - 1;
  const taken = new Set<number>();
  const inside = (value: number): boolean => value >= first && value < end;
  let cursor = last === undefined || !inside(ipv4ToNumber(last)) ? first - 1 : ipv4ToNumber(last);
  return {
    gateway: numberToIpv4(network + 1),
    allocate() {
      for (let tries = first; tries < end; tries++) {
        cursor = cursor + 1 >= end ? first : cursor + 1;
        if (taken.has(cursor)) continue;
        taken.add(cursor);
        return numberToIpv4(cursor);
      }
      throw new SandboxError(`all ${end - first} Pod addresses of ${podCidr} are in use`);
    },
    claim(ip) {
      const value = ipv4ToNumber(ip);
      if (!inside(value) || taken.has(value)) return false;
      taken.add(value);
      return true;
    },
    release(ip) {
      taken.delete(ipv4ToNumber(ip));
    },
    get last() {
      return numberToIpv4(Math.max(cursor, first));
    },
  };
}
