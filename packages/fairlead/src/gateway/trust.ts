import { isIP } from 'node:net';
import type { SocketAddress } from '../sys/socket-address.ts';
import type { RequestHead } from '../wire/http1/request-head.ts';
import { TrustedProxies } from './client-identity.ts';
import { fieldText } from './filters/field-text.ts';

/** Whom of those in front of the gateway it believes what they say about clients. */
export interface TrustOptions {
  /** CIDRs of proxies. */
  readonly proxies: readonly string[];
  /**
   * How many proxies each request passes; undefined: as many as {@link proxies} holds in a row. Without
   * {@link proxies} every peer is one: nobody else may reach the gateway then.
   */
  readonly hops?: number;
  /** The field that they tell of clients in: the usual one, or that of RFC 7239. The other one is nobody's word. */
  readonly field: 'x-forwarded-for' | 'forwarded';
}

/** Nobody is believed. */
export const NO_TRUST: TrustOptions = { proxies: [], field: 'x-forwarded-for' };

/** The client of a request, as trusted proxies tell. What they do not say is undefined. */
export interface ToldClient {
  /** That of the connection's peer where there is no better one. */
  readonly address: string;
  readonly scheme: 'http' | 'https' | undefined;
  /** Host field that the client sent to the first of them. */
  readonly host: string | undefined;
}

/** One proxy's word: what it saw. */
interface Hop {
  /** Undefined: it says none, or nonsense. */
  readonly address: string | undefined;
  readonly scheme?: 'http' | 'https' | undefined;
  readonly host?: string | undefined;
}

const FORWARDED = Buffer.from('forwarded');
const FORWARDED_FOR = Buffer.from('x-forwarded-for');
const FORWARDED_PROTO = Buffer.from('x-forwarded-proto');
const FORWARDED_HOST = Buffer.from('x-forwarded-host');

/** What is believed of whom, checked once. */
export class Trust {
  readonly field: TrustOptions['field'];
  readonly #proxies: TrustedProxies;
  readonly #hops: number | undefined;
  readonly #trustsAll: boolean;

  constructor({ proxies, hops, field }: TrustOptions) {
    this.field = field;
    this.#proxies = new TrustedProxies(proxies);
    this.#hops = hops;
    this.#trustsAll = hops !== undefined && proxies.length === 0;
  }

  /** Whether a peer's word counts. */
  includes(peer: SocketAddress): boolean {
    return this.#trustsAll || this.#proxies.includes(peer);
  }

  /** The client of a request that came from a trusted peer. */
  clientOf(head: RequestHead, peer: string): ToldClient {
    if (this.field === 'forwarded') {
      const hop = this.#choose(readForwarded(fieldText(head, FORWARDED)));
      return { address: hop?.address ?? peer, scheme: hop?.scheme, host: hop?.host };
    }
    const hop = this.#choose(
      (fieldText(head, FORWARDED_FOR) ?? '').split(',').map((each) => ({ address: bareAddress(each) })),
    );
    const scheme = fieldText(head, FORWARDED_PROTO);
    return {
      address: hop?.address ?? peer,
      scheme: scheme === 'http' || scheme === 'https' ? scheme : undefined,
      host: fieldText(head, FORWARDED_HOST),
    };
  }

  /**
   * The word of the outermost trusted proxy. Each proxy appends what it saw, so what lies further left is only what
   * the client says. A hop without an address ends the search: the last good one counts.
   */
  #choose(hops: readonly Hop[]): Hop | undefined {
    // Fewer than there are proxies: it has not come through all of them.
    if (this.#hops !== undefined) return hops[hops.length - this.#hops];
    let found: Hop | undefined;
    for (const hop of hops.toReversed()) {
      if (hop.address === undefined) return found;
      found = hop;
      if (!this.#proxies.includesAddress(hop.address)) return found;
    }
    return found;
  }
}

/** Without port and brackets, IPv4 in IPv6 as IPv4; undefined for what is no address. */
function bareAddress(raw: string): string | undefined {
  const text = raw.trim();
  const bracketed = /^\[([^\]]+)\](?::\w+)?$/.exec(text)?.[1];
  const address = bracketed ?? (/^[\d.]+:\w+$/.test(text) ? text.slice(0, text.indexOf(':')) : text);
  if (isIP(address) === 0) return undefined;
  return address.toLowerCase().startsWith('::ffff:') && address.includes('.') ? address.slice(7) : address;
}

const PAIR = '[!#$%&\'*+\\-.^_`|~0-9A-Za-z]+=(?:[!#$%&\'*+\\-.^_`|~0-9A-Za-z:[\\]]+|"(?:[^"\\\\]|\\\\.)*")';
const ELEMENT = new RegExp(`^[ \\t]*${PAIR}(?:[ \\t]*;[ \\t]*${PAIR})*[ \\t]*$`);
const PAIRS = new RegExp(PAIR, 'g');
/** Nobody is behind so many proxies. */
const HOPS_MAX = 32;

/**
 * The elements of Forwarded (RFC 7239 4), the last proxy's last. They are read from the right, each as short as it can
 * be: what a client wrote into the first ones, unfinished quotes and all, changes nothing about those that proxies
 * appended. The first one that cannot be read has no address, and ends the list.
 */
export function readForwarded(text: string | undefined): readonly Hop[] {
  const hops: Hop[] = [];
  let end = text?.length ?? 0;
  while (text !== undefined && end > 0 && hops.length < HOPS_MAX) {
    let comma = text.lastIndexOf(',', end - 1);
    while (comma >= 0 && !ELEMENT.test(text.slice(comma + 1, end))) {
      comma = comma === 0 ? -1 : text.lastIndexOf(',', comma - 1);
    }
    const element = text.slice(comma + 1, end);
    hops.unshift(ELEMENT.test(element) ? readElement(element) : { address: undefined });
    end = comma;
  }
  return hops;
}

/** A parameter may come once (RFC 7239 4); twice says nothing. */
function readElement(element: string): Hop {
  const pairs = new Map<string, string>();
  for (const [pair] of element.matchAll(PAIRS)) {
    const equals = pair.indexOf('=');
    const name = pair.slice(0, equals).toLowerCase();
    const value = pair.slice(equals + 1);
    if (pairs.has(name)) return { address: undefined };
    pairs.set(name, value.startsWith('"') ? value.slice(1, -1).replace(/\\(.)/g, '$1') : value);
  }
  const scheme = pairs.get('proto')?.toLowerCase();
  return {
    address: bareAddress(pairs.get('for') ?? ''),
    scheme: scheme === 'http' || scheme === 'https' ? scheme : undefined,
    host: pairs.get('host'),
  };
}

/** Our own element of Forwarded, up to the host: `for=192.0.2.1;proto=http;host="`. */
export function forwardedStart(address: string, scheme: 'http' | 'https'): Buffer {
  const node = address.includes(':') ? `"[${address}]"` : address;
  return Buffer.from(`forwarded: for=${node};proto=${scheme};host="`, 'latin1');
}
