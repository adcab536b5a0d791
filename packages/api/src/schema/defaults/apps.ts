import { ensureObject, type JsonObject, setDefault, setDefaultText } from './fields.ts';
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
