import type { ApiAnswer } from '../server/api-request.ts';
import { negotiate } from '../server/media-type.ts';
import { methodNotAllowed, notFound } from '../server/status-error.ts';
import { type KubeObject, recordOf } from '../watch/kube-object.ts';
import { storeKey } from '../watch/object-cache.ts';
import { StoredObject, storedValue } from '../watch/stored-object.ts';
import { listText, objectForm, objectText, textAnswer } from './represent.ts';
import type { RestContext, RestRequest } from './rest-context.ts';

const controllersLease = { namespace: 'kube-system', name: 'fairlead-controllers' } as const;

/**
 * GET of ComponentStatuses: the store, and the controllers with their scheduler, of which the holder of their Lease
 * is asked for. They are made up for each request; nothing is stored.
 */
export async function getComponentStatuses(
  context: RestContext,
  target: RestRequest,
  name: string | undefined,
): Promise<ApiAnswer> {
  const { request, resource, warnings } = target;
  if (request.method !== 'GET') throw methodNotAllowed();
  warnings.push('v1 ComponentStatus is deprecated in v1.19+');
  const representation = negotiate(request.headers.accept, true, name === undefined ? 'collection' : 'object');
  const form = objectForm(resource, representation, request.query, context.clock.now());
  const store = await context.storage.obstacle();
  const controllers = controllersObstacle(context);
  const all = [
    componentStatus('controller-manager', controllers),
    componentStatus('etcd-0', store),
    componentStatus('scheduler', controllers),
  ].map((object) => {
    const key = storeKey(resource.prefix, '', object.metadata.name ?? '');
    return new StoredObject({ key, value: storedValue(object), createRevision: 0, modRevision: 0 });
  });
  if (name === undefined) return textAnswer(200, representation, listText(form, all, {}));
  const found = all.find(({ object }) => object.metadata.name === name);
  if (found === undefined) throw notFound(resource, name);
  return textAnswer(200, representation, objectText(form, found));
}

function componentStatus(name: string, obstacle: string | undefined): KubeObject {
  const condition =
    obstacle === undefined
      ? { type: 'Healthy', status: 'True', message: 'ok' }
      : { type: 'Healthy', status: 'False', message: obstacle };
  return {
    kind: 'ComponentStatus',
    apiVersion: 'v1',
    metadata: { name },
    conditions: [condition],
  };
}

/** Why the controllers do not work; `undefined` while somebody holds their Lease. */
function controllersObstacle({ cache, served, clock }: RestContext): string | undefined {
  const { prefix } = served.find('coordination.k8s.io', 'v1', 'leases')!;
  const lease = cache.resource(prefix).get(storeKey(prefix, controllersLease.namespace, controllersLease.name));
  const spec = recordOf(lease?.object.spec) ?? {};
  const endMs = Date.parse(String(spec.renewTime ?? '')) + Number(spec.leaseDurationSeconds ?? 0) * 1000;
  if (String(spec.holderIdentity ?? '') === '') return 'no controllers run';
  return endMs > clock.now() ? undefined : 'the controllers have not renewed their Lease in time';
}
