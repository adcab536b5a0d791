import { toAutoscalingV2 } from '../autoscaling-forms.ts';
import { dns1035LabelErrors, dns1123LabelErrors, dns1123SubdomainErrors } from '../names.ts';
import type { FieldCause } from './field-cause.ts';
import { gvkOf, resourceByKind } from './lookup.ts';
import type { AddressOptions } from './validate/addresses.ts';
import { validateApiService } from './validate/api-service.ts';
import { validateHorizontalPodAutoscaler } from './validate/autoscaling.ts';
import { validateCronJob, validateJob } from './validate/batch.ts';
import { validateCertificateSigningRequest } from './validate/certificates.ts';
import { validatePersistentVolumeClaim, validateStorageClass } from './validate/claims.ts';
import { validateConfigMap, validateSecret } from './validate/config-and-secret.ts';
import { validateDaemonSet } from './validate/daemon-set.ts';
import { validateEndpointSlice, validateEndpoints } from './validate/endpoints.ts';
import { validateEvent, validateNewEvent } from './validate/event.ts';
import { checkImmutable, type JsonObject } from './validate/fields.ts';
import { validateFlowSchema, validatePriorityLevel } from './validate/flow-control.ts';
import { validateIngress, validateIngressClass } from './validate/ingress.ts';
import { validateJobStatus } from './validate/job-status.ts';
import { validateLimitRange } from './validate/limit-range.ts';
import { type NameRule, validateMetadata, validateMetadataUpdate } from './validate/metadata.ts';
import { validateNetworkPolicy } from './validate/network-policy.ts';
import { validatePersistentVolume } from './validate/persistent-volume.ts';
import { validateLease, validateNamespace, validateNode } from './validate/plain-kinds.ts';
import { validatePod, validatePodTemplate } from './validate/pod/pod.ts';
import { validatePriorityClass } from './validate/priority-class.ts';
import { validateResourceQuota } from './validate/quota.ts';
import {
  rbacNameErrors,
  validateClusterRole,
  validateClusterRoleBinding,
  validateRole,
  validateRoleBinding,
} from './validate/rbac.ts';
import { validateRuntimeClass } from './validate/runtime-class.ts';
import { validateLoadBalancerStatus, validateService, validateServiceUpdate } from './validate/service.ts';
import { ipAddressNameErrors, validateIpAddress, validateServiceCidr } from './validate/service-cidr.ts';
import { validateStatefulSet } from './validate/stateful-set.ts';
import {
  validateCsiDriver,
  validateCsiNode,
  validateCsiStorageCapacity,
  validateVolumeAttachment,
  validateVolumeAttributesClass,
} from './validate/storage-drivers.ts';
import { statusCounts, validateStatusCounts } from './validate/workload-status.ts';
import {
  validateControllerRevision,
  validateDeployment,
  validatePodDisruptionBudget,
  validateReplicaSet,
  validateReplicationController,
} from './validate/workloads.ts';

/** What validation may be told about the system and the write. */
export interface ValidationOptions extends AddressOptions {
  /** The subresource that an update goes through; Pods have different rules for each. */
  readonly subresource?: string | undefined;
}

/** Rules of one kind beside those of metadata. */
type RulesOfKind = (object: JsonObject, old: JsonObject | undefined, options: ValidationOptions) => FieldCause[];

const BY_KIND: Readonly<Record<string, RulesOfKind>> = {
  '/v1/Namespace': validateNamespace,
  '/v1/Node': validateNode,
  '/v1/Pod': (pod, old, { subresource }) => validatePod(pod, old, subresource),
  '/v1/PodTemplate': ({ template }) => validatePodTemplate((template ?? {}) as JsonObject, 'template'),
  '/v1/Service': (service, old, options) => [
    ...(old === undefined ? [] : validateServiceUpdate(service, old)),
    ...validateService(service, options),
    ...(old === undefined ? [] : validateLoadBalancerStatus(service)),
  ],
  '/v1/Endpoints': validateEndpoints,
  '/v1/ConfigMap': validateConfigMap,
  '/v1/PersistentVolume': validatePersistentVolume,
  '/v1/PersistentVolumeClaim': validatePersistentVolumeClaim,
  '/v1/ReplicationController': validateReplicationController,
  '/v1/Secret': validateSecret,
  '/v1/LimitRange': validateLimitRange,
  '/v1/ResourceQuota': validateResourceQuota,
  '/v1/Event': validateEvent,
  'events.k8s.io/v1/Event': validateNewEvent,
  'apps/v1/Deployment': validateDeployment,
  'apps/v1/ReplicaSet': validateReplicaSet,
  'apps/v1/StatefulSet': validateStatefulSet,
  'apps/v1/DaemonSet': validateDaemonSet,
  'apps/v1/ControllerRevision': validateControllerRevision,
  'autoscaling/v1/HorizontalPodAutoscaler': (autoscaler) =>
    validateHorizontalPodAutoscaler(toAutoscalingV2(autoscaler)),
  'autoscaling/v2/HorizontalPodAutoscaler': validateHorizontalPodAutoscaler,
  'batch/v1/Job': validateJob,
  'batch/v1/CronJob': validateCronJob,
  'networking.k8s.io/v1/ServiceCIDR': validateServiceCidr,
  'networking.k8s.io/v1/IPAddress': validateIpAddress,
  'policy/v1/PodDisruptionBudget': validatePodDisruptionBudget,
  'discovery.k8s.io/v1/EndpointSlice': validateEndpointSlice,
  'coordination.k8s.io/v1/Lease': validateLease,
  'networking.k8s.io/v1/Ingress': (ingress, old) => [
    ...validateIngress(ingress, old),
    ...(old === undefined ? [] : validateLoadBalancerStatus(ingress)),
  ],
  'networking.k8s.io/v1/IngressClass': validateIngressClass,
  'networking.k8s.io/v1/NetworkPolicy': validateNetworkPolicy,
  'scheduling.k8s.io/v1/PriorityClass': validatePriorityClass,
  'storage.k8s.io/v1/StorageClass': validateStorageClass,
  'storage.k8s.io/v1/CSIDriver': validateCsiDriver,
  'storage.k8s.io/v1/CSINode': validateCsiNode,
  'storage.k8s.io/v1/CSIStorageCapacity': validateCsiStorageCapacity,
  'storage.k8s.io/v1/VolumeAttachment': validateVolumeAttachment,
  'storage.k8s.io/v1/VolumeAttributesClass': validateVolumeAttributesClass,
  'apiregistration.k8s.io/v1/APIService': (apiService, _, { subresource }) =>
    validateApiService(apiService, subresource),
  'certificates.k8s.io/v1/CertificateSigningRequest': (request, old, { subresource }) =>
    validateCertificateSigningRequest(request, old, subresource),
  'flowcontrol.apiserver.k8s.io/v1/FlowSchema': validateFlowSchema,
  'flowcontrol.apiserver.k8s.io/v1/PriorityLevelConfiguration': validatePriorityLevel,
  'node.k8s.io/v1/RuntimeClass': validateRuntimeClass,
  'resource.k8s.io/v1/ResourceClaim': (claim, old) =>
    old === undefined ? [] : checkImmutable(claim.spec, old.spec, 'spec'),
  'resource.k8s.io/v1/ResourceClaimTemplate': (template, old) =>
    old === undefined ? [] : checkImmutable(template.spec, old.spec, 'spec'),
  'rbac.authorization.k8s.io/v1/Role': validateRole,
  'rbac.authorization.k8s.io/v1/ClusterRole': validateClusterRole,
  'rbac.authorization.k8s.io/v1/RoleBinding': validateRoleBinding,
  'rbac.authorization.k8s.io/v1/ClusterRoleBinding': validateClusterRoleBinding,
};

const NAME_RULES: Readonly<Record<string, NameRule>> = {
  '/v1/Namespace': dns1123LabelErrors,
  '/v1/Service': dns1035LabelErrors,
  // Its name becomes part of the names of its Pods.
  'apps/v1/StatefulSet': dns1123LabelErrors,
  // A server leaves these to the rules of metadata that hold for everything.
  'policy/v1/PodDisruptionBudget': () => [],
  'networking.k8s.io/v1/IPAddress': ipAddressNameErrors,
  'certificates.k8s.io/v1/CertificateSigningRequest': () => [],
  // Its name follows from its group and version, which is checked with them.
  'apiregistration.k8s.io/v1/APIService': () => [],
};

/**
 * Every mistake of a defaulted `object`, and of the change from `old` on update, in
 * the order and with the texts of a Kubernetes server. A kind without rules of its
 * own has its metadata checked.
 */
export function validateObject(
  apiVersion: string,
  kind: string,
  object: object,
  old?: object,
  options: ValidationOptions = {},
): FieldCause[] {
  const gvk = gvkOf(apiVersion, kind);
  const subject = object as JsonObject;
  const before = old as JsonObject | undefined;
  if (before !== undefined && options.subresource === 'status') {
    const counts = statusCounts[gvk];
    const causes = counts === undefined ? undefined : validateStatusCounts(counts, subject, before);
    const own = gvk === 'batch/v1/Job' ? validateJobStatus(subject, before) : causes;
    if (own !== undefined) return [...validateMetadataUpdate(subject, before), ...own];
  }
  const namespaced = resourceByKind(apiVersion, kind)?.namespaced ?? true;
  const nameRule = NAME_RULES[gvk] ?? (apiVersion.startsWith('rbac.') ? rbacNameErrors : dns1123SubdomainErrors);
  return [
    ...(before === undefined ? [] : validateMetadataUpdate(subject, before)),
    ...validateMetadata(subject, nameRule, namespaced),
    ...(BY_KIND[gvk]?.(subject, before, options) ?? []),
  ];
}
