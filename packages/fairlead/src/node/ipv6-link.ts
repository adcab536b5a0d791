import { existsSync, readFileSync, writeFileSync } from 'node:fs';

/** Least MTU of a link that carries IPv6 (RFC 8200 5). */
export const IPV6_LEAST_MTU = 1280;

/**
 * Lets a link of ours have IPv6 addresses, also on a machine that switches IPv6 off for new links. The link must
 * exist; without IPv6 in the kernel nothing happens.
 */
export function enableIpv6(link: string): void {
  const file = `/proc/sys/net/ipv6/conf/${link}/disable_ipv6`;
  if (existsSync(file) && readFileSync(file, 'utf8').trim() !== '0') writeFileSync(file, '0');
}

/**
 * Words behind `addr replace ADDRESS` that make it usable at once: an IPv6 address would wait for duplicate address
 * detection, on a bridge without ports for ever.
 */
export function addressFlags(address: string): string {
  return address.includes(':') ? ' nodad' : '';
}
