// Hot path where there are rules: whether a client may ask for a name. No allocation.

import { type AddressPrefix, isInPrefixes } from './address-prefix.ts';
import { addressLength, addressOffset } from './server-cookie.ts';

/**
 * What becomes of a query: it is answered, REFUSED, answered without records (NODATA, no SOA), or left without an
 * answer.
 */
export type AccessAction = 'allow' | 'block' | 'filter' | 'drop';

/** One rule; the first that fits a query decides. Plain data, for worker threads. */
export interface AccessRule {
  readonly action: AccessAction;
  /** Lower-case wire names; a query for one of them or below fits. */
  readonly zones: readonly Uint8Array[];
  /** Query types; empty: all. */
  readonly types: readonly number[];
  /** Networks of clients; empty: all. */
  readonly networks: readonly AddressPrefix[];
}

/** The rules of a server. A query that none fits is allowed. */
export class AccessList {
  readonly #rules: readonly AccessRule[];

  constructor(rules: readonly AccessRule[]) {
    this.#rules = rules;
  }

  /** What becomes of a query for a lower-case wire name from the raw sockaddr at `peerAt`. */
  check(name: Uint8Array, nameBytes: number, type: number, peer: Uint8Array, peerAt: number): AccessAction {
    const rules = this.#rules;
    for (let index = 0; index < rules.length; index++) {
      const { action, zones, types, networks } = rules[index]!;
      if (types.length > 0 && !types.includes(type)) continue;
      if (!isInZones(zones, name, nameBytes)) continue;
      if (networks.length > 0) {
        const from = peerAt + addressOffset(peer, peerAt);
        if (!isInPrefixes(networks, peer, from, addressLength(peer, peerAt))) continue;
      }
      return action;
    }
    return 'allow';
  }
}

function isInZones(zones: readonly Uint8Array[], name: Uint8Array, nameBytes: number): boolean {
  for (let index = 0; index < zones.length; index++) {
    const zone = zones[index]!;
    let label = 0;
    while (nameBytes - label > zone.length) label += name[label]! + 1;
    if (nameBytes - label !== zone.length) continue;
    let at = 0;
    while (at < zone.length && name[label + at] === zone[at]) at++;
    if (at === zone.length) return true;
  }
  return false;
}
