import { parseQuantity } from '../../quantity.ts';
import { type FieldCause, forbidden, invalid, notSupported, required } from '../field-cause.ts';
import { type JsonObject, numberIn, objectIn, objectsIn, textIn } from './fields.ts';

/** Sources of a metric and their fields; the first one present is checked. */
const SOURCES: Readonly<Record<string, string>> = {
  Object: 'object',
  External: 'external',
  Pods: 'pods',
  Resource: 'resource',
  ContainerResource: 'containerResource',
};
const TARGETS = ['AverageValue', 'Utilization', 'Value'];
const WINDOW_MAX_SECONDS = 3600;
const PERIOD_MAX_SECONDS = 1800;

/** Checks a HorizontalPodAutoscaler. */
export function validateHorizontalPodAutoscaler(autoscaler: JsonObject): FieldCause[] {
  const spec = objectIn(autoscaler, 'spec');
  const causes: FieldCause[] = [];
  const least = numberIn(spec, 'minReplicas');
  const most = numberIn(spec, 'maxReplicas') ?? 0;
  if (least !== undefined && least < 1) {
    causes.push(invalid('spec.minReplicas', least, 'must be greater than or equal to 1'));
  }
  if (most < 1) causes.push(invalid('spec.maxReplicas', most, 'must be greater than 0'));
  if (least !== undefined && most < least) {
    causes.push(invalid('spec.maxReplicas', most, 'must be greater than or equal to `minReplicas`'));
  }
  const target = objectIn(spec, 'scaleTargetRef');
  causes.push(...validateReference(target, 'spec.scaleTargetRef'));
  const apiVersion = textIn(target, 'apiVersion');
  if (!apiVersion.includes('/')) {
    causes.push(invalid('spec.scaleTargetRef.apiVersion', apiVersion, 'apiVersion must specify API group'));
  }
  for (const [index, metric] of objectsIn(spec, 'metrics').entries()) {
    causes.push(...validateMetric(metric, `spec.metrics[${index}]`));
  }
  const scales = objectsIn(spec, 'metrics').some(({ type }) => type === 'Object' || type === 'External');
  if (least === 0 && !scales) {
    const text = 'must specify at least one Object or External metric to support scaling to zero replicas';
    causes.push(forbidden('spec.metrics', text));
  }
  const behavior = objectIn(spec, 'behavior');
  for (const direction of ['scaleUp', 'scaleDown']) {
    if (behavior[direction] === undefined) continue;
    causes.push(...validateRules(objectIn(behavior, direction), `spec.behavior.${direction}`));
  }
  return causes;
}

function validateReference(reference: JsonObject, field: string): FieldCause[] {
  const causes: FieldCause[] = [];
  for (const name of ['kind', 'name']) {
    const text = textIn(reference, name);
    if (text === '') causes.push(required(`${field}.${name}`));
    else if (/[/%]/.test(text)) {
      const found = /[/%]/.exec(text)![0];
      causes.push(invalid(`${field}.${name}`, text, `may not contain '${found}'`));
    }
  }
  return causes;
}

function validateMetric(metric: JsonObject, field: string): FieldCause[] {
  const type = textIn(metric, 'type');
  const wanted = SOURCES[type];
  const causes: FieldCause[] = [];
  const unknown = notSupported(`${field}.type`, type, Object.keys(SOURCES).sort());
  if (type === '') causes.push(required(`${field}.type`, 'must specify a metric source type'));
  if (wanted === undefined) causes.push(unknown);
  const present = Object.entries(SOURCES).filter(([, name]) => metric[name] !== undefined);
  const [first] = present;
  if (first !== undefined) causes.push(...validateSource(first[0], objectIn(metric, first[1]), `${field}.${first[1]}`));
  // The original says this twice.
  if (wanted === undefined) causes.push(unknown);
  else if (metric[wanted] === undefined) {
    causes.push(required(`${field}.${wanted}`, 'must populate information for the given metric source'));
  }
  if (present.length === 1) return causes;
  for (const [, name] of present) {
    if (name === wanted) continue;
    causes.push(forbidden(`${field}.${name}`, 'must populate the given metric source only'));
  }
  return causes;
}

function validateSource(type: string, source: JsonObject, field: string): FieldCause[] {
  const causes: FieldCause[] = [];
  if (type === 'Object')
    causes.push(...validateReference(objectIn(source, 'describedObject'), `${field}.describedObject`));
  if (type === 'Resource' || type === 'ContainerResource') {
    if (textIn(source, 'name') === '') causes.push(required(`${field}.name`, 'must specify a resource name'));
    if (type === 'ContainerResource' && textIn(source, 'container') === '') {
      causes.push(required(`${field}.container`, 'must specify a container'));
    }
  } else {
    const metric = objectIn(source, 'metric');
    const name = textIn(metric, 'name');
    if (name === '') causes.push(required(`${field}.metric.name`, 'must specify a metric name'));
    else if (/[/%]/.test(name)) {
      causes.push(invalid(`${field}.metric.name`, name, `may not contain '${/[/%]/.exec(name)![0]}'`));
    }
  }
  return [...causes, ...validateTarget(type, objectIn(source, 'target'), `${field}.target`)];
}

function validateTarget(type: string, target: JsonObject, field: string): FieldCause[] {
  const causes: FieldCause[] = [];
  const kind = textIn(target, 'type');
  if (kind === '') causes.push(required(`${field}.type`, 'must specify a metric target type'));
  if (!TARGETS.includes(kind)) {
    causes.push(invalid(`${field}.type`, kind, 'must be either Utilization, Value, or AverageValue'));
  }
  for (const name of ['value', 'averageValue']) {
    const amount = target[name];
    if (amount === undefined) continue;
    if ((parseQuantity(String(amount))?.nano ?? 0n) <= 0n) {
      causes.push(invalid(`${field}.${name}`, amount, 'must be positive'));
    }
  }
  const utilization = numberIn(target, 'averageUtilization');
  if (utilization !== undefined && utilization < 1) {
    causes.push(invalid(`${field}.averageUtilization`, utilization, 'must be greater than 0'));
  }
  const { value, averageValue } = target;
  if (type === 'Resource' || type === 'ContainerResource') {
    if (utilization === undefined && averageValue === undefined) {
      const text = 'must set either a target raw value or a target utilization';
      causes.push(required(`${field}.averageUtilization`, text));
    }
    if (utilization !== undefined && averageValue !== undefined) {
      causes.push(forbidden(`${field}.averageValue`, 'may not set both a target raw value and a target utilization'));
    }
  } else if (type === 'Pods') {
    if (averageValue === undefined) {
      causes.push(required(`${field}.averageValue`, 'must specify a positive target averageValue'));
    }
  } else if (value === undefined && averageValue === undefined) {
    const one =
      type === 'External' ? 'a target value for metric or a per-pod target' : 'a target value or averageValue';
    causes.push(required(`${field}.averageValue`, `must set either ${one}`));
  } else if (type === 'External' && value !== undefined && averageValue !== undefined) {
    causes.push(forbidden(`${field}.value`, 'may not set both a target value for metric and a per-pod target'));
  }
  return causes;
}

function validateRules(rules: JsonObject, field: string): FieldCause[] {
  const causes: FieldCause[] = [];
  const window = numberIn(rules, 'stabilizationWindowSeconds');
  if (window !== undefined && window < 0) {
    causes.push(invalid(`${field}.stabilizationWindowSeconds`, window, 'must be greater than or equal to zero'));
  }
  if (window !== undefined && window > WINDOW_MAX_SECONDS) {
    const text = `must be less than or equal to ${WINDOW_MAX_SECONDS}`;
    causes.push(invalid(`${field}.stabilizationWindowSeconds`, window, text));
  }
  const select = rules.selectPolicy;
  if (select !== undefined && !['Disabled', 'Max', 'Min'].includes(String(select))) {
    causes.push(notSupported(`${field}.selectPolicy`, select, ['Disabled', 'Max', 'Min']));
  }
  const policies = objectsIn(rules, 'policies');
  if (policies.length === 0) causes.push(required(`${field}.policies`, 'must specify at least one Policy'));
  for (const [index, policy] of policies.entries()) {
    const place = `${field}.policies[${index}]`;
    const type = textIn(policy, 'type');
    if (type !== 'Percent' && type !== 'Pods') causes.push(notSupported(`${place}.type`, type, ['Percent', 'Pods']));
    const value = numberIn(policy, 'value') ?? 0;
    if (value <= 0) causes.push(invalid(`${place}.value`, value, 'must be greater than zero'));
    const period = numberIn(policy, 'periodSeconds') ?? 0;
    if (period <= 0) causes.push(invalid(`${place}.periodSeconds`, period, 'must be greater than zero'));
    if (period > PERIOD_MAX_SECONDS) {
      causes.push(invalid(`${place}.periodSeconds`, period, `must be less than or equal to ${PERIOD_MAX_SECONDS}`));
    }
  }
  return causes;
}
