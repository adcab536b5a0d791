// Generated from src/schema by scripts/generate-types.ts; do not edit.
import type { ListMeta, ObjectMeta, Quantity } from './meta-v1.ts';

/** `core.v1.LimitRange` */
export interface LimitRange {
  kind?: string | undefined;
  apiVersion?: string | undefined;
  metadata?: ObjectMeta | undefined;
  spec?: LimitRangeSpec | undefined;
}

/** `core.v1.LimitRangeItem` */
export interface LimitRangeItem {
  type: string;
  max?: Record<string, Quantity> | undefined;
  min?: Record<string, Quantity> | undefined;
  default?: Record<string, Quantity> | undefined;
  defaultRequest?: Record<string, Quantity> | undefined;
  maxLimitRequestRatio?: Record<string, Quantity> | undefined;
}

/** `core.v1.LimitRangeList` */
export interface LimitRangeList {
  kind?: string | undefined;
  apiVersion?: string | undefined;
  metadata?: ListMeta | undefined;
  items: LimitRange[];
}

/** `core.v1.LimitRangeSpec` */
export interface LimitRangeSpec {
  limits: LimitRangeItem[];
}

/** `core.v1.ResourceQuota` */
export interface ResourceQuota {
  kind?: string | undefined;
  apiVersion?: string | undefined;
  metadata?: ObjectMeta | undefined;
  spec?: ResourceQuotaSpec | undefined;
  status?: ResourceQuotaStatus | undefined;
}

/** `core.v1.ResourceQuotaList` */
export interface ResourceQuotaList {
  kind?: string | undefined;
  apiVersion?: string | undefined;
  metadata?: ListMeta | undefined;
  items: ResourceQuota[];
}

/** `core.v1.ResourceQuotaSpec` */
export interface ResourceQuotaSpec {
  hard?: Record<string, Quantity> | undefined;
  scopes?: ('BestEffort' | 'CrossNamespacePodAffinity' | 'NotBestEffort' | 'NotTerminating' | 'PriorityClass' | 'Terminating' | 'VolumeAttributesClass')[] | undefined;
  scopeSelector?: ScopeSelector | undefined;
}

/** `core.v1.ResourceQuotaStatus` */
export interface ResourceQuotaStatus {
  hard?: Record<string, Quantity> | undefined;
  used?: Record<string, Quantity> | undefined;
}

/** `core.v1.ScopeSelector` */
export interface ScopeSelector {
  matchExpressions?: ScopedResourceSelectorRequirement[] | undefined;
}

/** `core.v1.ScopedResourceSelectorRequirement` */
export interface ScopedResourceSelectorRequirement {
  scopeName: 'BestEffort' | 'CrossNamespacePodAffinity' | 'NotBestEffort' | 'NotTerminating' | 'PriorityClass' | 'Terminating' | 'VolumeAttributesClass';
  operator: 'DoesNotExist' | 'Exists' | 'In' | 'NotIn';
  values?: string[] | undefined;
}
