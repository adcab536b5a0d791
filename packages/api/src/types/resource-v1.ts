// Generated from src/schema by scripts/generate-types.ts; do not edit.
import type { ListMeta, ObjectMeta, Quantity, RawExtension } from './meta-v1.ts';
import type { ResourceClaimStatus } from './resource-v1-allocation.ts';

/** `resource.v1.CELDeviceSelector` */
export interface CELDeviceSelector {
  expression: string;
}

/** `resource.v1.CapacityRequirements` */
export interface CapacityRequirements {
  requests?: Record<string, Quantity> | undefined;
}

/** `resource.v1.DeviceClaim` */
export interface DeviceClaim {
  requests?: DeviceRequest[] | undefined;
  constraints?: DeviceConstraint[] | undefined;
  config?: DeviceClaimConfiguration[] | undefined;
}

/** `resource.v1.DeviceClaimConfiguration` */
export interface DeviceClaimConfiguration {
  requests?: string[] | undefined;
  opaque?: OpaqueDeviceConfiguration | undefined;
}

/** `resource.v1.DeviceClass` */
export interface DeviceClass {
  kind?: string | undefined;
  apiVersion?: string | undefined;
  metadata?: ObjectMeta | undefined;
  spec: DeviceClassSpec;
}

/** `resource.v1.DeviceClassConfiguration` */
export interface DeviceClassConfiguration {
  opaque?: OpaqueDeviceConfiguration | undefined;
}

/** `resource.v1.DeviceClassList` */
export interface DeviceClassList {
  kind?: string | undefined;
  apiVersion?: string | undefined;
  metadata?: ListMeta | undefined;
  items: DeviceClass[];
}

/** `resource.v1.DeviceClassSpec` */
export interface DeviceClassSpec {
  selectors?: DeviceSelector[] | undefined;
  config?: DeviceClassConfiguration[] | undefined;
  extendedResourceName?: string | undefined;
}

/** `resource.v1.DeviceConstraint` */
export interface DeviceConstraint {
  requests?: string[] | undefined;
  matchAttribute?: string | undefined;
  distinctAttribute?: string | undefined;
}

/** `resource.v1.DeviceRequest` */
export interface DeviceRequest {
  name: string;
  exactly?: ExactDeviceRequest | undefined;
  firstAvailable?: DeviceSubRequest[] | undefined;
}

/** `resource.v1.DeviceSelector` */
export interface DeviceSelector {
  cel?: CELDeviceSelector | undefined;
}

/** `resource.v1.DeviceSubRequest` */
export interface DeviceSubRequest {
  name: string;
  deviceClassName: string;
  selectors?: DeviceSelector[] | undefined;
  allocationMode?: string | undefined;
  count?: number | undefined;
  tolerations?: DeviceToleration[] | undefined;
  capacity?: CapacityRequirements | undefined;
}

/** `resource.v1.DeviceToleration` */
export interface DeviceToleration {
  key?: string | undefined;
  operator?: string | undefined;
  value?: string | undefined;
  effect?: string | undefined;
  tolerationSeconds?: number | undefined;
}

/** `resource.v1.ExactDeviceRequest` */
export interface ExactDeviceRequest {
  deviceClassName: string;
  selectors?: DeviceSelector[] | undefined;
  allocationMode?: string | undefined;
  count?: number | undefined;
  adminAccess?: boolean | undefined;
  tolerations?: DeviceToleration[] | undefined;
  capacity?: CapacityRequirements | undefined;
}

/** `resource.v1.OpaqueDeviceConfiguration` */
export interface OpaqueDeviceConfiguration {
  driver: string;
  parameters: RawExtension;
}

/** `resource.v1.ResourceClaim` */
export interface ResourceResourceClaim {
  kind?: string | undefined;
  apiVersion?: string | undefined;
  metadata?: ObjectMeta | undefined;
  spec: ResourceClaimSpec;
  status?: ResourceClaimStatus | undefined;
}

/** `resource.v1.ResourceClaimList` */
export interface ResourceClaimList {
  kind?: string | undefined;
  apiVersion?: string | undefined;
  metadata?: ListMeta | undefined;
  items: ResourceResourceClaim[];
}

/** `resource.v1.ResourceClaimSpec` */
export interface ResourceClaimSpec {
  devices?: DeviceClaim | undefined;
}

/** `resource.v1.ResourceClaimTemplate` */
export interface ResourceClaimTemplate {
  kind?: string | undefined;
  apiVersion?: string | undefined;
  metadata?: ObjectMeta | undefined;
  spec: ResourceClaimTemplateSpec;
}

/** `resource.v1.ResourceClaimTemplateList` */
export interface ResourceClaimTemplateList {
  kind?: string | undefined;
  apiVersion?: string | undefined;
  metadata?: ListMeta | undefined;
  items: ResourceClaimTemplate[];
}

/** `resource.v1.ResourceClaimTemplateSpec` */
export interface ResourceClaimTemplateSpec {
  metadata?: ObjectMeta | undefined;
  spec: ResourceClaimSpec;
}
