import { isJsonObject } from './own-property.ts';

type Json = Readonly<Record<string, unknown>>;

const V1 = 'autoscaling/v1';
const V2 = 'autoscaling/v2';
/** Annotations in which the older form carries what it has no fields for. */
const METRICS = 'autoscaling.alpha.kubernetes.io/metrics';
const CURRENT_METRICS = 'autoscaling.alpha.kubernetes.io/current-metrics';
const CONDITIONS = 'autoscaling.alpha.kubernetes.io/conditions';
const BEHAVIOR = 'autoscaling.alpha.kubernetes.io/behavior';
const CARRIERS: readonly string[] = [METRICS, CURRENT_METRICS, CONDITIONS, BEHAVIOR];

/** The `autoscaling/v2` form of a HorizontalPodAutoscaler of `autoscaling/v1`. The argument stays as it is. */
export function toAutoscalingV2(object: Json): Record<string, unknown> {
  const annotations = objectOf(objectOf(object.metadata).annotations);
  const { targetCPUUtilizationPercentage: cpu, ...spec } = objectOf(object.spec);
  const { currentCPUUtilizationPercentage: currentCpu, ...status } = objectOf(object.status);
  const metrics = carried(annotations[METRICS]).map((metric) => fromOlder(metric, 'target'));
  if (cpu !== undefined) metrics.push(cpuMetric('target', { type: 'Utilization', averageUtilization: cpu }));
  const current = carried(annotations[CURRENT_METRICS]).map((metric) => fromOlder(metric, 'current'));
  if (currentCpu !== undefined && !current.some(isCpu)) {
    current.unshift(cpuMetric('current', { averageUtilization: currentCpu }));
  }
  const conditions = carried(annotations[CONDITIONS]);
  const behavior = uncapitalized(read(annotations[BEHAVIOR]));
  const rest = Object.entries(annotations).filter(([name]) => !CARRIERS.includes(name));
  const { annotations: _, ...metadata } = objectOf(object.metadata);
  return {
    ...object,
    apiVersion: V2,
    metadata: rest.length === 0 ? metadata : { ...metadata, annotations: Object.fromEntries(rest) },
    spec: { ...spec, ...(metrics.length > 0 ? { metrics } : {}), ...(isJsonObject(behavior) ? { behavior } : {}) },
    ...(object.status === undefined
      ? {}
      : {
          status: {
            ...without(status, 'currentReplicas', 0),
            currentMetrics: current.length > 0 ? current : null,
            ...(conditions.length > 0 ? { conditions } : {}),
          },
        }),
  };
}

/** The `autoscaling/v1` form of a HorizontalPodAutoscaler of `autoscaling/v2`. The argument stays as it is. */
export function toAutoscalingV1(object: Json): Record<string, unknown> {
  const metadata = objectOf(object.metadata);
  const { metrics, behavior, ...spec } = objectOf(object.spec);
  const { currentMetrics, conditions, ...status } = objectOf(object.status);
  const wanted = listOf(metrics);
  const cpu = wanted.find((metric) => isCpu(metric) && utilization(metric, 'target') !== undefined);
  const others = wanted.filter((metric) => metric !== cpu);
  const current = listOf(currentMetrics);
  const currentCpu = current.find((metric) => isCpu(metric) && utilization(metric, 'current') !== undefined);
  const annotations: Record<string, unknown> = { ...objectOf(metadata.annotations) };
  const carry = (name: string, value: unknown, is: boolean): void => {
    if (is) annotations[name] = JSON.stringify(value);
  };
  const older = (list: readonly Json[], side: Side): unknown[] => list.map((metric) => toOlder(metric, side));
  carry(METRICS, older(others, 'target'), others.length > 0);
  carry(CURRENT_METRICS, older(current, 'current'), current.length > 0);
  carry(CONDITIONS, conditions, listOf(conditions).length > 0);
  carry(BEHAVIOR, isJsonObject(behavior) ? carriedBehavior(behavior) : undefined, isJsonObject(behavior));
  return {
    ...object,
    apiVersion: V1,
    metadata: Object.keys(annotations).length > 0 ? { ...metadata, annotations } : metadata,
    spec: cpu === undefined ? spec : { ...spec, targetCPUUtilizationPercentage: utilization(cpu, 'target') },
    ...(object.status === undefined
      ? {}
      : {
          status: {
            ...status,
            currentReplicas: status.currentReplicas ?? 0,
            ...(currentCpu === undefined
              ? {}
              : { currentCPUUtilizationPercentage: utilization(currentCpu, 'current') }),
          },
        }),
  };
}

/** The behavior as its annotation has it: by Go's names, and with all of them. */
function carriedBehavior({ scaleUp, scaleDown }: Json): Json {
  return { ScaleUp: carriedRules(scaleUp), ScaleDown: carriedRules(scaleDown) };
}

function carriedRules(rules: unknown): Json | null {
  if (!isJsonObject(rules)) return null;
  const { stabilizationWindowSeconds = null, selectPolicy = null, policies, tolerance = null } = rules;
  return {
    StabilizationWindowSeconds: stabilizationWindowSeconds,
    SelectPolicy: selectPolicy,
    Policies: Array.isArray(policies)
      ? listOf(policies).map(({ type, value, periodSeconds }) => ({
          Type: type,
          Value: value,
          PeriodSeconds: periodSeconds,
        }))
      : null,
    Tolerance: tolerance,
  };
}

/** A value with names of fields as JSON has them, without those that are null. */
function uncapitalized(value: unknown): unknown {
  if (Array.isArray(value)) return value.map(uncapitalized);
  if (!isJsonObject(value)) return value;
  const entries = Object.entries(value).filter(([, inner]) => inner !== null);
  return Object.fromEntries(
    entries.map(([name, inner]) => [name.charAt(0).toLowerCase() + name.slice(1), uncapitalized(inner)]),
  );
}

/** A metric names what is wanted (`target`) or what was found (`current`). */
type Side = 'target' | 'current';

/** Names of amounts in the older form, by side. */
const AMOUNTS: Readonly<Record<Side, Readonly<Record<string, string>>>> = {
  target: {
    averageUtilization: 'targetAverageUtilization',
    averageValue: 'targetAverageValue',
    value: 'targetValue',
  },
  current: {
    averageUtilization: 'currentAverageUtilization',
    averageValue: 'currentAverageValue',
    value: 'currentValue',
  },
};
const SOURCES: readonly string[] = ['resource', 'containerResource', 'pods', 'object', 'external'];

/** `{type, pods: {metric, target}}` as `{type, pods: {metricName, targetAverageValue}}`. */
function toOlder(metric: Json, side: Side): Record<string, unknown> {
  const source = SOURCES.find((name) => isJsonObject(metric[name]));
  if (source === undefined) return { ...metric };
  const { metric: named, describedObject, target, current, ...rest } = objectOf(metric[source]);
  const result: Record<string, unknown> = { ...rest };
  if (isJsonObject(describedObject)) result.target = describedObject;
  if (isJsonObject(named)) {
    result.metricName = named.name;
    if (named.selector !== undefined) result[source === 'external' ? 'metricSelector' : 'selector'] = named.selector;
  }
  const amounts = objectOf(side === 'target' ? target : current);
  for (const [newer, name] of Object.entries(AMOUNTS[side])) {
    if (amounts[newer] === undefined || amounts[newer] === null) continue;
    result[source === 'object' && newer === 'averageValue' ? 'averageValue' : name] = amounts[newer];
  }
  return { type: metric.type, [source]: result };
}

/** The reverse of {@link toOlder}. */
function fromOlder(metric: Json, side: Side): Record<string, unknown> {
  const source = SOURCES.find((name) => isJsonObject(metric[name]));
  if (source === undefined) return { ...metric };
  const { metricName, selector, metricSelector, ...rest } = objectOf(metric[source]);
  const result: Record<string, unknown> = {};
  const amounts: Record<string, unknown> = {};
  for (const [name, value] of Object.entries(rest)) {
    const newer =
      source === 'object' && name === 'averageValue'
        ? 'averageValue'
        : Object.keys(AMOUNTS[side]).find((one) => AMOUNTS[side][one] === name);
    if (newer !== undefined) amounts[newer] = value;
    else if (source === 'object' && name === 'target') result.describedObject = value;
    else result[name] = value;
  }
  const labels = selector ?? metricSelector;
  if (metricName !== undefined) {
    result.metric = labels === undefined ? { name: metricName } : { name: metricName, selector: labels };
  }
  const type =
    amounts.averageUtilization !== undefined ? 'Utilization' : amounts.value !== undefined ? 'Value' : 'AverageValue';
  result[side] = side === 'target' ? { type, ...amounts } : amounts;
  return { type: metric.type, [source]: result };
}

function cpuMetric(side: Side, amounts: Json): Record<string, unknown> {
  return { type: 'Resource', resource: { name: 'cpu', [side]: amounts } };
}

function isCpu(metric: Json): boolean {
  return metric.type === 'Resource' && objectOf(metric.resource).name === 'cpu';
}

function utilization(metric: Json, side: Side): unknown {
  return objectOf(objectOf(metric.resource)[side]).averageUtilization ?? undefined;
}

function without(object: Json, name: string, value: unknown): Record<string, unknown> {
  const { [name]: own, ...rest } = object;
  return own === value || own === undefined ? rest : { ...rest, [name]: own };
}

function read(text: unknown): unknown {
  if (typeof text !== 'string') return undefined;
  try {
    return JSON.parse(text) as unknown;
  } catch {
    return undefined;
  }
}

function carried(text: unknown): Record<string, unknown>[] {
  return listOf(read(text));
}

function listOf(value: unknown): Record<string, unknown>[] {
  return Array.isArray(value) ? value.filter(isJsonObject).map((item) => ({ ...item })) : [];
}

function objectOf(value: unknown): Json {
  return isJsonObject(value) ? value : {};
}
