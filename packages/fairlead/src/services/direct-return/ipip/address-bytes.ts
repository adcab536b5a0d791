import { ipv4Bytes, ipv6Bytes } from '../../../wire/dns/rdata.ts';
import type { IpFamily } from '../../cidr.ts';
import { IpipError } from './ipip-error.ts';

/** An address as it is in a packet: 4 or 16 bytes. @throws IpipError when it is no address */
export function addressBytes(ip: string): Uint8Array {
  const bytes = ip.includes(':') ? ipv6Bytes(ip) : ipv4Bytes(ip);
  if (bytes === undefined) throw new IpipError(`'${ip}' is no address`);
  return bytes;
}

/** Family of an address. */
export function addressFamily(ip: string): IpFamily {
  return ip.includes(':') ? 'IPv6' : 'IPv4';
}
