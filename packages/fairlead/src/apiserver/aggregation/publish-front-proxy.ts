import { isStatus } from '../bootstrap/settle.ts';
import type { InProcessClient } from '../client/in-process-client.ts';
import { frontProxyName } from '../pki/front-proxy.ts';

const name = 'extension-apiserver-authentication';
const namespace = '/namespaces/kube-system';
const rbac = '/apis/rbac.authorization.k8s.io/v1';

/**
 * Tells extension servers whom to believe: the ConfigMap `kube-system/extension-apiserver-authentication` with the
 * authorities of clients and of this server as a front proxy, and the Role to read it. Idempotent.
 */
export async function publishFrontProxy(
  client: InProcessClient,
  clientAuthority: string,
  frontProxyAuthority: string,
): Promise<void> {
  const data = {
    'client-ca-file': clientAuthority,
    'requestheader-allowed-names': JSON.stringify([frontProxyName]),
    'requestheader-client-ca-file': frontProxyAuthority,
    'requestheader-extra-headers-prefix': '["X-Remote-Extra-"]',
    'requestheader-group-headers': '["X-Remote-Group"]',
    'requestheader-uid-headers': '["X-Remote-Uid"]',
    'requestheader-username-headers': '["X-Remote-User"]',
  };
  const path = `/api/v1${namespace}/configmaps`;
  const current = await present(client, `${path}/${name}`);
  if (current === undefined) await create(client, path, { metadata: { name }, data });
  else if (JSON.stringify(current.data) !== JSON.stringify(data)) {
    await client.request('PUT', `${path}/${name}`, { ...current, data });
  }
  const metadata = {
    name: `${name}-reader`,
    labels: { 'kubernetes.io/bootstrapping': 'rbac-defaults' },
    annotations: { 'rbac.authorization.kubernetes.io/autoupdate': 'true' },
  };
  const rules = [
    { apiGroups: [''], resources: ['configmaps'], resourceNames: [name], verbs: ['get', 'list', 'watch'] },
  ];
  if ((await present(client, `${rbac}${namespace}/roles/${metadata.name}`)) === undefined) {
    await create(client, `${rbac}${namespace}/roles`, { metadata, rules });
  }
}

async function present(client: InProcessClient, path: string): Promise<Record<string, unknown> | undefined> {
  try {
    return (await client.request('GET', path)) as Record<string, unknown>;
  } catch (error) {
    if (isStatus(error, 404)) return undefined;
    throw error;
  }
}

/** Another server of the same store may be faster. */
async function create(client: InProcessClient, path: string, object: object): Promise<void> {
  try {
    await client.request('POST', path, object);
  } catch (error) {
    if (!isStatus(error, 409)) throw error;
  }
}
