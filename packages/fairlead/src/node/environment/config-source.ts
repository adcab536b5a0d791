import {
  type ConfigMap,
  configMaps,
  type PersistentVolume,
  type PersistentVolumeClaim,
  type ResourceRef,
  type Secret,
  type Stored,
  secrets,
  type TokenRequest,
} from '@fairlead/api';
import { type ApiClient, ApiError } from '@fairlead/client';
import type { ConfigSource } from './container-env.ts';

/** Most objects remembered for the time when the API is away. */
const REMEMBER_MAX = 1000;

type Readable = ConfigMap | Secret | PersistentVolumeClaim | PersistentVolume;

const claims: ResourceRef<PersistentVolumeClaim> = {
  group: '',
  version: 'v1',
  kind: 'PersistentVolumeClaim',
  plural: 'persistentvolumeclaims',
  namespaced: true,
};
const volumes: ResourceRef<PersistentVolume> = {
  group: '',
  version: 'v1',
  kind: 'PersistentVolume',
  plural: 'persistentvolumes',
  namespaced: false,
};

/**
 * Reads ConfigMaps, Secrets, and claims with their volumes, when a container starts. While the API is away the last known content is
 * used, so that a crashed container can restart without it.
 */
export function createConfigSource(client: ApiClient): ConfigSource {
  const remembered = new Map<string, Readable | undefined>();
  const read = async <T extends Readable>(
    ref: ResourceRef<T>,
    namespace: string | undefined,
    name: string,
  ): Promise<T | undefined> => {
    const key = `${ref.plural}/${namespace}/${name}`;
    let value: Stored<T> | undefined;
    try {
      value = await client.get(ref, namespace === undefined ? { name } : { namespace, name });
    } catch (error) {
      if (!(error instanceof ApiError)) throw error;
      const unavailable = error.code === 0 || error.code >= 500 || error.code === 429;
      if (unavailable && remembered.has(key)) return remembered.get(key) as T | undefined;
      if (error.code !== 404) throw error;
    }
    remembered.delete(key);
    remembered.set(key, value);
    if (remembered.size > REMEMBER_MAX) for (const [oldest] of remembered) if (remembered.delete(oldest)) break;
    return value;
  };
  return {
    configMap: (namespace, name) => read(configMaps, namespace, name),
    secret: (namespace, name) => read(secrets, namespace, name),
    claim: (namespace, name) => read(claims, namespace, name),
    volume: (name) => read(volumes, undefined, name),
    async token(pod, audience, expirationSeconds) {
      const { namespace = 'default', name = '', uid } = pod.metadata ?? {};
      const account = pod.spec?.serviceAccountName ?? 'default';
      const path = `/api/v1/namespaces/${namespace}/serviceaccounts/${account}/token`;
      const request: TokenRequest = {
        apiVersion: 'authentication.k8s.io/v1',
        kind: 'TokenRequest',
        spec: {
          audiences: audience === undefined || audience === '' ? [] : [audience],
          expirationSeconds,
          boundObjectRef: { apiVersion: 'v1', kind: 'Pod', name, uid },
        },
      };
      const { status } = (await client.request('POST', path, request)) as TokenRequest;
      return { token: status?.token ?? '', expiresAt: Date.parse(status?.expirationTimestamp ?? '') };
    },
  };
}
