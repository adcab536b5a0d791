import { type RankedRoute, ROUTE_RANK } from './compile-ingress.ts';
import type { Route } from './route-table.ts';

/** A route that never matches, because an older Ingress has the same match. */
export interface RouteConflict {
  /** `namespace/name` of the Ingress that lost, and where. */
  readonly ingress: string;
  readonly field: string;
  /** `namespace/name` of the Ingress that serves the path. */
  readonly winner: string;
}

/** All rules of one hostname in matching order. */
export interface MergedHost {
  readonly routes: readonly Route[];
  readonly conflicts: readonly RouteConflict[];
  /** What requests get that none of them takes: the oldest Ingress that has something for them decides. */
  readonly unmatched: Route | undefined;
}

/**
 * Merges the rules that several Ingresses have for one hostname: exact paths, prefixes with the
 * longest first, default backends; of equal ones the oldest Ingress first. Later equals are left out.
 */
export function mergeHost(contributions: readonly RankedRoute[]): MergedHost {
  // The name of another host is taken from it only where nobody has rules for it.
  const matching = contributions.filter(({ rank }) => rank !== ROUTE_RANK.unmatched);
  const own = matching.filter(({ rank }) => rank !== ROUTE_RANK.otherName);
  const ordered = [...(own.length > 0 ? own : matching)].sort(compareRoutes);
  const winners = new Map<string, RankedRoute>();
  const conflicts: RouteConflict[] = [];
  for (const candidate of ordered) {
    const { type, value } = candidate.route.match.path;
    const sameMatch = `${type} ${value}`;
    const winner = winners.get(sameMatch);
    if (winner === undefined) {
      winners.set(sameMatch, candidate);
    } else if (candidate.rank <= ROUTE_RANK.prefix) {
      // Only rules can be in conflict: a default backend behind a rule for `/` is what "default" means.
      conflicts.push({ ingress: candidate.ingress, field: candidate.route.source.field, winner: winner.ingress });
    }
  }
  const [unmatched] = contributions.filter(({ rank }) => rank === ROUTE_RANK.unmatched).sort(compareRoutes);
  return { routes: [...winners.values()].map((winner) => winner.route), conflicts, unmatched: unmatched?.route };
}

function compareRoutes(a: RankedRoute, b: RankedRoute): number {
  return (
    a.rank - b.rank ||
    b.route.match.path.value.length - a.route.match.path.value.length ||
    compareText(a.route.match.path.value, b.route.match.path.value) ||
    compareText(a.created, b.created) ||
    compareText(a.ingress, b.ingress) ||
    a.position - b.position
  );
}

function compareText(a: string, b: string): number {
  return a < b ? -1 : a > b ? 1 : 0;
}
