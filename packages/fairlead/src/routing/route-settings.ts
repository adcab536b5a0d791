import { fieldOf } from './annotation-reader.ts';
import type { PathAnnotations } from './path-settings.ts';
import { type ConnectionAnnotations, readBackendConnection } from './read-backend-connection.ts';
import type { AnnotationProblem } from './read-backend-policy.ts';
import { type RouteEdits, readRouteEdits } from './read-route-edits.ts';
import { type FilterAnnotations, readRouteFilters } from './read-route-filters.ts';
import { type RouteAnnotations, readRoutePolicy } from './read-route-policy.ts';
import type { RouteFilter } from './route-filters.ts';
import type { RouteTimeouts } from './route-table.ts';

/** What annotations make of a route. */
export interface RouteSettings {
  readonly connection: ConnectionAnnotations;
  readonly policy: RouteAnnotations;
  readonly filters: FilterAnnotations;
  readonly edits: RouteEdits;
  readonly problems: readonly AnnotationProblem[];
}

/** Whose settings they are. */
export interface SettingsOwner {
  readonly namespace: string;
  /** `namespace/name`. */
  readonly ingress: string;
  /** Key of its sessions. */
  readonly uid: string | undefined;
}

/** Reads the settings of the routes of an Ingress, or of those of one path. */
export function readRouteSettings(
  { annotations, key, names }: PathAnnotations,
  { namespace, ingress, uid }: SettingsOwner,
  timeouts: RouteTimeouts,
): RouteSettings {
  const connection = readBackendConnection(annotations, namespace);
  const policy = readRoutePolicy(annotations, timeouts);
  const read = readRouteFilters(annotations, namespace, ingress, uid);
  const edits = readRouteEdits(annotations);
  const problems = [connection, policy, read, edits].flatMap((each) => each.problems);
  if (key === '') return { connection, policy, filters: read, edits, problems };
  // A limit of its own has buckets of its own.
  const isLimited = [...names].some((name) => name.startsWith('rate-limit'));
  const rename = (filter: RouteFilter): RouteFilter =>
    filter.type === 'rate-limit' ? { ...filter, name: `${filter.name} ${key}` } : filter;
  const filters = isLimited ? { ...read, filters: read.filters.map(rename) } : read;
  // Those of the whole Ingress have been told.
  const own = problems.filter(({ field }) => [...names].some((name) => field === fieldOf(name)));
  return {
    connection,
    policy,
    filters,
    edits,
    problems: own.map(({ field, message }) => ({
      field: fieldOf('paths'),
      message: `${JSON.stringify(key)}: ${field.slice(field.indexOf('/') + 1, -1)}: ${message}`,
    })),
  };
}
