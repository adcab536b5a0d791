import type { ApiAnswer, ApiRequest } from '../server/api-request.ts';
import type { Storage } from '../storage/storage.ts';
import type { ObjectCache } from '../watch/object-cache.ts';

const plainText = { 'content-type': 'text/plain; charset=utf-8', 'x-content-type-options': 'nosniff' } as const;
/** Names of the checks that `?verbose` lists. */
const checks = ['ping', 'storage', 'bootstrap'] as const;

/** The version this server speaks. */
const version = {
  major: '1',
  minor: '34',
  gitVersion: 'v1.34.0+fairlead',
  gitCommit: '',
  gitTreeState: 'clean',
  buildDate: '1970-01-01T00:00:00Z',
  goVersion: 'none',
  compiler: 'none',
  platform: `${process.platform}/${process.arch}`,
} as const;

/** `/healthz`, `/livez`, `/readyz`, `/version` and `/metrics`. */
export class Health {
  readonly #cache: ObjectCache;
  readonly #storage: Storage;
  readonly #requests = new Map<string, number>();
  /** False before the bootstrap objects exist and while stopping. */
  ready = false;

  readonly #moreMetrics: () => readonly string[];

  /** `moreMetrics`: lines of other parts for `/metrics`. */
  constructor(cache: ObjectCache, storage: Storage, moreMetrics: () => readonly string[]) {
    this.#cache = cache;
    this.#storage = storage;
    this.#moreMetrics = moreMetrics;
  }

  /** Counts one answer. */
  count(method: string, status: number): void {
    const key = `method="${method}",code="${status}"`;
    this.#requests.set(key, (this.#requests.get(key) ?? 0) + 1);
  }

  /** The answer for a health path, or `undefined` for any other. */
  async answer(request: ApiRequest): Promise<ApiAnswer | undefined> {
    const [, probe = '', check = ''] = /^\/(healthz|livez|readyz)\/([a-z-]+)$/.exec(request.path) ?? [];
    if (checks.some((name) => name === check)) {
      const failures = probe === 'readyz' ? await this.#failures() : {};
      return oneCheckAnswer(check, check in failures);
    }
    switch (request.path) {
      case '/healthz':
      case '/livez':
        return checkAnswer(request, {});
      case '/readyz':
        return checkAnswer(request, await this.#failures());
      case '/version':
      case '/version/':
        return {
          status: 200,
          headers: { 'content-type': 'application/json' },
          body: JSON.stringify(version, undefined, 2),
        };
      case '/metrics':
        return { status: 200, headers: { 'content-type': 'text/plain; version=0.0.4' }, body: this.#metrics() };
      default:
        return undefined;
    }
  }

  async #failures(): Promise<Failures> {
    return {
      ...(this.ready ? {} : { bootstrap: 'starting or stopping' }),
      ...obstacleOf(await this.#storage.obstacle()),
    };
  }

  #metrics(): string {
    const lines = ['# TYPE apiserver_request_total counter'];
    for (const [labels, count] of this.#requests) lines.push(`apiserver_request_total{${labels}} ${count}`);
    lines.push('# TYPE apiserver_storage_objects gauge');
    const watchers: string[] = ['# TYPE apiserver_longrunning_requests gauge'];
    for (const [prefix, objects, watching] of this.#cache.sizes()) {
      const [, group = '', resource = ''] = prefix.split('/');
      const name = group === 'core' ? resource : `${resource}.${group}`;
      lines.push(`apiserver_storage_objects{resource="${name}"} ${objects}`);
      watchers.push(`apiserver_longrunning_requests{resource="${name}",verb="WATCH"} ${watching}`);
    }
    lines.push(...watchers, '# TYPE fairlead_storage_revision counter');
    lines.push(`fairlead_storage_revision ${this.#cache.revision}`);
    lines.push(...this.#moreMetrics());
    return `${lines.join('\n')}\n`;
  }
}

function obstacleOf(storage: string | undefined): { readonly storage?: string } {
  return storage === undefined ? {} : { storage };
}

/** Paths of the checks, for the index of all paths. */
export const checkPaths: readonly string[] = ['healthz', 'livez', 'readyz'].flatMap((probe) => [
  `/${probe}`,
  ...checks.map((check) => `/${probe}/${check}`),
]);

/** Why checks fail. */
type Failures = { readonly [Check in (typeof checks)[number]]?: string };

function oneCheckAnswer(check: string, fails: boolean): ApiAnswer {
  if (!fails) return { status: 200, headers: plainText, body: 'ok' };
  return { status: 500, headers: plainText, body: `internal server error: ${check} failed: reason withheld\n` };
}

/** `failures` holds the reason of each check that fails; reasons are for the log, not for strangers. */
function checkAnswer(request: ApiRequest, failures: Failures): ApiAnswer {
  const name = request.path.slice(1);
  const healthy = Object.keys(failures).length === 0;
  if (!request.query.has('verbose') && healthy) return { status: 200, headers: plainText, body: 'ok' };
  const lines = checks.map((check) =>
    failures[check] === undefined ? `[+]${check} ok` : `[-]${check} failed: reason withheld`,
  );
  return {
    status: healthy ? 200 : 500,
    headers: plainText,
    body: `${lines.join('\n')}\n${name} check ${healthy ? 'passed' : 'failed'}\n`,
  };
}
