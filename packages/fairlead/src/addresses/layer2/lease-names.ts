import { parseIp } from '@fairlead/api';

/** Label of the Leases here; its value says of what. */
export const leaseLabel = 'fairlead.dev/announcer';

/** Annotation of an address's Lease with the address as text. */
export const addressAnnotation = 'fairlead.dev/address';

/** `address-192-0-2-10`; IPv6 addresses in full, so that no name ends in a dash. */
export function addressLeaseName(address: string): string {
  const ip = parseIp(address);
  if (ip?.family !== 6) return `address-${address.replaceAll('.', '-')}`;
  const hex = ip.value.toString(16).padStart(32, '0');
  return `address-${hex.match(/.{4}/g)?.join('-')}`;
}

/** The Lease that says that a node's announcer lives. */
export function nodeLeaseName(node: string): string {
  return `node-${node}`;
}

/** Value of {@link leaseLabel} of Leases of addresses. */
export const addressLeaseKind = 'address';

/** Value of {@link leaseLabel} of a node's Lease, by which it is watched alone. Names may be too long for a label. */
export function nodeLeaseKind(node: string): string {
  return `node-${Math.floor(rankOf('', node) * 0x1_0000_0000)
    .toString(16)
    .padStart(8, '0')}`;
}

/** A number in [0, 1) from an address and a node: the order in which nodes reach for an address (FNV-1a). */
export function rankOf(address: string, node: string): number {
  let hash = 0x811c9dc5;
  for (const char of `${address} ${node}`) hash = Math.imul(hash ^ char.charCodeAt(0), 0x01000193) >>> 0;
  // FNV's low bits are its good ones; texts that differ at the end only would be neighbours.
  hash = Math.imul(hash ^ (hash >>> 15), 0x2c1b3c6d) >>> 0;
  return ((hash ^ (hash >>> 12)) >>> 0) / 0x1_0000_0000;
}
