import { badRequest, forbidden, notFound } from '../server/status-error.ts';
import { type KubeObject, recordOf } from '../watch/kube-object.ts';
import { storeKey } from '../watch/object-cache.ts';
import type { RestContext, RestRequest } from './rest-context.ts';

const nameAlphabet = 'bcdfghjklmnpqrstvwxz2456789';
/** Namespace of the body must be absent or that of the path. */
export function checkNamespaceField(target: RestRequest, object: KubeObject): void {
  const given = object.metadata.namespace ?? '';
  if (!target.resource.namespaced) {
    if (given !== '') {
      throw badRequest('the namespace of the provided object does not match the namespace sent on the request');
    }
    return;
  }
  if (given !== '' && given !== target.namespace) {
    throw badRequest('the namespace of the provided object does not match the namespace sent on the request');
  }
  object.metadata.namespace = target.namespace;
}

/** Namespace life cycle: objects are created in existing namespaces that are not going away. */
export function admitToNamespace(context: RestContext, target: RestRequest, name: string): void {
  const { namespace, resource } = target;
  const namespaces = context.served.find('', 'v1', 'namespaces');
  if (namespaces === undefined) return;
  const stored = context.cache.resource(namespaces.prefix).get(storeKey(namespaces.prefix, '', namespace));
  if (stored === undefined) throw notFound(namespaces, namespace);
  const phase = recordOf(stored.object.status)?.phase;
  if (stored.object.metadata.deletionTimestamp !== undefined || phase === 'Terminating') {
    throw forbidden(
      resource,
      name,
      `unable to create new content in namespace ${namespace} because it is being terminated`,
      [
        {
          reason: 'NamespaceTerminating',
          message: `namespace ${namespace} is being terminated`,
          field: 'metadata.namespace',
        },
      ],
    );
  }
}

/** A name that begins with `prefix`, which the client gave as `generateName`. */
export function generateName(context: RestContext, prefix: string): string {
  // The server cuts the base so that the whole fits 63 characters.
  let name = prefix.slice(0, 58);
  for (let index = 0; index < 5; index++) name += nameAlphabet[Math.floor(context.random() * nameAlphabet.length)];
  return name;
}
