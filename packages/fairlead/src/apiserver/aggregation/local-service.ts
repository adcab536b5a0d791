import type { KubeObject } from '../watch/kube-object.ts';

/** The status of an APIService whose group version this server itself serves: it is always available. */
export function localServiceStatus({ metadata }: KubeObject): object {
  const condition = {
    lastTransitionTime: metadata.creationTimestamp,
    message: 'Local APIServices are always available',
    reason: 'Local',
    status: 'True',
    type: 'Available',
  };
  return { conditions: [condition] };
}
