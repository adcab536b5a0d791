import { deepEqual } from '@fairlead/client';
import type { BackendRef, IngressRules } from './compile-ingress.ts';
import type { L4Route, RouteListener } from './route-table.ts';

/** Connect time as Envoy (5 s); idle time of relayed connections as Envoy's TCP proxy (1 h). */
const CONNECT_MS = 5_000;
const IDLE_MS = 3_600_000;
const DATAGRAM_IDLE_MS = 120_000;

/** The Service ports behind a TCP or UDP listener, each with its weight. */
export function listenerBackends(
  listener: RouteListener,
): readonly { readonly ref: BackendRef; readonly weight: number }[] {
  const { services = [], protocol, name } = listener;
  const transport = protocol === 'udp' ? ('UDP' as const) : undefined;
  return services.map(({ namespace, name: service, port, weight }) => ({
    ref: {
      key: `${namespace}/${service}:${port}${transport === undefined ? '' : '/UDP'}`,
      namespace,
      service,
      port,
      field: name,
      ...(transport === undefined ? {} : { transport }),
    },
    weight,
  }));
}

/** The relayed routes of a route table: of whole listeners, and of hosts that Ingresses pass through. */
export class L4RouteTable {
  readonly routes: Map<string, L4Route> = new Map();
  readonly #tlsListeners: readonly string[];

  constructor(listeners: readonly RouteListener[]) {
    this.#tlsListeners = listeners
      .filter(({ protocol }) => protocol === 'https' || protocol === 'tls-passthrough')
      .map(({ name }) => name);
    for (const listener of listeners) {
      const backends = listenerBackends(listener);
      const [first] = backends;
      if (first === undefined) continue;
      this.routes.set(`${listener.name}|*`, {
        source: { kind: 'Service', namespace: first.ref.namespace, name: first.ref.service, field: 'spec.ports' },
        listener: listener.name,
        hostname: '*',
        backends: backends.map(({ ref, weight }) => ({ backend: ref.key, weight })),
        connectMs: CONNECT_MS,
        idleMs: listener.protocol === 'udp' ? DATAGRAM_IDLE_MS : IDLE_MS,
      });
    }
  }

  /** Recompiles one hostname from the Ingresses that have it, the oldest first. Returns what changed. */
  updateHost(
    hostname: string,
    ingresses: readonly (readonly [ingress: string, rules: IngressRules])[],
  ): [string, L4Route | undefined][] {
    const changes: [string, L4Route | undefined][] = [];
    const found = ingresses
      .map(([ingress, { passthrough }]) => [ingress, passthrough.find((host) => host.hostname === hostname)] as const)
      .find(([, host]) => host !== undefined);
    for (const listener of this.#tlsListeners) {
      const key = `${listener}|${hostname}`;
      const [ingress = '', host] = found ?? [];
      const [namespace = '', name = ''] = ingress.split('/');
      const route: L4Route | undefined =
        host === undefined
          ? undefined
          : {
              source: { kind: 'Ingress', namespace, name, field: host.field },
              listener,
              hostname,
              backends: [{ backend: host.backend, weight: 1 }],
              connectMs: CONNECT_MS,
              idleMs: IDLE_MS,
            };
      if (deepEqual(route, this.routes.get(key))) continue;
      if (route === undefined) this.routes.delete(key);
      else this.routes.set(key, route);
      changes.push([key, route]);
    }
    return changes;
  }
}
