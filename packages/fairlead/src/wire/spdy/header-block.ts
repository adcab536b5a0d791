import { inflateRawSync, constants as zlib } from 'node:zlib';
import { SpdyError } from './spdy-error.ts';

/** Header names are lower-case; a name has one value. */
export type SpdyHeaders = Readonly<Record<string, string>>;

const words =
  'options head post put delete trace accept accept-charset accept-encoding accept-language accept-ranges age allow ' +
  'authorization cache-control connection content-base content-encoding content-language content-length ' +
  'content-location content-md5 content-range content-type date etag expect expires from host if-match ' +
  'if-modified-since if-none-match if-range if-unmodified-since last-modified location max-forwards pragma ' +
  'proxy-authenticate proxy-authorization range referer retry-after server te trailer transfer-encoding upgrade ' +
  'user-agent vary via warning www-authenticate method get status';
const tail =
  '100101201202205206300302303304305306307402405406407408409410411412413414415416417502504505203 Non' +
  '-Authoritative Information204 No Content301 Moved Permanently400 Bad Request401 Unauthorized403 Forbidden' +
  '404 Not Found500 Internal Server Error501 Not Implemented503 Service UnavailableJan Feb Mar Apr May Jun Jul Aug ' +
  'Sept Oct Nov Dec 00:00:00 Mon, Tue, Wed, Thu, Fri, Sat, Sun, GMTchunked,text/html,image/png,image/jpg,image/gif,' +
  'application/xml,application/xhtml+xml,text/plain,text/javascript,publicprivatemax-age=gzip,deflate,sdch' +
  'charset=utf-8charset=iso-8859-1,utf-,*,enq=0.';

/** What both ends' compressors start with: SPDY/3 section 2.6.10.1, 1423 bytes. */
export const HEADER_DICTIONARY: Buffer = Buffer.concat([
  ...[...words.split(' '), '200 OK', 'version', 'HTTP/1.1', 'url', 'public', 'set-cookie', 'keep-alive', 'origin'].map(
    (word) => {
      const text = Buffer.from(word);
      const length = Buffer.alloc(4);
      length.writeUInt32BE(text.length);
      return Buffer.concat([length, text]);
    },
  ),
  Buffer.from(tail),
]);

const WINDOW_BYTES = 32 * 1024;
/** Largest header block after inflating, in bytes. */
const HEADER_BLOCK_MAX_BYTES: number = 64 * 1024;
/** zlib header of a stream with a dictionary: two bytes and the dictionary's Adler-32. */
const ZLIB_PREFIX_BYTES = 6;

/**
 * Reads the header blocks of one connection in order. They are one zlib stream, flushed after each block; a flush
 * ends at a byte and at a deflate block, so each piece inflates by itself with the last 32 KiB as its dictionary.
 */
export class HeaderReader {
  #window: Buffer = HEADER_DICTIONARY;
  #first = true;

  /** @throws SpdyError */
  read(block: Buffer): SpdyHeaders {
    let piece = block;
    let dictionary: Buffer = this.#window;
    if (this.#first) {
      const withDictionary = ((block[1] ?? 0) & 0x20) !== 0;
      if (!withDictionary) dictionary = Buffer.alloc(0);
      piece = block.subarray(withDictionary ? ZLIB_PREFIX_BYTES : 2);
      this.#first = false;
    }
    let text: Buffer;
    try {
      text = inflateRawSync(piece, {
        ...(dictionary.length === 0 ? {} : { dictionary }),
        finishFlush: zlib.Z_SYNC_FLUSH,
        maxOutputLength: HEADER_BLOCK_MAX_BYTES,
      });
    } catch (cause) {
      throw new SpdyError('header block that does not inflate', { cause });
    }
    const seen = Buffer.concat([dictionary, text]);
    this.#window = seen.subarray(Math.max(0, seen.length - WINDOW_BYTES));
    return parseBlock(text);
  }
}

/** Writes header blocks as stored deflate blocks: valid zlib, no compressor state, and headers are few and short. */
export class HeaderWriter {
  #first = true;

  write(headers: SpdyHeaders): Buffer {
    const entries = Object.entries(headers);
    const parts: Buffer[] = [uint32(entries.length)];
    for (const [name, value] of entries) {
      const nameBytes = Buffer.from(name);
      const valueBytes = Buffer.from(value);
      parts.push(uint32(nameBytes.length), nameBytes, uint32(valueBytes.length), valueBytes);
    }
    const text = Buffer.concat(parts);
    if (text.length > 0xffff) throw new SpdyError('header block too large');
    const stored = Buffer.alloc(5);
    stored.writeUInt16LE(text.length, 1);
    stored.writeUInt16LE(~text.length & 0xffff, 3);
    // The empty stored block behind it makes inflaters hand out what they have.
    const flush = Buffer.from([0, 0, 0, 0xff, 0xff]);
    const prefix = this.#first ? Buffer.from([0x78, 0x01]) : Buffer.alloc(0);
    this.#first = false;
    return Buffer.concat([prefix, stored, text, flush]);
  }
}

function parseBlock(text: Buffer): SpdyHeaders {
  const headers: Record<string, string> = {};
  let at = 0;
  const number = (): number => {
    if (at + 4 > text.length) throw new SpdyError('header block that ends early');
    at += 4;
    return text.readUInt32BE(at - 4);
  };
  const string = (): string => {
    const length = number();
    if (at + length > text.length) throw new SpdyError('header block that ends early');
    at += length;
    return text.toString('utf8', at - length, at);
  };
  for (let left = number(); left > 0; left--) {
    const name = string();
    if (name === '' || name === '__proto__') throw new SpdyError('header without a name');
    headers[name.toLowerCase()] = string();
  }
  return headers;
}

function uint32(value: number): Buffer {
  const bytes = Buffer.alloc(4);
  bytes.writeUInt32BE(value);
  return bytes;
}
