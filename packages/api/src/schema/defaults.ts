import {
  applyDaemonSetDefaults,
  applyDeploymentDefaults,
  applyReplicaSetDefaults,
  applyStatefulSetDefaults,
} from './defaults/apps.ts';
import { applyHorizontalPodAutoscalerDefaults, applyOlderAutoscalerDefaults } from './defaults/autoscaling.ts';
import { applyCronJobDefaults, applyJobDefaults } from './defaults/batch.ts';
import {
  applyPersistentVolumeClaimDefaults,
  applyPersistentVolumeDefaults,
  applyReplicationControllerDefaults,
  applyStorageClassDefaults,
} from './defaults/claims.ts';
import {
  applyApiServiceDefaults,
  applyCsiDriverDefaults,
  applyFlowSchemaDefaults,
  applyPriorityLevelDefaults,
  applyResourceClaimDefaults,
  applyResourceClaimTemplateDefaults,
} from './defaults/cluster.ts';
import { applyEndpointSliceDefaults, applyEndpointsDefaults } from './defaults/endpoints.ts';
import { applyLimitRangeDefaults, applyPriorityClassDefaults } from './defaults/limit-range.ts';
import { applyNamespaceDefaults, applySecretDefaults } from './defaults/namespace-and-secret.ts';
import { applyNetworkPolicyDefaults } from './defaults/network-policy.ts';
import { applyIngressClassDefaults } from './defaults/networking.ts';
import { applyNodeDefaults } from './defaults/node.ts';
import { applyPodDefaults, applyPodTemplateDefaults } from './defaults/pod.ts';
import { applyBindingDefaults } from './defaults/rbac.ts';
import { applySchemaDefaults } from './defaults/schema-defaults.ts';
import { applyServiceDefaults } from './defaults/service.ts';
import { orderFields } from './field-order.ts';
import { gvkOf, schemaForKind } from './lookup.ts';

/** Sets defaults in place. */
type DefaultsOfKind = (object: Record<string, unknown>) => void;

const BY_KIND: Readonly<Record<string, DefaultsOfKind>> = {
  '/v1/Namespace': applyNamespaceDefaults,
  '/v1/Node': applyNodeDefaults,
  '/v1/Pod': applyPodDefaults,
  '/v1/PodTemplate': (object) => applyPodTemplateDefaults(object.template),
  '/v1/Service': applyServiceDefaults,
  '/v1/LimitRange': applyLimitRangeDefaults,
  '/v1/PersistentVolume': applyPersistentVolumeDefaults,
  '/v1/PersistentVolumeClaim': applyPersistentVolumeClaimDefaults,
  '/v1/ReplicationController': applyReplicationControllerDefaults,
  'storage.k8s.io/v1/StorageClass': applyStorageClassDefaults,
  'storage.k8s.io/v1/CSIDriver': applyCsiDriverDefaults,
  'apiregistration.k8s.io/v1/APIService': applyApiServiceDefaults,
  'flowcontrol.apiserver.k8s.io/v1/FlowSchema': applyFlowSchemaDefaults,
  'flowcontrol.apiserver.k8s.io/v1/PriorityLevelConfiguration': applyPriorityLevelDefaults,
  'resource.k8s.io/v1/ResourceClaim': applyResourceClaimDefaults,
  'resource.k8s.io/v1/ResourceClaimTemplate': applyResourceClaimTemplateDefaults,
  'scheduling.k8s.io/v1/PriorityClass': applyPriorityClassDefaults,
  '/v1/Endpoints': applyEndpointsDefaults,
  '/v1/Secret': applySecretDefaults,
  'apps/v1/Deployment': applyDeploymentDefaults,
  'apps/v1/ReplicaSet': applyReplicaSetDefaults,
  'apps/v1/StatefulSet': applyStatefulSetDefaults,
  'apps/v1/DaemonSet': applyDaemonSetDefaults,
  'autoscaling/v1/HorizontalPodAutoscaler': applyOlderAutoscalerDefaults,
  'autoscaling/v2/HorizontalPodAutoscaler': applyHorizontalPodAutoscalerDefaults,
  'batch/v1/Job': applyJobDefaults,
  'batch/v1/CronJob': applyCronJobDefaults,
  'networking.k8s.io/v1/NetworkPolicy': applyNetworkPolicyDefaults,
  'discovery.k8s.io/v1/EndpointSlice': applyEndpointSliceDefaults,
  'networking.k8s.io/v1/IngressClass': applyIngressClassDefaults,
  'rbac.authorization.k8s.io/v1/RoleBinding': applyBindingDefaults,
  'rbac.authorization.k8s.io/v1/ClusterRoleBinding': applyBindingDefaults,
};

/**
 * Fills in what a Kubernetes server would: the defaults published in the schema,
 * then those of the kind. Changes a decoded `object` in place and returns it;
 * doing it twice changes nothing. Values that need the cluster (cluster IPs, node
 * ports, service accounts) are not set here.
 */
export function applyDefaults(
  apiVersion: string,
  kind: string,
  object: Record<string, unknown>,
): Record<string, unknown> {
  const schema = schemaForKind(apiVersion, kind);
  if (schema !== undefined) applySchemaDefaults(schema.id, object);
  BY_KIND[gvkOf(apiVersion, kind)]?.(object);
  if (schema !== undefined) orderFields(schema.id, object);
  return object;
}
