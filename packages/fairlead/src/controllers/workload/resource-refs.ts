import type {
  ControllerRevision,
  CronJob,
  DaemonSet,
  HorizontalPodAutoscaler,
  IPAddress,
  Job,
  PersistentVolume,
  PersistentVolumeClaim,
  PodDisruptionBudget,
  ReplicationController,
  ResourceQuota,
  ResourceRef,
  StatefulSet,
  StorageClass,
} from '@fairlead/api';

function ref<T>(group: string, kind: string, plural: string): ResourceRef<T> {
  return { group, version: 'v1', kind, plural, namespaced: true };
}

/** Workload resources that only controllers work with. */
export const statefulSets: ResourceRef<StatefulSet> = ref('apps', 'StatefulSet', 'statefulsets');
export const daemonSets: ResourceRef<DaemonSet> = ref('apps', 'DaemonSet', 'daemonsets');
export const controllerRevisions: ResourceRef<ControllerRevision> = ref(
  'apps',
  'ControllerRevision',
  'controllerrevisions',
);
export const jobs: ResourceRef<Job> = ref('batch', 'Job', 'jobs');
export const cronJobs: ResourceRef<CronJob> = ref('batch', 'CronJob', 'cronjobs');
export const podDisruptionBudgets: ResourceRef<PodDisruptionBudget> = ref(
  'policy',
  'PodDisruptionBudget',
  'poddisruptionbudgets',
);
export const replicationControllers: ResourceRef<ReplicationController> = ref(
  '',
  'ReplicationController',
  'replicationcontrollers',
);
export const persistentVolumeClaims: ResourceRef<PersistentVolumeClaim> = ref(
  '',
  'PersistentVolumeClaim',
  'persistentvolumeclaims',
);
export const resourceQuotas: ResourceRef<ResourceQuota> = ref('', 'ResourceQuota', 'resourcequotas');
export const horizontalPodAutoscalers: ResourceRef<HorizontalPodAutoscaler> = {
  ...ref('autoscaling', 'HorizontalPodAutoscaler', 'horizontalpodautoscalers'),
  version: 'v2',
};

/** The same, cluster-wide. */
export const ipAddresses: ResourceRef<IPAddress> = {
  ...ref('networking.k8s.io', 'IPAddress', 'ipaddresses'),
  namespaced: false,
};

/** Cluster-wide resources of storage. */
export const persistentVolumes: ResourceRef<PersistentVolume> = {
  ...ref('', 'PersistentVolume', 'persistentvolumes'),
  namespaced: false,
};
export const storageClasses: ResourceRef<StorageClass> = {
  ...ref('storage.k8s.io', 'StorageClass', 'storageclasses'),
  namespaced: false,
};
