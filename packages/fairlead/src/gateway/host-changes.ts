import { deepEqual } from '@fairlead/client';
import type { Route, RouteTableDiff, VirtualHost } from '../routing/route-table.ts';

/** Routes that stay, from place `from` up to but not including `to` of those that a worker has, or one that is new. */
export type RoutePart = readonly [from: number, to: number] | Route;

/**
 * A host in terms of the one that a worker has: what stays is neither sent nor compiled again, so a change of one route
 * among thousands costs one route.
 */
export interface HostPatch {
  readonly listener: string;
  readonly hostname: string;
  /** In matching order. */
  readonly parts: readonly RoutePart[];
  /** `same`: as before. */
  readonly unmatched: Route | 'same' | undefined;
}

/** A host as it is sent to workers. */
export type HostChange = VirtualHost | HostPatch;

/** A difference as it is sent to workers. */
export interface WorkerDiff extends Omit<RouteTableDiff, 'hosts'> {
  readonly hosts: readonly (readonly [key: string, value: HostChange | undefined])[];
}

/** Whether routes of before are named by their places. */
export function isPatch(change: HostChange): change is HostPatch {
  return 'parts' in change;
}

/** The way from one list of routes to another. Routes that are equal stay, wherever they are. */
export function patchHost(before: VirtualHost, after: VirtualHost): HostPatch {
  const { listener, hostname } = after;
  const unmatched = deepEqual(before.unmatched, after.unmatched) ? 'same' : after.unmatched;
  return { listener, hostname, parts: partsOf(before.routes, after.routes), unmatched };
}

function partsOf(before: readonly Route[], after: readonly Route[]): readonly RoutePart[] {
  const shorter = Math.min(before.length, after.length);
  let head = 0;
  while (head < shorter && deepEqual(before[head], after[head])) head++;
  let tail = 0;
  while (tail < shorter - head && deepEqual(before.at(-1 - tail), after.at(-1 - tail))) tail++;
  const parts: RoutePart[] = [];
  const keep = (from: number, to: number): void => {
    const last = parts.at(-1);
    if (isStretch(last) && last[1] === from) parts[parts.length - 1] = [last[0], to];
    else if (from < to) parts.push([from, to]);
  };
  keep(0, head);
  const moved = placesByPath(before, head, before.length - tail);
  for (const route of after.slice(head, after.length - tail)) {
    const place = moved.get(pathOf(route))?.find((at) => deepEqual(before[at], route));
    if (place === undefined) parts.push(route);
    else keep(place, place + 1);
  }
  keep(before.length - tail, before.length);
  return parts;
}

function placesByPath(routes: readonly Route[], from: number, to: number): ReadonlyMap<string, readonly number[]> {
  const places = new Map<string, number[]>();
  for (let at = from; at < to; at++) {
    const path = pathOf(routes[at]!);
    const known = places.get(path);
    if (known === undefined) places.set(path, [at]);
    else known.push(at);
  }
  return places;
}

function pathOf({ match: { path } }: Route): string {
  return `${path.type} ${path.value}`;
}

function isStretch(part: RoutePart | undefined): part is readonly [number, number] {
  return Array.isArray(part);
}

/**
 * The routes that a patch stands for; `before` and what it gives are of any form that routes take.
 * @throws RangeError for a patch of another list than `before`.
 */
export function patchedRoutes<R>(before: readonly R[], { parts }: HostPatch, compile: (route: Route) => R): R[] {
  const routes: R[] = [];
  for (const part of parts) {
    if (!isStretch(part)) routes.push(compile(part));
    else if (part[1] > before.length) throw new RangeError('a patch of other routes than those of this host');
    else for (let at = part[0]; at < part[1]; at++) routes.push(before[at]!);
  }
  return routes;
}

/**
 * Turns differences into what is sent to workers, which all run the same: hosts that they are known to have become
 * patches. After a refusal nobody knows which of them have what; then whole hosts go out, until all have said yes.
 */
export class HostChanges {
  readonly #installed: (key: string) => VirtualHost | undefined;
  readonly #unsure: Set<string> = new Set();

  /** @param installed a host as all workers run it. */
  constructor(installed: (key: string) => VirtualHost | undefined) {
    this.#installed = installed;
  }

  forWorkers(diff: RouteTableDiff): WorkerDiff {
    return {
      ...diff,
      hosts: diff.hosts.map(([key, after]) => {
        const before = this.#unsure.has(key) ? undefined : this.#installed(key);
        return [key, before === undefined || after === undefined ? after : patchHost(before, after)];
      }),
    };
  }

  /** All workers run it. */
  noteApplied(diff: RouteTableDiff): void {
    for (const [key] of diff.hosts) this.#unsure.delete(key);
  }

  /** Some may, others not. */
  noteFailed(diff: RouteTableDiff): void {
    for (const [key] of diff.hosts) this.#unsure.add(key);
  }
}
