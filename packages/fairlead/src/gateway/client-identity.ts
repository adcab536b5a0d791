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

/** Where a client connected to. */
type Entrance = { readonly scheme: 'http' | 'https'; readonly port: number };

/** Lines that only the entrance decides, by its scheme and port: all connections share them. */
const ENTRANCE_LINES: Map<string, { readonly proto: Buffer; readonly port: Buffer }> = new Map();

function entranceLines({ scheme, port }: Entrance): { readonly proto: Buffer; readonly port: Buffer } {
  const key = `${scheme} ${port}`;
  let lines = ENTRANCE_LINES.get(key);
  if (lines === undefined) {
    lines = {
      proto: Buffer.from(`x-forwarded-proto: ${scheme}\r\n`, 'latin1'),
      port: Buffer.from(`x-forwarded-port: ${port}\r\n`, 'latin1'),
    };
    ENTRANCE_LINES.set(key, lines);
  }
  return lines;
}

/** What a client connection adds to every request. IPv4 clients of a dual-stack listener are shown as IPv4. */
export function clientIdentity(
  peer: SocketAddress,
  trust: Trust,
  entrance: Entrance,
  certificate: ServerCertificate | undefined,
  destination: () => SocketAddress | undefined,
): ClientIdentity {
  return new PeerIdentity(peer, trust, entrance, certificate, destination);
}

/**
 * A class and no literal: each object of a literal with an accessor has a shape of its own, and every request of every
 * connection reads from this one. What few connections need is made when it is asked for.
 */
class PeerIdentity implements ClientIdentity {
  readonly address: string;
  readonly told: ClientIdentity['told'];
  readonly believed: ClientIdentity['believed'];
  readonly protoLine: Buffer;
  readonly portLine: Buffer;
  readonly usualLines: Buffer | undefined;
  readonly certificate: ServerCertificate | undefined;
  readonly #peer: SocketAddress;
  readonly #scheme: Entrance['scheme'];
  readonly #destination: () => SocketAddress | undefined;
  readonly #addressLines: string;
  #forLine: Buffer | undefined = undefined;
  #forwardedStart: Buffer | undefined = undefined;
  #usualFields: FieldList | undefined = undefined;

  constructor(
    peer: SocketAddress,
    trust: Trust,
    entrance: Entrance,
    certificate: ServerCertificate | undefined,
    destination: () => SocketAddress | undefined,
  ) {
    const address = peer.address.startsWith('::ffff:') ? peer.address.slice(7) : peer.address;
    const isTrusted = trust.includes(peer);
    const { proto, port } = entranceLines(entrance);
    const forLine = `x-forwarded-for: ${address}\r\n`;
    this.address = address;
    this.told = isTrusted ? (head) => trust.clientOf(head, address) : undefined;
    this.believed = trust.field;
    this.protoLine = proto;
    this.portLine = port;
    this.certificate = certificate;
    this.#peer = peer;
    this.#scheme = entrance.scheme;
    this.#destination = destination;
    // Who is believed may have said the other one; then it is looked up.
    this.#addressLines = isTrusted ? forLine : `${forLine}x-real-ip: ${address}\r\n`;
    const { scheme, port: portNumber } = entrance;
    this.usualLines =
      isTrusted || trust.field === 'forwarded'
        ? undefined
        : Buffer.from(
            `${this.#addressLines}x-forwarded-proto: ${scheme}\r\nx-forwarded-port: ${portNumber}\r\nx-forwarded-host: `,
            'latin1',
          );
  }

  get forLine(): Buffer {
    this.#forLine ??= Buffer.from(this.#addressLines, 'latin1');
    return this.#forLine;
  }

  get forwardedStart(): Buffer | undefined {
    if (this.believed !== 'forwarded') return undefined;
    this.#forwardedStart ??= forwardedStart(this.address, this.#scheme);
    return this.#forwardedStart;
  }

  get usualFields(): FieldList | undefined {
    const { usualLines } = this;
    if (usualLines === undefined) return undefined;
    if (this.#usualFields === undefined) {
      const fields = new FieldList();
      fields.addLines(usualLines.subarray(0, usualLines.lastIndexOf('\n') + 1));
      this.#usualFields = fields.compact();
    }
    return this.#usualFields;
  }

  preamble(version: 'v1' | 'v2'): Uint8Array {
    return proxyPreamble(version, this.#peer, this.#destination() ?? this.#peer);
  }
}
