import { ensureObject, type JsonObject, objectIn, setDefault } from './fields.ts';

const CPU_AT_80 = {
  type: 'Resource',
  resource: { name: 'cpu', target: { type: 'Utilization', averageUtilization: 80 } },
};
const UP_POLICIES = [
  { type: 'Pods', value: 4, periodSeconds: 15 },
  { type: 'Percent', value: 100, periodSeconds: 15 },
];
const DOWN_POLICIES = [{ type: 'Percent', value: 100, periodSeconds: 15 }];

/** Defaults of a HorizontalPodAutoscaler: at least one Pod, CPU at 80 percent. */
export function applyHorizontalPodAutoscalerDefaults(autoscaler: JsonObject): void {
  const spec = ensureObject(autoscaler, 'spec');
  setDefault(spec, 'minReplicas', 1);
  if (!Array.isArray(spec.metrics) || spec.metrics.length === 0) spec.metrics = [structuredClone(CPU_AT_80)];
  const behavior = objectIn(spec, 'behavior');
  if (behavior === undefined) return;
  const up = ensureObject(behavior, 'scaleUp');
  setDefault(up, 'stabilizationWindowSeconds', 0);
  setDefault(up, 'selectPolicy', 'Max');
  setDefault(up, 'policies', structuredClone(UP_POLICIES));
  const down = ensureObject(behavior, 'scaleDown');
  setDefault(down, 'selectPolicy', 'Max');
  setDefault(down, 'policies', structuredClone(DOWN_POLICIES));
}

/** Defaults of the older form: at least one Pod, CPU at 80 percent. */
export function applyOlderAutoscalerDefaults(autoscaler: JsonObject): void {
  const spec = ensureObject(autoscaler, 'spec');
  setDefault(spec, 'minReplicas', 1);
  const annotations = objectIn(ensureObject(autoscaler, 'metadata'), 'annotations');
  if (annotations?.['autoscaling.alpha.kubernetes.io/metrics'] !== undefined) return;
  setDefault(spec, 'targetCPUUtilizationPercentage', 80);
}
