// Generated from src/schema by scripts/generate-types.ts; do not edit.
import type { ListMeta, ObjectMeta, Time } from './meta-v1.ts';

/** `apiregistration.v1.APIService` */
export interface APIService {
  kind?: string | undefined;
  apiVersion?: string | undefined;
  metadata?: ObjectMeta | undefined;
  spec?: APIServiceSpec | undefined;
  status?: APIServiceStatus | undefined;
}

/** `apiregistration.v1.APIServiceCondition` */
export interface APIServiceCondition {
  type: string;
  status: string;
  lastTransitionTime?: Time | undefined;
  reason?: string | undefined;
  message?: string | undefined;
}

/** `apiregistration.v1.APIServiceList` */
export interface APIServiceList {
  kind?: string | undefined;
  apiVersion?: string | undefined;
  metadata?: ListMeta | undefined;
  items: APIService[];
}

/** `apiregistration.v1.APIServiceSpec` */
export interface APIServiceSpec {
  service?: ApiregistrationServiceReference | undefined;
  group?: string | undefined;
  version?: string | undefined;
  insecureSkipTLSVerify?: boolean | undefined;
  caBundle?: string | undefined;
  groupPriorityMinimum: number;
  versionPriority: number;
}

/** `apiregistration.v1.APIServiceStatus` */
export interface APIServiceStatus {
  conditions?: APIServiceCondition[] | undefined;
}

/** `apiregistration.v1.ServiceReference` */
export interface ApiregistrationServiceReference {
  namespace?: string | undefined;
  name?: string | undefined;
  port?: number | undefined;
}
