import {
  configMaps as configMapKind,
  endpointSlices,
  ingressClasses,
  ingresses,
  type ResourceRef,
  secrets as secretKind,
  services,
} from '@fairlead/api';
import { type Informer, isAlreadyExists, isNotFound, pause, startInformer } from '@fairlead/client';
import { ExternalNames } from './external-names.ts';
import { ownIngressClass } from './ingress-class.ts';
import { type RoutingOptions, type RunningRouting, startRoutingLoop } from './routing-loop.ts';
import { ReferencedObjects } from './secret-source.ts';

export type { RoutingOptions, RunningRouting } from './routing-loop.ts';

/**
 * Watches Ingresses, IngressClasses, Services and EndpointSlices, and turns them into route table
 * differences; and those Secrets and ConfigMaps that an Ingress or a Service names. Returns at once; the first difference comes when all four have been listed, so a
 * restarted gateway never runs a half-known table. Without an API it waits, and keeps what it has.
 * Our IngressClass is created when it is missing.
 */
export async function startRouting(options: RoutingOptions): Promise<RunningRouting> {
  const informers: Informer<unknown>[] = [];
  function watch<T>(ref: ResourceRef<T>): Informer<T> {
    const informer = startInformer(options.client, ref, {}, { clock: options.clock, log: options.log });
    informers.push(informer as Informer<unknown>);
    return informer;
  }
  const secrets = new ReferencedObjects(secretKind, options.client, options.clock, options.log);
  const configMaps = new ReferencedObjects(configMapKind, options.client, options.clock, options.log);
  const names = new ExternalNames(options.clock);
  const routing = startRoutingLoop(
    {
      ingresses: watch(ingresses),
      ingressClasses: watch(ingressClasses),
      services: watch(services),
      endpointSlices: watch(endpointSlices),
      secrets,
      configMaps,
      names,
    },
    options,
  );
  const stopping = new AbortController();
  const ensured = keepTrying(() => ensureIngressClass(options), options, stopping.signal);
  return {
    table: () => routing.table(),
    setAddresses: (addresses) => routing.setAddresses(addresses),
    async stop() {
      stopping.abort();
      for (const informer of informers) informer.stop();
      secrets.stop();
      configMaps.stop();
      names.stop();
      await Promise.all([routing.stop(), ensured]);
    },
  };
}

const RETRY_MS = 1_000;

/** Creates our class when there is none of its name; as the default one only where no other class exists. */
async function ensureIngressClass({ client, ingressClass: name }: RoutingOptions): Promise<void> {
  try {
    await client.get(ingressClasses, { name });
    return;
  } catch (error) {
    if (!isNotFound(error)) throw error;
  }
  const others = await client.list(ingressClasses, { limit: 1 });
  try {
    await client.create(ingressClasses, ownIngressClass(name, others.items.length === 0));
  } catch (error) {
    if (!isAlreadyExists(error)) throw error;
  }
}

async function keepTrying(attempt: () => Promise<void>, options: RoutingOptions, signal: AbortSignal): Promise<void> {
  while (!signal.aborted) {
    try {
      await attempt();
      return;
    } catch (error) {
      if (signal.aborted) return;
      options.log('debug', 'ingress class not ensured', { error: (error as Error).message });
      await pause(options.clock, RETRY_MS, signal);
    }
  }
}
