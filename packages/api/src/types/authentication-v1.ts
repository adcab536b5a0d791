// Generated from src/schema by scripts/generate-types.ts; do not edit.
import type { ObjectMeta, Time } from './meta-v1.ts';

/** `authentication.v1.BoundObjectReference` */
export interface BoundObjectReference {
  kind?: string | undefined;
  apiVersion?: string | undefined;
  name?: string | undefined;
  uid?: string | undefined;
}

/** `authentication.v1.SelfSubjectReview` */
export interface SelfSubjectReview {
  kind?: string | undefined;
  apiVersion?: string | undefined;
  metadata?: ObjectMeta | undefined;
  status?: SelfSubjectReviewStatus | undefined;
}

/** `authentication.v1.SelfSubjectReviewStatus` */
export interface SelfSubjectReviewStatus {
  userInfo?: UserInfo | undefined;
}

/** `authentication.v1.TokenRequest` */
export interface TokenRequest {
  kind?: string | undefined;
  apiVersion?: string | undefined;
  metadata?: ObjectMeta | undefined;
  spec: TokenRequestSpec;
  status?: TokenRequestStatus | undefined;
}

/** `authentication.v1.TokenRequestSpec` */
export interface TokenRequestSpec {
  audiences: string[];
  expirationSeconds?: number | undefined;
  boundObjectRef?: BoundObjectReference | undefined;
}

/** `authentication.v1.TokenRequestStatus` */
export interface TokenRequestStatus {
  token: string;
  expirationTimestamp: Time;
}

/** `authentication.v1.TokenReview` */
export interface TokenReview {
  kind?: string | undefined;
  apiVersion?: string | undefined;
  metadata?: ObjectMeta | undefined;
  spec: TokenReviewSpec;
  status?: TokenReviewStatus | undefined;
}

/** `authentication.v1.TokenReviewSpec` */
export interface TokenReviewSpec {
  token?: string | undefined;
  audiences?: string[] | undefined;
}

/** `authentication.v1.TokenReviewStatus` */
export interface TokenReviewStatus {
  authenticated?: boolean | undefined;
  user?: UserInfo | undefined;
  audiences?: string[] | undefined;
  error?: string | undefined;
}

/** `authentication.v1.UserInfo` */
export interface UserInfo {
  username?: string | undefined;
  uid?: string | undefined;
  groups?: string[] | undefined;
  extra?: Record<string, string[]> | undefined;
}
