// Generated from src/schema by scripts/generate-types.ts; do not edit.
import type { UserInfo } from './authentication-v1.ts';
import type { GroupVersionKind, GroupVersionResource, RawExtension, Status } from './meta-v1.ts';

/** `admission.v1.AdmissionRequest` */
export interface AdmissionRequest {
  uid?: string | undefined;
  kind?: GroupVersionKind | undefined;
  resource?: GroupVersionResource | undefined;
  subResource?: string | undefined;
  requestKind?: GroupVersionKind | undefined;
  requestResource?: GroupVersionResource | undefined;
  requestSubResource?: string | undefined;
  name?: string | undefined;
  namespace?: string | undefined;
  operation?: string | undefined;
  userInfo?: UserInfo | undefined;
  object?: RawExtension | undefined;
  oldObject?: RawExtension | undefined;
  dryRun?: boolean | undefined;
  options?: RawExtension | undefined;
}

/** `admission.v1.AdmissionResponse` */
export interface AdmissionResponse {
  uid?: string | undefined;
  allowed?: boolean | undefined;
  status?: Status | undefined;
  patch?: string | undefined;
  patchType?: string | undefined;
  auditAnnotations?: Record<string, string> | undefined;
  warnings?: string[] | undefined;
}

/** `admission.v1.AdmissionReview` */
export interface AdmissionReview {
  kind?: string | undefined;
  apiVersion?: string | undefined;
  request?: AdmissionRequest | undefined;
  response?: AdmissionResponse | undefined;
}
