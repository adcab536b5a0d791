import type { Pod, StatefulSet, Stored } from '@fairlead/api';
import type { Controller } from '../controller.ts';
import type { OwnerKind } from '../workload/pod-control.ts';
import { controllerRevisions, statefulSets } from '../workload/resource-refs.ts';
import { RevisionedController, type RevisionedDecision } from '../workload/revisioned-controller.ts';
import { type RevisionHistory, revisionLabel, templateOf } from '../workload/revisions.ts';
import { ClaimControl } from './claim-control.ts';
import { decideSetPods, ordinalOf } from './decide-pods.ts';
import { setPod } from './set-pod.ts';

const about: OwnerKind = { kind: 'StatefulSet', apiVersion: 'apps/v1' };

/** Keeps numbered Pods with stable names and claims, and rolls new templates out from the last to the first. */
export const statefulSetController: Controller = {
  name: 'statefulset',
  needs: [statefulSets, controllerRevisions],
  start(context) {
    const claims = new ClaimControl(context, about, context.recorder('statefulset-controller'));
    return new RevisionedController<StatefulSet>(context, 'statefulset', {
      about,
      resource: statefulSets,
      decide: (set, owned, history, leaving) => decide(set, owned, history, leaving, context.clock.now()),
      async prepare(set, owned, { create }) {
        for (const pod of create) await claims.ensure(set, ordinalOf(set.metadata.name, pod.metadata?.name ?? '') ?? 0);
        await claims.retain(set, owned);
      },
      createdText: ({ metadata }, pod) => `create Pod ${pod} in StatefulSet ${metadata.name} successful`,
      removedText: ({ metadata }, pod) => `delete Pod ${pod} in StatefulSet ${metadata.name} successful`,
    });
  },
};

function decide(
  set: Stored<StatefulSet>,
  owned: readonly Stored<Pod>[],
  history: RevisionHistory,
  leaving: (pod: Stored<Pod>) => boolean,
  nowMs: number,
): RevisionedDecision<StatefulSet['status']> {
  const update = history.present.metadata.name;
  const known = history.all.find((revision) => revision.metadata.name === set.status?.currentRevision);
  const current = known?.metadata.name ?? update;
  const { create, remove, status, againAfterMs } = decideSetPods(set, owned, leaving, { current, update }, nowMs);
  if (status.conditions === undefined) delete status.conditions;
  const made = create.map(({ ordinal, revision }) => {
    const old = revision === current && known !== undefined ? templateOf(known) : undefined;
    return setPod(set, about, old ?? set.spec!.template, ordinal, revision);
  });
  const labels = owned.map((pod) => pod.metadata.labels?.[revisionLabel] ?? '');
  return { create: made, remove, status, againAfterMs, used: new Set([status.currentRevision ?? '', ...labels]) };
}
