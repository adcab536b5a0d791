// Generated from src/schema by scripts/generate-types.ts; do not edit.
import type { LocalObjectReference } from './core-v1.ts';
import type { Container, EphemeralContainer, ResourceRequirements } from './core-v1-container.ts';
import type { Affinity, PodSchedulingGate, PodSchedulingGroup, Toleration, TopologySpreadConstraint } from './core-v1-placement.ts';
import type { PodStatus } from './core-v1-pod-status.ts';
import type { PodSecurityContext } from './core-v1-security.ts';
import type { Volume } from './core-v1-volumes.ts';
import type { ListMeta, ObjectMeta, Quantity } from './meta-v1.ts';

/** `core.v1.HostAlias` */
export interface HostAlias {
  ip: string;
  hostnames?: string[] | undefined;
}

/** `core.v1.Pod` */
export interface Pod {
  kind?: string | undefined;
  apiVersion?: string | undefined;
  metadata?: ObjectMeta | undefined;
  spec?: PodSpec | undefined;
  status?: PodStatus | undefined;
}

/** `core.v1.PodDNSConfig` */
export interface PodDNSConfig {
  nameservers?: string[] | undefined;
  searches?: string[] | undefined;
  options?: PodDNSConfigOption[] | undefined;
}

/** `core.v1.PodDNSConfigOption` */
export interface PodDNSConfigOption {
  name?: string | undefined;
  value?: string | undefined;
}

/** `core.v1.PodList` */
export interface PodList {
  kind?: string | undefined;
  apiVersion?: string | undefined;
  metadata?: ListMeta | undefined;
  items: Pod[];
}

/** `core.v1.PodOS` */
export interface PodOS {
  name: string;
}

/** `core.v1.PodReadinessGate` */
export interface PodReadinessGate {
  conditionType: string;
}

/** `core.v1.PodResourceClaim` */
export interface PodResourceClaim {
  name: string;
  resourceClaimName?: string | undefined;
  resourceClaimTemplateName?: string | undefined;
}

/** `core.v1.PodSpec` */
export interface PodSpec {
  volumes?: Volume[] | undefined;
  initContainers?: Container[] | undefined;
  containers: Container[];
  ephemeralContainers?: EphemeralContainer[] | undefined;
  restartPolicy?: 'Always' | 'Never' | 'OnFailure' | undefined;
  terminationGracePeriodSeconds?: number | undefined;
  activeDeadlineSeconds?: number | undefined;
  dnsPolicy?: 'ClusterFirst' | 'ClusterFirstWithHostNet' | 'Default' | 'None' | undefined;
  nodeSelector?: Record<string, string> | undefined;
  serviceAccountName?: string | undefined;
  serviceAccount?: string | undefined;
  automountServiceAccountToken?: boolean | undefined;
  nodeName?: string | undefined;
  hostNetwork?: boolean | undefined;
  hostPID?: boolean | undefined;
  hostIPC?: boolean | undefined;
  shareProcessNamespace?: boolean | undefined;
  securityContext?: PodSecurityContext | undefined;
  imagePullSecrets?: LocalObjectReference[] | undefined;
  hostname?: string | undefined;
  subdomain?: string | undefined;
  affinity?: Affinity | undefined;
  schedulerName?: string | undefined;
  tolerations?: Toleration[] | undefined;
  hostAliases?: HostAlias[] | undefined;
  priorityClassName?: string | undefined;
  priority?: number | undefined;
  dnsConfig?: PodDNSConfig | undefined;
  readinessGates?: PodReadinessGate[] | undefined;
  runtimeClassName?: string | undefined;
  enableServiceLinks?: boolean | undefined;
  preemptionPolicy?: 'Never' | 'PreemptLowerPriority' | undefined;
  overhead?: Record<string, Quantity> | undefined;
  topologySpreadConstraints?: TopologySpreadConstraint[] | undefined;
  setHostnameAsFQDN?: boolean | undefined;
  os?: PodOS | undefined;
  hostUsers?: boolean | undefined;
  schedulingGates?: PodSchedulingGate[] | undefined;
  resourceClaims?: PodResourceClaim[] | undefined;
  resources?: ResourceRequirements | undefined;
  hostnameOverride?: string | undefined;
  schedulingGroup?: PodSchedulingGroup | undefined;
}

/** `core.v1.PodTemplate` */
export interface PodTemplate {
  kind?: string | undefined;
  apiVersion?: string | undefined;
  metadata?: ObjectMeta | undefined;
  template?: PodTemplateSpec | undefined;
}

/** `core.v1.PodTemplateList` */
export interface PodTemplateList {
  kind?: string | undefined;
  apiVersion?: string | undefined;
  metadata?: ListMeta | undefined;
  items: PodTemplate[];
}

/** `core.v1.PodTemplateSpec` */
export interface PodTemplateSpec {
  metadata?: ObjectMeta | undefined;
  spec?: PodSpec | undefined;
}
