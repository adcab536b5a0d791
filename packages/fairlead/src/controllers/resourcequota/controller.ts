import type { ResourceRef, Stored } from '@fairlead/api';
import { deepEqual } from '@fairlead/client';
import type { Controller, ControllerContext } from '../controller.ts';
import { discoverResources } from '../discovery.ts';
import { type SyncResult, startWorkQueue } from '../work-queue.ts';
import { resourceQuotas } from '../workload/resource-refs.ts';
import { type CountedObjects, decideUsage, givesBack, isBoundBy } from './decide-usage.ts';

/** Use that admission has booked and this cache does not show yet is believed for this long, milliseconds. */
const believeMs = 300;
const recountEveryMs = 300_000;

/** Keeps the status of ResourceQuotas: admission books what comes, this gives back what went. */
export const resourceQuotaController: Controller = {
  name: 'resourcequota',
  needs: [resourceQuotas],
  start(context) {
    const controller = new ResourceQuotaController(context);
    return { stop: () => controller.queue.stop() };
  },
};

class ResourceQuotaController {
  readonly #context: ControllerContext;
  readonly #quotas;
  /** Resources that some quota bounds, by `group/plural`: each has an informer from then on. */
  readonly #counted = new Map<string, ResourceRef<object>>();
  readonly #doubts = new Map<string, { readonly version: string; readonly atMs: number }>();
  #served: Promise<readonly ResourceRef<object>[]> | undefined;
  readonly queue;

  constructor(context: ControllerContext) {
    this.#context = context;
    this.queue = startWorkQueue({ ...context, name: 'resourcequota', sync: (key) => this.#sync(key) });
    this.#quotas = context.informers.informer(resourceQuotas);
    context.informers.collection(resourceQuotas).subscribe((changes) => {
      for (const change of changes) this.queue.add(change.key);
    });
  }

  async #sync(key: string): Promise<SyncResult> {
    const { client, informers } = this.#context;
    await this.#quotas.synced;
    const quota = this.#quotas.get(key);
    if (quota === undefined) {
      this.#doubts.delete(key);
      return undefined;
    }
    const names = Object.keys(quota.spec?.hard ?? {});
    const objects: CountedObjects = await Promise.all(
      (await this.#resourcesFor(names)).map(async (ref) => {
        const informer = informers.informer(ref);
        await informer.synced;
        const { namespace } = quota.metadata;
        const own = [...informer.values()].filter(({ metadata }) => metadata.namespace === namespace);
        return [ref, own] as const;
      }),
    );
    const status = decideUsage(quota, objects);
    if (deepEqual(quota.status, status)) {
      this.#doubts.delete(key);
      return { againAfterMs: recountEveryMs };
    }
    if (givesBack(quota.status, status) && !this.#isSettled(key, quota)) return { againAfterMs: believeMs };
    this.#doubts.delete(key);
    const written = await client.update(resourceQuotas, { ...quota, status }, { subresource: 'status' });
    await this.#quotas.caughtUp(written.metadata.resourceVersion);
    return { againAfterMs: recountEveryMs };
  }

  /**
   * A booking is committed with its object, so a quota that has not changed for a while has no booking whose
   * object this cache does not show.
   */
  #isSettled(key: string, quota: Stored<object>): boolean {
    const { resourceVersion: version } = quota.metadata;
    const doubt = this.#doubts.get(key);
    const now = this.#context.clock.monotonicMs();
    if (doubt?.version === version) return now - doubt.atMs >= believeMs;
    this.#doubts.set(key, { version, atMs: now });
    return false;
  }

  /** The resources whose objects the bounds count; unknown ones are asked for again at the next recount. */
  async #resourcesFor(names: readonly string[]): Promise<ResourceRef<object>[]> {
    this.#served ??= discoverResources(this.#context.client).then(
      (all) => all.filter(({ namespaced, verbs }) => namespaced && verbs.includes('list') && verbs.includes('watch')),
      (error: unknown) => {
        this.#served = undefined;
        throw error;
      },
    ) as Promise<readonly ResourceRef<object>[]>;
    const served = await this.#served;
    const wanted = served.filter((ref) => names.some((name) => isBoundBy(name, ref)));
    if (!names.every((name) => served.some((ref) => isBoundBy(name, ref)))) this.#served = undefined;
    for (const ref of wanted) this.#follow(ref);
    return wanted;
  }

  #follow(ref: ResourceRef<object>): void {
    const name = `${ref.group}/${ref.plural}`;
    if (this.#counted.has(name)) return;
    this.#counted.set(name, ref);
    this.#context.informers.collection(ref).subscribe((changes) => {
      const touched = new Set(changes.map((change) => (change.new ?? change.old)?.metadata.namespace));
      for (const { metadata, spec } of this.#quotas.values()) {
        const bounds = Object.keys(spec?.hard ?? {}).some((bound) => isBoundBy(bound, ref));
        if (bounds && touched.has(metadata.namespace)) this.queue.add(`${metadata.namespace}/${metadata.name}`);
      }
    });
  }
}
