import { type KubeObject, recordOf } from '../watch/kube-object.ts';

const evictionTolerations = ['node.kubernetes.io/not-ready', 'node.kubernetes.io/unreachable'] as const;
/** How long a Pod stays bound to a node that went away, in seconds. */
const tolerationSeconds = 300;

/**
 * What the admission plugins Priority, ServiceAccount and DefaultTolerationSeconds write into a
 * new Pod. The token volume is not mounted: Pods are local processes here.
 */
export function admitPod(pod: KubeObject): void {
  const spec = { ...recordOf(pod.spec) };
  pod.spec = spec;
  spec.priority ??= 0;
  spec.preemptionPolicy ??= 'PreemptLowerPriority';
  spec.serviceAccountName ??= spec.serviceAccount ?? 'default';
  spec.serviceAccount = spec.serviceAccountName;
  const tolerations = Array.isArray(spec.tolerations) ? [...(spec.tolerations as unknown[])] : [];
  for (const key of evictionTolerations) {
    const present = tolerations.map(recordOf).some((toleration) => {
      const { key: own, effect } = toleration ?? {};
      return (own === key || (own ?? '') === '') && (effect === 'NoExecute' || (effect ?? '') === '');
    });
    if (!present) tolerations.push({ key, operator: 'Exists', effect: 'NoExecute', tolerationSeconds });
  }
  spec.tolerations = tolerations;
}
