import { admissionV1 } from './admission-v1.ts';
import { admissionregistrationV1 } from './admissionregistration-v1.ts';
import { admissionregistrationV1Webhooks } from './admissionregistration-v1-webhooks.ts';
import { apidiscoveryV2 } from './apidiscovery-v2.ts';
import { apiextensionsV1 } from './apiextensions-v1.ts';
import { apiextensionsV1Conversion } from './apiextensions-v1-conversion.ts';
import { apiregistrationV1 } from './apiregistration-v1.ts';
import { appsV1 } from './apps-v1.ts';
import { authenticationV1 } from './authentication-v1.ts';
import { authorizationV1 } from './authorization-v1.ts';
import { autoscalingV1 } from './autoscaling-v1.ts';
import { autoscalingV2 } from './autoscaling-v2.ts';
import { batchV1 } from './batch-v1.ts';
import { certificatesV1 } from './certificates-v1.ts';
import { coordinationV1 } from './coordination-v1.ts';
import { coreV1 } from './core-v1.ts';
import { coreV1Claims } from './core-v1-claims.ts';
import { coreV1Component } from './core-v1-component.ts';
import { coreV1Container } from './core-v1-container.ts';
import { coreV1Handlers } from './core-v1-handlers.ts';
import { coreV1Node } from './core-v1-node.ts';
import { coreV1PersistentVolume } from './core-v1-persistent-volume.ts';
import { coreV1Placement } from './core-v1-placement.ts';
import { coreV1Pod } from './core-v1-pod.ts';
import { coreV1PodStatus } from './core-v1-pod-status.ts';
import { coreV1Quota } from './core-v1-quota.ts';
import { coreV1Replication } from './core-v1-replication.ts';
import { coreV1Security } from './core-v1-security.ts';
import { coreV1Service } from './core-v1-service.ts';
import { coreV1VendorVolumes } from './core-v1-vendor-volumes.ts';
import { coreV1Volumes } from './core-v1-volumes.ts';
import { discoveryV1 } from './discovery-v1.ts';
import { eventsV1 } from './events-v1.ts';
import { flowcontrolV1 } from './flowcontrol-v1.ts';
import { metaV1 } from './meta-v1.ts';
import { metaV1Discovery } from './meta-v1-discovery.ts';
import { metaV1Table } from './meta-v1-table.ts';
import { networkingV1 } from './networking-v1.ts';
import { nodeV1 } from './node-v1.ts';
import { policyV1 } from './policy-v1.ts';
import { rbacV1 } from './rbac-v1.ts';
import { resourceV1 } from './resource-v1.ts';
import { resourceV1Allocation } from './resource-v1-allocation.ts';
import { resourceV1Slice } from './resource-v1-slice.ts';
import { schedulingV1 } from './scheduling-v1.ts';
import type { SchemaTypes } from './schema-type.ts';
import { storageV1 } from './storage-v1.ts';
import { storageV1Attachment } from './storage-v1-attachment.ts';
import { storageV1Drivers } from './storage-v1-drivers.ts';

/** Every built-in type, by the file of this folder that describes it. */
export const schemaFiles: Readonly<Record<string, SchemaTypes>> = {
  'admission-v1': admissionV1,
  'admissionregistration-v1': admissionregistrationV1,
  'admissionregistration-v1-webhooks': admissionregistrationV1Webhooks,
  'apidiscovery-v2': apidiscoveryV2,
  'apiextensions-v1': apiextensionsV1,
  'apiextensions-v1-conversion': apiextensionsV1Conversion,
  'apiregistration-v1': apiregistrationV1,
  'apps-v1': appsV1,
  'authentication-v1': authenticationV1,
  'authorization-v1': authorizationV1,
  'autoscaling-v1': autoscalingV1,
  'autoscaling-v2': autoscalingV2,
  'batch-v1': batchV1,
  'certificates-v1': certificatesV1,
  'coordination-v1': coordinationV1,
  'core-v1': coreV1,
  'core-v1-claims': coreV1Claims,
  'core-v1-component': coreV1Component,
  'core-v1-container': coreV1Container,
  'core-v1-handlers': coreV1Handlers,
  'core-v1-node': coreV1Node,
  'core-v1-persistent-volume': coreV1PersistentVolume,
  'core-v1-placement': coreV1Placement,
  'core-v1-pod': coreV1Pod,
  'core-v1-pod-status': coreV1PodStatus,
  'core-v1-quota': coreV1Quota,
  'core-v1-replication': coreV1Replication,
  'core-v1-security': coreV1Security,
  'core-v1-service': coreV1Service,
  'core-v1-vendor-volumes': coreV1VendorVolumes,
  'core-v1-volumes': coreV1Volumes,
  'discovery-v1': discoveryV1,
  'events-v1': eventsV1,
  'flowcontrol-v1': flowcontrolV1,
  'meta-v1': metaV1,
  'meta-v1-discovery': metaV1Discovery,
  'meta-v1-table': metaV1Table,
  'networking-v1': networkingV1,
  'node-v1': nodeV1,
  'policy-v1': policyV1,
  'rbac-v1': rbacV1,
  'resource-v1': resourceV1,
  'resource-v1-allocation': resourceV1Allocation,
  'resource-v1-slice': resourceV1Slice,
  'scheduling-v1': schedulingV1,
  'storage-v1': storageV1,
  'storage-v1-attachment': storageV1Attachment,
  'storage-v1-drivers': storageV1Drivers,
};

/** Every built-in type by its short id (`core.v1.Service`). */
export const schemaTypes: SchemaTypes = Object.assign({}, ...Object.values(schemaFiles));
