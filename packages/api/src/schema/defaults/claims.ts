import { isJsonObject } from '../../own-property.ts';
import { missingDataSource } from '../data-sources.ts';
import { ensureObject, type JsonObject, setDefault, setDefaultText } from './fields.ts';
import { applyPodTemplateDefaults } from './pod.ts';
import { applyVolumeSourceDefaults } from './volume.ts';

/** Defaults of a PersistentVolumeClaim. */
export function applyPersistentVolumeClaimDefaults(claim: JsonObject): void {
  setDefaultText(ensureObject(claim, 'status'), 'phase', 'Pending');
  const spec = ensureObject(claim, 'spec');
  setDefault(spec, 'volumeMode', 'Filesystem');
  Object.assign(spec, missingDataSource(spec));
}

/** Defaults of a PersistentVolume. */
export function applyPersistentVolumeDefaults(volume: JsonObject): void {
  setDefaultText(ensureObject(volume, 'status'), 'phase', 'Pending');
  const spec = ensureObject(volume, 'spec');
  setDefaultText(spec, 'persistentVolumeReclaimPolicy', 'Retain');
  setDefault(spec, 'volumeMode', 'Filesystem');
  applyVolumeSourceDefaults(spec);
}

/** Defaults of a StorageClass. */
export function applyStorageClassDefaults(storageClass: JsonObject): void {
  setDefaultText(storageClass, 'reclaimPolicy', 'Delete');
  setDefaultText(storageClass, 'volumeBindingMode', 'Immediate');
}

/** Defaults of a ReplicationController: it selects, and is labelled, by the labels of its template. */
export function applyReplicationControllerDefaults(controller: JsonObject): void {
  const spec = ensureObject(controller, 'spec');
  setDefault(spec, 'replicas', 1);
  // One without a template is a mistake that is told as such.
  if (!isJsonObject(spec.template)) return;
  const template = ensureObject(spec, 'template');
  const { labels } = ensureObject(template, 'metadata');
  if (isJsonObject(labels) && Object.keys(labels).length > 0) {
    if (isEmpty(spec.selector)) spec.selector = { ...labels };
    const metadata = ensureObject(controller, 'metadata');
    if (isEmpty(metadata.labels)) metadata.labels = { ...labels };
  }
  applyPodTemplateDefaults(template);
}

function isEmpty(map: unknown): boolean {
  return !isJsonObject(map) || Object.keys(map).length === 0;
}
