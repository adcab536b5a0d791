import { formatIp, type IpAddress, parseIp } from '@fairlead/api';
import type { AddressRange } from '@fairlead/api/fairlead-dev/address-range';
import type { SharingTerms } from './address-request.ts';

/** Why a Service cannot have an address. */
export interface AddressConflict {
  readonly reason: 'AddressInUse' | 'NotShareable';
  readonly message: string;
}

interface Holding {
  readonly addresses: readonly string[];
  readonly terms: SharingTerms;
}

/** Who has which address: the one place that hands addresses out, so that none is handed out twice. */
export class AddressBook {
  readonly #holders = new Map<string, Set<string>>();
  readonly #holdings = new Map<string, Holding>();
  readonly #bySharingKey = new Map<string, Set<string>>();
  /** Per range: no address below this one is free. */
  readonly #lowestFree = new Map<string, { readonly range: AddressRange; next: bigint }>();

  /** Addresses in use. */
  addresses(): IterableIterator<string> {
    return this.#holders.keys();
  }

  /** Services on an address. */
  holders(address: string): readonly string[] {
    return [...(this.#holders.get(address) ?? [])];
  }

  addressesOf(key: string): readonly string[] {
    return this.#holdings.get(key)?.addresses ?? [];
  }

  /** Whether the Service may have the address, its own holding aside; `undefined`: it may. */
  conflict(address: string, key: string, terms: SharingTerms): AddressConflict | undefined {
    for (const other of this.#holders.get(address) ?? []) {
      if (other === key) continue;
      const theirs = this.#holdings.get(other)?.terms;
      if (theirs === undefined) continue;
      if (terms.key === '' || theirs.key !== terms.key) {
        return { reason: 'AddressInUse', message: `${address} belongs to Service ${other}` };
      }
      const port = terms.ports.find((one) => theirs.ports.includes(one));
      if (port !== undefined) {
        return {
          reason: 'NotShareable',
          message: `${address} cannot be shared with Service ${other}: both have port ${port}`,
        };
      }
      if (theirs.policy !== terms.policy) {
        const why = 'with externalTrafficPolicy Local, both need it and the same selector';
        return { reason: 'NotShareable', message: `${address} cannot be shared with Service ${other}: ${why}` };
      }
    }
    return undefined;
  }

  /** Addresses of Services with this sharing key. */
  shared(sharingKey: string): readonly string[] {
    return [...(this.#bySharingKey.get(sharingKey) ?? [])];
  }

  /** Replaces what a Service has. The caller has asked {@link conflict} for each address. */
  assign(key: string, addresses: readonly string[], terms: SharingTerms): void {
    this.release(key);
    if (addresses.length === 0) return;
    this.#holdings.set(key, { addresses, terms });
    for (const address of addresses) {
      add(this.#holders, address, key);
      if (terms.key !== '') add(this.#bySharingKey, terms.key, address);
    }
  }

  /** Frees what a Service has; true when it had something. */
  release(key: string): boolean {
    const holding = this.#holdings.get(key);
    if (holding === undefined) return false;
    this.#holdings.delete(key);
    for (const address of holding.addresses) {
      remove(this.#holders, address, key);
      if (this.#holders.has(address)) continue;
      remove(this.#bySharingKey, holding.terms.key, address);
      const ip = parseIp(address);
      if (ip === undefined) continue;
      for (const mark of this.#lowestFree.values()) {
        const { family, first, last } = mark.range;
        if (family === ip.family && first <= ip.value && ip.value <= last && ip.value < mark.next) mark.next = ip.value;
      }
    }
    return true;
  }

  /**
   * The lowest free address of a range; the same one until it is assigned.
   * @param isSkipped addresses that are never handed out of this range; `id` names this rule
   * @param isReserved addresses that may not be handed out now
   */
  firstFree(
    range: AddressRange,
    skip: { readonly id: string; readonly isSkipped: (ip: IpAddress) => boolean },
    isReserved: (address: string) => boolean,
  ): string | undefined {
    const id = `${skip.id} ${range.family} ${range.first} ${range.last}`;
    let mark = this.#lowestFree.get(id);
    if (mark === undefined) {
      mark = { range, next: range.first };
      this.#lowestFree.set(id, mark);
    }
    let marking = true;
    for (let value = mark.next; value <= range.last; value++) {
      const ip: IpAddress = { family: range.family, value };
      const text = formatIp(ip);
      if (this.#holders.has(text) || skip.isSkipped(ip)) {
        if (marking) mark.next = value + 1n;
      } else if (isReserved(text)) marking = false;
      else return text;
    }
    return undefined;
  }
}

function add(index: Map<string, Set<string>>, at: string, value: string): void {
  const present = index.get(at);
  if (present === undefined) index.set(at, new Set([value]));
  else present.add(value);
}

function remove(index: Map<string, Set<string>>, at: string, value: string): void {
  const present = index.get(at);
  if (present?.delete(value) === true && present.size === 0) index.delete(at);
}
