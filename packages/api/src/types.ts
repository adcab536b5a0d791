// Generated from src/schema by scripts/generate-types.ts; do not edit.
// The form of every built-in Kubernetes type in JSON.
export type * from './types/admission-v1.ts';
export type * from './types/admissionregistration-v1.ts';
export type * from './types/apidiscovery-v2.ts';
export type * from './types/apiextensions-v1.ts';
export type * from './types/apps-v1.ts';
export type * from './types/authentication-v1.ts';
export type * from './types/authorization-v1.ts';
export type * from './types/autoscaling-v1.ts';
export type * from './types/autoscaling-v2.ts';
export type * from './types/batch-v1.ts';
export type * from './types/coordination-v1.ts';
export type * from './types/core-v1.ts';
export type * from './types/core-v1-node.ts';
export type * from './types/core-v1-persistent-volume.ts';
export type * from './types/core-v1-pod.ts';
export type * from './types/core-v1-quota.ts';
export type * from './types/core-v1-replication.ts';
export type * from './types/core-v1-volumes.ts';
export type * from './types/discovery-v1.ts';
export type * from './types/events-v1.ts';
export type * from './types/meta-v1.ts';
export type * from './types/networking-v1.ts';
export type * from './types/policy-v1.ts';
export type * from './types/rbac-v1.ts';
export type * from './types/scheduling-v1.ts';
export type * from './types/storage-v1.ts';
