import { nodes, pods, services } from '@fairlead/api';
import type { Controller, ControllerContext } from '../controller.ts';
import { startWorkQueue } from '../work-queue.ts';
import { desiredEndpoints, familiesOf, zoneOfNode } from './desired-endpoints.ts';
import { planSlices } from './plan-slices.ts';
import { watchServices } from './service-watch.ts';
import { managedByLabel, SliceWriter, serviceNameLabel } from './slice-writer.ts';
import { TriggerTimes, triggerTimeAnnotation } from './trigger-times.ts';

const managedBy = 'endpointslice-controller.k8s.io';
/** On slices (and Endpoints) of a Service without a cluster IP, as in Kubernetes. */
export const headlessLabel = 'service.kubernetes.io/headless';

/** Keeps the EndpointSlices of Services with a selector in step with their Pods. */
export const endpointSliceController: Controller = {
  name: 'endpointslice',
  start(context) {
    const controller = new EndpointSliceController(context);
    return { stop: () => controller.queue.stop() };
  },
};

class EndpointSliceController {
  readonly #serviceInformer;
  readonly #podInformer;
  readonly #nodeInformer;
  readonly #watch;
  readonly #slices;
  readonly #triggerTimes = new TriggerTimes();
  readonly queue;

  constructor(context: ControllerContext) {
    this.queue = startWorkQueue({ ...context, name: 'endpointslice', sync: (key) => this.#sync(key) });
    const wake = (key: string): void => this.queue.add(key);
    this.#serviceInformer = context.informers.informer(services);
    this.#podInformer = context.informers.informer(pods);
    this.#nodeInformer = context.informers.informer(nodes);
    this.#slices = new SliceWriter(context, managedBy, wake);
    this.#watch = watchServices(context, wake);
    context.informers.collection(nodes).subscribe((changes) => {
      // A node's zone stands in every endpoint on it.
      if (changes.some((change) => zoneOfNode(change.old) !== zoneOfNode(change.new))) {
        for (const service of this.#serviceInformer.values())
          wake(`${service.metadata.namespace}/${service.metadata.name}`);
      }
    });
  }

  async #sync(key: string): Promise<void> {
    const { synced } = this.#serviceInformer;
    await Promise.all([synced, this.#podInformer.synced, this.#nodeInformer.synced, this.#slices.synced]);
    const service = this.#serviceInformer.get(key);
    if (service === undefined) {
      // The garbage collector removes slices with their owner.
      this.#triggerTimes.forget(key);
      return;
    }
    if (service.metadata.deletionTimestamp !== undefined) return;
    if (service.spec?.type === 'ExternalName') return this.#slices.removeAll(key);
    if (Object.keys(service.spec?.selector ?? {}).length === 0) return;
    const selected = this.#watch.podsOf(service);
    const groups = desiredEndpoints(service, selected, (name) => zoneOfNode(this.#nodeInformer.get(name)));
    const existing = this.#slices.of(key);
    const families = familiesOf(service);
    const plan = planSlices(groups, existing, families);
    const triggerTime = this.#triggerTimes.next(key, service, selected);
    const { name, namespace = '', uid } = service.metadata;
    const labels: Record<string, string> = {
      ...service.metadata.labels,
      [serviceNameLabel]: name,
      [managedByLabel]: managedBy,
      ...(service.spec?.clusterIP === 'None' ? { [headlessLabel]: '' } : {}),
    };
    await this.#slices.write(
      plan,
      {
        name,
        namespace,
        labels,
        annotations: triggerTime === undefined ? {} : { [triggerTimeAnnotation]: triggerTime },
        owner: { apiVersion: 'v1', kind: 'Service', name, uid, controller: true, blockOwnerDeletion: true },
      },
      existing,
    );
  }
}
