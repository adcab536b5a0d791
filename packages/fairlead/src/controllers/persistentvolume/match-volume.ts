import { type Node, type Stored, selectorMatches } from '@fairlead/api';
import { matchesTerm } from '../scheduler/node-fit.ts';
import { type Claim, classNameOf, isHeldFor, storageOf, type Volume, wantedStorage } from './volume-facts.ts';

/** Why a volume that a claim names cannot be its own, in Kubernetes' words; undefined if it can. */
export function mismatchOf(claim: Claim, volume: Volume): string | undefined {
  if (storageOf(volume) < wantedStorage(claim)) return 'requested PV is too small';
  if (classNameOf(claim) !== classNameOf(volume)) return 'storageClassName does not match';
  if (modeOf(claim) !== modeOf(volume)) return 'incompatible volumeMode';
  if (!coversModes(claim, volume)) return 'incompatible accessMode';
  return undefined;
}

/** Whether a node may mount a volume. */
export function reachesNode({ spec }: Volume, node: Stored<Node>): boolean {
  const terms = spec?.nodeAffinity?.required?.nodeSelectorTerms;
  return terms === undefined || terms.some((term) => matchesTerm(term, node));
}

/** What a search is limited by. */
export interface Search {
  /** Only volumes that are held for the claim already: the others wait for its first consumer. */
  readonly onlyHeld: boolean;
  /** Only volumes that this node may mount. */
  readonly node?: Stored<Node>;
  /** Volumes that are spoken for, by name. */
  readonly taken?: ReadonlySet<string>;
}

/**
 * The volume for a claim that names none: the one that is held for it, else the smallest free one that has the size,
 * class, modes and labels asked for. Cases of a volume, in this order: held for another claim; too small; of another
 * mode; going away; held for this one; free.
 */
export function findVolume(claim: Claim, volumes: Iterable<Volume>, search: Search): Volume | undefined {
  const wanted = wantedStorage(claim);
  let smallest: Volume | undefined;
  for (const volume of volumes) {
    const held = volume.spec?.claimRef !== undefined;
    if (held && !isHeldFor(volume, claim)) continue;
    if (storageOf(volume) < wanted || modeOf(claim) !== modeOf(volume)) continue;
    if (volume.metadata.deletionTimestamp !== undefined || !coversModes(claim, volume)) continue;
    const isNear = search.node === undefined || reachesNode(volume, search.node);
    if (held) {
      if (isNear) return volume;
      continue;
    }
    if (search.onlyHeld || !isNear || volume.status?.phase !== 'Available') continue;
    if (search.taken?.has(volume.metadata.name) === true) continue;
    if (classNameOf(volume) !== classNameOf(claim)) continue;
    const { selector } = claim.spec ?? {};
    if (selector !== undefined && !selectorMatches(selector, volume.metadata.labels)) continue;
    if (smallest === undefined || isBefore(volume, smallest)) smallest = volume;
  }
  return smallest;
}

/** The smaller one first, of one size the first by name. */
function isBefore(a: Volume, b: Volume): boolean {
  const difference = storageOf(a) - storageOf(b);
  return difference === 0n ? a.metadata.name < b.metadata.name : difference < 0n;
}

function coversModes(claim: Claim, volume: Volume): boolean {
  const offered = volume.spec?.accessModes ?? [];
  return (claim.spec?.accessModes ?? []).every((mode) => offered.includes(mode));
}

function modeOf({ spec }: Claim | Volume): string {
  return spec?.volumeMode ?? 'Filesystem';
}
