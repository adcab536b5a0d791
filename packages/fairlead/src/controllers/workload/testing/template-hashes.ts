import type { PodTemplateSpec } from '@fairlead/api';

/** What Kubernetes makes of a template: conformance/template-hash prints it. */
export interface TemplateHashes {
  readonly template: PodTemplateSpec;
  /** 0: the owner's status has no count. */
  readonly collisions: number;
  /** `pod-template-hash`. */
  readonly hash: string;
  /** In the name of a StatefulSet's revision. */
  readonly revision: string;
}

/** Reads lines `COLLISIONS HASH REVISION TEMPLATE`. */
export function readHashes(text: string): TemplateHashes[] {
  return text
    .trim()
    .split('\n')
    .map((line) => {
      const [collisions = '', hash = '', revision = ''] = line.split(' ', 3);
      const json = line.slice(collisions.length + hash.length + revision.length + 3);
      return { collisions: Number(collisions), hash, revision, template: JSON.parse(json) as PodTemplateSpec };
    });
}
