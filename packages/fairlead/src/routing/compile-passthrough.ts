import type { Ingress, Stored } from '@fairlead/api';
import type { IngressProblem, RankedRoute } from './compile-ingress.ts';
import type { BackendKey } from './route-table.ts';

/** Annotation: `true` relays TLS of the Ingress's hosts to their Service as it comes, undeciphered. */
const PASSTHROUGH_ANNOTATION = 'fairlead.dev/tls-passthrough';

/** A host whose TLS is relayed. */
export interface PassthroughHost {
  readonly hostname: string;
  readonly backend: BackendKey;
  /** Field path of the rule's backend. */
  readonly field: string;
}

/**
 * The hosts of an Ingress that asks for passthrough. Only the server name is known, so a host has one
 * Service: that of path `/`, else of the first path. Clear-text requests are routed as ever.
 */
export function compilePassthrough(
  ingress: Stored<Ingress>,
  hosts: ReadonlyMap<string, readonly RankedRoute[]>,
  problem: (field: string, reason: IngressProblem['reason'], message: string) => void,
): readonly PassthroughHost[] {
  const text = ingress.metadata.annotations?.[PASSTHROUGH_ANNOTATION]?.trim().toLowerCase();
  const field = `metadata.annotations[${PASSTHROUGH_ANNOTATION}]`;
  if (text === undefined || text === 'false') return [];
  if (text !== 'true') {
    problem(field, 'InvalidRule', `${JSON.stringify(text)} is neither true nor false`);
    return [];
  }
  const found: PassthroughHost[] = [];
  for (const [hostname, routes] of hosts) {
    const forwards = routes.filter(({ route }) => route.action.type === 'forward');
    const chosen = forwards.find(({ route }) => route.match.path.value === '/') ?? forwards[0];
    if (hostname === '*') problem(field, 'InvalidRule', 'a rule without host has no server name to tell it by');
    else if (chosen?.route.action.type === 'forward') {
      const backend = chosen.route.action.backends[0]?.backend;
      if (backend !== undefined) found.push({ hostname, backend, field: chosen.route.source.field });
    }
  }
  if (found.length === 0) problem(field, 'InvalidRule', 'no host with a Service: nothing is passed through');
  return found;
}
