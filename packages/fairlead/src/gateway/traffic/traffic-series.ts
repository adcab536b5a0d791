import type { Route, RouteTableDiff } from '../../routing/route-table.ts';
import type { Span } from '../../telemetry/span.ts';
import { type SeriesExemplars, TraceExemplars } from './exemplars.ts';
import {
  addMemory,
  clearSlot,
  createTrafficMemory,
  OTHER_SLOT,
  readSlot,
  type SlotCounts,
  TRAFFIC_SLOTS,
} from './traffic-memory.ts';

/** What requests are told apart by: the object that made the route, and the Service port that they went to. */
export interface SeriesLabels {
  readonly kind: string;
  readonly namespace: string;
  readonly name: string;
  /** Empty: the gateway answered itself. */
  readonly service: string;
  readonly port: string;
}

/** Counts of one series; undefined labels: all that had no room for their own. */
export interface RouteTraffic extends SlotCounts {
  /** The same as long as the series lives. */
  readonly key: string;
  readonly labels: SeriesLabels | undefined;
  /** Undefined where nothing was traced. */
  readonly exemplars?: SeriesExemplars;
}

/** Names of new series and their slots, for workers. */
export type SeriesSlots = readonly (readonly [key: string, slot: number])[];

interface Series {
  readonly slot: number;
  readonly labels: SeriesLabels;
  /** Hosts of the table that have a route of it. */
  uses: number;
}

/** A change of series that goes with a difference of the table. */
export interface SeriesChange {
  /** Of series that are new with it. */
  readonly slots: SeriesSlots;
  /** The difference is installed: what it removed is forgotten. */
  commit(): void;
  /** It is not: what it added is forgotten. */
  undo(): void;
}

/** Name of a series. `backend`: key in the route table; empty: none. */
export function seriesKey({ kind, namespace, name }: Route['source'], backend: string): string {
  return `${kind} ${namespace}/${name} ${backend}`;
}

/**
 * Gives each pair of object and backend in the table a slot of the workers' memory, and reads what they counted. The table
 * bounds the number of series, and so does {@link TRAFFIC_SLOTS}: beyond, they are one.
 */
export class TrafficSeries {
  readonly #series: Map<string, Series> = new Map();
  readonly #keysOfHost: Map<string, readonly string[]> = new Map();
  /** The one that was given back last is used last: requests of its time have ended by then. */
  readonly #free: number[] = [];
  readonly #memories: Set<Float64Array> = new Set();
  /** What workers counted that are no more. */
  readonly #past: Float64Array = new Float64Array(createTrafficMemory());
  readonly #exemplars: TraceExemplars = new TraceExemplars();
  #nextSlot = OTHER_SLOT + 1;

  /** A worker counts in `memory`. Idempotent. */
  join(memory: SharedArrayBuffer): void {
    for (const known of this.#memories) if (known.buffer === memory) return;
    this.#memories.add(new Float64Array(memory));
  }

  /** Its worker is no more. */
  leave(memory: SharedArrayBuffer): void {
    for (const known of this.#memories) {
      if (known.buffer !== memory) continue;
      this.#memories.delete(known);
      addMemory(this.#past, known);
    }
  }

  /** Makes room for the routes of a difference. */
  prepare(diff: Pick<RouteTableDiff, 'hosts'>): SeriesChange {
    const before = diff.hosts.map(([key]) => [key, this.#keysOfHost.get(key) ?? []] as const);
    const slots: [string, number][] = [];
    const after = diff.hosts.map(([host, entry]) => {
      const keys = new Set<string>();
      for (const route of entry?.routes ?? []) {
        for (const key of keysOf(route)) {
          if (keys.has(key)) continue;
          keys.add(key);
          if (this.#acquire(key, route)) slots.push([key, this.#slotOf(key)]);
        }
      }
      return [host, [...keys]] as const;
    });
    for (const [host, keys] of after) this.#keysOfHost.set(host, keys);
    return {
      slots,
      commit: () => {
        for (const [, keys] of before) for (const key of keys) this.#release(key);
        for (const [host, keys] of after) if (keys.length === 0) this.#keysOfHost.delete(host);
      },
      undo: () => {
        for (const [, keys] of after) for (const key of keys) this.#release(key);
        for (const [host, keys] of before) this.#keysOfHost.set(host, keys);
      },
    };
  }

  /** All of them, for a worker that starts. */
  all(): SeriesSlots {
    return [...this.#series].map(([key, { slot }]) => [key, slot] as const);
  }

  /** Requests were traced. */
  noteSpans(spans: readonly Span[]): void {
    this.#exemplars.note(spans, (key) => this.#slotOf(key) !== OTHER_SLOT);
  }

  /** Counts of all series that were ever asked for, as long as their routes are there. */
  read(): RouteTraffic[] {
    const memories = [...this.#memories, this.#past];
    const own = [...this.#series]
      .filter(([, { slot }]) => slot !== OTHER_SLOT)
      .map(([key, { slot, labels }]): RouteTraffic => {
        const exemplars = this.#exemplars.of(key);
        return { key, labels, ...readSlot(memories, slot), ...(exemplars === undefined ? {} : { exemplars }) };
      });
    const other: RouteTraffic = { key: '', labels: undefined, ...readSlot(memories, OTHER_SLOT) };
    return [...own, other].filter(({ classes }) => classes.some((count) => count > 0));
  }

  #slotOf(key: string): number {
    return this.#series.get(key)?.slot ?? OTHER_SLOT;
  }

  /** Returns whether the series is new. */
  #acquire(key: string, route: Route): boolean {
    const known = this.#series.get(key);
    if (known !== undefined) known.uses++;
    else this.#series.set(key, { slot: this.#takeSlot(), labels: labelsOf(key, route), uses: 1 });
    return known === undefined;
  }

  #release(key: string): void {
    const series = this.#series.get(key);
    if (series === undefined || --series.uses > 0) return;
    this.#series.delete(key);
    this.#exemplars.forget(key);
    if (series.slot !== OTHER_SLOT) this.#free.push(series.slot);
  }

  #takeSlot(): number {
    if (this.#nextSlot < TRAFFIC_SLOTS) return this.#nextSlot++;
    const slot = this.#free.shift();
    if (slot === undefined) return OTHER_SLOT;
    for (const memory of [...this.#memories, this.#past]) clearSlot(memory, slot);
    return slot;
  }
}

/** A host with thousands of routes is looked through for each change of it. */
const knownKeys = new WeakMap<Route, readonly string[]>();

/** Series that a route counts in: its backends, and its own answers. */
function keysOf(route: Route): readonly string[] {
  let keys = knownKeys.get(route);
  if (keys === undefined) {
    keys = ['', ...backendsOf(route)].map((backend) => seriesKey(route.source, backend));
    knownKeys.set(route, keys);
  }
  return keys;
}

function backendsOf({ action }: Route): readonly string[] {
  return action.type === 'forward' ? action.backends.map(({ backend }) => backend) : [];
}

/** Of one series of the route. */
function labelsOf(key: string, route: Route): SeriesLabels {
  const { kind, namespace, name } = route.source;
  const backend = backendsOf(route).find((each) => seriesKey(route.source, each) === key) ?? '';
  // `namespace/service:port`, with a `#` and how it is spoken to behind it.
  const [, service = '', port = ''] = /^[^/]*\/([^:#]*):([^#]*)/.exec(backend) ?? [];
  return { kind, namespace, name, service, port };
}
