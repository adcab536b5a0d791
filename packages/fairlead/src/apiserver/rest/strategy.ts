import { qosClassOf } from '@fairlead/api/schema/defaults/qos-class';
import { localServiceStatus } from '../aggregation/local-service.ts';
import { isolateCertificateRequest } from '../certificates/request-forms.ts';
import { definitionStatusAfter, newDefinitionStatus } from '../crd/kind-rules.ts';
import { completeNewPod } from '../resources/pod-forms.ts';
import type { ServedResource } from '../resources/served-resources.ts';
import { keepTemplateGeneration, prepareNewWorkload, workloadKinds } from '../resources/workload-rules.ts';
import { type KubeObject, recordOf } from '../watch/kube-object.ts';
import { withPodPart } from './object-subresources.ts';
import { admitPod } from './pod-admission.ts';

/** Kinds whose `metadata.generation` counts changes of the specification. */
const kindsWithGeneration: ReadonlySet<string> = new Set([
  'PriorityClass',
  'NetworkPolicy',
  'PodTemplate',
  ...workloadKinds,
  'Deployment',
  'ReplicaSet',
  'ReplicationController',
  'Ingress',
  'IngressClass',
  'EndpointSlice',
  'Pod',
  'CustomResourceDefinition',
  'DeviceClass',
  'FlowSchema',
  'PriorityLevelConfiguration',
  'ResourceSlice',
  'MutatingWebhookConfiguration',
  'ValidatingAdmissionPolicy',
  'ValidatingAdmissionPolicyBinding',
  'ValidatingWebhookConfiguration',
]);

/** Built-in kinds whose status endpoint leaves all metadata as it is. */
const statusOnlyKinds: ReadonlySet<string> = new Set([
  'FlowSchema',
  'PriorityLevelConfiguration',
  'ServiceCIDR',
  'ValidatingAdmissionPolicy',
]);

/** Kinds whose status a create keeps. */
const kindsWithStatusOnCreate: ReadonlySet<string> = new Set(['Node']);

/** Kinds whose PUT creates an object that is not there. */
const kindsCreatedByUpdate: ReadonlySet<string> = new Set([
  ...['Service', 'Endpoints', 'Event', 'Lease', 'RuntimeClass', 'LimitRange'],
  ...['Role', 'ClusterRole', 'RoleBinding', 'ClusterRoleBinding'],
]);

/** Groups and kinds whose PUT must name the version it replaces: leader election depends on it, and so may policies. */
const versionedOnUpdate: ReadonlySet<string> = new Set([
  'apiextensions.k8s.io',
  'admissionregistration.k8s.io',
  'Lease',
  'PodDisruptionBudget',
  'apiregistration.k8s.io',
  'CSIDriver',
  'CSINode',
  'CSIStorageCapacity',
  'RuntimeClass',
  'VolumeAttachment',
]);

/** True when a PUT must name the version it replaces. */
export function needsVersionOnUpdate({ custom, group, kind }: ServedResource): boolean {
  return custom !== undefined || versionedOnUpdate.has(group) || versionedOnUpdate.has(kind);
}

/** True when a PUT to a name that does not exist creates the object. */
export function createsOnUpdate(resource: ServedResource): boolean {
  return resource.custom === undefined && kindsCreatedByUpdate.has(resource.kind);
}

/** True when the resource counts generations. */
function hasGeneration(resource: ServedResource): boolean {
  return resource.custom !== undefined || kindsWithGeneration.has(resource.kind);
}

/** True when a change of the main resource counts as a generation. */
export function countsAsGeneration(resource: ServedResource, proposed: KubeObject, old: KubeObject): boolean {
  if (!hasGeneration(resource)) return false;
  if (specChanged(proposed, old, resource.subresources.has('status') || resource.custom === undefined)) return true;
  if (resource.custom !== undefined) return false;
  const { labels, annotations } = proposed.metadata;
  if (resource.kind === 'Deployment') return !sameJson(annotations ?? {}, old.metadata.annotations ?? {});
  return resource.kind === 'EndpointSlice' && !sameJson(labels ?? {}, old.metadata.labels ?? {});
}

/** Fills in what a create sets by itself, before defaults. Changes `object`; `warnings` gets remarks about it. */
export function prepareForCreate(resource: ServedResource, object: KubeObject, warnings: string[]): void {
  if (resource.subresources.has('status') && !kindsWithStatusOnCreate.has(resource.kind)) {
    delete object.status;
  }
  if (resource.custom !== undefined) {
    object.metadata.generation = 1;
    return;
  }
  switch (resource.kind) {
    case 'CustomResourceDefinition':
      object.status = newDefinitionStatus(object);
      break;
    case 'ValidatingAdmissionPolicy':
      object.status = {};
      break;
    case 'Namespace': {
      const spec = recordOf(object.spec) ?? {};
      const finalizers = Array.isArray(spec.finalizers) ? (spec.finalizers as unknown[]) : [];
      object.spec = {
        ...spec,
        finalizers: finalizers.includes('kubernetes') ? finalizers : [...finalizers, 'kubernetes'],
      };
      object.status = { phase: 'Active' };
      labelNamespace(object);
      break;
    }
    case 'Service':
      object.status = { loadBalancer: {} };
      break;
    case 'Ingress':
      object.status = { loadBalancer: {} };
      break;
    case 'Node':
      taintNewNode(object);
      break;
    case 'Pod':
      admitPod(object);
      object.status = { phase: 'Pending', qosClass: qosClass(object) };
      completeNewPod(object, warnings);
      break;
    case 'APIService':
      object.status = recordOf(object.spec)?.service === undefined ? localServiceStatus(object) : {};
      break;
    case 'VolumeAttachment':
      object.status = { attached: false };
      break;
    case 'CertificateSigningRequest':
    case 'FlowSchema':
    case 'PriorityLevelConfiguration':
    case 'ResourceClaim':
      object.status = {};
      break;
    case 'ReplicaSet':
      object.status = { replicas: 0 };
      break;
    case 'Deployment':
      object.status = {};
      break;
    default:
      prepareNewWorkload(resource.kind, object);
  }
  // Where nobody counts it stays what the client says.
  if (hasGeneration(resource)) object.metadata.generation = 1;
}

/**
 * The object a main or status write leads to: a main write keeps the old status, a status write
 * everything but the status. Never changes its arguments.
 */
export function isolate(
  resource: ServedResource,
  proposed: KubeObject,
  old: KubeObject,
  subresource: string | undefined,
): KubeObject {
  if (resource.kind === 'CertificateSigningRequest' && resource.custom === undefined) {
    return isolateCertificateRequest(proposed, old, subresource);
  }
  if (subresource === 'status') {
    if (resource.custom !== undefined || statusOnlyKinds.has(resource.kind)) {
      const { labels, annotations, ownerReferences, finalizers } = old.metadata;
      const metadata = { ...proposed.metadata, labels, annotations, ownerReferences, finalizers };
      return withField({ ...old, metadata }, 'status', proposed.status);
    }
    const { labels: _, ...metadata } = proposed.metadata;
    const keepLabels = resource.group === 'apps' && resource.kind === 'Deployment';
    return withField(
      { ...old, metadata: keepLabels ? { ...metadata, labels: old.metadata.labels } : proposed.metadata },
      'status',
      proposed.status,
    );
  }
  if (subresource === 'ephemeralcontainers' || subresource === 'resize') {
    return withPodPart(proposed, old, subresource);
  }
  if (subresource === 'finalize') {
    const spec = recordOf(proposed.spec) ?? {};
    return { ...old, metadata: old.metadata, spec: { ...recordOf(old.spec), finalizers: spec.finalizers } };
  }
  let result = proposed;
  if (resource.subresources.has('status')) result = withField(result, 'status', old.status);
  if (resource.kind === 'Service' && resource.custom === undefined && recordOf(result.spec)?.type !== 'LoadBalancer') {
    result = { ...result, status: { ...recordOf(result.status), loadBalancer: {} } };
  }
  if (resource.group === 'apiextensions.k8s.io') result = { ...result, status: definitionStatusAfter(result) };
  if (resource.kind === 'DaemonSet' && resource.custom === undefined) {
    result = { ...result, metadata: { ...result.metadata } };
    keepTemplateGeneration(result, old);
  }
  if (resource.kind === 'Namespace') {
    result = withField(result, 'spec', old.spec);
    result = { ...result, metadata: { ...result.metadata, labels: { ...result.metadata.labels } } };
    labelNamespace(result);
  }
  return result;
}

/** True when something other than metadata and, where it is written on its own, status differs. */
function specChanged(proposed: KubeObject, old: KubeObject, withoutStatus = true): boolean {
  if (!withoutStatus && !sameJson(proposed.status, old.status)) return true;
  const { metadata: _a, status: _b, kind: _c, apiVersion: _d, ...left } = proposed;
  const { metadata: _e, status: _f, kind: _g, apiVersion: _h, ...right } = old;
  return !sameJson(left, right);
}

/** Equality of JSON values; the order of keys does not count, an `undefined` field is an absent one. */
export function sameJson(left: unknown, right: unknown): boolean {
  if (left === right) return true;
  if (typeof left !== 'object' || typeof right !== 'object' || left === null || right === null) return false;
  if (Array.isArray(left) || Array.isArray(right)) {
    if (!Array.isArray(left) || !Array.isArray(right) || left.length !== right.length) return false;
    return left.every((item, index) => sameJson(item, right[index]));
  }
  const a = left as Record<string, unknown>;
  const b = right as Record<string, unknown>;
  for (const key in a) if (a[key] !== undefined && !(Object.hasOwn(b, key) && sameJson(a[key], b[key]))) return false;
  for (const key in b) if (b[key] !== undefined && (!Object.hasOwn(a, key) || a[key] === undefined)) return false;
  return true;
}

/** A terminating object goes with its last finalizer, once its grace period needs no agent. */
export function isReadyToGo(resource: ServedResource, object: KubeObject): boolean {
  const { deletionTimestamp, deletionGracePeriodSeconds, finalizers } = object.metadata;
  if (deletionTimestamp === undefined || (finalizers ?? []).length > 0) return false;
  if (resource.kind === 'Namespace') {
    const spec = recordOf(object.spec)?.finalizers;
    return !Array.isArray(spec) || spec.length === 0;
  }
  return (deletionGracePeriodSeconds ?? 0) === 0;
}

function withField(object: KubeObject, field: string, value: unknown): KubeObject {
  const { [field]: _, ...rest } = object;
  return (value === undefined ? rest : { ...rest, [field]: value }) as KubeObject;
}

/** A new Node takes no Pods until it has been seen ready (admission plugin TaintNodesByCondition). */
function taintNewNode(node: KubeObject): void {
  const spec = { ...recordOf(node.spec) };
  const taints = Array.isArray(spec.taints) ? (spec.taints as unknown[]) : [];
  const notReady = { key: 'node.kubernetes.io/not-ready', effect: 'NoSchedule' };
  const present = taints.map(recordOf).some((taint) => taint?.key === notReady.key && taint.effect === notReady.effect);
  if (!present) spec.taints = [...taints, notReady];
  if (typeof spec.podCIDR === 'string' && spec.podCIDRs === undefined) spec.podCIDRs = [spec.podCIDR];
  node.spec = spec;
}

function labelNamespace(object: KubeObject): void {
  const name = object.metadata.name ?? '';
  if (name !== '') object.metadata.labels = { ...object.metadata.labels, 'kubernetes.io/metadata.name': name };
}

/** `stringData` of a Secret is write-only: it becomes base64 in `data`. Changes `object`, not its parts. */
export function mergeStringData(resource: ServedResource, object: KubeObject): void {
  if (resource.kind !== 'Secret') return;
  const text = recordOf(object.stringData);
  delete object.stringData;
  if (text === undefined || Object.keys(text).length === 0) return;
  const data: Record<string, unknown> = { ...recordOf(object.data) };
  for (const [key, value] of Object.entries(text)) data[key] = Buffer.from(String(value)).toString('base64');
  object.data = Object.fromEntries(Object.entries(data).sort(([a], [b]) => (a < b ? -1 : 1)));
}

/** Quality of service of a Pod: Guaranteed, Burstable or BestEffort. */
export function qosClass(pod: KubeObject): string {
  return qosClassOf(recordOf(pod.spec) ?? {});
}
