import { objectKey, type Stored } from '@fairlead/api';
import { staticCollection } from '../../collections/index.ts';
import { RouteTableBuilder } from '../../routing/build-route-table.ts';
import { hostCandidates, matchRoute } from '../../routing/match.ts';
import type { RouteTable } from '../../routing/route-table.ts';
import { normalizePath } from '../../wire/http1/path.ts';
import { describeEndpoint } from './explain-service.ts';
import type { Explanation, Question, Step } from './explanation.ts';
import type { World } from './world.ts';

const listener = 'http';

/** The routes that the gateway runs, compiled from the same objects by the same compiler. */
export function gatewayRoutes(world: World, className: string): RouteTable {
  const collection = <T extends object>(name: string, items: Iterable<Stored<T>>) =>
    staticCollection(
      name,
      [...items].map((item) => [objectKey(item), item] as const),
    );
  const builder = new RouteTableBuilder(
    {
      ingresses: collection('ingresses', world.ingresses),
      ingressClasses: collection('ingress classes', world.ingressClasses),
      services: collection('services', world.services.values()),
      endpointSlices: collection('slices', [...world.slices.values()].flat()),
    },
    [
      { name: listener, protocol: 'http', address: '0.0.0.0', port: 80 },
      { name: 'https', protocol: 'https', address: '0.0.0.0', port: 443 },
    ],
    className,
    () => {},
  );
  builder.flush();
  return builder.table;
}

/** Whether any route asks for this host, itself or by a wildcard. `host` may have a port. */
export function servesHost(table: RouteTable, host: string): boolean {
  return hostCandidates(host).some((name) => name !== '*' && table.hosts.has(`${listener}|${name}`));
}

/** The target as routes are asked for it; undefined for one that the gateway refuses. */
function matchedTarget(target: string): string | undefined {
  const query = target.indexOf('?');
  const path = normalizePath(Buffer.from(query < 0 ? target : target.slice(0, query)));
  return path.ok ? path.path.toString('latin1') + (query < 0 ? '' : target.slice(query)) : undefined;
}

/** Follows a request through the gateway's routes. */
export function explainRequest(world: World, table: RouteTable, question: Question): Explanation {
  const { request } = question;
  const method = request?.method ?? 'GET';
  const target = request?.target ?? '/';
  const host = request?.headers.get('host') ?? question.host;
  const addresses = new Set(
    world.ingresses
      .flatMap((ingress) => ingress.status?.loadBalancer?.ingress ?? [])
      .map((entry) => entry.ip ?? entry.hostname),
  );
  const steps: Step[] = [
    {
      layer: 'gateway',
      text: `${method} ${target} for host ${host}, at ${[...addresses].join(', ') || 'the gateway'}`,
    },
  ];
  const answered = (text: string): Explanation => ({
    outcome: 'answered',
    steps: [...steps, { layer: 'result', text }],
    endpoints: [],
  });
  const matched = matchedTarget(target);
  if (matched === undefined) return answered('400: the path cannot be read in one way only');
  const hit = matchRoute(table, { listener, host, method, target: matched, headers: request?.headers ?? new Map() });
  if (hit === undefined) {
    const known = servesHost(table, host) ? `no rule of host ${host} matches ${target}` : `no Ingress has host ${host}`;
    return answered(`404: ${known}`);
  }
  const { source, match, action, filters = [] } = hit.route;
  steps.push({
    layer: 'route',
    text: `${match.path.type} ${match.path.value} of host ${hit.host.hostname}: ${source.kind} ${source.namespace}/${source.name}, ${source.field}`,
  });
  if (filters.length > 0) {
    steps.push({ layer: 'route', text: `${filters.map(({ type }) => type).join(', ')}, in this order` });
  }
  const [first] = filters;
  if (first?.type === 'closed') return answered(`503: ${first.what} cannot be used`);
  if (first?.type === 'https-redirect') return answered(`${first.status}: to HTTPS`);
  if (first?.type === 'redirect' && first.path === undefined) return answered(`redirects with ${first.status}`);
  switch (action.type) {
    case 'respond':
      return answered(`answers ${action.status}`);
    case 'redirect':
      return answered(`redirects with ${action.status}`);
    case 'forward': {
      const endpoints: string[] = [];
      for (const weighted of action.backends) {
        const backend = table.backends.get(weighted.backend);
        const all = backend?.endpoints ?? [];
        const first = Math.min(...all.map(({ priority = 0 }) => priority));
        const list = all.filter(({ priority = 0 }) => priority === first).map(addressOf);
        const standIns = all.length === list.length ? '' : `, and ${all.length - list.length} that stand in`;
        steps.push({
          layer: 'service',
          text: `Service ${weighted.backend}, weight ${weighted.weight}, ${backend?.balance ?? 'no'} balancing over ${list.length} endpoint${list.length === 1 ? '' : 's'}${standIns}`,
        });
        for (const endpoint of all) {
          const { priority = 0 } = endpoint;
          const role = priority === first ? '' : ` (stands in, priority ${priority})`;
          steps.push({ layer: 'endpoint', text: describeEndpoint(world, addressOf(endpoint)) + role });
        }
        endpoints.push(...list);
      }
      if (endpoints.length === 0) {
        return {
          outcome: 'answered',
          steps: [...steps, { layer: 'result', text: '503: the Service has no ready endpoint' }],
          endpoints,
        };
      }
      const text = endpoints.length === 1 ? 'reaches that endpoint' : `reaches one of ${endpoints.length} endpoints`;
      return { outcome: 'reaches', steps: [...steps, { layer: 'result', text }], endpoints };
    }
  }
}

function addressOf({ address, port }: { readonly address: string; readonly port: number }): string {
  return address.includes(':') ? `[${address}]:${port}` : `${address}:${port}`;
}
