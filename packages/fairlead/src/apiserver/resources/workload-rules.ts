import { podSpecIn, replacePodSpec } from '../warnings/workload-warnings.ts';
import { type KubeObject, recordOf } from '../watch/kube-object.ts';
import { withoutGatedPodFields } from './pod-forms.ts';

const templateGeneration = 'deprecated.daemonset.template.generation';

/** Workload kinds beyond Deployment and ReplicaSet that count generations. */
export const workloadKinds: readonly string[] = ['CronJob', 'DaemonSet', 'Job', 'PodDisruptionBudget', 'StatefulSet'];

/** The status that new objects of a kind start with, as the real server shows it. */
const firstStatus: Readonly<Record<string, object>> = {
  StatefulSet: { replicas: 0, availableReplicas: 0 },
  DaemonSet: { currentNumberScheduled: 0, numberMisscheduled: 0, desiredNumberScheduled: 0, numberReady: 0 },
  Job: {},
  CronJob: {},
  PodDisruptionBudget: { disruptionsAllowed: 0, currentHealthy: 0, desiredHealthy: 0, expectedPods: 0 },
  HorizontalPodAutoscaler: { desiredReplicas: 0, currentMetrics: null },
  ServiceCIDR: {},
  ResourceQuota: {},
  PersistentVolumeClaim: { phase: 'Pending' },
  ReplicationController: { replicas: 0 },
};

/** Fills in what a create of these kinds sets by itself. Changes `object`, which has its uid. */
export function prepareNewWorkload(kind: string, object: KubeObject): void {
  const status = firstStatus[kind];
  if (status !== undefined) object.status = structuredClone(status);
  if (kind === 'PersistentVolume') {
    object.status = { phase: 'Pending', lastPhaseTransitionTime: object.metadata.creationTimestamp };
  }
  if (kind === 'Job') selectOwnPods(object);
  markTemplateGeneration(kind, object, '1');
}

/** Marks when a PersistentVolume came to its phase, where its writer does not. Changes `next`, not its parts. */
export function stampVolumePhase(next: KubeObject, old: KubeObject, now: string): void {
  const before = recordOf(old.status) ?? {};
  const status = recordOf(next.status) ?? {};
  const given = status.lastPhaseTransitionTime;
  const same = status.phase === before.phase;
  if (same ? given !== undefined : given !== undefined && given !== before.lastPhaseTransitionTime) return;
  const time = same ? before.lastPhaseTransitionTime : now;
  if (time !== undefined) next.status = { ...status, lastPhaseTransitionTime: time };
}

/** The generation of a DaemonSet's template, which its older form had as a field. Changes `object`. */
export function markTemplateGeneration(kind: string, object: KubeObject, generation: string): void {
  if (kind !== 'DaemonSet') return;
  object.metadata.annotations = { ...object.metadata.annotations, [templateGeneration]: generation };
}

/** An update keeps the mark of the template's generation. Changes the metadata of `object`. */
export function keepTemplateGeneration(object: KubeObject, old: KubeObject): void {
  const generation = old.metadata.annotations?.[templateGeneration];
  if (generation !== undefined) markTemplateGeneration('DaemonSet', object, generation);
}

/** A Job selects its Pods by its own uid, unless its writer says otherwise. */
function selectOwnPods(job: KubeObject): void {
  const spec = { ...recordOf(job.spec) };
  job.spec = spec;
  if (spec.manualSelector === true) return;
  const { name = '', uid = '' } = job.metadata;
  const labels = {
    'batch.kubernetes.io/controller-uid': uid,
    'batch.kubernetes.io/job-name': name,
    'controller-uid': uid,
    'job-name': name,
  };
  const template = { ...recordOf(spec.template) };
  spec.template = template;
  const metadata = { ...recordOf(template.metadata) };
  template.metadata = metadata;
  // Those that the writer gave are kept, and refused by validation when they are not the Job's.
  metadata.labels = { ...labels, ...recordOf(metadata.labels) };
  // A Job without labels of its own has those of its Pods.
  const isUnlabelled = Object.keys(job.metadata.labels ?? {}).length === 0;
  if (isUnlabelled) job.metadata.labels = { ...(metadata.labels as Record<string, string>) };
  const selector = recordOf(spec.selector) ?? {};
  spec.selector = {
    ...selector,
    matchLabels: { 'batch.kubernetes.io/controller-uid': uid, ...recordOf(selector.matchLabels) },
  };
}

/** Drops what is behind gates that are closed in 1.34. Changes `object`. */
export function dropGatedFields(
  { kind, group }: { readonly kind: string; readonly group: string },
  object: KubeObject,
): void {
  if (kind === 'Lease' && group === 'coordination.k8s.io') {
    const spec = recordOf(object.spec);
    if (spec?.strategy === undefined && spec?.preferredHolder === undefined) return;
    const { strategy: _, preferredHolder: __, ...rest } = spec;
    object.spec = rest;
  } else if (kind === 'EndpointSlice' && Array.isArray(object.endpoints)) {
    // The older version of the kind kept other labels of the node here.
    object.endpoints = (object.endpoints as Record<string, unknown>[]).map(
      ({ deprecatedTopology: _, ...rest }) => rest,
    );
  }
}

const podGroups: readonly string[] = ['', 'apps', 'batch'];

/**
 * The same for Pods and what Pods are made from, once managed fields have been told: who set a field owns it, though
 * it is dropped. Changes `object`, not its parts.
 */
export function dropGatedPodFields(
  { kind, group }: { readonly kind: string; readonly group: string },
  object: KubeObject,
): void {
  const spec = podGroups.includes(group) ? podSpecIn(kind, object) : undefined;
  if (spec !== undefined) replacePodSpec(kind, object, withoutGatedPodFields(spec));
  const strategy = kind === 'StatefulSet' ? recordOf(recordOf(object.spec)?.updateStrategy) : undefined;
  const rolling = recordOf(strategy?.rollingUpdate);
  if (rolling?.maxUnavailable === undefined) return;
  const { maxUnavailable: _, ...others } = rolling;
  object.spec = { ...recordOf(object.spec), updateStrategy: { ...strategy, rollingUpdate: others } };
}
