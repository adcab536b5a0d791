import type { Node, Pod, StorageClass, Stored } from '@fairlead/api';
import { findVolume, reachesNode } from '../persistentvolume/match-volume.ts';
import {
  annotations,
  type Claim,
  claimsOfPod,
  classNameOf,
  isHeldFor,
  noProvisioner,
  type Volume,
  waitsForConsumer,
} from '../persistentvolume/volume-facts.ts';
import type { Misfit } from './node-fit.ts';

/** What the volumes of Pods are looked up in; keys are `namespace/name`. */
export interface VolumeState {
  claim(key: string): Claim | undefined;
  volume(name: string): Volume | undefined;
  volumes(): Iterable<Volume>;
  storageClass(name: string): Stored<StorageClass> | undefined;
  hasNode(name: string): boolean;
  /** Whether another Pod that has a node and is not over mounts a claim. */
  isMounted(key: string): boolean;
}

/** What a Pod's claims ask of its node. */
export interface VolumeNeeds {
  /** Volumes that they have. */
  readonly bound: readonly Volume[];
  /** Claims that wait for the node of this Pod, their first consumer. */
  readonly waiting: readonly { readonly claim: Claim; readonly storageClass: Stored<StorageClass> }[];
}

/** What a node has been chosen for: volumes to be held for claims, and claims whose volumes are to be made. */
export interface VolumePlan {
  readonly hold: readonly { readonly claim: Claim; readonly volume: Volume }[];
  readonly provision: readonly Claim[];
}

const noVolumes: VolumeNeeds = { bound: [], waiting: [] };

/**
 * Reads what a Pod's claims need. Cases of a claim: absent; going away; of another Pod; lost; mounted elsewhere though it is
 * for one Pod; bound; waiting for its first consumer; on its way (`'pending'`: the node is chosen); waiting for somebody else.
 *
 * @returns a text: why no node would do
 */
export function volumeNeeds(pod: Stored<Pod>, state: VolumeState): VolumeNeeds | 'pending' | { readonly why: string } {
  const claims = claimsOfPod(pod);
  if (claims.length === 0) return noVolumes;
  const bound: Volume[] = [];
  const waiting: { claim: Claim; storageClass: Stored<StorageClass> }[] = [];
  let pending = false;
  for (const { claim: name, ephemeral } of claims) {
    const key = `${pod.metadata.namespace}/${name}`;
    const claim = state.claim(key);
    if (claim === undefined) {
      const text = `waiting for ephemeral volume controller to create the persistentvolumeclaim "${name}"`;
      return { why: ephemeral ? text : `persistentvolumeclaim "${name}" not found` };
    }
    if (claim.metadata.deletionTimestamp !== undefined) {
      return { why: `persistentvolumeclaim "${name}" is being deleted` };
    }
    if (ephemeral && claim.metadata.ownerReferences?.some(({ uid }) => uid === pod.metadata.uid) !== true) {
      return {
        why: `PVC ${key} was not created for pod ${pod.metadata.namespace}/${pod.metadata.name} (pod is not owner)`,
      };
    }
    if (claim.spec?.accessModes?.includes('ReadWriteOncePod') === true && state.isMounted(key)) {
      return { why: 'node has pod using PersistentVolumeClaim with the same name and ReadWriteOncePod access mode' };
    }
    const volumeName = claim.spec?.volumeName ?? '';
    const isBound = volumeName !== '' && claim.metadata.annotations?.[annotations.bindCompleted] !== undefined;
    if (claim.status?.phase === 'Lost') {
      return { why: `persistentvolumeclaim "${name}" bound to non-existent persistentvolume "${volumeName}"` };
    }
    if (isBound) {
      const volume = state.volume(volumeName);
      if (volume === undefined) {
        return { why: `persistentvolumeclaim "${name}" bound to non-existent persistentvolume "${volumeName}"` };
      }
      bound.push(volume);
      continue;
    }
    const storageClass = state.storageClass(classNameOf(claim));
    if (storageClass === undefined || !waitsForConsumer(storageClass)) {
      return { why: 'pod has unbound immediate PersistentVolumeClaims' };
    }
    if (isOnItsWay(claim, volumeName, state)) pending = true;
    else waiting.push({ claim, storageClass });
  }
  return pending ? 'pending' : { bound, waiting };
}

/** A volume is held for the claim, or its node has been chosen and is still there. */
function isOnItsWay(claim: Claim, volumeName: string, state: VolumeState): boolean {
  if (volumeName !== '') return true;
  const selected = claim.metadata.annotations?.[annotations.selectedNode];
  if (selected !== undefined && state.hasNode(selected)) return true;
  for (const volume of state.volumes()) {
    if (volume.spec?.claimRef?.uid === claim.metadata.uid && isHeldFor(volume, claim)) return true;
  }
  return false;
}

/** Why a node cannot have a Pod's volumes; undefined if it can. */
export function volumeMisfit(needs: VolumeNeeds, node: Stored<Node>, state: VolumeState): Misfit | undefined {
  const never = (reason: string): Misfit => ({ reasons: [reason], forWantOfRoom: false });
  if (needs.bound.some((volume) => !reachesNode(volume, node))) {
    return never("node(s) didn't match PersistentVolume's node affinity");
  }
  if (needs.waiting.length > 0 && planVolumes(needs, node, state) === undefined) {
    return never("node(s) didn't find available persistent volumes to bind");
  }
  return undefined;
}

/** Volumes for the claims that wait, if a node is chosen; undefined where one can have none. Those that are there come first. */
export function planVolumes(needs: VolumeNeeds, node: Stored<Node>, state: VolumeState): VolumePlan | undefined {
  const hold: { claim: Claim; volume: Volume }[] = [];
  const provision: Claim[] = [];
  const taken = new Set<string>();
  for (const { claim, storageClass } of needs.waiting) {
    const volume = findVolume(claim, state.volumes(), { onlyHeld: false, node, taken });
    if (volume !== undefined) {
      taken.add(volume.metadata.name);
      hold.push({ claim, volume });
    } else if (storageClass.provisioner !== noProvisioner && isAllowed(storageClass, node)) provision.push(claim);
    else return undefined;
  }
  return { hold, provision };
}

/** Whether a class makes volumes for a node, by its labels. */
function isAllowed({ allowedTopologies = [] }: StorageClass, { metadata }: Stored<Node>): boolean {
  return (
    allowedTopologies.length === 0 ||
    allowedTopologies.some(({ matchLabelExpressions = [] }) =>
      matchLabelExpressions.every(({ key, values }) => values.includes(metadata.labels?.[key] ?? '')),
    )
  );
}
