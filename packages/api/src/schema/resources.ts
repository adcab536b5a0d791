import type { ResourceFacts } from './resource-facts.ts';
import { admissionregistrationResources } from './resources/admissionregistration.ts';
import { apiextensionsResources } from './resources/apiextensions.ts';
import { apiregistrationResources } from './resources/apiregistration.ts';
import { appsResources } from './resources/apps.ts';
import { authenticationResources } from './resources/authentication.ts';
import { authorizationResources } from './resources/authorization.ts';
import { autoscalingResources } from './resources/autoscaling.ts';
import { batchResources } from './resources/batch.ts';
import { coordinationResources } from './resources/coordination.ts';
import { coreResources } from './resources/core.ts';
import { discoveryResources } from './resources/discovery.ts';
import { eventsResources } from './resources/events.ts';
import { networkingResources } from './resources/networking.ts';
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
  ...coordinationResources,
  ...discoveryResources,
  ...eventsResources,
  ...networkingResources,
  ...policyResources,
  ...rbacResources,
  ...schedulingResources,
  ...storageResources,
  ...coreResources,
];
