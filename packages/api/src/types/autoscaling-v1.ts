// Generated from src/schema by scripts/generate-types.ts; do not edit.
import type { ListMeta, ObjectMeta, Time } from './meta-v1.ts';

/** `autoscaling.v1.CrossVersionObjectReference` */
export interface AutoscalingCrossVersionObjectReference {
  kind: string;
  name: string;
  apiVersion?: string | undefined;
}

/** `autoscaling.v1.HorizontalPodAutoscaler` */
export interface AutoscalingHorizontalPodAutoscaler {
  kind?: string | undefined;
  apiVersion?: string | undefined;
  metadata?: ObjectMeta | undefined;
  spec?: AutoscalingHorizontalPodAutoscalerSpec | undefined;
  status?: AutoscalingHorizontalPodAutoscalerStatus | undefined;
}

/** `autoscaling.v1.HorizontalPodAutoscalerList` */
export interface AutoscalingHorizontalPodAutoscalerList {
  kind?: string | undefined;
  apiVersion?: string | undefined;
  metadata?: ListMeta | undefined;
  items: AutoscalingHorizontalPodAutoscaler[];
}

/** `autoscaling.v1.HorizontalPodAutoscalerSpec` */
export interface AutoscalingHorizontalPodAutoscalerSpec {
  scaleTargetRef: AutoscalingCrossVersionObjectReference;
  minReplicas?: number | undefined;
  maxReplicas: number;
  targetCPUUtilizationPercentage?: number | undefined;
}

/** `autoscaling.v1.HorizontalPodAutoscalerStatus` */
export interface AutoscalingHorizontalPodAutoscalerStatus {
  observedGeneration?: number | undefined;
  lastScaleTime?: Time | undefined;
  currentReplicas: number;
  desiredReplicas: number;
  currentCPUUtilizationPercentage?: number | undefined;
}

/** `autoscaling.v1.Scale` */
export interface Scale {
  kind?: string | undefined;
  apiVersion?: string | undefined;
  metadata?: ObjectMeta | undefined;
  spec?: ScaleSpec | undefined;
  status?: ScaleStatus | undefined;
}

/** `autoscaling.v1.ScaleSpec` */
export interface ScaleSpec {
  replicas?: number | undefined;
}

/** `autoscaling.v1.ScaleStatus` */
export interface ScaleStatus {
  replicas: number;
  selector?: string | undefined;
}
