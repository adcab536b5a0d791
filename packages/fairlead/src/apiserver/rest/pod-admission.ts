import { randomInt } from 'node:crypto';
import { type KubeObject, recordOf } from '../watch/kube-object.ts';

const evictionTolerations = ['node.kubernetes.io/not-ready', 'node.kubernetes.io/unreachable'] as const;
/** How long a Pod stays bound to a node that went away, in seconds. */
const tolerationSeconds = 300;

/**
 * What the admission plugins ServiceAccount and DefaultTolerationSeconds write into a
 * new Pod.
 */
export function admitPod(pod: KubeObject): void {
  const spec = { ...recordOf(pod.spec) };
  pod.spec = spec;
  spec.serviceAccountName ??= spec.serviceAccount ?? 'default';
  spec.serviceAccount = spec.serviceAccountName;
  spec.tolerations = tolerationsOf(spec);
  if (spec.automountServiceAccountToken !== false) mountToken(spec);
}

/** Gives a changed Pod back the tolerations that every Pod has. Changes `pod`, not its parts. */
export function keepDefaultTolerations(pod: KubeObject): void {
  const spec = recordOf(pod.spec);
  if (spec !== undefined) pod.spec = { ...spec, tolerations: tolerationsOf(spec) };
}

/** A Pod's own tolerations, and those by which it leaves a node that went away. */
function tolerationsOf(spec: Readonly<Record<string, unknown>>): unknown[] {
  const tolerations = Array.isArray(spec.tolerations) ? [...(spec.tolerations as unknown[])] : [];
  for (const key of evictionTolerations) {
    const present = tolerations.map(recordOf).some((toleration) => {
      const { key: own, effect } = toleration ?? {};
      return (own === key || (own ?? '') === '') && (effect === 'NoExecute' || (effect ?? '') === '');
    });
    if (!present) tolerations.push({ key, operator: 'Exists', effect: 'NoExecute', tolerationSeconds });
  }
  return tolerations;
}

/** Where programs in Pods look for their credentials. */
const tokenPath = '/var/run/secrets/kubernetes.io/serviceaccount';
/** An hour and a little, so that the node's renewal is told from a user's own hour. */
const tokenSeconds = 3607;
const suffixAlphabet = 'bcdfghjklmnpqrstvwxz2456789';

/** Gives every container without something else at that path the Pod's token, namespace and the cluster's CA. */
function mountToken(spec: Record<string, unknown>): void {
  const volumes = Array.isArray(spec.volumes) ? [...(spec.volumes as unknown[])] : [];
  let name = volumes.map(recordOf).find((volume) => String(volume?.name).startsWith('kube-api-access-'))?.name;
  let used = false;
  const mounted = (containers: unknown): unknown => {
    if (!Array.isArray(containers)) return containers;
    return (containers as unknown[]).map((item) => {
      const container = recordOf(item) ?? {};
      const mounts = Array.isArray(container.volumeMounts) ? (container.volumeMounts as unknown[]) : [];
      if (mounts.map(recordOf).some((mount) => mount?.mountPath === tokenPath)) return item;
      used = true;
      name ??= `kube-api-access-${Array.from({ length: 5 }, () => suffixAlphabet[randomInt(suffixAlphabet.length)]).join('')}`;
      return { ...container, volumeMounts: [...mounts, { name, readOnly: true, mountPath: tokenPath }] };
    });
  };
  spec.initContainers = mounted(spec.initContainers);
  if (spec.initContainers === undefined) delete spec.initContainers;
  spec.containers = mounted(spec.containers);
  if (!used || volumes.map(recordOf).some((volume) => volume?.name === name)) return;
  const fieldRef = { apiVersion: 'v1', fieldPath: 'metadata.namespace' };
  const sources = [
    { serviceAccountToken: { expirationSeconds: tokenSeconds, path: 'token' } },
    { configMap: { name: 'kube-root-ca.crt', items: [{ key: 'ca.crt', path: 'ca.crt' }] } },
    { downwardAPI: { items: [{ path: 'namespace', fieldRef }] } },
  ];
  spec.volumes = [...volumes, { name, projected: { sources, defaultMode: 0o644 } }];
}
