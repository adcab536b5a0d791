import { toAutoscalingV2 } from './autoscaling-forms.ts';
import { isJsonObject } from './own-property.ts';
import type { ColumnFacts, ResourceFacts } from './schema/resource-facts.ts';
import { horizontalPodAutoscalerCells } from './table/autoscaling.ts';
import { cronJobCells, jobCells } from './table/batch.ts';
import { ageOf } from './table/cells.ts';
import {
  persistentVolumeCells,
  persistentVolumeClaimCells,
  replicationControllerCells,
  storageClassCells,
} from './table/claims.ts';
import {
  apiServiceCells,
  certificateSigningRequestCells,
  componentStatusCells,
  csiDriverCells,
  csiNodeCells,
  csiStorageCapacityCells,
  flowSchemaCells,
  priorityLevelCells,
  resourceClaimCells,
  resourceSliceCells,
  runtimeClassCells,
  volumeAttachmentCells,
  volumeAttributesClassCells,
} from './table/cluster.ts';
import { eventCells } from './table/event.ts';
import {
  admissionPolicyBindingCells,
  admissionPolicyCells,
  customResourceDefinitionCells,
  webhookConfigurationCells,
} from './table/extension.ts';
import {
  endpointSliceCells,
  endpointsCells,
  ingressCells,
  ingressClassCells,
  ipAddressCells,
  networkPolicyCells,
  serviceCells,
  serviceCidrCells,
} from './table/networking.ts';
import { nodeCells } from './table/node.ts';
import { configMapCells, leaseCells, namespaceCells, secretCells, serviceAccountCells } from './table/plain-kinds.ts';
import { podCells } from './table/pod.ts';
import { limitRangeCells, priorityClassCells, resourceQuotaCells } from './table/quota.ts';
import { roleBindingCells, roleCells } from './table/rbac.ts';
import {
  controllerRevisionCells,
  daemonSetCells,
  deploymentCells,
  podDisruptionBudgetCells,
  podTemplateCells,
  replicaSetCells,
  statefulSetCells,
} from './table/workloads.ts';

/** One row of a Table answer; the server replaces `object` by its metadata where asked to. */
export interface TableRow {
  readonly cells: unknown[];
  readonly object: unknown;
}

/** Columns and rows of a Table answer. */
export interface TableContent {
  readonly columnDefinitions: readonly ColumnFacts[];
  readonly rows: TableRow[];
}

/** Cells of one object in the order of the resource's columns. */
type CellsOfKind = (object: Readonly<Record<string, unknown>>, nowMs: number) => unknown[];

const BY_RESOURCE: Readonly<Record<string, CellsOfKind>> = {
  '/namespaces': namespaceCells,
  '/nodes': nodeCells,
  '/pods': podCells,
  '/services': serviceCells,
  '/endpoints': endpointsCells,
  '/configmaps': configMapCells,
  '/secrets': secretCells,
  '/serviceaccounts': serviceAccountCells,
  '/events': eventCells,
  '/limitranges': limitRangeCells,
  '/persistentvolumeclaims': persistentVolumeClaimCells,
  '/persistentvolumes': persistentVolumeCells,
  '/replicationcontrollers': replicationControllerCells,
  '/componentstatuses': componentStatusCells,
  'apiregistration.k8s.io/apiservices': apiServiceCells,
  'certificates.k8s.io/certificatesigningrequests': certificateSigningRequestCells,
  'flowcontrol.apiserver.k8s.io/flowschemas': flowSchemaCells,
  'flowcontrol.apiserver.k8s.io/prioritylevelconfigurations': priorityLevelCells,
  'node.k8s.io/runtimeclasses': runtimeClassCells,
  'resource.k8s.io/resourceclaims': resourceClaimCells,
  'resource.k8s.io/resourceslices': resourceSliceCells,
  'storage.k8s.io/csidrivers': csiDriverCells,
  'storage.k8s.io/csinodes': csiNodeCells,
  'storage.k8s.io/csistoragecapacities': csiStorageCapacityCells,
  'storage.k8s.io/storageclasses': storageClassCells,
  'storage.k8s.io/volumeattachments': volumeAttachmentCells,
  'storage.k8s.io/volumeattributesclasses': volumeAttributesClassCells,
  '/resourcequotas': resourceQuotaCells,
  'scheduling.k8s.io/priorityclasses': priorityClassCells,
  'events.k8s.io/events': eventCells,
  'apps/deployments': deploymentCells,
  'apps/replicasets': replicaSetCells,
  'apps/statefulsets': statefulSetCells,
  'apps/daemonsets': daemonSetCells,
  'apps/controllerrevisions': controllerRevisionCells,
  'autoscaling/horizontalpodautoscalers': (object, nowMs) =>
    horizontalPodAutoscalerCells(object.apiVersion === 'autoscaling/v1' ? toAutoscalingV2(object) : object, nowMs),
  'batch/cronjobs': cronJobCells,
  'batch/jobs': jobCells,
  '/podtemplates': podTemplateCells,
  'admissionregistration.k8s.io/mutatingwebhookconfigurations': webhookConfigurationCells,
  'admissionregistration.k8s.io/validatingadmissionpolicies': admissionPolicyCells,
  'admissionregistration.k8s.io/validatingadmissionpolicybindings': admissionPolicyBindingCells,
  'admissionregistration.k8s.io/validatingwebhookconfigurations': webhookConfigurationCells,
  'apiextensions.k8s.io/customresourcedefinitions': customResourceDefinitionCells,
  'discovery.k8s.io/endpointslices': endpointSliceCells,
  'coordination.k8s.io/leases': leaseCells,
  'networking.k8s.io/ingresses': ingressCells,
  'networking.k8s.io/ingressclasses': ingressClassCells,
  'networking.k8s.io/ipaddresses': ipAddressCells,
  'networking.k8s.io/networkpolicies': networkPolicyCells,
  'networking.k8s.io/servicecidrs': serviceCidrCells,
  'policy/poddisruptionbudgets': podDisruptionBudgetCells,
  'rbac.authorization.k8s.io/roles': roleCells,
  'rbac.authorization.k8s.io/clusterroles': roleCells,
  'rbac.authorization.k8s.io/rolebindings': roleBindingCells,
  'rbac.authorization.k8s.io/clusterrolebindings': roleBindingCells,
};

const NAME_AND_AGE: readonly ColumnFacts[] = [
  { name: 'Name', type: 'string', format: 'name', priority: 0 },
  { name: 'Age', type: 'string', format: '', priority: 0 },
];

/**
 * The cells of objects of one resource, as `kubectl get -o wide` prints them.
 * `nowMs` is Unix time in milliseconds. A resource without a printer of its own
 * gets the columns Name and Age.
 */
export function tableRows(resource: ResourceFacts, objects: readonly object[], nowMs: number): TableContent {
  const cellsOf = BY_RESOURCE[`${resource.group}/${resource.plural}`];
  return {
    columnDefinitions: cellsOf === undefined ? NAME_AND_AGE : resource.columns,
    rows: objects.map((object) => ({
      cells: (cellsOf ?? nameAndAge)(object as Record<string, unknown>, nowMs),
      object,
    })),
  };
}

function nameAndAge(object: Readonly<Record<string, unknown>>, nowMs: number): unknown[] {
  const metadata = isJsonObject(object.metadata) ? object.metadata : {};
  return [metadata.name ?? '', ageOf(object, nowMs)];
}
