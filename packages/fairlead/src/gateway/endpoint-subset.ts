import { rendezvousSubset } from '@fairlead/balance';
import type { BackendPolicy } from '../routing/backend-policies.ts';
import type { RouteEndpoint } from '../routing/route-table.ts';
import { endpointLabel } from './endpoint-runtime.ts';

/** Of each priority the endpoints that are this gateway's, if a backend is to be divided among gateways; else all. */
export function ownEndpoints(
  endpoints: readonly RouteEndpoint[],
  { subsetSize }: Pick<BackendPolicy, 'subsetSize'>,
  gatewayName: string,
): readonly RouteEndpoint[] {
  if (subsetSize === 'off' || endpoints.length <= subsetSize) return endpoints;
  const priorities = new Set(endpoints.map(({ priority }) => priority ?? 0));
  return [...priorities].flatMap((priority) => {
    const group = endpoints.filter((endpoint) => (endpoint.priority ?? 0) === priority);
    const names = group.map(endpointLabel);
    return rendezvousSubset(names, gatewayName, subsetSize).map((index) => group[index]!);
  });
}
