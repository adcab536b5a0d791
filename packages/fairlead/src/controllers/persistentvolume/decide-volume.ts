import type { PersistentVolumeStatus } from '@fairlead/api';
import type { Remark } from './decide-claim.ts';
import { annotations, type Claim, type Volume } from './volume-facts.ts';

type Phase = NonNullable<PersistentVolumeStatus['phase']>;

/** What to do for a volume. */
export interface VolumeDecision {
  readonly phase: Phase;
  /** Why it failed. */
  readonly message?: string;
  readonly remark?: Remark;
  /** The claim that it is held for is to be looked at. */
  readonly wakeClaim?: true;
  /** It is to be held for nobody: `claim` keeps the name that the user wrote. */
  readonly release?: 'all' | 'claim';
}

/** Decides the phase of a volume by the claim that it is held for, which may be gone or another one of the same name. */
export function decideVolume(volume: Volume, claim: Claim | undefined): VolumeDecision {
  const { claimRef } = volume.spec ?? {};
  const present = volume.status?.phase;
  if (claimRef === undefined) return { phase: 'Available' };
  if (claimRef.uid === undefined || claimRef.uid === '') return { phase: 'Available', wakeClaim: true };
  if (claim === undefined || claim.metadata.uid !== claimRef.uid) return decideReleased(volume);
  const chosen = claim.spec?.volumeName ?? '';
  if (chosen === '') return { phase: present ?? 'Available', wakeClaim: true };
  if (chosen === volume.metadata.name) return { phase: 'Bound' };
  // The claim has another volume. One that was made for it is of no use to others.
  const made = volume.metadata.annotations?.[annotations.provisionedBy] !== undefined;
  if (made && volume.spec?.persistentVolumeReclaimPolicy === 'Delete') return decideReleased(volume);
  const byController = volume.metadata.annotations?.[annotations.boundByController] !== undefined;
  return { phase: 'Available', release: byController ? 'all' : 'claim' };
}

/** The claim is gone: what the reclaim policy says. Who made the volume deletes it. */
function decideReleased(volume: Volume): VolumeDecision {
  if (volume.status?.phase === 'Failed') return failed(volume.status.message ?? '');
  const { name, annotations: own } = volume.metadata;
  switch (volume.spec?.persistentVolumeReclaimPolicy ?? 'Retain') {
    case 'Delete': {
      if (own?.[annotations.provisionedBy] !== undefined) return { phase: 'Released' };
      const message = `error getting deleter volume plugin for volume "${name}": no deletable volume plugin matched`;
      return failed(message, 'VolumeFailedDelete');
    }
    case 'Recycle':
      return failed('No recycler plugin found for the volume!', 'VolumeFailedRecycle');
    default:
      return { phase: 'Released' };
  }
}

function failed(message: string, reason?: string): VolumeDecision {
  const remark: Remark | undefined = reason === undefined ? undefined : { type: 'Warning', reason, message };
  return { phase: 'Failed', message, ...(remark === undefined ? {} : { remark }) };
}
