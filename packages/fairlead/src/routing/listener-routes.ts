import type { RouteFilter } from './route-filters.ts';
import type { Route, RouteListener } from './route-table.ts';

/**
 * Routes of a host as one listener runs them: the way to HTTPS is for clients that came without it, and leads to the
 * listener that has it. The same list where nothing changes.
 */
export function routesOfListener(
  routes: readonly Route[],
  protocol: RouteListener['protocol'],
  listeners: ReadonlyMap<string, RouteListener>,
): readonly Route[] {
  if (!routes.some(leadsToHttps)) return routes;
  const target = [...listeners.values()].find((listener) => listener.protocol === 'https');
  const port = target?.publicPort ?? target?.port;
  return routes.map((route) => {
    if (!leadsToHttps(route)) return route;
    const { filters = [], ...rest } = route;
    const changed = filters.flatMap((filter): readonly RouteFilter[] => {
      if (filter.type !== 'https-redirect') return [filter];
      if (protocol === 'https' || target === undefined) return [];
      return [port === undefined || port === 443 ? filter : { ...filter, port }];
    });
    return changed.length === 0 ? rest : { ...rest, filters: changed };
  });
}

function leadsToHttps({ filters }: Route): boolean {
  return filters?.some(({ type }) => type === 'https-redirect') === true;
}
