import type { RestContext } from '../rest/rest-context.ts';
import { notFound, StatusError } from '../server/status-error.ts';
import { recordOf } from '../watch/kube-object.ts';
import { storeKey } from '../watch/object-cache.ts';

/** Address of a node's server for logs and streams, as the Node object says. @throws StatusError */
export function nodeServer(context: RestContext, nodeName: string): { readonly host: string; readonly port: number } {
  const nodes = context.served.find('', 'v1', 'nodes')!;
  const stored = context.cache.resource(nodes.prefix).get(storeKey(nodes.prefix, '', nodeName));
  if (stored === undefined) throw notFound(nodes, nodeName);
  const status = recordOf(stored.object.status) ?? {};
  const endpoint = recordOf(recordOf(status.daemonEndpoints)?.kubeletEndpoint);
  const port = Number(endpoint?.Port ?? 0);
  const addresses = Array.isArray(status.addresses) ? (status.addresses as unknown[]) : [];
  const internal = addresses.map(recordOf).find((address) => address?.type === 'InternalIP')?.address;
  if (typeof internal !== 'string' || port === 0) {
    throw new StatusError(503, 'ServiceUnavailable', `node "${nodeName}" has no log server yet`);
  }
  return { host: internal, port };
}
