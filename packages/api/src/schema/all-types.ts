import { admissionV1 } from './admission-v1.ts';
import { admissionregistrationV1 } from './admissionregistration-v1.ts';
import { apidiscoveryV2 } from './apidiscovery-v2.ts';
import { apiextensionsV1 } from './apiextensions-v1.ts';
import { appsV1 } from './apps-v1.ts';
import { authenticationV1 } from './authentication-v1.ts';
import { authorizationV1 } from './authorization-v1.ts';
import { autoscalingV1 } from './autoscaling-v1.ts';
import { autoscalingV2 } from './autoscaling-v2.ts';
import { batchV1 } from './batch-v1.ts';
import { coordinationV1 } from './coordination-v1.ts';
import { coreV1 } from './core-v1.ts';
import { coreV1Node } from './core-v1-node.ts';
import { coreV1Pod } from './core-v1-pod.ts';
import { coreV1Quota } from './core-v1-quota.ts';
import { coreV1Replication } from './core-v1-replication.ts';
import { coreV1Volumes } from './core-v1-volumes.ts';
import { discoveryV1 } from './discovery-v1.ts';
import { eventsV1 } from './events-v1.ts';
import { metaV1 } from './meta-v1.ts';
import { networkingV1 } from './networking-v1.ts';
import { policyV1 } from './policy-v1.ts';
import { rbacV1 } from './rbac-v1.ts';
import { schedulingV1 } from './scheduling-v1.ts';
import type { SchemaTypes } from './schema-type.ts';
import { storageV1 } from './storage-v1.ts';

/** Every built-in type by its short id (`core.v1.Service`). */
export const schemaTypes: SchemaTypes = {
  ...admissionV1,
  ...admissionregistrationV1,
  ...apidiscoveryV2,
  ...apiextensionsV1,
  ...appsV1,
  ...authenticationV1,
  ...authorizationV1,
  ...autoscalingV1,
  ...autoscalingV2,
  ...batchV1,
  ...coordinationV1,
  ...coreV1,
  ...coreV1Node,
  ...coreV1Pod,
  ...coreV1Quota,
  ...coreV1Replication,
  ...coreV1Volumes,
  ...discoveryV1,
  ...eventsV1,
  ...metaV1,
  ...networkingV1,
  ...policyV1,
  ...rbacV1,
  ...schedulingV1,
  ...storageV1,
};
