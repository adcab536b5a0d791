import { rrClass, rrType } from './constants.ts';
import type { DnsRecord } from './message.ts';
import { nameFromText, type WireName } from './name.ts';
import { readData, typeNumber } from './zone-data.ts';
import { parseSeconds, readEntries, type ZoneEntry, ZoneTextError, type ZoneToken } from './zone-text.ts';

/** A zone file as records, or the first thing that is wrong with it. */
export type ParsedZone =
  | { readonly ok: true; readonly records: readonly DnsRecord[] }
  | { readonly ok: false; readonly file: string; readonly line: number; readonly problem: string };

/** What the parser needs. */
export interface ZoneFileOptions {
  /** Origin to begin with. */
  readonly origin: WireName;
  /** Name of the file, for problems. */
  readonly file: string;
  /** Text of a file that `$INCLUDE` names; absent: it cannot be read. Default: none can. */
  readonly include?: (name: string) => string | undefined;
  /** Most records of all files. Default 1,000,000. */
  readonly maxRecords?: number;
}

/** Files within files. */
const maxIncludes = 8;

/** What carries over from record to record. */
interface State {
  origin: WireName;
  owner: WireName | undefined;
  defaultTtl: number | undefined;
  lastTtl: number | undefined;
}

/**
 * Parses a zone file (RFC 1035 5, RFC 2308 4, RFC 3597 5): `$ORIGIN`, `$TTL`, `$INCLUDE`, relative names, `@`, omitted
 * owners, TTLs and classes, times with units. Only class IN.
 */
export function parseZoneFile(text: string, options: ZoneFileOptions): ParsedZone {
  const steps = parseZoneSteps(text, options);
  for (;;) {
    const { done, value } = steps.next();
    if (done === true) return value;
  }
}

/** The same in steps of one entry each, for large files. */
export function parseZoneSteps(text: string, options: ZoneFileOptions): Generator<void, ParsedZone, undefined> {
  return new ZoneFileParser(options).parse(text);
}

class ZoneFileParser {
  readonly #options: ZoneFileOptions;
  readonly #records: DnsRecord[] = [];
  #file: string;

  constructor(options: ZoneFileOptions) {
    this.#options = options;
    this.#file = options.file;
  }

  *parse(text: string): Generator<void, ParsedZone, undefined> {
    const state = { origin: this.#options.origin, owner: undefined, defaultTtl: undefined, lastTtl: undefined };
    try {
      yield* this.#read(text, state, 0);
      return { ok: true, records: this.#records };
    } catch (error) {
      if (!(error instanceof ZoneTextError)) throw error;
      return { ok: false, file: this.#file, line: error.line, problem: error.message };
    }
  }

  *#read(text: string, state: State, depth: number): Generator<void, void, undefined> {
    for (const entry of readEntries(text)) {
      const [first] = entry.tokens;
      if (!entry.isIndented && first?.isQuoted === false && first.text.startsWith('$')) {
        yield* this.#directive(entry, state, depth);
      } else this.#record(entry, state);
      yield;
    }
  }

  *#directive({ line, tokens }: ZoneEntry, state: State, depth: number): Generator<void, void, undefined> {
    const [name, value, origin, ...more] = tokens.map(({ text }) => text);
    const isInclude = name?.toUpperCase() === '$INCLUDE';
    if (value === undefined || more.length > 0 || (origin !== undefined && !isInclude)) {
      throw new ZoneTextError(line, `${name} has ${value === undefined ? 'no value' : 'too many values'}`);
    }
    switch (name?.toUpperCase()) {
      case '$ORIGIN':
        state.origin = this.#name(value, state, line);
        return;
      case '$TTL':
        state.defaultTtl = parseSeconds(value);
        if (state.defaultTtl === undefined) throw new ZoneTextError(line, `${value} is not a time`);
        return;
      case '$INCLUDE': {
        if (depth >= maxIncludes) throw new ZoneTextError(line, `more than ${maxIncludes} files within files`);
        const text = this.#options.include?.(value);
        if (text === undefined) throw new ZoneTextError(line, `${value} cannot be read`);
        const outer = this.#file;
        this.#file = value;
        // What the file sets ends with it (RFC 1035 5.1).
        yield* this.#read(
          text,
          { ...state, origin: origin === undefined ? state.origin : this.#name(origin, state, line) },
          depth + 1,
        );
        this.#file = outer;
        return;
      }
      default:
        throw new ZoneTextError(line, `${name} is not known`);
    }
  }

  #record({ line, isIndented, tokens }: ZoneEntry, state: State): void {
    let at = 0;
    if (!isIndented) state.owner = this.#name(tokens[at++]!.text, state, line);
    if (state.owner === undefined) throw new ZoneTextError(line, 'the first record has no owner');
    let ttl: number | undefined;
    let type: number | undefined;
    for (; at < tokens.length && type === undefined; at++) {
      const { text } = tokens[at]!;
      const upper = text.toUpperCase();
      if (upper === 'CH' || upper === 'HS' || upper === 'CS') throw new ZoneTextError(line, 'only class IN is served');
      if (upper === 'IN' || upper === 'CLASS1') continue;
      const seconds = /^\d/.test(text) ? parseSeconds(text) : undefined;
      if (seconds !== undefined && ttl === undefined) ttl = seconds;
      else {
        type = typeNumber(text);
        if (type === undefined) throw new ZoneTextError(line, `${text} is not a type that is known here`);
      }
    }
    if (type === undefined) throw new ZoneTextError(line, 'a record without a type');
    this.#add(line, type, ttl, tokens.slice(at), state);
  }

  #add(line: number, type: number, ttl: number | undefined, tokens: readonly ZoneToken[], state: State): void {
    const read = readData(type, tokens, (text) => nameIn(text, state.origin));
    if (!read.ok) throw new ZoneTextError(line, read.problem);
    const { data } = read;
    // Without any TTL so far that of the SOA's last field, as servers before RFC 2308 had it.
    const minimum =
      type === rrType.SOA ? new DataView(data.buffer, data.byteOffset).getUint32(data.length - 4) : undefined;
    const seconds = ttl ?? state.defaultTtl ?? state.lastTtl ?? minimum;
    if (seconds === undefined) throw new ZoneTextError(line, 'no TTL: $TTL is missing');
    state.lastTtl = seconds;
    if (this.#records.length >= (this.#options.maxRecords ?? 1_000_000))
      throw new ZoneTextError(line, 'too many records');
    this.#records.push({ name: state.owner!, type, class: rrClass.IN, ttl: seconds, data });
  }

  #name(text: string, state: State, line: number): WireName {
    const name = nameIn(text, state.origin);
    if (name === undefined) throw new ZoneTextError(line, `${JSON.stringify(text)} is not a name`);
    return name;
  }
}

/** A name of a zone file: `@` is the origin, and what does not end in a dot lies below it. */
function nameIn(text: string, origin: WireName): WireName | undefined {
  if (text === '@') return origin;
  const name = nameFromText(text);
  if (name === undefined || text === '.' || /(?:^|[^\\])(?:\\\\)*\.$/.test(text)) return name;
  const whole = new Uint8Array(name.length - 1 + origin.length);
  whole.set(name.subarray(0, -1));
  whole.set(origin, name.length - 1);
  return whole.length <= 255 ? whole : undefined;
}
