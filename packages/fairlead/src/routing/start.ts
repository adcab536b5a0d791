import { endpointSlices, ingressClasses, ingresses, type ResourceRef, services } from '@fairlead/api';
import { type Informer, startInformer } from '@fairlead/client';
import { type RoutingOptions, type RunningRouting, startRoutingLoop } from './routing-loop.ts';

export type { RoutingOptions, RunningRouting } from './routing-loop.ts';

/**
 * Watches Ingresses, IngressClasses, Services and EndpointSlices, and turns them into route table
 * differences. Returns at once; the first difference comes when all four have been listed, so a
 * restarted gateway never runs a half-known table. Without an API it waits, and keeps what it has.
 */
export async function startRouting(options: RoutingOptions): Promise<RunningRouting> {
  const informers: Informer<unknown>[] = [];
  function watch<T>(ref: ResourceRef<T>): Informer<T> {
    const informer = startInformer(options.client, ref, {}, { clock: options.clock, log: options.log });
    informers.push(informer as Informer<unknown>);
    return informer;
  }
  const routing = startRoutingLoop(
    {
      ingresses: watch(ingresses),
      ingressClasses: watch(ingressClasses),
      services: watch(services),
      endpointSlices: watch(endpointSlices),
    },
    options,
  );
  return {
    table: () => routing.table(),
    async stop() {
      for (const informer of informers) informer.stop();
      await routing.stop();
    },
  };
}
