import { type FieldCause, invalid, required } from '../field-cause.ts';
import { type JsonObject, numberIn, objectIn, objectsIn, textIn } from './fields.ts';

/** Sources of a metric, each under a field of the same name. */
const SOURCES: Readonly<Record<string, string>> = {
  Resource: 'resource',
  ContainerResource: 'containerResource',
  Pods: 'pods',
  Object: 'object',
  External: 'external',
};

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
  for (const name of ['kind', 'name']) {
    if (textIn(target, name) === '') causes.push(required(`spec.scaleTargetRef.${name}`));
  }
  for (const [index, metric] of objectsIn(spec, 'metrics').entries()) {
    const field = `spec.metrics[${index}]`;
    const type = textIn(metric, 'type');
    const source = SOURCES[type];
    if (type === '') causes.push(required(`${field}.type`, 'must specify a metric source type'));
    else if (source === undefined)
      causes.push(invalid(`${field}.type`, type, `must be one of ${Object.keys(SOURCES).join(', ')}`));
    else if (metric[source] === undefined) {
      causes.push(required(`${field}.${source}`, 'must populate information for the given metric source'));
    }
  }
  return causes;
}
