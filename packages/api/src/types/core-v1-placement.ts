// Generated from src/schema by scripts/generate-types.ts; do not edit.
import type { LabelSelector } from './meta-v1.ts';

/** `core.v1.Affinity` */
export interface Affinity {
  nodeAffinity?: NodeAffinity | undefined;
  podAffinity?: PodAffinity | undefined;
  podAntiAffinity?: PodAntiAffinity | undefined;
}

/** `core.v1.NodeAffinity` */
export interface NodeAffinity {
  requiredDuringSchedulingIgnoredDuringExecution?: NodeSelector | undefined;
  preferredDuringSchedulingIgnoredDuringExecution?: PreferredSchedulingTerm[] | undefined;
}

/** `core.v1.NodeSelector` */
export interface NodeSelector {
  nodeSelectorTerms: NodeSelectorTerm[];
}

/** `core.v1.NodeSelectorRequirement` */
export interface NodeSelectorRequirement {
  key: string;
  operator: 'DoesNotExist' | 'Exists' | 'Gt' | 'In' | 'Lt' | 'NotIn';
  values?: string[] | undefined;
}

/** `core.v1.NodeSelectorTerm` */
export interface NodeSelectorTerm {
  matchExpressions?: NodeSelectorRequirement[] | undefined;
  matchFields?: NodeSelectorRequirement[] | undefined;
}

/** `core.v1.PodAffinity` */
export interface PodAffinity {
  requiredDuringSchedulingIgnoredDuringExecution?: PodAffinityTerm[] | undefined;
  preferredDuringSchedulingIgnoredDuringExecution?: WeightedPodAffinityTerm[] | undefined;
}

/** `core.v1.PodAffinityTerm` */
export interface PodAffinityTerm {
  labelSelector?: LabelSelector | undefined;
  namespaces?: string[] | undefined;
  topologyKey: string;
  namespaceSelector?: LabelSelector | undefined;
  matchLabelKeys?: string[] | undefined;
  mismatchLabelKeys?: string[] | undefined;
}

/** `core.v1.PodAntiAffinity` */
export interface PodAntiAffinity {
  requiredDuringSchedulingIgnoredDuringExecution?: PodAffinityTerm[] | undefined;
  preferredDuringSchedulingIgnoredDuringExecution?: WeightedPodAffinityTerm[] | undefined;
}

/** `core.v1.PodSchedulingGate` */
export interface PodSchedulingGate {
  name: string;
}

/** `core.v1.PodSchedulingGroup` */
export interface PodSchedulingGroup {
  podGroupName?: string | undefined;
}

/** `core.v1.PreferredSchedulingTerm` */
export interface PreferredSchedulingTerm {
  weight: number;
  preference: NodeSelectorTerm;
}

/** `core.v1.Toleration` */
export interface Toleration {
  key?: string | undefined;
  operator?: 'Equal' | 'Exists' | undefined;
  value?: string | undefined;
  effect?: 'NoExecute' | 'NoSchedule' | 'PreferNoSchedule' | undefined;
  tolerationSeconds?: number | undefined;
}

/** `core.v1.TopologySpreadConstraint` */
export interface TopologySpreadConstraint {
  maxSkew: number;
  topologyKey: string;
  whenUnsatisfiable: 'DoNotSchedule' | 'ScheduleAnyway';
  labelSelector?: LabelSelector | undefined;
  minDomains?: number | undefined;
  nodeAffinityPolicy?: 'Honor' | 'Ignore' | undefined;
  nodeTaintsPolicy?: 'Honor' | 'Ignore' | undefined;
  matchLabelKeys?: string[] | undefined;
}

/** `core.v1.WeightedPodAffinityTerm` */
export interface WeightedPodAffinityTerm {
  weight: number;
  podAffinityTerm: PodAffinityTerm;
}
