import { type Cidr, cidrAddress, cidrSize, formatIp, parseCidr, parseIp } from '@fairlead/api';
import { SandboxError } from './sandbox.ts';

/** Addresses of one node's Pods in one family. Hands them out in turn, so that a freed one rests as long as possible. */
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

/** So many addresses of a range are used at most: an IPv6 range has more than anybody counts. */
const MOST_ADDRESSES = 1 << 24;

function podRange(text: string): Cidr {
  const cidr = parseCidr(text);
  const [shortest, longest] = cidr?.family === 6 ? [32, 126] : [8, 30];
  if (cidr === undefined || cidr.prefix < shortest || cidr.prefix > longest) {
    throw new SandboxError(
      `Pod CIDR ${JSON.stringify(text)} is neither an IPv4 network from /8 to /30 nor an IPv6 one from /32 to /126`,
    );
  }
  return cidr;
}

/** The first address of a Pod range: its node's bridge. @throws SandboxError for what is no Pod range */
export function gatewayOf(podCidr: string): string {
  return formatIp(cidrAddress(podRange(podCidr), 1)!);
}

/**
 * Makes the pool of a range of a Node's `spec.podCIDRs`: network (in IPv6 the anycast address of its routers),
 * gateway and, in IPv4, broadcast are never handed out.
 */
export function createPodIps(podCidr: string, last?: string): PodIps {
  const range = podRange(podCidr);
  const size = cidrSize(range);
  const usable = size > BigInt(MOST_ADDRESSES) ? MOST_ADDRESSES : Number(size);
  const first = 2;
  const end = range.family === 4 ? usable - 1 : usable;
  const taken = new Set<number>();
  /** Place of an address in the range; -1 when it is none that Pods get. */
  const placeOf = (text: string): number => {
    const ip = parseIp(text);
    if (ip?.family !== range.family) return -1;
    const place = ip.value - range.network;
    return place >= BigInt(first) && place < BigInt(end) ? Number(place) : -1;
  };
  const textOf = (place: number): string => formatIp(cidrAddress(range, place)!);
  const lastPlace = last === undefined ? -1 : placeOf(last);
  let cursor = lastPlace < 0 ? first - 1 : lastPlace;
  return {
    gateway: textOf(1),
    allocate() {
      for (let tries = first; tries < end; tries++) {
        cursor = cursor + 1 >= end ? first : cursor + 1;
        if (taken.has(cursor)) continue;
        taken.add(cursor);
        return textOf(cursor);
      }
      throw new SandboxError(`all ${end - first} Pod addresses of ${podCidr} are in use`);
    },
    claim(ip) {
      const place = placeOf(ip);
      if (place < 0 || taken.has(place)) return false;
      taken.add(place);
      return true;
    },
    release(ip) {
      taken.delete(placeOf(ip));
    },
    get last() {
      return textOf(Math.max(cursor, first));
    },
  };
}
