import {
  type Cidr,
  formatIp,
  type IpAddress,
  isLinkLocal,
  isLinkLocalMulticast,
  isLoopback,
  isUnspecified,
  parseCidr,
  parseIp,
} from '../../ip.ts';
import { type FieldCause, invalid } from '../field-cause.ts';

/** What a server may be told about its addresses. */
export interface AddressOptions {
  /** Endpoints may have loopback addresses, as Pods have where there are no network namespaces. */
  readonly allowLoopbackEndpoints?: boolean;
}

/** Reads an address; leading zeros in IPv4 are accepted in old fields and mean decimal. */
export function parseLegacyIp(text: string): IpAddress | undefined {
  return parseIp(/^[\d.]+$/.test(text) ? text.replace(/\b0+(?=\d)/g, '') : text);
}

/** Checks an address of a field that accepts leading zeros. */
export function checkLegacyIp(text: string, field: string): FieldCause[] {
  if (parseLegacyIp(text) !== undefined) return [];
  return [invalid(field, text, 'must be a valid IP address, (e.g. 10.9.8.7 or 2001:db8::ffff)')];
}

/** Reads a range of a field that accepts leading zeros and spaces around it. */
export function legacyCidr(text: string): Cidr | undefined {
  const [ip = '', prefix = ''] = text.trim().split('/');
  const address = parseLegacyIp(ip);
  return address === undefined ? undefined : parseCidr(`${formatIp(address)}/${prefix}`);
}

/** Checks an address range; spaces around it are ignored, as they always were. */
export function checkLegacyCidr(text: string, field: string): FieldCause[] {
  if (legacyCidr(text) !== undefined) return [];
  return [invalid(field, text, 'must be a valid CIDR value, (e.g. 10.9.8.0/24 or 2001:db8::/64)')];
}

/** Checks that an address may be an endpoint: not unspecified, loopback or link-local. */
export function checkEndpointIp(text: string, field: string, options: AddressOptions): FieldCause[] {
  const ip = parseLegacyIp(text);
  if (ip === undefined) return checkLegacyIp(text, field);
  if (isUnspecified(ip)) return [invalid(field, text, `may not be unspecified (${text})`)];
  if (isLoopback(ip)) {
    if (options.allowLoopbackEndpoints === true) return [];
    return [invalid(field, text, 'may not be in the loopback range (127.0.0.0/8, ::1/128)')];
  }
  if (isLinkLocal(ip)) return [invalid(field, text, 'may not be in the link-local range (169.254.0.0/16, fe80::/10)')];
  if (isLinkLocalMulticast(ip)) {
    return [invalid(field, text, 'may not be in the link-local multicast range (224.0.0.0/24, ff02::/10)')];
  }
  return [];
}
