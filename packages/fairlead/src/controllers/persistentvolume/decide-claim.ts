import type { StorageClass, Stored } from '@fairlead/api';
import { findVolume, mismatchOf } from './match-volume.ts';
import {
  annotations,
  type Claim,
  classNameOf,
  isHeldFor,
  noProvisioner,
  type Volume,
  waitsForConsumer,
} from './volume-facts.ts';

/** What claims are decided by. */
export interface StorageState {
  volume(name: string): Volume | undefined;
  volumes(): Iterable<Volume>;
  storageClass(name: string): Stored<StorageClass> | undefined;
  /** Name of the class of claims that name none. */
  readonly defaultClass: string | undefined;
  /** Name of a Pod that mounts the claim and has no node yet. */
  waitingPod(claim: Claim): string | undefined;
}

/** An event to be told about a claim or volume. */
export interface Remark {
  readonly type: 'Normal' | 'Warning';
  readonly reason: string;
  readonly message: string;
}

/** What to do for a claim. */
export type ClaimDecision =
  | { readonly do: 'wait'; readonly remark?: Remark }
  | { readonly do: 'bind'; readonly volume: Volume }
  /** The claim takes over the default class. */
  | { readonly do: 'take-class'; readonly name: string }
  | { readonly do: 'provision'; readonly provisioner: string; readonly remark: Remark }
  | { readonly do: 'lose'; readonly remark: Remark };

const wait = (type: Remark['type'], reason: string, message: string): ClaimDecision => ({
  do: 'wait',
  remark: { type, reason, message },
});
const lose = (reason: string, message: string): ClaimDecision => ({
  do: 'lose',
  remark: { type: 'Warning', reason, message },
});

/** Decides what a claim needs next. */
export function decideClaim(claim: Claim, state: StorageState): ClaimDecision {
  return claim.metadata.annotations?.[annotations.bindCompleted] === undefined
    ? decideUnbound(claim, state)
    : decideBound(claim, state);
}

function decideUnbound(claim: Claim, state: StorageState): ClaimDecision {
  const { volumeName = '', storageClassName } = claim.spec ?? {};
  if (volumeName !== '') return decideNamed(claim, state.volume(volumeName));
  if (
    storageClassName === undefined &&
    claim.metadata.annotations?.[annotations.betaClass] === undefined &&
    state.defaultClass !== undefined
  ) {
    return { do: 'take-class', name: state.defaultClass };
  }
  const className = classNameOf(claim);
  const storageClass = className === '' ? undefined : state.storageClass(className);
  const isSelected = claim.metadata.annotations?.[annotations.selectedNode] !== undefined;
  const isDelayed = waitsForConsumer(storageClass) && !isSelected;
  const volume = findVolume(claim, state.volumes(), { onlyHeld: isDelayed });
  if (volume !== undefined) return { do: 'bind', volume };
  if (isDelayed) {
    const pod = state.waitingPod(claim);
    if (pod !== undefined) return wait('Normal', 'WaitForPodScheduled', `waiting for pod ${pod} to be scheduled`);
    const text = 'waiting for first consumer to be created before binding';
    return wait('Normal', 'WaitForFirstConsumer', text);
  }
  if (className === '') {
    const text = 'no persistent volumes available for this claim and no storage class is set';
    return wait('Normal', 'FailedBinding', text);
  }
  if (storageClass === undefined) {
    return wait('Warning', 'ProvisioningFailed', `storageclass.storage.k8s.io "${className}" not found`);
  }
  const { provisioner } = storageClass;
  if (provisioner === noProvisioner) {
    const text = 'no volume plugin matched name: kubernetes.io/no-provisioner';
    return wait('Warning', 'ProvisioningFailed', text);
  }
  const message = `Waiting for a volume to be created either by the external provisioner '${provisioner}' or manually by the system administrator. If volume creation is delayed, please verify that the provisioner is running and correctly registered.`;
  return { do: 'provision', provisioner, remark: { type: 'Normal', reason: 'ExternalProvisioning', message } };
}

/** A claim that names its volume, which somebody else may have. */
function decideNamed(claim: Claim, volume: Volume | undefined): ClaimDecision {
  if (volume === undefined) return { do: 'wait' };
  const { name } = volume.metadata;
  if (volume.spec?.claimRef !== undefined && !isHeldFor(volume, claim)) {
    return wait('Warning', 'FailedBinding', `volume "${name}" already bound to a different claim.`);
  }
  const mismatch = mismatchOf(claim, volume);
  if (mismatch !== undefined && (volume.spec?.claimRef === undefined || mismatch === 'incompatible volumeMode')) {
    return wait('Warning', 'VolumeMismatch', `Cannot bind to requested volume "${name}": ${mismatch}`);
  }
  return { do: 'bind', volume };
}

function decideBound(claim: Claim, state: StorageState): ClaimDecision {
  const name = claim.spec?.volumeName ?? '';
  if (name === '') {
    return lose('ClaimLost', 'Bound claim has lost reference to PersistentVolume. Data on the volume is lost!');
  }
  const volume = state.volume(name);
  if (volume === undefined) {
    return lose('ClaimLost', 'Bound claim has lost its PersistentVolume. Data on the volume is lost!');
  }
  if (volume.spec?.claimRef === undefined || isHeldFor(volume, claim)) return { do: 'bind', volume };
  const text = 'Two claims are bound to the same volume, this one is bound incorrectly';
  return lose('ClaimMisbound', text);
}
