import { readdirSync, readFileSync, statSync } from 'node:fs';
import { dirname, isAbsolute, join } from 'node:path';
import type { Clock } from '../sys/clock.ts';
import type { Log } from '../sys/role.ts';
import { nameFromText, nameKey, type WireName } from '../wire/dns/name.ts';
import { parseZoneFile } from '../wire/dns/zone-file.ts';
import { FileZone } from './file-zone.ts';
import type { OwnerName } from './program.ts';

/** Where zones come from. */
export interface ZoneFileSettings {
  readonly files: readonly ZoneFileSource[];
  readonly directories: readonly ZoneDirectory[];
}

/** A zone and its file. */
export interface ZoneFileSource {
  readonly origin: OwnerName;
  readonly file: string;
}

/** A folder of zone files named after their zones. */
export interface ZoneDirectory {
  readonly directory: string;
  /** What comes before the zone in a file's name, e.g. `db.` in `db.example.org`. */
  readonly prefix: string;
  /** Only zones at or below these; empty: all. */
  readonly within: readonly OwnerName[];
}

/** What {@link ZoneFiles} works with. */
export interface ZoneFilesOptions extends ZoneFileSettings {
  /** Domains that are forwarded although they lie below a zone, unless a zone is longer. */
  readonly forwardDomains?: readonly OwnerName[];
  readonly clock: Pick<Clock, 'after'>;
  readonly log: Log;
  /** Told of a zone that was loaded, and of one whose file has changed. */
  readonly onLoaded?: ((zone: FileZone) => void) | undefined;
}

/** How often files are looked at. */
const checkMs = 5000;
/** Largest file, with those it includes each. */
const maxFileBytes = 64 << 20;

interface Loaded {
  readonly source: ZoneFileSource;
  /** Absent: the file could never be read. */
  zone: FileZone | undefined;
  /** Files with their state when they were read. */
  stamps: ReadonlyMap<string, string>;
}

/** Zones of files: loaded at start, and again when a file changes. One that cannot be read changes nothing. */
export class ZoneFiles {
  readonly #options: ZoneFilesOptions;
  /** By the key of the origin. */
  readonly #zones: Map<string, Loaded> = new Map();
  readonly #forwarded: ReadonlySet<string>;
  #cancel: (() => void) | undefined;

  constructor(options: ZoneFilesOptions) {
    this.#options = options;
    this.#forwarded = new Set((options.forwardDomains ?? []).flatMap((domain) => keyOf(domain) ?? []));
    this.#check();
    this.#schedule();
  }

  /** The zone that a name lies in, `unloaded` when its file could not be read; absent: in none. */
  find(name: WireName): FileZone | 'unloaded' | undefined {
    if (this.#zones.size === 0) return undefined;
    for (let at = 0; at < name.length; at += name[at]! + 1) {
      const key = nameKey(name, at);
      const loaded = this.#zones.get(key);
      if (loaded !== undefined) return loaded.zone ?? 'unloaded';
      if (this.#forwarded.has(key)) return undefined;
    }
    return undefined;
  }

  /** The zone with this origin; absent: not ours, or not loaded. */
  get(origin: OwnerName): FileZone | undefined {
    return this.#zones.get(keyOf(origin) ?? '')?.zone;
  }

  /** Looks at no file any more. */
  stop(): void {
    this.#cancel?.();
  }

  #schedule(): void {
    this.#cancel = this.#options.clock.after(checkMs, () => {
      this.#check();
      this.#schedule();
    });
  }

  /** Loads what is new or has changed, and forgets zones whose file has left its folder. */
  #check(): void {
    const { files, directories } = this.#options;
    const wanted = [...files, ...directories.flatMap((directory) => this.#list(directory))];
    const keys = new Set<string>();
    for (const source of wanted) {
      const key = keyOf(source.origin);
      if (key === undefined || keys.has(key)) continue;
      keys.add(key);
      const known = this.#zones.get(key);
      const isSame = known?.source.file === source.file;
      if (isSame && [...known.stamps].every(([file, stamp]) => stampOf(file) === stamp)) continue;
      this.#load(key, source, known?.zone);
    }
    for (const [key, { source }] of this.#zones) {
      if (keys.has(key)) continue;
      this.#zones.delete(key);
      this.#options.log('info', 'DNS zone is not served any more: its file is gone', { zone: source.origin });
    }
  }

  #load(key: string, source: ZoneFileSource, before: FileZone | undefined): void {
    const stamps = new Map<string, string>();
    const read = (file: string): string | undefined => {
      const path = isAbsolute(file) ? file : join(dirname(source.file), file);
      const stamp = stampOf(path);
      stamps.set(path, stamp);
      try {
        return statSync(path).size > maxFileBytes ? undefined : readFileSync(path, 'utf8');
      } catch {
        return undefined;
      }
    };
    const { log } = this.#options;
    const result = loadZone(source, read(source.file), read);
    const facts = { zone: source.origin, file: source.file };
    if (typeof result === 'string') {
      log('error', before === undefined ? 'DNS zone is not served' : 'DNS zone stays as it was', {
        ...facts,
        problem: result,
      });
    } else {
      const { serial, size } = result;
      log('info', 'DNS zone loaded', { ...facts, serial, records: size });
      if (before !== undefined && (serial - before.serial) << 0 <= 0) {
        log('warn', 'DNS zone has changed, but its serial has not grown: secondaries will not see it', facts);
      }
    }
    const zone = typeof result === 'string' ? before : result;
    this.#zones.set(key, { source, zone, stamps });
    if (typeof result !== 'string') this.#options.onLoaded?.(result);
  }

  #list({ directory, prefix, within }: ZoneDirectory): ZoneFileSource[] {
    try {
      return readdirSync(directory)
        .filter((file) => file.startsWith(prefix) && file.length > prefix.length && !file.endsWith('~'))
        .map((file) => ({ origin: file.slice(prefix.length).toLowerCase(), file: join(directory, file) }))
        .filter(({ origin }) => nameFromText(origin) !== undefined)
        .filter(({ origin }) => within.length === 0 || within.some((zone) => isInZone(origin, zone)));
    } catch {
      return [];
    }
  }
}

/** The zone of a file's text; a text says what is wrong. */
function loadZone(
  { origin, file }: ZoneFileSource,
  text: string | undefined,
  include: (name: string) => string | undefined,
): FileZone | string {
  const name = nameFromText(origin);
  if (name === undefined) return 'not a zone';
  if (text === undefined) return 'cannot be read';
  const parsed = parseZoneFile(text, { origin: name, file, include });
  if (!parsed.ok) return `${parsed.file} line ${parsed.line}: ${parsed.problem}`;
  const made = FileZone.make(name, parsed.records);
  return made.ok ? made.zone : made.problem;
}

function keyOf(origin: OwnerName): string | undefined {
  const name = nameFromText(origin === '' ? '.' : origin);
  return name && nameKey(name);
}

/** Changes when the file does. */
function stampOf(file: string): string {
  try {
    const { mtimeMs, size, ino } = statSync(file);
    return `${mtimeMs} ${size} ${ino}`;
  } catch {
    return 'missing';
  }
}

function isInZone(owner: string, origin: string): boolean {
  return origin === '.' || owner === origin || owner.endsWith(`.${origin}`);
}
