// Generated from src/schema by scripts/generate-types.ts; do not edit.
import type { LabelSelector, ListMeta, ObjectMeta, Quantity, Time } from './meta-v1.ts';

/** `autoscaling.v2.ContainerResourceMetricSource` */
export interface ContainerResourceMetricSource {
  name: string;
  target: MetricTarget;
  container: string;
}

/** `autoscaling.v2.ContainerResourceMetricStatus` */
export interface ContainerResourceMetricStatus {
  name: string;
  current: MetricValueStatus;
  container: string;
}

/** `autoscaling.v2.CrossVersionObjectReference` */
export interface CrossVersionObjectReference {
  kind: string;
  name: string;
  apiVersion?: string | undefined;
}

/** `autoscaling.v2.ExternalMetricSource` */
export interface ExternalMetricSource {
  metric: MetricIdentifier;
  target: MetricTarget;
}

/** `autoscaling.v2.ExternalMetricStatus` */
export interface ExternalMetricStatus {
  metric: MetricIdentifier;
  current: MetricValueStatus;
}

/** `autoscaling.v2.HPAScalingPolicy` */
export interface HPAScalingPolicy {
  type: string;
  value: number;
  periodSeconds: number;
}

/** `autoscaling.v2.HPAScalingRules` */
export interface HPAScalingRules {
  stabilizationWindowSeconds?: number | undefined;
  selectPolicy?: string | undefined;
  policies?: HPAScalingPolicy[] | undefined;
  tolerance?: Quantity | undefined;
}

/** `autoscaling.v2.HorizontalPodAutoscaler` */
export interface HorizontalPodAutoscaler {
  kind?: string | undefined;
  apiVersion?: string | undefined;
  metadata?: ObjectMeta | undefined;
  spec?: HorizontalPodAutoscalerSpec | undefined;
  status?: HorizontalPodAutoscalerStatus | undefined;
}

/** `autoscaling.v2.HorizontalPodAutoscalerBehavior` */
export interface HorizontalPodAutoscalerBehavior {
  scaleUp?: HPAScalingRules | undefined;
  scaleDown?: HPAScalingRules | undefined;
}

/** `autoscaling.v2.HorizontalPodAutoscalerCondition` */
export interface HorizontalPodAutoscalerCondition {
  type: string;
  status: string;
  lastTransitionTime?: Time | undefined;
  reason?: string | undefined;
  message?: string | undefined;
}

/** `autoscaling.v2.HorizontalPodAutoscalerList` */
export interface HorizontalPodAutoscalerList {
  kind?: string | undefined;
  apiVersion?: string | undefined;
  metadata?: ListMeta | undefined;
  items: HorizontalPodAutoscaler[];
}

/** `autoscaling.v2.HorizontalPodAutoscalerSpec` */
export interface HorizontalPodAutoscalerSpec {
  scaleTargetRef: CrossVersionObjectReference;
  minReplicas?: number | undefined;
  maxReplicas: number;
  metrics?: MetricSpec[] | undefined;
  behavior?: HorizontalPodAutoscalerBehavior | undefined;
}

/** `autoscaling.v2.HorizontalPodAutoscalerStatus` */
export interface HorizontalPodAutoscalerStatus {
  observedGeneration?: number | undefined;
  lastScaleTime?: Time | undefined;
  currentReplicas?: number | undefined;
  desiredReplicas: number;
  currentMetrics?: MetricStatus[] | undefined;
  conditions?: HorizontalPodAutoscalerCondition[] | undefined;
}

/** `autoscaling.v2.MetricIdentifier` */
export interface MetricIdentifier {
  name: string;
  selector?: LabelSelector | undefined;
}

/** `autoscaling.v2.MetricSpec` */
export interface MetricSpec {
  type: string;
  object?: ObjectMetricSource | undefined;
  pods?: PodsMetricSource | undefined;
  resource?: ResourceMetricSource | undefined;
  containerResource?: ContainerResourceMetricSource | undefined;
  external?: ExternalMetricSource | undefined;
}

/** `autoscaling.v2.MetricStatus` */
export interface MetricStatus {
  type: string;
  object?: ObjectMetricStatus | undefined;
  pods?: PodsMetricStatus | undefined;
  resource?: ResourceMetricStatus | undefined;
  containerResource?: ContainerResourceMetricStatus | undefined;
  external?: ExternalMetricStatus | undefined;
}

/** `autoscaling.v2.MetricTarget` */
export interface MetricTarget {
  type: string;
  value?: Quantity | undefined;
  averageValue?: Quantity | undefined;
  averageUtilization?: number | undefined;
}

/** `autoscaling.v2.MetricValueStatus` */
export interface MetricValueStatus {
  value?: Quantity | undefined;
  averageValue?: Quantity | undefined;
  averageUtilization?: number | undefined;
}

/** `autoscaling.v2.ObjectMetricSource` */
export interface ObjectMetricSource {
  describedObject: CrossVersionObjectReference;
  target: MetricTarget;
  metric: MetricIdentifier;
}

/** `autoscaling.v2.ObjectMetricStatus` */
export interface ObjectMetricStatus {
  metric: MetricIdentifier;
  current: MetricValueStatus;
  describedObject: CrossVersionObjectReference;
}

/** `autoscaling.v2.PodsMetricSource` */
export interface PodsMetricSource {
  metric: MetricIdentifier;
  target: MetricTarget;
}

/** `autoscaling.v2.PodsMetricStatus` */
export interface PodsMetricStatus {
  metric: MetricIdentifier;
  current: MetricValueStatus;
}

/** `autoscaling.v2.ResourceMetricSource` */
export interface ResourceMetricSource {
  name: string;
  target: MetricTarget;
}

/** `autoscaling.v2.ResourceMetricStatus` */
export interface ResourceMetricStatus {
  name: string;
  current: MetricValueStatus;
}
