import { applyContainerDefaults, containersOf } from './container.ts';
import { ensureObject, type JsonObject, objectIn, objectsIn, setDefault, setDefaultText } from './fields.ts';
import { applyPodResourceDefaults } from './pod-resources.ts';
import { qosClassOf } from './qos-class.ts';
import { applyVolumeDefaults } from './volume.ts';

/** Defaults of a Pod: those of its template, and what only a Pod gets (requests, host ports, service links). */
export function applyPodDefaults(pod: JsonObject): void {
  const spec = ensureObject(pod, 'spec');
  applyPodSpecDefaults(spec);
  setDefault(spec, 'enableServiceLinks', true);
  // Templates keep what they say, and earn a warning for it.
  if (Number(spec.terminationGracePeriodSeconds) < 0) spec.terminationGracePeriodSeconds = 1;
  for (const container of [...objectsIn(spec, 'containers'), ...objectsIn(spec, 'initContainers')]) {
    const resources = ensureObject(container, 'resources');
    const limits = objectIn(resources, 'limits');
    if (limits !== undefined) {
      const requests = { ...limits, ...objectIn(resources, 'requests') };
      // Go writes the keys of maps in order.
      resources.requests = Object.fromEntries(Object.entries(requests).sort(([a], [b]) => (a < b ? -1 : 1)));
    }
    if (spec.hostNetwork === true) {
      for (const port of objectsIn(container, 'ports')) if (!port.hostPort) port.hostPort = port.containerPort;
    }
  }
  applyPodResourceDefaults(spec);
  const status = ensureObject(pod, 'status');
  setDefaultText(status, 'phase', 'Pending');
  setDefaultText(status, 'qosClass', qosClassOf(spec));
  keepFirstAddress(status);
}

/** `podIP` is the first of `podIPs`; where the two differ the older field counts. */
function keepFirstAddress(status: JsonObject): void {
  const [first] = objectsIn(status, 'podIPs');
  const own = status.podIP;
  if (typeof own === 'string' && own !== '') {
    if (first?.ip !== own) status.podIPs = [{ ip: own }];
  } else if (first?.ip !== undefined) status.podIP = first.ip;
}

/** Defaults of a Pod template, as in a Deployment. */
export function applyPodTemplateDefaults(template: unknown): void {
  const spec = objectIn(template, 'spec');
  if (spec !== undefined) applyPodSpecDefaults(spec);
}

function applyPodSpecDefaults(spec: JsonObject): void {
  for (const volume of objectsIn(spec, 'volumes')) applyVolumeDefaults(volume);
  for (const container of containersOf(spec)) applyContainerDefaults(container);
  setDefaultText(spec, 'restartPolicy', 'Always');
  setDefault(spec, 'terminationGracePeriodSeconds', 30);
  setDefaultText(spec, 'dnsPolicy', 'ClusterFirst');
  setDefault(spec, 'securityContext', {});
  setDefaultText(spec, 'schedulerName', 'default-scheduler');
  // serviceAccount is the old name of serviceAccountName; a server keeps them equal.
  if (spec.serviceAccountName === undefined && spec.serviceAccount !== undefined)
    spec.serviceAccountName = spec.serviceAccount;
  if (spec.serviceAccountName !== undefined) spec.serviceAccount = spec.serviceAccountName;
}
