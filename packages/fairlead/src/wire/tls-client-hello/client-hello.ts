/** What a server needs to know of a ClientHello before it answers (RFC 8446 4.1.2, RFC 6066 3, RFC 7301). */
export interface ClientHello {
  /** Host name asked for, lower-case, without a trailing dot; undefined without one. */
  readonly serverName: string | undefined;
  /** Application protocols, most wanted first; empty without the extension. */
  readonly alpn: readonly string[];
  /** Highest version offered: 0x0303 is TLS 1.2, 0x0304 TLS 1.3. */
  readonly maxVersion: number;
}

/** Outcome of {@link parseClientHello}. */
export type ClientHelloResult =
  | { readonly type: 'hello'; readonly hello: ClientHello }
  /** `needBytes` in all before there is any use in looking again. */
  | { readonly type: 'incomplete'; readonly needBytes: number }
  | { readonly type: 'malformed'; readonly reason: string };

/** Longest ClientHello accepted, record headers included. Post-quantum key shares make about 2 KiB. */
export const CLIENT_HELLO_MAX_BYTES: number = 16 * 1024;

const RECORD_HEADER_BYTES = 5;
const HANDSHAKE_HEADER_BYTES = 4;
const CONTENT_HANDSHAKE = 22;
const HANDSHAKE_CLIENT_HELLO = 1;
const RECORD_MAX_BYTES = 16384;
const EXTENSION_SERVER_NAME = 0;
const EXTENSION_ALPN = 16;
const EXTENSION_SUPPORTED_VERSIONS = 43;
const HOST_NAME = /^[a-z0-9_]([a-z0-9_-]*[a-z0-9_])?(\.[a-z0-9_]([a-z0-9_-]*[a-z0-9_])?)*$/;

/**
 * Reads the ClientHello at the start of `bytes`, the first bytes of a connection, without consuming
 * it. It may be spread over several records.
 *
 *     record:    22 | version:2 | length:2 | fragment
 *     handshake: 1 | length:3 | version:2 | random:32 | session<1> | suites<2> | compression<1> | extensions<2>
 */
export function parseClientHello(bytes: Uint8Array): ClientHelloResult {
  const fragments: Uint8Array[] = [];
  let gathered = 0;
  let wanted = HANDSHAKE_HEADER_BYTES;
  let at = 0;
  for (;;) {
    if (bytes.length < at + RECORD_HEADER_BYTES) {
      // What is there must already look right: no waiting for the rest of a plain HTTP request.
      if (bytes.length > at && bytes[at] !== CONTENT_HANDSHAKE) return malformed('no TLS handshake record');
      return incomplete(at + RECORD_HEADER_BYTES);
    }
    if (bytes[at] !== CONTENT_HANDSHAKE || bytes[at + 1] !== 3) return malformed('no TLS handshake record');
    const length = (bytes[at + 3]! << 8) | bytes[at + 4]!;
    if (length === 0 || length > RECORD_MAX_BYTES) return malformed('bad record length');
    const start = at + RECORD_HEADER_BYTES;
    const end = Math.min(start + length, bytes.length);
    fragments.push(bytes.subarray(start, end));
    gathered += end - start;
    const message = fragments.length === 1 ? fragments[0]! : Buffer.concat(fragments);
    fragments.splice(0, fragments.length, message);
    if (message.length >= 1 && message[0] !== HANDSHAKE_CLIENT_HELLO) return malformed('no ClientHello');
    if (message.length >= HANDSHAKE_HEADER_BYTES) {
      wanted = HANDSHAKE_HEADER_BYTES + ((message[1]! << 16) | (message[2]! << 8) | message[3]!);
      if (wanted > CLIENT_HELLO_MAX_BYTES) return malformed('ClientHello too long');
    }
    if (gathered >= wanted) return readBody(message.subarray(HANDSHAKE_HEADER_BYTES, wanted));
    if (end < start + length) return incomplete(Math.min(start + length, end + wanted - gathered));
    at = end;
    if (at >= CLIENT_HELLO_MAX_BYTES) return malformed('ClientHello too long');
  }
}

function incomplete(needBytes: number): ClientHelloResult {
  return { type: 'incomplete', needBytes };
}

function malformed(reason: string): ClientHelloResult {
  return { type: 'malformed', reason };
}

/** Reads vectors; every length is checked here, and only here. */
class Reader {
  readonly #bytes: Uint8Array;
  #at = 0;
  ok: boolean = true;

  constructor(bytes: Uint8Array) {
    this.#bytes = bytes;
  }

  get left(): number {
    return this.#bytes.length - this.#at;
  }

  number(width: 1 | 2): number {
    if (this.left < width) return this.#fail();
    const first = this.#bytes[this.#at]!;
    const value = width === 1 ? first : (first << 8) | this.#bytes[this.#at + 1]!;
    this.#at += width;
    return value;
  }

  take(length: number): Uint8Array {
    if (this.left < length) {
      this.#fail();
      return EMPTY;
    }
    const taken = this.#bytes.subarray(this.#at, this.#at + length);
    this.#at += length;
    return taken;
  }

  vector(width: 1 | 2): Uint8Array {
    return this.take(this.number(width));
  }

  #fail(): number {
    this.ok = false;
    this.#at = this.#bytes.length;
    return 0;
  }
}

const EMPTY = new Uint8Array(0);

function readBody(body: Uint8Array): ClientHelloResult {
  const reader = new Reader(body);
  const legacyVersion = reader.number(2);
  reader.take(32);
  reader.vector(1);
  reader.vector(2);
  reader.vector(1);
  const extensions = new Reader(reader.left > 0 ? reader.vector(2) : EMPTY);
  if (!reader.ok || reader.left > 0) return malformed('bad ClientHello');
  let serverName: string | undefined;
  let alpn: readonly string[] = [];
  let maxVersion = legacyVersion;
  const seen = new Set<number>();
  while (extensions.left > 0) {
    const type = extensions.number(2);
    const data = new Reader(extensions.vector(2));
    if (!extensions.ok) return malformed('bad extension');
    // RFC 8446 4.2: at most one of each type.
    if (seen.has(type)) return malformed('repeated extension');
    seen.add(type);
    if (type === EXTENSION_SERVER_NAME) {
      const name = readServerName(data);
      if (name === 'malformed') return malformed('bad server name');
      serverName = name;
    } else if (type === EXTENSION_ALPN) {
      alpn = readAlpn(data);
      if (alpn.length === 0) return malformed('bad protocol list');
    } else if (type === EXTENSION_SUPPORTED_VERSIONS) maxVersion = readMaxVersion(data);
  }
  return { type: 'hello', hello: { serverName, alpn, maxVersion } };
}

/** ServerNameList: names of type 0 (host_name); undefined if there is none. */
function readServerName(data: Reader): string | undefined | 'malformed' {
  const list = new Reader(data.vector(2));
  let name: string | undefined;
  while (list.left > 0) {
    const type = list.number(1);
    const value = list.vector(2);
    if (type !== 0) continue;
    if (name !== undefined || value.length === 0 || value.length > 255) return 'malformed';
    name = Buffer.from(value).toString('latin1').toLowerCase();
  }
  if (!data.ok || !list.ok || data.left > 0) return 'malformed';
  if (name?.endsWith('.') === true) name = name.slice(0, -1);
  return name === undefined || HOST_NAME.test(name) ? name : 'malformed';
}

function readAlpn(data: Reader): string[] {
  const list = new Reader(data.vector(2));
  const names: string[] = [];
  while (list.left > 0) {
    const name = list.vector(1);
    if (!list.ok || name.length === 0) return [];
    names.push(Buffer.from(name).toString('latin1'));
  }
  return data.ok && data.left === 0 ? names : [];
}

function readMaxVersion(data: Reader): number {
  const list = new Reader(data.vector(1));
  let max = 0;
  while (list.left >= 2) {
    const version = list.number(2);
    // RFC 8701: values of the form 0x?A?A mean nothing.
    if ((version & 0x0f0f) !== 0x0a0a) max = Math.max(max, version);
  }
  return max;
}
