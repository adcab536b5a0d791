import { type Json, listOf, objectOf } from './json-fields.ts';
import { nodeTermWarnings } from './node-label-warnings.ts';
import { claimWarnings } from './pod-warnings.ts';

const deprecatedSources: readonly (readonly [name: string, told: string, since: string])[] = [
  ['cephfs', 'cephfs', 'deprecated in v1.28, non-functional in v1.31+'],
  ['photonPersistentDisk', 'photonPersistentDisk', 'deprecated in v1.11, non-functional in v1.16+'],
  ['scaleIO', 'scaleIO', 'deprecated in v1.16, non-functional in v1.22+'],
  ['storageos', 'storageOS', 'deprecated in v1.22, non-functional in v1.25+'],
  ['glusterfs', 'glusterfs', 'deprecated in v1.25, non-functional in v1.26+'],
  ['rbd', 'rbd', 'deprecated in v1.28, non-functional in v1.31+'],
];
const classAnnotation = 'volume.beta.kubernetes.io/storage-class';
const mountAnnotation = 'volume.beta.kubernetes.io/mount-options';

/** What a server remarks about a valid PersistentVolumeClaim. */
export function wholeClaimWarnings(claim: Json): string[] {
  const annotations = objectOf(objectOf(claim, 'metadata'), 'annotations');
  const field = `metadata.annotations[${classAnnotation}]`;
  const text = `${field}: deprecated since v1.8; use "storageClassName" attribute instead`;
  return [...(classAnnotation in annotations ? [text] : []), ...claimWarnings(objectOf(claim, 'spec'), 'spec')];
}

/** What a server remarks about a valid PersistentVolume. */
export function persistentVolumeWarnings(volume: Json): string[] {
  const annotations = objectOf(objectOf(volume, 'metadata'), 'annotations');
  const spec = objectOf(volume, 'spec');
  const warnings: string[] = [];
  for (const [key, use] of [
    [classAnnotation, 'storageClassName'],
    [mountAnnotation, 'mountOptions'],
  ] as const) {
    if (annotations[key] === undefined) continue;
    const since = use === 'mountOptions' ? 'v1.31' : 'v1.8';
    warnings.push(`metadata.annotations[${key}]: deprecated since ${since}; use "${use}" attribute instead`);
  }
  if (spec.persistentVolumeReclaimPolicy === 'Recycle') {
    warnings.push(
      'spec.persistentVolumeReclaimPolicy: The Recycle reclaim policy is deprecated. Instead, the recommended approach is to use dynamic provisioning.',
    );
  }
  const terms = listOf(objectOf(objectOf(spec, 'nodeAffinity'), 'required'), 'nodeSelectorTerms');
  for (const [index, term] of terms.entries()) {
    warnings.push(...nodeTermWarnings(term, `spec.nodeAffinity.required.nodeSelectorTerms[${index}]`, false));
  }
  for (const [name, told, since] of deprecatedSources) {
    if (spec[name] !== undefined) warnings.push(`spec.${told}: ${since}`);
  }
  return warnings;
}
