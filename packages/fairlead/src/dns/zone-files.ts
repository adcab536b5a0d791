import { readdirSync, readFileSync, statSync } from 'node:fs';
import { dirname, isAbsolute, join } from 'node:path';
import type { Clock } from '../sys/clock.ts';
import type { Log } from '../sys/role.ts';
import { nameFromText } from '../wire/dns/name.ts';
import { parseZoneSteps } from '../wire/dns/zone-file.ts';
import { FileZone } from './file-zone.ts';
import type { OwnerName } from './program.ts';
import { runInSlices } from './sliced-steps.ts';
import { ZoneSet, zoneKey } from './zone-set.ts';

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
  /** Where zones are put. Default: a set of its own. */
  readonly zones?: ZoneSet;
  readonly clock: Pick<Clock, 'after' | 'monotonicMs'>;
  /** Runs a function after other events have had their turn. Default: setImmediate. */
  readonly defer?: (callback: () => void) => void;
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
  readonly stamps: ReadonlyMap<string, string>;
}

/** Zones of files: loaded at start, and again when a file changes. One that cannot be read changes nothing. */
export class ZoneFiles {
  /** The zones, with others that are put there. */
  readonly zones: ZoneSet;
  readonly #options: ZoneFilesOptions;
  /** By the key of the origin. */
  readonly #loaded: Map<string, Loaded> = new Map();
  #cancel: (() => void) | undefined;
  /** Files that are being read. */
  #loading = 0;
  readonly #settled: PromiseWithResolvers<void> = Promise.withResolvers();

  constructor(options: ZoneFilesOptions) {
    this.#options = options;
    this.zones = options.zones ?? new ZoneSet();
    this.#check();
    this.#schedule();
  }

  /** Resolves when all files that were found at start have been read. */
  get settled(): Promise<void> {
    return this.#loading === 0 ? Promise.resolve() : this.#settled.promise;
  }

  /** Looks at no file any more. */
  stop(): void {
    this.#cancel?.();
    this.#loaded.clear();
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
      const key = zoneKey(source.origin);
      if (key === undefined || keys.has(key)) continue;
      keys.add(key);
      const known = this.#loaded.get(key);
      const isSame = known?.source.file === source.file;
      if (isSame && [...known.stamps].every(([file, stamp]) => stampOf(file) === stamp)) continue;
      this.#load(key, source, known?.zone);
    }
    for (const [key, { source }] of this.#loaded) {
      if (keys.has(key)) continue;
      this.#loaded.delete(key);
      this.zones.delete(source.origin);
      this.#options.log('info', 'DNS zone is not served any more: its file is gone', { zone: source.origin });
    }
  }

  /** Reads and parses a file in slices: a small one at once, a large one with other events in between. */
  #load(key: string, source: ZoneFileSource, before: FileZone | undefined): void {
    const stamps = new Map<string, string>();
    const read = (file: string): string | undefined => {
      const path = isAbsolute(file) ? file : join(dirname(source.file), file);
      stamps.set(path, stampOf(path));
      try {
        return statSync(path).size > maxFileBytes ? undefined : readFileSync(path, 'utf8');
      } catch {
        return undefined;
      }
    };
    const text = read(source.file);
    const loaded: Loaded = { source, zone: before, stamps };
    this.#loaded.set(key, loaded);
    this.zones.set(source.origin, before);
    this.#loading++;
    runInSlices(
      loadZone(source, text, read),
      this.#options.clock,
      (result) => {
        // Read anew meanwhile, or not wanted any more: somebody else has the last word.
        if (this.#loaded.get(key) === loaded) this.#take(loaded, result);
        this.#loading--;
        if (this.#loading === 0) this.#settled.resolve();
      },
      this.#options.defer,
    );
  }

  /** A file that was read: its zone, or what is wrong with it. */
  #take(loaded: Loaded, result: FileZone | string): void {
    const { log, onLoaded } = this.#options;
    const { source, zone: before } = loaded;
    const facts = { zone: source.origin, file: source.file };
    if (typeof result === 'string') {
      log('error', before === undefined ? 'DNS zone is not served' : 'DNS zone stays as it was', {
        ...facts,
        problem: result,
      });
      return;
    }
    const { serial, size } = result;
    log('info', 'DNS zone loaded', { ...facts, serial, records: size });
    if (before !== undefined && (serial - before.serial) << 0 <= 0) {
      log('warn', 'DNS zone has changed, but its serial has not grown: secondaries will not see it', facts);
    }
    loaded.zone = result;
    this.zones.set(source.origin, result);
    onLoaded?.(result);
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

/** The zone of a file's text, step by step; a text says what is wrong. */
function* loadZone(
  { origin, file }: ZoneFileSource,
  text: string | undefined,
  include: (name: string) => string | undefined,
): Generator<void, FileZone | string, undefined> {
  const name = nameFromText(origin);
  if (name === undefined) return 'not a zone';
  if (text === undefined) return 'cannot be read';
  const parsed = yield* parseZoneSteps(text, { origin: name, file, include });
  if (!parsed.ok) return `${parsed.file} line ${parsed.line}: ${parsed.problem}`;
  const made = yield* FileZone.assemble(name, parsed.records);
  return made.ok ? made.zone : made.problem;
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
