// Generated from src/schema by scripts/generate-types.ts; do not edit.
import type { NodeSelector } from './core-v1-placement.ts';
import type { Condition, Quantity, RawExtension, Time } from './meta-v1.ts';
import type { DeviceToleration, OpaqueDeviceConfiguration } from './resource-v1.ts';

/** `resource.v1.AllocatedDeviceStatus` */
export interface AllocatedDeviceStatus {
  driver: string;
  pool: string;
  device: string;
  shareID?: string | undefined;
  conditions?: Condition[] | undefined;
  data?: RawExtension | undefined;
  networkData?: NetworkDeviceData | undefined;
}

/** `resource.v1.AllocationResult` */
export interface AllocationResult {
  devices?: DeviceAllocationResult | undefined;
  nodeSelector?: NodeSelector | undefined;
  allocationTimestamp?: Time | undefined;
}

/** `resource.v1.DeviceAllocationConfiguration` */
export interface DeviceAllocationConfiguration {
  source: string;
  requests?: string[] | undefined;
  opaque?: OpaqueDeviceConfiguration | undefined;
}

/** `resource.v1.DeviceAllocationResult` */
export interface DeviceAllocationResult {
  results?: DeviceRequestAllocationResult[] | undefined;
  config?: DeviceAllocationConfiguration[] | undefined;
}

/** `resource.v1.DeviceRequestAllocationResult` */
export interface DeviceRequestAllocationResult {
  request: string;
  driver: string;
  pool: string;
  device: string;
  adminAccess?: boolean | undefined;
  tolerations?: DeviceToleration[] | undefined;
  bindingConditions?: string[] | undefined;
  bindingFailureConditions?: string[] | undefined;
  shareID?: string | undefined;
  consumedCapacity?: Record<string, Quantity> | undefined;
}

/** `resource.v1.NetworkDeviceData` */
export interface NetworkDeviceData {
  interfaceName?: string | undefined;
  ips?: string[] | undefined;
  hardwareAddress?: string | undefined;
}

/** `resource.v1.ResourceClaimConsumerReference` */
export interface ResourceClaimConsumerReference {
  apiGroup?: string | undefined;
  resource: string;
  name: string;
  uid: string;
}

/** `resource.v1.ResourceClaimStatus` */
export interface ResourceClaimStatus {
  allocation?: AllocationResult | undefined;
  reservedFor?: ResourceClaimConsumerReference[] | undefined;
  devices?: AllocatedDeviceStatus[] | undefined;
}
