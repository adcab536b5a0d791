import { jsonEqual } from '../../own-property.ts';
import { duplicate, type FieldCause } from '../field-cause.ts';
import { checkDnsLabel, checkImmutable, type JsonObject, objectsIn, textIn } from './fields.ts';
import { validateLabels } from './metadata.ts';
import { givenObject } from './pod/pod-context.ts';
import { validateOverhead } from './pod/resources.ts';
import { validateTolerations } from './pod/scheduling.ts';

/** Checks a RuntimeClass, whose handler never changes. */
export function validateRuntimeClass(runtimeClass: JsonObject, old: JsonObject | undefined): FieldCause[] {
  const handler = textIn(runtimeClass, 'handler');
  if (old !== undefined) return checkImmutable(handler, textIn(old, 'handler'), 'handler');
  const causes = checkDnsLabel(handler, 'handler');
  const overhead = givenObject(runtimeClass, 'overhead');
  if (overhead !== undefined) {
    causes.push(...validateOverhead(givenObject(overhead, 'podFixed') ?? {}, 'overhead'));
  }
  const scheduling = givenObject(runtimeClass, 'scheduling');
  if (scheduling === undefined) return causes;
  causes.push(...validateLabels(scheduling.nodeSelector, 'scheduling.nodeSelector'));
  const tolerations = objectsIn(scheduling, 'tolerations');
  causes.push(...validateTolerations(tolerations, 'scheduling.tolerations.tolerations'));
  const seen: JsonObject[] = [];
  for (const [index, toleration] of tolerations.entries()) {
    const { tolerationSeconds: _, ...key } = toleration;
    if (seen.some((one) => jsonEqual(one, key))) {
      causes.push(duplicate(`scheduling.tolerations[${index}]`, toleration));
    } else seen.push(key);
  }
  return causes;
}
