import type { Pod, PodTemplateSpec, StatefulSet, Stored } from '@fairlead/api';
import { type OwnerKind, ownerReference } from '../workload/pod-control.ts';
import { revisionLabel } from '../workload/revisions.ts';
import { withClaimVolumes } from './set-claims.ts';

/** The Pod of an ordinal: its name, host name and labels are the same for ever. */
export function setPod(
  set: Stored<StatefulSet>,
  about: OwnerKind,
  template: PodTemplateSpec,
  ordinal: number,
  revision: string,
): Pod {
  const name = `${set.metadata.name}-${ordinal}`;
  const { labels, annotations, finalizers } = template.metadata ?? {};
  return {
    apiVersion: 'v1',
    kind: 'Pod',
    metadata: {
      generateName: `${set.metadata.name}-`,
      name,
      ...(set.metadata.namespace === undefined ? {} : { namespace: set.metadata.namespace }),
      labels: {
        ...labels,
        'apps.kubernetes.io/pod-index': String(ordinal),
        [revisionLabel]: revision,
        'statefulset.kubernetes.io/pod-name': name,
      },
      ...(annotations === undefined ? {} : { annotations }),
      ...(finalizers === undefined ? {} : { finalizers }),
      ownerReferences: [ownerReference(set, about)],
    },
    spec: {
      ...withClaimVolumes(template.spec!, set, ordinal),
      hostname: name,
      ...(set.spec?.serviceName === undefined ? {} : { subdomain: set.spec.serviceName }),
    },
  };
}
