import { type Pod, pods, type Service, type Stored, services } from '@fairlead/api';
import { deepEqual } from '@fairlead/client';
import { type Collection, groupBy } from '../../collections/index.ts';
import type { ControllerContext } from '../controller.ts';
import { isPodReady } from '../workload/pod-state.ts';

/** The Pods that a Service selects, kept by namespace; and word of Services whose Pods changed. */
export interface ServiceWatch {
  podsOf(service: Stored<Service>): readonly Stored<Pod>[];
}

/** Calls `wake` with the keys of Services that may need other endpoints. */
export function watchServices(context: ControllerContext, wake: (key: string) => void): ServiceWatch {
  const serviceCollection = context.informers.collection(services);
  const podCollection = context.informers.collection(pods);
  const podsByNamespace = groupBy<Stored<Pod>>('pods by namespace', podCollection, (pod) => pod.metadata.namespace);
  const servicesByNamespace: Collection<readonly Stored<Service>[]> = groupBy<Stored<Service>>(
    'services by namespace',
    serviceCollection,
    (service) => service.metadata.namespace,
  );
  serviceCollection.subscribe((changes) => {
    for (const change of changes) wake(change.key);
  });
  podCollection.subscribe((changes) => {
    for (const { old, new: next } of changes) {
      if (old !== undefined && next !== undefined && sameForServices(old, next)) continue;
      for (const service of servicesByNamespace.get((next ?? old)?.metadata.namespace ?? '') ?? []) {
        const selected = [old, next].some((pod) => pod !== undefined && selects(service, pod));
        if (selected) wake(`${service.metadata.namespace}/${service.metadata.name}`);
      }
    }
  });
  return {
    podsOf: (service) =>
      (podsByNamespace.get(service.metadata.namespace ?? '') ?? []).filter((pod) => selects(service, pod)),
  };
}

/** Whether a Service's selector takes a Pod; an empty selector takes none. */
export function selects(service: Service, pod: Pod): boolean {
  const wanted = Object.entries(service.spec?.selector ?? {});
  return wanted.length > 0 && wanted.every(([key, value]) => pod.metadata?.labels?.[key] === value);
}

/** Whether nothing that shows in endpoints differs: most Pod writes are of no interest to a Service. */
function sameForServices(a: Stored<Pod>, b: Stored<Pod>): boolean {
  return (
    a.metadata.uid === b.metadata.uid &&
    a.metadata.deletionTimestamp === b.metadata.deletionTimestamp &&
    a.status?.phase === b.status?.phase &&
    a.spec?.nodeName === b.spec?.nodeName &&
    isPodReady(a) === isPodReady(b) &&
    deepEqual(a.metadata.labels, b.metadata.labels) &&
    deepEqual(a.status?.podIPs, b.status?.podIPs) &&
    a.status?.podIP === b.status?.podIP
  );
}
