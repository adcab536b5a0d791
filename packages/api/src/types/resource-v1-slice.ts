// Generated from src/schema by scripts/generate-types.ts; do not edit.
import type { NodeSelector } from './core-v1-placement.ts';
import type { ListMeta, ObjectMeta, Quantity, Time } from './meta-v1.ts';

/** `resource.v1.CapacityRequestPolicy` */
export interface CapacityRequestPolicy {
  default?: Quantity | undefined;
  validValues?: Quantity[] | undefined;
  validRange?: CapacityRequestPolicyRange | undefined;
}

/** `resource.v1.CapacityRequestPolicyRange` */
export interface CapacityRequestPolicyRange {
  min: Quantity;
  max?: Quantity | undefined;
  step?: Quantity | undefined;
}

/** `resource.v1.Counter` */
export interface Counter {
  value: Quantity;
}

/** `resource.v1.CounterSet` */
export interface CounterSet {
  name: string;
  counters: Record<string, Counter>;
}

/** `resource.v1.Device` */
export interface Device {
  name: string;
  attributes?: Record<string, DeviceAttribute> | undefined;
  capacity?: Record<string, DeviceCapacity> | undefined;
  consumesCounters?: DeviceCounterConsumption[] | undefined;
  nodeName?: string | undefined;
  nodeSelector?: NodeSelector | undefined;
  allNodes?: boolean | undefined;
  taints?: DeviceTaint[] | undefined;
  bindsToNode?: boolean | undefined;
  bindingConditions?: string[] | undefined;
  bindingFailureConditions?: string[] | undefined;
  allowMultipleAllocations?: boolean | undefined;
}

/** `resource.v1.DeviceAttribute` */
export interface DeviceAttribute {
  int?: number | undefined;
  bool?: boolean | undefined;
  string?: string | undefined;
  version?: string | undefined;
}

/** `resource.v1.DeviceCapacity` */
export interface DeviceCapacity {
  value: Quantity;
  requestPolicy?: CapacityRequestPolicy | undefined;
}

/** `resource.v1.DeviceCounterConsumption` */
export interface DeviceCounterConsumption {
  counterSet: string;
  counters: Record<string, Counter>;
}

/** `resource.v1.DeviceTaint` */
export interface DeviceTaint {
  key: string;
  value?: string | undefined;
  effect: string;
  timeAdded?: Time | undefined;
}

/** `resource.v1.ResourcePool` */
export interface ResourcePool {
  name: string;
  generation: number;
  resourceSliceCount: number;
}

/** `resource.v1.ResourceSlice` */
export interface ResourceSlice {
  kind?: string | undefined;
  apiVersion?: string | undefined;
  metadata?: ObjectMeta | undefined;
  spec: ResourceSliceSpec;
}

/** `resource.v1.ResourceSliceList` */
export interface ResourceSliceList {
  kind?: string | undefined;
  apiVersion?: string | undefined;
  metadata?: ListMeta | undefined;
  items: ResourceSlice[];
}

/** `resource.v1.ResourceSliceSpec` */
export interface ResourceSliceSpec {
  driver: string;
  pool: ResourcePool;
  nodeName?: string | undefined;
  nodeSelector?: NodeSelector | undefined;
  allNodes?: boolean | undefined;
  devices?: Device[] | undefined;
  perDeviceNodeSelection?: boolean | undefined;
  sharedCounters?: CounterSet[] | undefined;
}
