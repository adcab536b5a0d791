import type { ResourceFacts } from './resource-facts.ts';
import { admissionregistrationResources } from './resources/admissionregistration.ts';
import { apiextensionsResources } from './resources/apiextensions.ts';
import { apiregistrationResources } from './resources/apiregistration.ts';
import { appsResources } from './resources/apps.ts';
import { authenticationResources } from './resources/authentication.ts';
import { authorizationResources } from './resources/authorization.ts';
import { autoscalingResources } from './resources/autoscaling.ts';
import { batchResources } from './resources/batch.ts';
import { certificatesResources } from './resources/certificates.ts';
import { coordinationResources } from './resources/coordination.ts';
import { coreResources } from './resources/core.ts';
import { deviceResources } from './resources/device.ts';
import { discoveryResources } from './resources/discovery.ts';
import { eventsResources } from './resources/events.ts';
import { flowcontrolResources } from './resources/flowcontrol.ts';
import { networkingResources } from './resources/networking.ts';
import { nodeResources } from './resources/node.ts';
import { policyResources } from './resources/policy.ts';
import { rbacResources } from './resources/rbac.ts';
import { schedulingResources } from './resources/scheduling.ts';
import { storageResources } from './resources/storage.ts';

/** Served resources of Kubernetes 1.34 as facts: names, verbs, Table columns, field selectors. */
export const resourceFacts: readonly ResourceFacts[] = [
  ...admissionregistrationResources,
  ...apiextensionsResources,
  ...apiregistrationResources,
  ...appsResources,
  ...authenticationResources,
  ...authorizationResources,
  ...autoscalingResources,
  ...batchResources,
  ...certificatesResources,
  ...coordinationResources,
  ...deviceResources,
  ...discoveryResources,
  ...eventsResources,
  ...flowcontrolResources,
  ...networkingResources,
  ...nodeResources,
  ...policyResources,
  ...rbacResources,
  ...schedulingResources,
  ...storageResources,
  ...coreResources,
];
