import type { MirrorFilter } from '../../routing/route-filters.ts';
import type { CompiledRoute } from '../compiled-route.ts';
import { subRequestRoute } from '../sub-request.ts';
import type { CompiledFilter, Verdict } from './filter.ts';
import type { FilterRun, MirroredHead, WantedMirror } from './filter-run.ts';
import type { FilterServices } from './filter-services.ts';

/** Copies under way in one worker, of all routes; more are left out. */
const MIRRORS_MAX = 256;
/** A copy whose answer takes longer is given up. */
const TIMEOUT_MS = 30_000;
const CONNECT_MS = 5_000;
/** Longer answers cost the connection, shorter ones are read to keep it. */
const ANSWER_MAX_BYTES = 256 * 1024;

let underWay = 0;

/**
 * Copies a share of a route's requests to another backend. The request goes on as if there were no copy; what is
 * too long, too much or fails is counted and forgotten. Requests that ask for another protocol have no copy.
 */
export class Mirror implements CompiledFilter, WantedMirror {
  readonly bodyMaxBytes: number;
  readonly #filter: MirrorFilter;
  readonly #services: FilterServices;
  readonly #route: CompiledRoute;

  constructor(filter: MirrorFilter, services: FilterServices) {
    this.#filter = filter;
    this.#services = services;
    this.bodyMaxBytes = filter.bodyMaxBytes;
    this.#route = subRequestRoute(services.backend(filter.backend), { connectMs: CONNECT_MS, timeoutMs: TIMEOUT_MS });
  }

  onRequest(run: FilterRun): Verdict {
    if (!run.head.hasUpgradeToken && this.#services.random() < this.#filter.share) run.mirrors.push(this);
    return 'pass';
  }

  send(bytes: Buffer | undefined, { identity, trace, isHead }: MirroredHead): void {
    const { count, ask } = this.#services;
    if (bytes === undefined || underWay >= MIRRORS_MAX) {
      count('mirrorsDropped');
      return;
    }
    const begun = ask({
      route: this.#route,
      bytes: this.#filter.host === 'shadow' ? withShadowHost(bytes) : bytes,
      isHead,
      // A lost copy is no loss, a second one would be a lie.
      isIdempotent: false,
      identity,
      trace,
      name: 'mirror',
      timeoutMs: TIMEOUT_MS,
      bodyMaxBytes: ANSWER_MAX_BYTES,
      done: (answer) => {
        underWay--;
        if (!answer.ok) count('mirrorsFailed');
      },
    });
    if (typeof begun === 'string') count('mirrorsFailed');
    else {
      underWay++;
      count('mirrors');
    }
  }
}

/** `host: shop.example:8080` becomes `host: shop.example-shadow:8080`, so that the copy knows itself for one. */
function withShadowHost(bytes: Buffer): Buffer {
  const end = bytes.indexOf('\r\n\r\n');
  const head = bytes.toString('latin1', 0, end);
  const shadow = head.replace(
    /(\r\nhost:[ \t]*)(\[[^\]\r\n]*\]|[^:\r\n]*?)(:\d+)?(?=[ \t]*(\r\n|$))/i,
    '$1$2-shadow$3',
  );
  return Buffer.concat([Buffer.from(shadow, 'latin1'), bytes.subarray(end)]);
}
