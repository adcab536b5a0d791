import { type DaemonSet, type Node, nodes, type Pod, type Stored } from '@fairlead/api';
import { deepEqual } from '@fairlead/client';
import type { Controller } from '../controller.ts';
import { type OwnerKind, ownerReference } from '../workload/pod-control.ts';
import { controllerRevisions, daemonSets } from '../workload/resource-refs.ts';
import { RevisionedController } from '../workload/revisioned-controller.ts';
import { revisionLabel } from '../workload/revisions.ts';
import { daemonTolerations, decideDaemonPods } from './decide-pods.ts';

const about: OwnerKind = { kind: 'DaemonSet', apiVersion: 'apps/v1' };

/** Keeps one Pod on every node that the template fits. */
export const daemonSetController: Controller = {
  name: 'daemonset',
  needs: [daemonSets, controllerRevisions],
  start(context) {
    const allNodes = context.informers.informer(nodes);
    const controller = new RevisionedController<DaemonSet>(context, 'daemonset', {
      about,
      resource: daemonSets,
      synced: allNodes.synced,
      decide(set, owned, history, leaving) {
        const hash = history.present.metadata.labels?.[revisionLabel] ?? '';
        const decision = decideDaemonPods(set, [...allNodes.values()], owned, leaving, hash, context.clock.now());
        const { remove, status, againAfterMs } = decision;
        const labels = owned.map((pod) => pod.metadata.labels?.[revisionLabel] ?? '');
        const used = new Set(labels.map((label) => `${set.metadata.name}-${label}`));
        return {
          create: decision.create.map((node) => daemonPod(set, node, hash)),
          remove,
          status,
          againAfterMs,
          used,
        };
      },
      createdText: (_, pod) => `Created pod: ${pod}`,
      removedText: (_, pod) => `Deleted pod: ${pod}`,
    });
    context.informers.collection(nodes).subscribe((changes) => {
      const relevant = changes.some(({ old, new: now }) => !deepEqual(placementOf(old), placementOf(now)));
      if (relevant) controller.wakeAll();
    });
    return controller;
  },
};

/** What of a node decides about DaemonSets. */
function placementOf(node: Node | undefined): unknown {
  return node === undefined ? undefined : { labels: node.metadata?.labels, taints: node.spec?.taints };
}

/** The Pod for a node; the scheduler binds it there and nowhere else. */
function daemonPod(set: Stored<DaemonSet>, node: string, hash: string): Pod {
  const template = set.spec!.template;
  const { labels, annotations, finalizers } = template.metadata ?? {};
  const spec = template.spec!;
  const nodeAffinity = {
    ...spec.affinity?.nodeAffinity,
    requiredDuringSchedulingIgnoredDuringExecution: {
      nodeSelectorTerms: [{ matchFields: [{ key: 'metadata.name', operator: 'In' as const, values: [node] }] }],
    },
  };
  return {
    apiVersion: 'v1',
    kind: 'Pod',
    metadata: {
      generateName: `${set.metadata.name}-`,
      ...(set.metadata.namespace === undefined ? {} : { namespace: set.metadata.namespace }),
      labels: {
        ...labels,
        [revisionLabel]: hash,
        'pod-template-generation': String(set.metadata.generation ?? 1),
      },
      ...(annotations === undefined ? {} : { annotations }),
      ...(finalizers === undefined ? {} : { finalizers }),
      ownerReferences: [ownerReference(set, about)],
    },
    spec: {
      ...spec,
      affinity: { ...spec.affinity, nodeAffinity },
      tolerations: [...(spec.tolerations ?? []), ...daemonTolerations(spec.hostNetwork === true)],
    },
  };
}
