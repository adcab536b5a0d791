import { isJsonObject } from '../../own-property.ts';
import { ensureObject, type JsonObject, objectsIn, setDefault, setDefaultText } from './fields.ts';
import { applyPodTemplateDefaults } from './pod.ts';

/** Defaults of a Deployment: one replica, a rolling update of a quarter at a time. */
export function applyDeploymentDefaults(deployment: JsonObject): void {
  const spec = ensureObject(deployment, 'spec');
  setDefault(spec, 'replicas', 1);
  applyPodTemplateDefaults(ensureObject(spec, 'template'));
  const strategy = ensureObject(spec, 'strategy');
  setDefaultText(strategy, 'type', 'RollingUpdate');
  if (strategy.type === 'RollingUpdate') {
    const rolling = ensureObject(strategy, 'rollingUpdate');
    setDefault(rolling, 'maxUnavailable', '25%');
    setDefault(rolling, 'maxSurge', '25%');
  }
  setDefault(spec, 'revisionHistoryLimit', 10);
  setDefault(spec, 'progressDeadlineSeconds', 600);
}

/** Defaults of a ReplicaSet. */
export function applyReplicaSetDefaults(replicaSet: JsonObject): void {
  const spec = ensureObject(replicaSet, 'spec');
  setDefault(spec, 'replicas', 1);
  applyPodTemplateDefaults(ensureObject(spec, 'template'));
}

/** Defaults of a StatefulSet: one replica, ordered, and volume claims that outlive it. */
export function applyStatefulSetDefaults(statefulSet: JsonObject): void {
  const spec = ensureObject(statefulSet, 'spec');
  setDefault(spec, 'replicas', 1);
  applyPodTemplateDefaults(ensureObject(spec, 'template'));
  for (const claim of objectsIn(spec, 'volumeClaimTemplates')) {
    setDefaultText(claim, 'kind', 'PersistentVolumeClaim');
    setDefaultText(claim, 'apiVersion', 'v1');
    setDefault(ensureObject(claim, 'spec'), 'volumeMode', 'Filesystem');
    setDefaultText(ensureObject(claim, 'status'), 'phase', 'Pending');
  }
  setDefaultText(spec, 'podManagementPolicy', 'OrderedReady');
  const strategy = ensureObject(spec, 'updateStrategy');
  // Only where nothing was said about the kind of update is its partition filled in from nothing.
  if ((strategy.type ?? '') === '') ensureObject(strategy, 'rollingUpdate');
  setDefaultText(strategy, 'type', 'RollingUpdate');
  if (strategy.type === 'RollingUpdate' && isJsonObject(strategy.rollingUpdate)) {
    setDefault(ensureObject(strategy, 'rollingUpdate'), 'partition', 0);
  }
  setDefault(spec, 'revisionHistoryLimit', 10);
  const retention = ensureObject(spec, 'persistentVolumeClaimRetentionPolicy');
  setDefaultText(retention, 'whenDeleted', 'Retain');
  setDefaultText(retention, 'whenScaled', 'Retain');
}

/** Defaults of a DaemonSet: one Pod at a time is replaced. */
export function applyDaemonSetDefaults(daemonSet: JsonObject): void {
  const spec = ensureObject(daemonSet, 'spec');
  applyPodTemplateDefaults(ensureObject(spec, 'template'));
  const strategy = ensureObject(spec, 'updateStrategy');
  setDefaultText(strategy, 'type', 'RollingUpdate');
  if (strategy.type === 'RollingUpdate') {
    const rolling = ensureObject(strategy, 'rollingUpdate');
    setDefault(rolling, 'maxUnavailable', 1);
    setDefault(rolling, 'maxSurge', 0);
  }
  setDefault(spec, 'revisionHistoryLimit', 10);
}
