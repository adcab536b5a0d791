// Hot path: once per TLS connection; no view, set or regular expression is made.

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
const SERVER_NAME_MAX_BYTES = 255;

/** Extension types of the message being read, a bit each: RFC 8446 4.2 allows one of each. */
const seen = new Uint32Array(0x10000 / 32);

/**
 * Reads the ClientHello at the start of `bytes`, the first bytes of a connection, without consuming
 * it. It may be spread over several records.
 *
 *     record:    22 | version:2 | length:2 | fragment
 *     handshake: 1 | length:3 | version:2 | random:32 | session<1> | suites<2> | compression<1> | extensions<2>
 */
export function parseClientHello(bytes: Uint8Array): ClientHelloResult {
  /** The message begins in the first record; of several it is gathered. */
  let message = bytes;
  let messageAt = RECORD_HEADER_BYTES;
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
    if (at > 0) {
      message = Buffer.concat([message.subarray(messageAt, messageAt + gathered), bytes.subarray(start, end)]);
      messageAt = 0;
    }
    gathered += end - start;
    if (gathered >= 1 && message[messageAt] !== HANDSHAKE_CLIENT_HELLO) return malformed('no ClientHello');
    if (gathered >= HANDSHAKE_HEADER_BYTES) {
      const [high, middle, low] = [message[messageAt + 1]!, message[messageAt + 2]!, message[messageAt + 3]!];
      wanted = HANDSHAKE_HEADER_BYTES + ((high << 16) | (middle << 8) | low);
      if (wanted > CLIENT_HELLO_MAX_BYTES) return malformed('ClientHello too long');
    }
    if (gathered >= wanted) return readBody(message, messageAt + HANDSHAKE_HEADER_BYTES, messageAt + wanted);
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

/** Reads a range of bytes; every length is checked here, and only here. After a failure nothing is left. */
class Reader {
  ok: boolean = true;
  readonly bytes: Uint8Array;
  at: number;
  /** Where the innermost vector that is being read ends. */
  end: number;

  constructor(bytes: Uint8Array, start: number, end: number) {
    this.bytes = bytes;
    this.at = start;
    this.end = end;
  }

  number(width: 1 | 2): number {
    if (this.end - this.at < width) return this.#fail();
    const first = this.bytes[this.at]!;
    const value = width === 1 ? first : (first << 8) | this.bytes[this.at + 1]!;
    this.at += width;
    return value;
  }

  skip(length: number): void {
    if (this.end - this.at < length) this.#fail();
    else this.at += length;
  }

  skipVector(width: 1 | 2): void {
    this.skip(this.number(width));
  }

  /** Goes into a vector: reading ends with it. Returns where the surrounding one ends, for {@link leave}. */
  enter(width: 1 | 2): number {
    const outer = this.end;
    const length = this.number(width);
    if (this.end - this.at < length) this.#fail();
    else this.end = this.at + length;
    return outer;
  }

  /** Behind the vector, whatever of it was read. */
  leave(outer: number): void {
    this.at = this.ok ? this.end : outer;
    this.end = outer;
  }

  #fail(): number {
    this.ok = false;
    this.at = this.end;
    return 0;
  }
}

function readBody(bytes: Uint8Array, start: number, end: number): ClientHelloResult {
  const reader = new Reader(bytes, start, end);
  const legacyVersion = reader.number(2);
  reader.skip(32);
  reader.skipVector(1);
  reader.skipVector(2);
  reader.skipVector(1);
  const hello: { -readonly [Field in keyof ClientHello]: ClientHello[Field] } = {
    serverName: undefined,
    alpn: NO_PROTOCOLS,
    maxVersion: legacyVersion,
  };
  if (reader.ok && reader.at < end) {
    const outer = reader.enter(2);
    const reason = readExtensions(reader, hello);
    if (reason !== undefined) return malformed(reason);
    reader.leave(outer);
  }
  return reader.ok && reader.at === end ? { type: 'hello', hello } : malformed('bad ClientHello');
}

const NO_PROTOCOLS: readonly string[] = [];

/** What is wrong, or undefined. */
function readExtensions(
  reader: Reader,
  hello: { -readonly [Field in keyof ClientHello]: ClientHello[Field] },
): string | undefined {
  seen.fill(0);
  while (reader.ok && reader.at < reader.end) {
    const type = reader.number(2);
    const outer = reader.enter(2);
    if (!reader.ok) return 'bad extension';
    const [word, bit] = [type >> 5, 1 << (type & 31)];
    if ((seen[word]! & bit) !== 0) return 'repeated extension';
    seen[word]! |= bit;
    if (type === EXTENSION_SERVER_NAME) {
      const name = readServerName(reader);
      if (name === MALFORMED_NAME) return 'bad server name';
      hello.serverName = name;
    } else if (type === EXTENSION_ALPN) {
      hello.alpn = readAlpn(reader);
      if (hello.alpn.length === 0) return 'bad protocol list';
    } else if (type === EXTENSION_SUPPORTED_VERSIONS) {
      hello.maxVersion = readMaxVersion(reader);
      // Its own mistakes are left to OpenSSL.
      reader.ok = true;
    }
    reader.leave(outer);
  }
  return undefined;
}

const MALFORMED_NAME = '';

/** ServerNameList: names of type 0 (host_name); undefined if there is none. */
function readServerName(reader: Reader): string | undefined {
  const outer = reader.enter(2);
  let name: string | undefined;
  while (reader.at < reader.end) {
    const type = reader.number(1);
    const list = reader.enter(2);
    if (type === 0 && reader.ok) {
      if (name !== undefined) return MALFORMED_NAME;
      name = hostName(reader);
      if (name === MALFORMED_NAME) return name;
    }
    reader.leave(list);
  }
  reader.leave(outer);
  return reader.ok && reader.at === outer ? name : MALFORMED_NAME;
}

/** The rest of the vector as a host name in lower case: labels of letters, digits, `_` and, inside, `-`. */
function hostName(reader: Reader): string {
  const { bytes, at } = reader;
  let { end } = reader;
  if (end === at || end - at > SERVER_NAME_MAX_BYTES) return MALFORMED_NAME;
  if (bytes[end - 1] === DOT) end--;
  let name = '';
  let before = DOT;
  for (let index = at; index < end; index++) {
    const byte = bytes[index]!;
    const isEdge = before === DOT || before === HYPHEN;
    if (byte === DOT ? isEdge : byte === HYPHEN ? before === DOT : NAME_TEXT[byte] === undefined) return MALFORMED_NAME;
    name += byte === DOT ? '.' : byte === HYPHEN ? '-' : NAME_TEXT[byte]!;
    before = byte;
  }
  return before === DOT || before === HYPHEN ? MALFORMED_NAME : name;
}

const DOT = 0x2e;
const HYPHEN = 0x2d;
/** Lower-case text of the bytes of a label other than the hyphen. */
const NAME_TEXT: readonly (string | undefined)[] = Array.from({ length: 256 }, (_, byte) => {
  const text = String.fromCharCode(byte);
  return /[A-Za-z0-9_]/.test(text) ? text.toLowerCase() : undefined;
});

function readAlpn(reader: Reader): readonly string[] {
  const outer = reader.enter(2);
  const names: string[] = [];
  while (reader.at < reader.end) {
    const list = reader.enter(1);
    if (!reader.ok || reader.at === reader.end) return NO_PROTOCOLS;
    let name = '';
    for (let index = reader.at; index < reader.end; index++) name += String.fromCharCode(reader.bytes[index]!);
    names.push(name);
    reader.leave(list);
  }
  reader.leave(outer);
  return reader.ok && reader.at === outer ? names : NO_PROTOCOLS;
}

function readMaxVersion(reader: Reader): number {
  const outer = reader.enter(1);
  let max = 0;
  while (reader.end - reader.at >= 2) {
    const version = reader.number(2);
    // RFC 8701: values of the form 0x?A?A mean nothing.
    if ((version & 0x0f0f) !== 0x0a0a) max = Math.max(max, version);
  }
  reader.leave(outer);
  return max;
}
