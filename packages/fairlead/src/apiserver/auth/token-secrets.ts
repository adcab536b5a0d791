import { ApiError } from '@fairlead/client';
import type { Log } from '../../sys/role.ts';
import type { InProcessClient } from '../client/in-process-client.ts';
import type { RestContext } from '../rest/rest-context.ts';
import { type KubeObject, recordOf } from '../watch/kube-object.ts';
import { lookUp } from './token-authenticator.ts';
import { legacyIssuer, type TokenIssuer } from './token-issuer.ts';

const secretType = 'kubernetes.io/service-account-token';
const nameAnnotation = 'kubernetes.io/service-account.name';
const uidAnnotation = 'kubernetes.io/service-account.uid';

/**
 * Fills Secrets of type `kubernetes.io/service-account-token` with a token that lives as long as
 * the Secret, the root certificate and the namespace; returns how to stop. A Secret whose account
 * is gone keeps a token that nobody accepts.
 */
export function fillTokenSecrets(
  context: RestContext,
  issuer: TokenIssuer,
  client: InProcessClient,
  rootCa: string,
  log: Log,
): () => void {
  const fill = (secret: KubeObject): void => {
    if (secret.type !== secretType || recordOf(secret.data)?.token !== undefined) return;
    const { name = '', namespace = '', annotations } = secret.metadata;
    const account = lookUp(context, 'serviceaccounts', namespace, annotations?.[nameAnnotation] ?? '');
    if (account === undefined) return;
    write(issuer, client, rootCa, secret, account).catch((error: unknown) => {
      // Gone or changed in between: its event brings it back here if it still needs a token.
      const expected = error instanceof ApiError && (error.code === 404 || error.code === 409);
      if (!expected) log('error', 'cannot fill a token Secret', { namespace, name, error: String(error) });
    });
  };
  const secrets = context.cache.resource(context.served.find('', 'v1', 'secrets')!.prefix);
  const accounts = context.cache.resource(context.served.find('', 'v1', 'serviceaccounts')!.prefix);
  for (const { object } of secrets.list('')) fill(object);
  const scope = { namespace: '', name: undefined } as const;
  const stopSecrets = secrets.subscribe({
    ...scope,
    receive: ({ current, deleted }) => {
      if (!deleted) fill(current.object);
    },
  });
  const stopAccounts = accounts.subscribe({
    ...scope,
    receive: ({ previous, deleted, current }) => {
      if (deleted || previous !== undefined) return;
      for (const { object } of secrets.list(current.object.metadata.namespace ?? '')) fill(object);
    },
  });
  return () => {
    stopSecrets();
    stopAccounts();
  };
}

async function write(
  issuer: TokenIssuer,
  client: InProcessClient,
  rootCa: string,
  secret: KubeObject,
  account: KubeObject,
): Promise<void> {
  const { name = '', namespace = '', resourceVersion } = secret.metadata;
  const accountName = account.metadata.name ?? '';
  const token = await issuer.sign({
    iss: legacyIssuer,
    [`${legacyIssuer}/namespace`]: namespace,
    [`${legacyIssuer}/secret.name`]: name,
    [`${legacyIssuer}/service-account.name`]: accountName,
    [`${legacyIssuer}/service-account.uid`]: account.metadata.uid,
    sub: `system:serviceaccount:${namespace}:${accountName}`,
  });
  const base64 = (text: string): string => Buffer.from(text).toString('base64');
  const path = `/api/v1/namespaces/${encodeURIComponent(namespace)}/secrets/${encodeURIComponent(name)}`;
  const patch = {
    metadata: { resourceVersion, annotations: { [uidAnnotation]: account.metadata.uid } },
    data: { token: base64(token), 'ca.crt': base64(rootCa), namespace: base64(namespace) },
  };
  await client.request('PATCH', path, patch, { 'content-type': 'application/merge-patch+json' });
}
