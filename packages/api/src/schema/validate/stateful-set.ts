import { jsonEqual } from '../../own-property.ts';
import { type FieldCause, forbidden, invalid, required } from '../field-cause.ts';
import { validateClaimSpec } from './claims.ts';
import {
  checkDnsLabel,
  checkGivenChoice,
  checkNonNegative,
  type JsonObject,
  objectIn,
  objectsIn,
  textIn,
} from './fields.ts';
import { validateAnnotations, validateLabels } from './metadata.ts';
import { validatePodAnnotations } from './pod/annotations.ts';
import { validatePodTemplate } from './pod/pod.ts';
import { goStrategy, validateSelectorAndTemplate } from './workload-template.ts';

/** Fields of a StatefulSet's spec that may change. */
const MUTABLE = [
  'replicas',
  'ordinals',
  'template',
  'updateStrategy',
  'revisionHistoryLimit',
  'persistentVolumeClaimRetentionPolicy',
  'minReadySeconds',
];
const POLICIES = ['OrderedReady', 'Parallel'];

/** Checks a StatefulSet. */
export function validateStatefulSet(statefulSet: JsonObject, old: JsonObject | undefined): FieldCause[] {
  const spec = objectIn(statefulSet, 'spec');
  const causes: FieldCause[] = [];
  const policy = textIn(spec, 'podManagementPolicy');
  if (policy === '') causes.push(required('spec.podManagementPolicy'));
  else if (!POLICIES.includes(policy)) {
    causes.push(invalid('spec.podManagementPolicy', policy, `must be '${POLICIES.join("' or '")}'`));
  }
  causes.push(...validateStrategy(objectIn(spec, 'updateStrategy')));
  causes.push(...validateRetention(spec));
  // They never change, so that what was stored once is not looked at again.
  if (old === undefined) causes.push(...validateClaimTemplates(spec));
  causes.push(...checkNonNegative(spec.replicas, 'spec.replicas'));
  causes.push(...checkNonNegative(spec.minReadySeconds, 'spec.minReadySeconds'));
  causes.push(...checkNonNegative(objectIn(spec, 'ordinals').start, 'spec.ordinals.start'));
  const service = textIn(spec, 'serviceName');
  if (old === undefined && service !== '') causes.push(...checkDnsLabel(service, 'spec.serviceName'));
  const words = { kind: 'statefulset', deadlineOf: 'StatefulSet', unusable: '', template: validateTemplate };
  causes.push(...validateSelectorAndTemplate({ ...spec, template: asPodsGetIt(spec) }, words));
  return old === undefined ? causes : [...causes, ...validateChange(spec, objectIn(old, 'spec'))];
}

function validateStrategy(strategy: JsonObject): FieldCause[] {
  const field = 'spec.updateStrategy';
  const rolling = strategy.rollingUpdate;
  switch (strategy.type) {
    case 'OnDelete':
      if (rolling === undefined) return [];
      return [
        invalid(`${field}.rollingUpdate`, goRolling(strategy), "only allowed for updateStrategy 'RollingUpdate'"),
      ];
    case 'RollingUpdate':
      return checkNonNegative(objectIn(strategy, 'rollingUpdate').partition, `${field}.rollingUpdate.partition`);
    default: {
      const shown = goStrategy(strategy, ['Partition', 'MaxUnavailable']);
      return [invalid(field, shown, "must be 'RollingUpdate' or 'OnDelete'")];
    }
  }
}

function goRolling(strategy: JsonObject): object {
  const { partition = 0, maxUnavailable = null } = objectIn(strategy, 'rollingUpdate');
  return { Partition: partition, MaxUnavailable: maxUnavailable };
}

function validateRetention(spec: JsonObject): FieldCause[] {
  const retention = objectIn(spec, 'persistentVolumeClaimRetentionPolicy');
  return ['whenDeleted', 'whenScaled'].flatMap((name) => {
    const field = `spec.persistentVolumeClaimRetentionPolicy.${name}`;
    return retention[name] === undefined ? [] : checkGivenChoice(retention[name], field, ['Retain', 'Delete']);
  });
}

function validateClaimTemplates(spec: JsonObject): FieldCause[] {
  return objectsIn(spec, 'volumeClaimTemplates').flatMap((claim, index) =>
    validateClaimSpec(objectIn(claim, 'spec'), `spec.volumeClaimTemplates[${index}].spec`),
  );
}

/** The template with the volumes of the claims, and without the names that every Pod gets its own of. */
function asPodsGetIt(spec: JsonObject): JsonObject {
  const template = objectIn(spec, 'template');
  const { hostname: _, subdomain: __, ...pod } = objectIn(template, 'spec');
  const claims = new Map(
    objectsIn(spec, 'volumeClaimTemplates').map((claim) => {
      const name = textIn(objectIn(claim, 'metadata'), 'name');
      return [name, { name, persistentVolumeClaim: { claimName: name } }];
    }),
  );
  if (claims.size === 0) return { ...template, spec: pod };
  const others = objectsIn(pod, 'volumes').filter((volume) => !claims.has(textIn(volume, 'name')));
  return { ...template, spec: { ...pod, volumes: [...claims.values(), ...others] } };
}

/** Metadata is looked at twice, as a server does. */
function validateTemplate(template: JsonObject, field: string): FieldCause[] {
  const metadata = objectIn(template, 'metadata');
  return [
    ...validatePodTemplate(template, field),
    ...validateLabels(metadata.labels, `${field}.labels`),
    ...validateAnnotations(metadata.annotations, `${field}.annotations`),
    ...validatePodAnnotations(metadata, objectIn(template, 'spec'), `${field}.annotations`),
  ];
}

function validateChange(spec: JsonObject, before: JsonObject): FieldCause[] {
  const frozen = [...new Set([...Object.keys(spec), ...Object.keys(before)])].filter((name) => !MUTABLE.includes(name));
  if (frozen.every((name) => jsonEqual(spec[name] ?? null, before[name] ?? null))) return [];
  const list = MUTABLE.map((name) => `'${name}'`);
  const names = `${list.slice(0, -1).join(', ')} and ${list.at(-1)}`;
  return [forbidden('spec', `updates to statefulset spec for fields other than ${names} are forbidden`)];
}
