import type { OwnerReference, PersistentVolumeClaim, Pod, StatefulSet, Stored } from '@fairlead/api';
import { type OwnerKind, ownerReference } from '../workload/pod-control.ts';
import { controllerOf } from '../workload/pod-state.ts';

const podKind: OwnerKind = { kind: 'Pod', apiVersion: 'v1' };

type Claim = Stored<PersistentVolumeClaim>;

/** Name of the claim that a template makes for an ordinal: it outlives the Pod. */
export function claimName(set: Stored<StatefulSet>, template: PersistentVolumeClaim, ordinal: number): string {
  return `${template.metadata?.name ?? ''}-${set.metadata.name}-${ordinal}`;
}

/** The claims of an ordinal, labelled as the set selects. */
export function claimsOf(set: Stored<StatefulSet>, ordinal: number): PersistentVolumeClaim[] {
  const { namespace } = set.metadata;
  return (set.spec?.volumeClaimTemplates ?? []).map(({ metadata, spec }) => {
    const labels = { ...metadata?.labels, ...set.spec?.selector.matchLabels };
    return {
      apiVersion: 'v1',
      kind: 'PersistentVolumeClaim',
      metadata: {
        ...(metadata?.annotations === undefined ? {} : { annotations: metadata.annotations }),
        ...(Object.keys(labels).length === 0 ? {} : { labels }),
        name: claimName(set, { metadata }, ordinal),
        ...(namespace === undefined ? {} : { namespace }),
      },
      ...(spec === undefined ? {} : { spec }),
    };
  });
}

/** The Pod's spec with the volumes of its claims, which come before and in the place of its own of the same name. */
export function withClaimVolumes(
  spec: NonNullable<Pod['spec']>,
  set: Stored<StatefulSet>,
  ordinal: number,
): NonNullable<Pod['spec']> {
  const templates = set.spec?.volumeClaimTemplates ?? [];
  if (templates.length === 0) return spec;
  const names = new Set(templates.map(({ metadata }) => metadata?.name));
  const claimed = templates.map((template) => ({
    name: template.metadata?.name ?? '',
    persistentVolumeClaim: { claimName: claimName(set, template, ordinal) },
  }));
  return { ...spec, volumes: [...claimed, ...(spec.volumes ?? []).filter(({ name }) => !names.has(name))] };
}

/** Who a claim is to go with. */
export interface ClaimOwners {
  /** The references that the claim is to have; undefined where it has them. */
  readonly references: OwnerReference[] | undefined;
  /** Another controller manages the claim: the set's policy does not count. */
  readonly foreign: boolean;
}

/**
 * Who owns a claim by the retention policy of its set (KEP-1847): the set, where claims go with it; the Pod, where they
 * go with what is scaled down and the Pod is beyond the wanted ordinals; else neither.
 */
export function claimOwners(claim: Claim, set: Stored<StatefulSet>, pod: Stored<Pod>, isWanted: boolean): ClaimOwners {
  const present = claim.metadata.ownerReferences ?? [];
  const controller = controllerOf(claim);
  const own = [set.metadata.uid, pod.metadata.uid];
  const foreign = controller !== undefined && !own.includes(controller.uid);
  const others = present.filter(({ uid }) => !own.includes(uid));
  const { whenDeleted, whenScaled } = set.spec?.persistentVolumeClaimRetentionPolicy ?? {};
  const references = [...others];
  if (!foreign) {
    if (whenScaled === 'Delete' && !isWanted) references.push(ownerReference(pod, podKind));
    else if (whenDeleted === 'Delete')
      references.push(ownerReference(set, { kind: 'StatefulSet', apiVersion: 'apps/v1' }));
  }
  const same =
    references.length === present.length &&
    references.every(({ uid, controller: leads }) =>
      present.some((reference) => reference.uid === uid && reference.controller === leads),
    );
  return { references: same ? undefined : references, foreign };
}
