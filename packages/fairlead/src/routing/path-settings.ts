import { fieldOf } from './annotation-reader.ts';
import type { AnnotationProblem } from './read-backend-policy.ts';

const NAME = 'paths';
const PREFIX = 'fairlead.dev/';

/** What annotations say of one path. */
export interface PathAnnotations {
  /** Those of the Ingress, with what differs for the path in their place. */
  readonly annotations: Readonly<Record<string, string>>;
  /** What differs, by the key it has in the annotation; empty: nothing. */
  readonly key: string;
  /** Names of the settings that differ, without prefix. */
  readonly names: ReadonlySet<string>;
}

/** A path of the rules. */
export interface RulePath {
  /** Empty: any. */
  readonly host: string;
  readonly path: string;
}

type Settings = Readonly<Record<string, string | null>>;

/**
 * What `fairlead.dev/paths` says: JSON, from a path of the rules (`/admin`, or `shop.example/admin` for one host) to
 * settings by their names without prefix; `null` takes one of the Ingress away.
 *
 * ```json
 * { "/admin": { "basic-auth-secret": "staff", "rate-limit": "5/second" } }
 * ```
 *
 * What cannot be read, or names a path that is not there, may have been a protection: the owner closes the routes then.
 */
export class PathSettings {
  readonly problems: readonly AnnotationProblem[];
  readonly #annotations: Readonly<Record<string, string>>;
  readonly #byPath: ReadonlyMap<string, Settings>;

  constructor(annotations: Readonly<Record<string, string>> | undefined, paths: readonly RulePath[]) {
    this.#annotations = annotations ?? {};
    const text = this.#annotations[PREFIX + NAME];
    const read = text === undefined ? new Map<string, Settings>() : readSettings(text);
    if (typeof read === 'string') {
      this.#byPath = new Map();
      this.problems = [{ field: fieldOf(NAME), message: read }];
      return;
    }
    const known = new Set(paths.flatMap(({ host, path }) => [path, host.toLowerCase() + path]));
    this.#byPath = read;
    this.problems = [...read.keys()]
      .filter((key) => !known.has(key))
      .map((key) => ({ field: fieldOf(NAME), message: `${JSON.stringify(key)} is not a path of the rules` }));
  }

  /** What holds for a path of the rules. */
  of({ host, path }: RulePath): PathAnnotations {
    const keys = [path, ...(host === '' ? [] : [host.toLowerCase() + path])].filter((key) => this.#byPath.has(key));
    const settings: Settings = Object.assign({}, ...keys.map((key) => this.#byPath.get(key)));
    const names = Object.keys(settings);
    if (names.length === 0) return { annotations: this.#annotations, key: '', names: new Set() };
    const annotations = new Map(Object.entries(this.#annotations));
    for (const [name, value] of Object.entries(settings)) {
      if (value === null) annotations.delete(PREFIX + name);
      else annotations.set(PREFIX + name, value);
    }
    return { annotations: Object.fromEntries(annotations), key: keys.at(-1)!, names: new Set(names) };
  }
}

/** A text: what is wrong. */
function readSettings(text: string): ReadonlyMap<string, Settings> | string {
  let value: unknown;
  try {
    value = JSON.parse(text);
  } catch (error) {
    return `is not JSON: ${(error as Error).message}`;
  }
  if (!isRecord(value)) return 'is not a JSON object of paths';
  const settings = new Map<string, Settings>();
  for (const [path, entry] of Object.entries(value)) {
    if (!isRecord(entry)) return `${JSON.stringify(path)}: is not an object of settings`;
    for (const [name, setting] of Object.entries(entry)) {
      if (!/^[a-z0-9-]+$/.test(name))
        return `${JSON.stringify(path)}: ${JSON.stringify(name)} is not the name of a setting`;
      if (typeof setting !== 'string' && setting !== null) {
        return `${JSON.stringify(path)}: ${name} is neither a string nor null`;
      }
    }
    settings.set(path, entry as Settings);
  }
  return settings;
}

const isRecord = (value: unknown): value is Readonly<Record<string, unknown>> =>
  typeof value === 'object' && value !== null && !Array.isArray(value);
