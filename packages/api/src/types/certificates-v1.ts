// Generated from src/schema by scripts/generate-types.ts; do not edit.
import type { ListMeta, ObjectMeta, Time } from './meta-v1.ts';

/** `certificates.v1.CertificateSigningRequest` */
export interface CertificateSigningRequest {
  kind?: string | undefined;
  apiVersion?: string | undefined;
  metadata?: ObjectMeta | undefined;
  spec: CertificateSigningRequestSpec;
  status?: CertificateSigningRequestStatus | undefined;
}

/** `certificates.v1.CertificateSigningRequestCondition` */
export interface CertificateSigningRequestCondition {
  type: string;
  status: string;
  reason?: string | undefined;
  message?: string | undefined;
  lastUpdateTime?: Time | undefined;
  lastTransitionTime?: Time | undefined;
}

/** `certificates.v1.CertificateSigningRequestList` */
export interface CertificateSigningRequestList {
  kind?: string | undefined;
  apiVersion?: string | undefined;
  metadata?: ListMeta | undefined;
  items: CertificateSigningRequest[];
}

/** `certificates.v1.CertificateSigningRequestSpec` */
export interface CertificateSigningRequestSpec {
  request: string;
  signerName: string;
  expirationSeconds?: number | undefined;
  usages?: string[] | undefined;
  username?: string | undefined;
  uid?: string | undefined;
  groups?: string[] | undefined;
  extra?: Record<string, string[]> | undefined;
}

/** `certificates.v1.CertificateSigningRequestStatus` */
export interface CertificateSigningRequestStatus {
  conditions?: CertificateSigningRequestCondition[] | undefined;
  certificate?: string | undefined;
}
