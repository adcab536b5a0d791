import { appArmorFieldOf, appArmorPrefix } from '../warnings/app-armor.ts';
import { useAppArmorField } from '../warnings/pod-warnings.ts';
import { type KubeObject, recordOf } from '../watch/kube-object.ts';

type Fields = Record<string, unknown>;

const containerLists = ['initContainers', 'containers', 'ephemeralContainers'] as const;

/** Drops the fields of a Pod spec that are behind gates that are closed in 1.34. Answers the spec, or a changed copy. */
export function withoutGatedPodFields(spec: Readonly<Fields>): Fields {
  const { hostnameOverride: _, ...rest } = spec;
  const result: Fields = rest;
  const images = new Set<unknown>();
  if (Array.isArray(spec.volumes)) {
    const volumes = (spec.volumes as Fields[]).map(withoutGatedProjections);
    for (const volume of volumes) if (recordOf(volume.image) !== undefined) images.add(volume.name);
    result.volumes = volumes.filter((volume) => recordOf(volume.image) === undefined);
  }
  for (const list of containerLists) {
    if (!Array.isArray(spec[list])) continue;
    result[list] = (spec[list] as Fields[]).map((container) => ungatedContainer(container, list, images));
  }
  return result;
}

function withoutGatedProjections(volume: Fields): Fields {
  const projected = recordOf(volume.projected);
  if (!Array.isArray(projected?.sources)) return volume;
  const sources = (projected.sources as Fields[]).map(
    ({ clusterTrustBundle: _, podCertificate: __, ...source }) => source,
  );
  return { ...volume, projected: { ...projected, sources } };
}

function ungatedContainer(container: Fields, list: string, images: ReadonlySet<unknown>): Fields {
  const { restartPolicyRules: _, restartPolicy, ...result } = container;
  if (list === 'initContainers' && restartPolicy === 'Always') result.restartPolicy = restartPolicy;
  const lifecycle = recordOf(container.lifecycle);
  if (lifecycle?.stopSignal !== undefined) {
    const { stopSignal: __, ...others } = lifecycle;
    if (Object.keys(others).length > 0) result.lifecycle = others;
    else delete result.lifecycle;
  }
  if (Array.isArray(container.env)) {
    result.env = (container.env as Fields[]).map((variable) => {
      const source = recordOf(variable.valueFrom);
      if (source?.fileKeyRef === undefined) return variable;
      const { fileKeyRef: __, ...others } = source;
      return { ...variable, valueFrom: others };
    });
  }
  if (images.size > 0 && Array.isArray(container.volumeMounts)) {
    const left = (container.volumeMounts as Fields[]).filter((mount) => !images.has(mount.name));
    if (left.length > 0) result.volumeMounts = left;
    else delete result.volumeMounts;
  }
  return result;
}

/**
 * What a server writes into a new Pod when admission is through: the label values that `matchLabelKeys` stand for,
 * the condition of a Pod that is held back, profiles that annotations name. Changes `pod`, not its parts.
 */
export function completeNewPod(pod: KubeObject, warnings: string[]): void {
  const spec = { ...recordOf(pod.spec) };
  pod.spec = spec;
  const labels = pod.metadata.labels ?? {};
  if (recordOf(spec.affinity) !== undefined) spec.affinity = withLabelValues(spec.affinity, labels);
  if (Array.isArray(spec.topologySpreadConstraints)) {
    spec.topologySpreadConstraints = withLabelValues(spec.topologySpreadConstraints, labels);
  }
  if (Array.isArray(spec.schedulingGates) && spec.schedulingGates.length > 0) {
    const message = 'Scheduling is blocked due to non-empty scheduling gates';
    const gated = { type: 'PodScheduled', status: 'False', reason: 'SchedulingGated', message };
    const times = { lastProbeTime: null, lastTransitionTime: pod.metadata.creationTimestamp ?? null };
    pod.status = { ...recordOf(pod.status), conditions: [{ ...gated, ...times }] };
  }
  applyAppArmorAnnotations(pod, spec, warnings);
}

/** Puts what the Pod's own labels say into every selector beside `matchLabelKeys` and `mismatchLabelKeys`. */
function withLabelValues(value: unknown, labels: Readonly<Record<string, string>>): unknown {
  if (Array.isArray(value)) return (value as unknown[]).map((item) => withLabelValues(item, labels));
  const object = recordOf(value);
  if (object === undefined) return value;
  const selector = recordOf(object.labelSelector);
  const added = [
    ...expressionsFor(object.matchLabelKeys, 'In', labels),
    ...expressionsFor(object.mismatchLabelKeys, 'NotIn', labels),
  ];
  if (selector !== undefined && added.length > 0) {
    const before = Array.isArray(selector.matchExpressions) ? (selector.matchExpressions as unknown[]) : [];
    return { ...object, labelSelector: { ...selector, matchExpressions: [...before, ...added] } };
  }
  return Object.fromEntries(Object.entries(object).map(([name, part]) => [name, withLabelValues(part, labels)]));
}

function expressionsFor(keys: unknown, operator: string, labels: Readonly<Record<string, string>>): object[] {
  return (Array.isArray(keys) ? (keys as unknown[]).map(String) : []).flatMap((key) =>
    Object.hasOwn(labels, key) ? [{ key, operator, values: [labels[key]] }] : [],
  );
}

/** Copies profiles of AppArmor annotations to fields, where the Pod's own is not the same already. */
function applyAppArmorAnnotations(pod: KubeObject, spec: Fields, warnings: string[]): void {
  const annotations = pod.metadata.annotations ?? {};
  if (recordOf(spec.os)?.name === 'windows') return;
  if (!Object.keys(annotations).some((key) => key.startsWith(appArmorPrefix))) return;
  const own = recordOf(recordOf(spec.securityContext)?.appArmorProfile);
  for (const list of containerLists) {
    if (!Array.isArray(spec[list])) continue;
    spec[list] = (spec[list] as Fields[]).map((container) => {
      const key = `${appArmorPrefix}${String(container.name)}`;
      const annotation = annotations[key];
      const context = recordOf(container.securityContext);
      if (annotation === undefined || context?.appArmorProfile !== undefined) return container;
      const profile = appArmorFieldOf(annotation);
      const same =
        profile !== undefined && own?.type === profile.type && own?.localhostProfile === profile.localhostProfile;
      if (!same) warnings.push(`metadata.annotations[${key}]: ${useAppArmorField}`);
      if (profile === undefined || same) return container;
      return { ...container, securityContext: { ...context, appArmorProfile: profile } };
    });
  }
}
