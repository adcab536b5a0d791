import type { RestContext } from '../rest/rest-context.ts';
import { forbidden, type NamedResource } from '../server/status-error.ts';
import { type KubeObject, recordOf } from '../watch/kube-object.ts';
import { storeKey } from '../watch/object-cache.ts';

const mountPath = '/var/run/secrets/kubernetes.io/serviceaccount';
const volumePrefix = 'kube-api-access-';
/** A little more than an hour, so that a renewal every hour is in time. */
const tokenSeconds = 3607;
/** `0644` in decimal. */
const fileMode = 420;
const suffixAlphabet = 'bcdfghjklmnpqrstvwxz2456789';
/** How long a Pod waits for the account `default` of a new namespace, in milliseconds. */
const waitForDefaultMs = 1_500;
const lookEveryMs = 25;

/**
 * What the admission plugin ServiceAccount does to a new Pod: it must name an account that exists,
 * takes over its pull secrets, and gets a volume with a token, the root certificate and its
 * namespace in every container. Changes `pod`; throws 403.
 */
export async function admitServiceAccount(
  context: RestContext,
  resource: NamedResource,
  pod: KubeObject,
): Promise<void> {
  if (pod.metadata.annotations?.['kubernetes.io/config.mirror'] !== undefined) return;
  const spec = { ...recordOf(pod.spec) };
  const { name = '', namespace = '' } = pod.metadata;
  const account = String(spec.serviceAccountName ?? 'default');
  const found = await accountOf(context, namespace, account);
  if (found === undefined) {
    const why = `error looking up service account ${namespace}/${account}: serviceaccount "${account}" not found`;
    throw forbidden(resource, name, why);
  }
  pod.spec = spec;
  if (!listOf(spec.imagePullSecrets).length && listOf(found.imagePullSecrets).length > 0) {
    spec.imagePullSecrets = found.imagePullSecrets;
  }
  const wanted = spec.automountServiceAccountToken ?? found.automountServiceAccountToken ?? true;
  if (wanted === true) mountToken(context, spec);
}

async function accountOf(context: RestContext, namespace: string, name: string): Promise<KubeObject | undefined> {
  const { prefix } = context.served.find('', 'v1', 'serviceaccounts')!;
  const cache = context.cache.resource(prefix);
  const key = storeKey(prefix, namespace, name);
  const until = context.clock.now() + (name === 'default' ? waitForDefaultMs : 0);
  for (;;) {
    const stored = cache.get(key);
    if (stored !== undefined || context.clock.now() >= until) return stored?.object;
    await context.clock.sleep(lookEveryMs);
  }
}

function mountToken(context: RestContext, spec: Record<string, unknown>): void {
  const volumes = listOf(spec.volumes);
  const present = volumes.map((volume) => String(volume.name ?? '')).find((name) => name.startsWith(volumePrefix));
  const name = present ?? volumePrefix + randomSuffix(context);
  let used = false;
  for (const list of ['initContainers', 'containers']) {
    if (!Array.isArray(spec[list])) continue;
    spec[list] = listOf(spec[list]).map((container) => {
      const mounts = listOf(container.volumeMounts);
      if (mounts.some((mount) => mount.mountPath === mountPath)) return container;
      used = true;
      return { ...container, volumeMounts: [...mounts, { name, readOnly: true, mountPath }] };
    });
  }
  if (used && present === undefined) spec.volumes = [...volumes, tokenVolume(name)];
}

function tokenVolume(name: string): object {
  return {
    name,
    projected: {
      sources: [
        { serviceAccountToken: { expirationSeconds: tokenSeconds, path: 'token' } },
        { configMap: { name: 'kube-root-ca.crt', items: [{ key: 'ca.crt', path: 'ca.crt' }] } },
        {
          downwardAPI: {
            items: [{ path: 'namespace', fieldRef: { apiVersion: 'v1', fieldPath: 'metadata.namespace' } }],
          },
        },
      ],
      defaultMode: fileMode,
    },
  };
}

function randomSuffix(context: RestContext): string {
  let text = '';
  for (let index = 0; index < 5; index++) text += suffixAlphabet[Math.floor(context.random() * suffixAlphabet.length)];
  return text;
}

function listOf(value: unknown): Record<string, unknown>[] {
  return Array.isArray(value) ? value.map((item) => recordOf(item) ?? {}) : [];
}
