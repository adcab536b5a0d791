// Generated from src/schema by scripts/generate-types.ts; do not edit.
import type { AttachedVolume } from './core-v1-volumes.ts';
import type { ListMeta, ObjectMeta, Quantity, Time } from './meta-v1.ts';

/** `core.v1.ConfigMapNodeConfigSource` */
export interface ConfigMapNodeConfigSource {
  namespace: string;
  name: string;
  uid?: string | undefined;
  resourceVersion?: string | undefined;
  kubeletConfigKey: string;
}

/** `core.v1.ContainerImage` */
export interface ContainerImage {
  names?: string[] | undefined;
  sizeBytes?: number | undefined;
}

/** `core.v1.DaemonEndpoint` */
export interface DaemonEndpoint {
  Port: number;
}

/** `core.v1.Node` */
export interface Node {
  kind?: string | undefined;
  apiVersion?: string | undefined;
  metadata?: ObjectMeta | undefined;
  spec?: NodeSpec | undefined;
  status?: NodeStatus | undefined;
}

/** `core.v1.NodeAddress` */
export interface NodeAddress {
  type: string;
  address: string;
}

/** `core.v1.NodeAllocatableResourceClaimStatus` */
export interface NodeAllocatableResourceClaimStatus {
  resourceClaimName?: string | undefined;
  containers?: string[] | undefined;
  resources?: Record<string, Quantity> | undefined;
}

/** `core.v1.NodeCondition` */
export interface NodeCondition {
  type: string;
  status: string;
  lastHeartbeatTime?: Time | undefined;
  lastTransitionTime?: Time | undefined;
  reason?: string | undefined;
  message?: string | undefined;
}

/** `core.v1.NodeConfigSource` */
export interface NodeConfigSource {
  configMap?: ConfigMapNodeConfigSource | undefined;
}

/** `core.v1.NodeConfigStatus` */
export interface NodeConfigStatus {
  assigned?: NodeConfigSource | undefined;
  active?: NodeConfigSource | undefined;
  lastKnownGood?: NodeConfigSource | undefined;
  error?: string | undefined;
}

/** `core.v1.NodeDaemonEndpoints` */
export interface NodeDaemonEndpoints {
  kubeletEndpoint?: DaemonEndpoint | undefined;
}

/** `core.v1.NodeFeatures` */
export interface NodeFeatures {
  supplementalGroupsPolicy?: boolean | undefined;
}

/** `core.v1.NodeList` */
export interface NodeList {
  kind?: string | undefined;
  apiVersion?: string | undefined;
  metadata?: ListMeta | undefined;
  items: Node[];
}

/** `core.v1.NodeRuntimeHandler` */
export interface NodeRuntimeHandler {
  name?: string | undefined;
  features?: NodeRuntimeHandlerFeatures | undefined;
}

/** `core.v1.NodeRuntimeHandlerFeatures` */
export interface NodeRuntimeHandlerFeatures {
  recursiveReadOnlyMounts?: boolean | undefined;
  userNamespaces?: boolean | undefined;
}

/** `core.v1.NodeSpec` */
export interface NodeSpec {
  podCIDR?: string | undefined;
  podCIDRs?: string[] | undefined;
  providerID?: string | undefined;
  unschedulable?: boolean | undefined;
  taints?: Taint[] | undefined;
  configSource?: NodeConfigSource | undefined;
  externalID?: string | undefined;
}

/** `core.v1.NodeStatus` */
export interface NodeStatus {
  capacity?: Record<string, Quantity> | undefined;
  allocatable?: Record<string, Quantity> | undefined;
  phase?: 'Pending' | 'Running' | 'Terminated' | undefined;
  conditions?: NodeCondition[] | undefined;
  addresses?: NodeAddress[] | undefined;
  daemonEndpoints?: NodeDaemonEndpoints | undefined;
  nodeInfo?: NodeSystemInfo | undefined;
  images?: ContainerImage[] | undefined;
  volumesInUse?: string[] | undefined;
  volumesAttached?: AttachedVolume[] | undefined;
  config?: NodeConfigStatus | undefined;
  runtimeHandlers?: NodeRuntimeHandler[] | undefined;
  features?: NodeFeatures | undefined;
  declaredFeatures?: string[] | undefined;
}

/** `core.v1.NodeSwapStatus` */
export interface NodeSwapStatus {
  capacity?: number | undefined;
}

/** `core.v1.NodeSystemInfo` */
export interface NodeSystemInfo {
  machineID: string;
  systemUUID: string;
  bootID: string;
  kernelVersion: string;
  osImage: string;
  containerRuntimeVersion: string;
  kubeletVersion: string;
  kubeProxyVersion: string;
  operatingSystem: string;
  architecture: string;
  swap?: NodeSwapStatus | undefined;
}

/** `core.v1.Taint` */
export interface Taint {
  key: string;
  value?: string | undefined;
  effect: 'NoExecute' | 'NoSchedule' | 'PreferNoSchedule';
  timeAdded?: Time | undefined;
}
