import * as h2 from '../protocol.ts';
import { block, REQUEST_FIELDS } from './frames.ts';

/** What a server must do with a client's bytes. */
export type Expected =
  | { readonly goaway: number }
  | { readonly reset: readonly [streamId: number, code: number]; readonly alive?: false }
  /** These streams get a whole response, nothing else happens. */
  | { readonly answers: readonly number[] };

/** One row: what follows preface and SETTINGS (or stands in their place), and its outcome. */
export interface ConformanceCase {
  readonly name: string;
  readonly input: Buffer;
  readonly expected: Expected;
  /** `input` is everything that the client sends. */
  readonly raw?: true;
}

/** Rows by name: the bytes, and what they must lead to. */
export type ConformanceRows = Readonly<Record<string, readonly [Buffer | Buffer[], Expected]>>;

/** A table of cases: `rows` adds those of one section of RFC 9113; with `raw` they are all that the client sends. */
export function caseTable(): {
  readonly cases: ConformanceCase[];
  readonly rows: (section: string, list: ConformanceRows, raw?: true) => void;
} {
  const cases: ConformanceCase[] = [];
  const rows = (section: string, list: ConformanceRows, raw?: true): void => {
    for (const [name, [input, expected]] of Object.entries(list)) {
      const bytes = Array.isArray(input) ? Buffer.concat(input) : input;
      cases.push({ name: `${section}: ${name}`, input: bytes, expected, ...(raw === true ? { raw } : {}) });
    }
  };
  return { cases, rows };
}

/** Flags of a HEADERS frame that is a whole request. */
export const HEADERS_DONE: number = h2.END_HEADERS | h2.END_STREAM;
/** The header block of a plain GET. */
export const GET: Buffer = block(...REQUEST_FIELDS);

/** The connection ends with this code. */
export const goaway = (code: number): Expected => ({ goaway: code });
/** One stream ends with this code. */
export const reset = (streamId: number, code: number): Expected => ({ reset: [streamId, code] });
/** Nothing is wrong: these streams are answered. */
export const answers = (...streams: number[]): Expected => ({ answers: streams });
/** The first request is no message of HTTP (8.1.1). */
export const malformed: Expected = reset(1, h2.PROTOCOL_ERROR);
