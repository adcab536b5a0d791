import { BlockList } from 'node:net';
import { proxyPreamble } from '../reactor/proxy-preamble.ts';
import type { SocketAddress } from '../sys/socket-address.ts';
import { FieldList } from '../wire/http2/field-list.ts';
import type { ClientIdentity } from './request-writer.ts';
import type { ServerCertificate } from './server-certificates.ts';
import { forwardedStart, type Trust } from './trust.ts';

/** Addresses of trusted proxies, from CIDRs or single addresses. */
export class TrustedProxies {
  readonly #list = new BlockList();
  readonly #empty: boolean;

  constructor(cidrs: readonly string[]) {
    this.#empty = cidrs.length === 0;
    for (const cidr of cidrs) {
      const [address = '', bits] = cidr.split('/');
      const family = address.includes(':') ? 'ipv6' : 'ipv4';
      this.#list.addSubnet(address, bits === undefined ? (family === 'ipv4' ? 32 : 128) : Number(bits), family);
    }
  }

  /** The same for an address as text. */
  includesAddress(address: string): boolean {
    return !this.#empty && this.#list.check(address, address.includes(':') ? 'ipv6' : 'ipv4');
  }

  includes(peer: SocketAddress): boolean {
    return !this.#empty && this.#list.check(peer.address, peer.family);
  }
}

/** Builds what a client connection adds to every request. IPv4 clients of a dual-stack listener are shown as IPv4. */
export function clientIdentity(
  peer: SocketAddress,
  trust: Trust,
  { scheme, port }: { readonly scheme: 'http' | 'https'; readonly port: number },
  certificate: ServerCertificate | undefined,
  destination: () => SocketAddress | undefined,
): ClientIdentity {
  const address = peer.address.startsWith('::ffff:') ? peer.address.slice(7) : peer.address;
  const isTrusted = trust.includes(peer);
  const forLine = `x-forwarded-for: ${address}\r\n`;
  // Who is believed may have said the other one; then it is looked up.
  const addressLines = isTrusted ? forLine : `${forLine}x-real-ip: ${address}\r\n`;
  const protoLine = `x-forwarded-proto: ${scheme}\r\n`;
  const portLine = `x-forwarded-port: ${port}\r\n`;
  const usualLines =
    isTrusted || trust.field === 'forwarded'
      ? undefined
      : Buffer.from(`${addressLines}${protoLine}${portLine}x-forwarded-host: `, 'latin1');
  let usualFields: FieldList | undefined;
  return {
    address,
    told: isTrusted ? (head) => trust.clientOf(head, address) : undefined,
    believed: trust.field,
    forLine: Buffer.from(addressLines, 'latin1'),
    forwardedStart: trust.field === 'forwarded' ? forwardedStart(address, scheme) : undefined,
    protoLine: Buffer.from(protoLine, 'latin1'),
    portLine: Buffer.from(portLine, 'latin1'),
    usualLines,
    get usualFields() {
      if (usualLines === undefined) return undefined;
      if (usualFields === undefined) {
        const fields = new FieldList();
        fields.addLines(usualLines.subarray(0, usualLines.lastIndexOf('\n') + 1));
        usualFields = fields.compact();
      }
      return usualFields;
    },
    certificate,
    preamble: (version) => proxyPreamble(version, peer, destination() ?? peer),
  };
}
