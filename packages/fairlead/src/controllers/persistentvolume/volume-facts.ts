import {
  type PersistentVolume,
  type PersistentVolumeClaim,
  type Pod,
  type PodSpec,
  parseQuantity,
  type StorageClass,
  type Stored,
} from '@fairlead/api';

/** Annotations that the parts which bind and make volumes leave for each other. */
export const annotations = {
  /** On a claim: its binding is complete. */
  bindCompleted: 'pv.kubernetes.io/bind-completed',
  /** On a claim or volume: the controller chose the other one, not the user. */
  boundByController: 'pv.kubernetes.io/bound-by-controller',
  /** On a volume: who made it. */
  provisionedBy: 'pv.kubernetes.io/provisioned-by',
  /** On a claim: the node of its first consumer. */
  selectedNode: 'volume.kubernetes.io/selected-node',
  /** On a claim: who is to make its volume. */
  storageProvisioner: 'volume.kubernetes.io/storage-provisioner',
  betaStorageProvisioner: 'volume.beta.kubernetes.io/storage-provisioner',
  betaClass: 'volume.beta.kubernetes.io/storage-class',
  defaultClass: 'storageclass.kubernetes.io/is-default-class',
} as const;

export const claimProtection = 'kubernetes.io/pvc-protection';
export const volumeProtection = 'kubernetes.io/pv-protection';

/** The provisioner of a class whose volumes are made by hand. */
export const noProvisioner = 'kubernetes.io/no-provisioner';

export type Claim = Stored<PersistentVolumeClaim>;
export type Volume = Stored<PersistentVolume>;

/** Name of the class of a claim or volume; empty: none. */
export function classNameOf(object: Claim | Volume): string {
  return object.metadata.annotations?.[annotations.betaClass] ?? object.spec?.storageClassName ?? '';
}

/** `namespace/name` of a claim. */
export function claimKey({ metadata }: Claim): string {
  return `${metadata.namespace}/${metadata.name}`;
}

/** Whether a volume is held for a claim: by its uid, or by its name alone where the user wrote only that. */
export function isHeldFor({ spec }: Volume, { metadata }: Claim): boolean {
  const held = spec?.claimRef;
  if (held === undefined || held.name !== metadata.name || held.namespace !== metadata.namespace) return false;
  return held.uid === undefined || held.uid === '' || held.uid === metadata.uid;
}

/** Nano-units of storage that a claim asks for. */
export function wantedStorage({ spec }: Claim): bigint {
  return nano(spec?.resources?.requests?.storage);
}

/** Nano-units of storage that a volume has. */
export function storageOf({ spec }: Volume): bigint {
  return nano(spec?.capacity?.storage);
}

function nano(quantity: string | number | undefined): bigint {
  return quantity === undefined ? 0n : (parseQuantity(String(quantity))?.nano ?? 0n);
}

/** Whether volumes of the class wait for the node of their first consumer. */
export function waitsForConsumer(storageClass: StorageClass | undefined): boolean {
  return storageClass?.volumeBindingMode === 'WaitForFirstConsumer';
}

/** A volume of a Pod that is a claim. */
export interface PodClaim {
  readonly volume: string;
  readonly claim: string;
  /** The claim is made for this Pod alone and must belong to it. */
  readonly ephemeral: boolean;
}

/** The claims that a Pod mounts, those made for it alone included. */
export function claimsOfPod(pod: {
  readonly metadata?: Pod['metadata'];
  readonly spec?: PodSpec | undefined;
}): PodClaim[] {
  const claims: PodClaim[] = [];
  for (const { name, persistentVolumeClaim, ephemeral } of pod.spec?.volumes ?? []) {
    if (persistentVolumeClaim !== undefined) {
      claims.push({ volume: name, claim: persistentVolumeClaim.claimName, ephemeral: false });
    } else if (ephemeral !== undefined) {
      claims.push({ volume: name, claim: `${pod.metadata?.name ?? ''}-${name}`, ephemeral: true });
    }
  }
  return claims;
}

/** Of the classes that are marked as default, the newest; of several of one second, the first by name. */
export function defaultClassOf(classes: Iterable<Stored<StorageClass>>): Stored<StorageClass> | undefined {
  const madeAt = ({ metadata }: Stored<StorageClass>): string => metadata.creationTimestamp ?? '';
  let best: Stored<StorageClass> | undefined;
  for (const one of classes) {
    if (one.metadata.annotations?.[annotations.defaultClass] !== 'true') continue;
    const isNewer = best === undefined || madeAt(one) > madeAt(best);
    const isFirst = best !== undefined && madeAt(one) === madeAt(best) && one.metadata.name < best.metadata.name;
    if (isNewer || isFirst) best = one;
  }
  return best;
}
