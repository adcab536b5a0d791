import { ipv4Bytes, ipv6Bytes } from '../wire/dns/rdata.ts';
import type { AddressPrefix } from './server/address-prefix.ts';

/** `10.0.0.0/8`, `192.0.2.1`, or `*` for all networks of both families. Absent: neither. */
export function parseNetwork(text: string): AddressPrefix[] | undefined {
  if (text === '*') return [4, 16].map((bytes) => ({ address: new Uint8Array(bytes), prefixBits: 0 }));
  const [, host = '', bits] = /^([^/]+)(?:\/(\d{1,3}))?$/.exec(text) ?? [];
  const address = ipv4Bytes(host) ?? ipv6Bytes(host);
  if (address === undefined) return undefined;
  const prefixBits = bits === undefined ? address.length * 8 : Number(bits);
  return prefixBits > address.length * 8 ? undefined : [{ address, prefixBits }];
}
