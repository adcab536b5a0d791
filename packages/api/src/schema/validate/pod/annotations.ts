import { type FieldCause, forbidden, invalid } from '../../field-cause.ts';
import { type JsonObject, objectIn, textIn } from '../fields.ts';
import { checkDescendingPath } from './paths.ts';
import { givenObject, placedContainers } from './pod-context.ts';
import { validateTolerations } from './scheduling.ts';
import { profileOf } from './security-context.ts';

const MIRROR = 'kubernetes.io/config.mirror';
const DELETION_COST = 'controller.kubernetes.io/pod-deletion-cost';
const TOLERATIONS = 'scheduler.alpha.kubernetes.io/tolerations';
/** Annotations that were fields later. */
const SECCOMP_POD = 'seccomp.security.alpha.kubernetes.io/pod';
const SECCOMP_CONTAINER = 'container.seccomp.security.alpha.kubernetes.io/';
const APP_ARMOR = 'container.apparmor.security.beta.kubernetes.io/';
const INT32_MAX = 2_147_483_647;

function annotationsOf(metadata: JsonObject): Readonly<Record<string, string>> {
  return objectIn(metadata, 'annotations') as Readonly<Record<string, string>>;
}

/** Checks annotations of a Pod or template that mean something to Kubernetes; `field` is that of the annotations. */
export function validatePodAnnotations(metadata: JsonObject, spec: JsonObject, field: string): FieldCause[] {
  const causes: FieldCause[] = [];
  const annotations = annotationsOf(metadata);
  const mirror = annotations[MIRROR];
  if (mirror !== undefined && textIn(spec, 'nodeName') === '') {
    causes.push(invalid(`${field}[${MIRROR}]`, mirror, 'must set spec.nodeName if mirror pod annotation is set'));
  }
  causes.push(...validateTolerations(tolerationsIn(annotations[TOLERATIONS]), `${field}.${TOLERATIONS}`));
  const cost = annotations[DELETION_COST];
  if (cost !== undefined && !isInt32(cost)) {
    causes.push(invalid(`${field}[${DELETION_COST}]`, cost, 'must be a 32bit integer'));
  }
  for (const [key, value] of Object.entries(annotations)) {
    if (key === SECCOMP_POD || key.startsWith(SECCOMP_CONTAINER)) {
      causes.push(...seccompCauses(value, `${field}.${key}`));
    } else if (key.startsWith(APP_ARMOR)) {
      const name = key.slice(APP_ARMOR.length);
      const known = placedContainers(spec, 'spec').some(({ container }) => textIn(container, 'name') === name);
      if (!known) causes.push(invalid(`${field}[${key}]`, name, 'container not found'));
      if (value !== '' && !/^(runtime\/default|unconfined|localhost\/.*)$/s.test(value)) {
        causes.push(invalid(`${field}[${key}]`, value, `invalid AppArmor profile name: ${JSON.stringify(value)}`));
      }
    }
  }
  return causes;
}

function tolerationsIn(text: string | undefined): JsonObject[] {
  try {
    const value: unknown = JSON.parse(text ?? '[]');
    return Array.isArray(value)
      ? (value as JsonObject[]).filter((item) => typeof item === 'object' && item !== null)
      : [];
  } catch {
    return [];
  }
}

function isInt32(text: string): boolean {
  if (!/^(0|-\d+|[1-9]\d*)$/.test(text)) return false;
  const value = Number(text);
  return value >= -INT32_MAX - 1 && value <= INT32_MAX;
}

function seccompCauses(profile: string, field: string): FieldCause[] {
  if (['runtime/default', 'docker/default', 'unconfined'].includes(profile)) return [];
  if (profile.startsWith('localhost/')) return checkDescendingPath(profile.slice('localhost/'.length), field);
  return [invalid(field, profile, 'must be a valid seccomp profile')];
}

/** Checks on creation that old annotations and the fields that replaced them say the same. */
export function validateProfilesMatch(metadata: JsonObject, spec: JsonObject, field: string): FieldCause[] {
  const annotations = annotationsOf(metadata);
  const causes: FieldCause[] = [];
  const containers = placedContainers(spec, field);
  const own = profileOf(spec, 'seccompProfile');
  const compare = (key: string, profile: JsonObject | undefined, place: string, kind: 'seccomp' | 'apparmor'): void => {
    const annotation = annotations[key];
    if (profile !== undefined && annotation !== undefined) causes.push(...mismatch(annotation, profile, place, kind));
  };
  compare(SECCOMP_POD, own, `${field}.securityContext.seccompProfile`, 'seccomp');
  for (const { container, field: place } of containers) {
    const key = `${SECCOMP_CONTAINER}${textIn(container, 'name')}`;
    compare(key, profileOf(container, 'seccompProfile'), `${place}.securityContext.seccompProfile`, 'seccomp');
  }
  if (givenObject(spec, 'os')?.name === 'windows') return causes;
  for (const { container, field: place } of containers) {
    const key = `${APP_ARMOR}${textIn(container, 'name')}`;
    const profile = profileOf(container, 'appArmorProfile') ?? profileOf(spec, 'appArmorProfile');
    compare(key, profile, `${place}.securityContext.appArmorProfile`, 'apparmor');
  }
  return causes;
}

function mismatch(annotation: string, profile: JsonObject, field: string, kind: 'seccomp' | 'apparmor'): FieldCause[] {
  const typeDiffers = [forbidden(`${field}.type`, `${kind} type in annotation and field must match`)];
  switch (profile.type) {
    case 'Unconfined':
      return annotation === 'unconfined' ? [] : typeDiffers;
    case 'RuntimeDefault': {
      const same = annotation === 'runtime/default' || (kind === 'seccomp' && annotation === 'docker/default');
      return same ? [] : typeDiffers;
    }
    case 'Localhost': {
      if (!annotation.startsWith('localhost/')) return typeDiffers;
      if (annotation.slice('localhost/'.length) === profile.localhostProfile) return [];
      return [forbidden(`${field}.localhostProfile`, `${kind} profile in annotation and field must match`)];
    }
    default:
      return [];
  }
}

/** Checks a change of annotations: those of mirror Pods and AppArmor stay as they were made. */
export function validatePodAnnotationsUpdate(metadata: JsonObject, old: JsonObject, field: string): FieldCause[] {
  const now = annotationsOf(metadata);
  const before = annotationsOf(old);
  const causes: FieldCause[] = [];
  const name = (key: string): string => (key === MIRROR ? 'mirror pod annotation' : 'AppArmor annotations');
  const frozen = (key: string): boolean => key === MIRROR || key.startsWith(APP_ARMOR);
  for (const [key, value] of Object.entries(before)) {
    if (now[key] !== value && frozen(key)) {
      causes.push(forbidden(`${field}[${key}]`, `may not remove or update ${name(key)}`));
    }
  }
  for (const key of Object.keys(now)) {
    if (before[key] === undefined && frozen(key))
      causes.push(forbidden(`${field}[${key}]`, `may not add ${name(key)}`));
  }
  return causes;
}
