import { type KubeObject, recordOf } from '../watch/kube-object.ts';

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
};

/** Fills in what a create of these kinds sets by itself. Changes `object`, which has its uid. */
export function prepareNewWorkload(kind: string, object: KubeObject): void {
  const status = firstStatus[kind];
  if (status !== undefined) object.status = structuredClone(status);
  if (kind === 'Job') selectOwnPods(object);
  if (kind === 'DaemonSet') {
    object.metadata.annotations = { ...object.metadata.annotations, [templateGeneration]: '1' };
  }
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
  metadata.labels = { ...recordOf(metadata.labels), ...labels };
  job.metadata.labels = { ...job.metadata.labels, ...labels };
  if (spec.selector === undefined) {
    spec.selector = { matchLabels: { 'batch.kubernetes.io/controller-uid': uid } };
  }
}
