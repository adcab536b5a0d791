import type { PersistentVolume, PersistentVolumeClaim, ReplicationController, StorageClass } from '../types.ts';
import { ageOf, containerCells, labelsText, nameOf } from './cells.ts';

const shortModes: Readonly<Record<string, string>> = {
  ReadWriteOnce: 'RWO',
  ReadOnlyMany: 'ROX',
  ReadWriteMany: 'RWX',
  ReadWriteOncePod: 'RWOP',
};
const defaultClass = 'storageclass.kubernetes.io/is-default-class';
const UNSET = '<unset>';

/** NAME STATUS VOLUME CAPACITY ACCESS-MODES STORAGECLASS VOLUMEATTRIBUTESCLASS AGE VOLUMEMODE */
export function persistentVolumeClaimCells(object: object, nowMs: number): unknown[] {
  const claim = object as Partial<PersistentVolumeClaim>;
  const { spec, status } = claim;
  const deleting = (claim.metadata?.deletionTimestamp ?? '') !== '';
  const bound = (spec?.volumeName ?? '') !== '';
  return [
    nameOf(claim),
    deleting ? 'Terminating' : (status?.phase ?? ''),
    spec?.volumeName ?? '',
    bound ? String(status?.capacity?.storage ?? '') : '',
    bound ? modesText(status?.accessModes) : '',
    spec?.storageClassName ?? '',
    spec?.volumeAttributesClassName ?? UNSET,
    ageOf(claim, nowMs),
    spec?.volumeMode ?? UNSET,
  ];
}

/** NAME CAPACITY ACCESS-MODES RECLAIM-POLICY STATUS CLAIM STORAGECLASS VOLUMEATTRIBUTESCLASS REASON AGE VOLUMEMODE */
export function persistentVolumeCells(object: object, nowMs: number): unknown[] {
  const volume = object as Partial<PersistentVolume>;
  const { metadata, spec, status } = volume;
  const claim = spec?.claimRef;
  return [
    nameOf(volume),
    String(spec?.capacity?.storage ?? '0'),
    modesText(spec?.accessModes),
    spec?.persistentVolumeReclaimPolicy ?? '',
    (metadata?.deletionTimestamp ?? '') === '' ? (status?.phase ?? '') : 'Terminating',
    claim === undefined ? '' : `${claim.namespace ?? ''}/${claim.name ?? ''}`,
    metadata?.annotations?.['volume.beta.kubernetes.io/storage-class'] ?? spec?.storageClassName ?? '',
    spec?.volumeAttributesClassName ?? UNSET,
    status?.reason ?? '',
    ageOf(volume, nowMs),
    spec?.volumeMode ?? UNSET,
  ];
}

function modesText(given: readonly string[] | undefined): string {
  const modes = Object.keys(shortModes).filter((mode) => given?.includes(mode));
  return modes.map((mode) => shortModes[mode]).join(',');
}

/** NAME PROVISIONER RECLAIMPOLICY VOLUMEBINDINGMODE ALLOWVOLUMEEXPANSION AGE */
export function storageClassCells(object: object, nowMs: number): unknown[] {
  const storageClass = object as Partial<StorageClass>;
  const isDefault = storageClass.metadata?.annotations?.[defaultClass] === 'true';
  return [
    `${nameOf(storageClass)}${isDefault ? ' (default)' : ''}`,
    storageClass.provisioner ?? '',
    storageClass.reclaimPolicy ?? 'Delete',
    storageClass.volumeBindingMode ?? UNSET,
    storageClass.allowVolumeExpansion ?? false,
    ageOf(storageClass, nowMs),
  ];
}

/** NAME DESIRED CURRENT READY AGE CONTAINERS IMAGES SELECTOR */
export function replicationControllerCells(object: object, nowMs: number): unknown[] {
  const controller = object as Partial<ReplicationController>;
  const { spec, status } = controller;
  return [
    nameOf(controller),
    spec?.replicas ?? 0,
    status?.replicas ?? 0,
    status?.readyReplicas ?? 0,
    ageOf(controller, nowMs),
    ...containerCells(spec?.template?.spec?.containers),
    labelsText(spec?.selector),
  ];
}
