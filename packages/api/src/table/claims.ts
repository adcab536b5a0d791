import type { PersistentVolumeClaim, ReplicationController, StorageClass } from '../types.ts';
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
  const modes = Object.keys(shortModes).filter((mode) => (status?.accessModes as string[] | undefined)?.includes(mode));
  return [
    nameOf(claim),
    deleting ? 'Terminating' : (status?.phase ?? ''),
    spec?.volumeName ?? '',
    bound ? String(status?.capacity?.storage ?? '') : '',
    bound ? modes.map((mode) => shortModes[mode]).join(',') : '',
    spec?.storageClassName ?? '',
    spec?.volumeAttributesClassName ?? UNSET,
    ageOf(claim, nowMs),
    spec?.volumeMode ?? UNSET,
  ];
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
