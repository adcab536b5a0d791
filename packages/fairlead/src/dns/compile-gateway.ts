import { addressRecords, type ExternalCompileOptions, hostsIn } from './compile-external.ts';
import type { DnsGateway, DnsRoute } from './gateway-kinds.ts';
import type { CompiledRecords } from './program.ts';

const group = 'gateway.networking.k8s.io';

/** Keys (`namespace/name`) of the Gateways that a route names as parents. */
export function parentGateways(route: DnsRoute): string[] {
  const refs = (route.spec?.parentRefs ?? []).filter(
    ({ kind = 'Gateway', group: refGroup = group }) => kind === 'Gateway' && refGroup === group,
  );
  return [...new Set(refs.map(({ namespace, name }) => `${namespace ?? route.metadata?.namespace ?? ''}/${name}`))];
}

/**
 * The host names of a route that lie in the zone, at the addresses that its Gateways have reported. A route
 * without names has those of its Gateways' listeners; the names of a route are not cut to those of listeners.
 */
export function compileExternalRoute(
  route: DnsRoute,
  gatewayOf: (key: string) => DnsGateway | undefined,
  options: ExternalCompileOptions,
): CompiledRecords {
  const parents = parentGateways(route).flatMap((key) => gatewayOf(key) ?? []);
  const entries = parents.flatMap((gateway) =>
    (gateway.status?.addresses ?? []).map(({ type, value }) =>
      type === 'Hostname' ? { hostname: value } : { ip: value },
    ),
  );
  const sets = addressRecords(entries, options.ttlSeconds);
  if (sets.length === 0) return new Map();
  const own = route.spec?.hostnames ?? [];
  const listeners = parents.flatMap((gateway) => (gateway.spec?.listeners ?? []).map(({ hostname }) => hostname ?? ''));
  return new Map(hostsIn(own.length > 0 ? own : listeners, options).map((host) => [host, sets]));
}
