import type { Ingress, Service } from '@fairlead/api';
import { compileExternalIngress, compileExternalService, type ExternalCompileOptions } from './compile-external.ts';
import { compileExternalRoute, parentGateways } from './compile-gateway.ts';
import type { DnsSource, RecordSink } from './dns-source.ts';
import type { DnsGateway, DnsRoute } from './gateway-kinds.ts';

/** The objects that the names for clients outside come from. */
export interface ExternalSources {
  readonly services: DnsSource<Service>;
  readonly ingresses: DnsSource<Ingress>;
  /** Gateways, and routes by the plural name of their kind; absent: the Gateway API is not read. */
  readonly gateways?: DnsSource<DnsGateway> | undefined;
  readonly routes?: Readonly<Record<string, DnsSource<DnsRoute>>> | undefined;
}

/** Keeps the records of the external zone. Returns a function that ends it. */
export function startExternalLoop(
  sources: ExternalSources,
  sink: RecordSink,
  options: ExternalCompileOptions,
): () => void {
  const { services, ingresses, gateways, routes = {} } = sources;
  const unsubscribers = [
    ingresses.subscribe((changes) => {
      for (const { key, new: ingress } of changes) {
        sink.setSource(`ingress/${key}`, ingress && compileExternalIngress(ingress, options));
      }
    }),
    services.subscribe((changes) => {
      for (const { key, new: service } of changes) {
        sink.setSource(`external/${key}`, service && compileExternalService(service, options));
      }
    }),
  ];
  if (gateways === undefined) return () => unsubscribers.forEach((end) => void end());
  /** Routes by the Gateways that they name. */
  const byGateway = new Map<string, Map<string, DnsRoute>>();
  const install = (source: string, route: DnsRoute | undefined): void => {
    sink.setSource(source, route && compileExternalRoute(route, (key) => gateways.get(key), options));
  };
  for (const [kind, source] of Object.entries(routes)) {
    unsubscribers.push(
      source.subscribe((changes) => {
        for (const { key, old, new: route } of changes) {
          const name = `${kind}/${key}`;
          for (const gateway of old === undefined ? [] : parentGateways(old)) byGateway.get(gateway)?.delete(name);
          for (const gateway of route === undefined ? [] : parentGateways(route)) {
            const known = byGateway.get(gateway) ?? new Map<string, DnsRoute>();
            byGateway.set(gateway, known.set(name, route!));
          }
          install(name, route);
        }
      }),
    );
  }
  unsubscribers.push(
    gateways.subscribe((changes) => {
      for (const { key } of changes) for (const [name, route] of byGateway.get(key) ?? []) install(name, route);
    }),
  );
  return () => unsubscribers.forEach((end) => void end());
}
