import { type FieldCause, forbidden } from '../../field-cause.ts';
import { type JsonObject, objectIn, objectsIn, textIn } from '../fields.ts';
import { validateAnnotations, validateLabels } from '../metadata.ts';
import { validatePodAnnotations, validateProfilesMatch } from './annotations.ts';
import { validateImage } from './containers.ts';
import { givenObject } from './pod-context.ts';
import { validatePodSpec } from './pod-spec.ts';
import { validatePodStatusUpdate } from './pod-status.ts';
import { validateEphemeralContainersUpdate, validatePodResize, validatePodUpdate } from './pod-update.ts';

/** Checks a Pod, and on update that nothing changed but what may through the subresource. */
export function validatePod(pod: JsonObject, old: JsonObject | undefined, subresource?: string): FieldCause[] {
  if (old === undefined) return [...validateWhole(pod), ...validateNewPod(pod)];
  switch (subresource) {
    case 'status':
      return validatePodStatusUpdate(pod, old);
    case 'ephemeralcontainers':
      return validateEphemeralContainersUpdate(pod, old, validateWhole(pod));
    case 'resize':
      return validatePodResize(pod, old, validateWhole(pod));
    default:
      return [...validateWhole(pod), ...validatePodUpdate(pod, old)];
  }
}

function validateWhole(pod: JsonObject): FieldCause[] {
  const metadata = objectIn(pod, 'metadata');
  const spec = objectIn(pod, 'spec');
  const causes = validatePodAnnotations(metadata, spec, 'metadata.annotations');
  causes.push(...validatePodSpec(spec, metadata, 'spec'));
  if (textIn(spec, 'serviceAccountName') === '') causes.push(...validateNoTokens(spec));
  for (const list of ['containers', 'initContainers']) {
    causes.push(
      ...objectsIn(spec, list).flatMap((container, index) => validateImage(container, `spec.${list}[${index}]`)),
    );
  }
  return causes;
}

/** Without an account there is nobody to have a token of. */
function validateNoTokens(spec: JsonObject): FieldCause[] {
  return objectsIn(spec, 'volumes').flatMap((volume, index) =>
    objectsIn(objectIn(volume, 'projected'), 'sources').flatMap((source, at) => {
      if (givenObject(source, 'serviceAccountToken') === undefined) return [];
      const field = `spec.volumes[${index}].projected.sources[${at}].serviceAccountToken`;
      return [forbidden(field, 'must not be specified when serviceAccountName is not set')];
    }),
  );
}

function validateNewPod(pod: JsonObject): FieldCause[] {
  const spec = objectIn(pod, 'spec');
  const causes: FieldCause[] = [];
  if (objectsIn(spec, 'ephemeralContainers').length > 0) {
    causes.push(forbidden('spec.ephemeralContainers', 'cannot be set on create'));
  }
  if (textIn(spec, 'nodeName') !== '' && objectsIn(spec, 'schedulingGates').length > 0) {
    causes.push(forbidden('spec.nodeName', 'cannot be set until all schedulingGates have been cleared'));
  }
  return [...causes, ...validateProfilesMatch(objectIn(pod, 'metadata'), spec, 'spec')];
}

/** Checks the Pod template of a workload. */
export function validatePodTemplate(template: JsonObject, field: string): FieldCause[] {
  const metadata = objectIn(template, 'metadata');
  const spec = objectIn(template, 'spec');
  const causes = [
    ...validateLabels(metadata.labels, `${field}.labels`),
    ...validateAnnotations(metadata.annotations, `${field}.annotations`),
    ...validatePodAnnotations(metadata, spec, `${field}.annotations`),
    ...validatePodSpec(spec, undefined, `${field}.spec`),
    ...validateProfilesMatch(metadata, spec, `${field}.spec`),
  ];
  if (objectsIn(spec, 'ephemeralContainers').length > 0) {
    causes.push(forbidden(`${field}.spec.ephemeralContainers`, 'ephemeral containers not allowed in pod template'));
  }
  return causes;
}
