import { randomUUID } from 'node:crypto';
import { isJsonNumber } from '@fairlead/api/json-number';
import { restrictNodeToken } from '../admission/node-restriction.ts';
import { decodeBody, fieldValidation } from '../rest/decode-body.ts';
import { trackCreate } from '../rest/managed-fields.ts';
import { textAnswer } from '../rest/represent.ts';
import { type RestContext, type RestRequest, timestamp } from '../rest/rest-context.ts';
import { existing } from '../rest/write-object.ts';
import type { ApiAnswer } from '../server/api-request.ts';
import { negotiate } from '../server/media-type.ts';
import { badRequest, conflict, invalid, type NamedResource, notFound } from '../server/status-error.ts';
import { type KubeObject, recordOf } from '../watch/kube-object.ts';
import { apiAudiences, lookUp } from './token-authenticator.ts';
import { type TokenIssuer, tokenIssuerUrl } from './token-issuer.ts';

const leastSeconds = 600;
const mostSeconds = 2 ** 32;
const defaultSeconds = 3600;
const group = 'authentication.k8s.io';
const requestType = {
  apiVersion: `${group}/v1`,
  kind: 'TokenRequest',
  typeId: 'authentication.v1.TokenRequest',
} as const;

/** Kinds a token can be bound to, all of the core group. */
const boundKinds: Readonly<Record<string, NamedResource>> = {
  Pod: { group: '', plural: 'pods', kind: 'Pod' },
  Secret: { group: '', plural: 'secrets', kind: 'Secret' },
  Node: { group: '', plural: 'nodes', kind: 'Node' },
};

/** POST serviceaccounts/NAME/token: a token with an end, for some audiences, bound to an object if asked. */
export async function requestToken(
  context: RestContext,
  issuer: TokenIssuer,
  target: RestRequest,
  name: string,
): Promise<ApiAnswer> {
  const { request, namespace, warnings } = target;
  const representation = negotiate(request.headers.accept, true);
  const body = decodeBody(request, requestType, fieldValidation(request.query, 'CreateOptions'), warnings);
  const account = existing(context, target, name).object;
  checkMetadata(body, name, namespace);
  const spec = recordOf(body.spec) ?? {};
  restrictNodeToken(context, request.user, namespace, name, spec);
  const seconds = lifetime(spec.expirationSeconds);
  const reference = recordOf(spec.boundObjectRef);
  const bound = reference === undefined ? {} : boundClaims(context, namespace, account, reference);
  const given = Array.isArray(spec.audiences) ? spec.audiences.map(String) : [];
  const audiences = given.length === 0 ? apiAudiences : given;
  const now = issuer.nowSeconds();
  const token = await issuer.sign({
    aud: audiences,
    exp: now + seconds,
    iat: now,
    iss: tokenIssuerUrl,
    jti: randomUUID(),
    'kubernetes.io': { namespace, ...bound, serviceaccount: { name, uid: account.metadata.uid } },
    nbf: now,
    sub: `system:serviceaccount:${namespace}:${name}`,
  });
  const managedFields = trackCreate(
    context,
    { ...target, resource: { ...target.resource, ...requestType } },
    { ...body, spec: { ...spec, expirationSeconds: seconds } },
    'token',
  );
  const answer = {
    kind: 'TokenRequest',
    apiVersion: `${group}/v1`,
    metadata: {
      name,
      namespace,
      uid: account.metadata.uid,
      creationTimestamp: timestamp(context.clock),
      ...(managedFields === undefined ? {} : { managedFields }),
    },
    spec: { audiences, expirationSeconds: seconds, boundObjectRef: reference ?? null },
    status: { token, expirationTimestamp: `${new Date((now + seconds) * 1000).toISOString().slice(0, 19)}Z` },
  };
  return textAnswer(201, representation, JSON.stringify(answer));
}

/** What a request says of its account must be right. */
function checkMetadata({ metadata }: KubeObject, name: string, namespace: string): void {
  if ((metadata.namespace ?? '') !== '' && metadata.namespace !== namespace) {
    throw badRequest('the namespace of the provided object does not match the namespace sent on the request');
  }
  if ((metadata.name ?? '') === '' || metadata.name === name) return;
  const why = 'must match the service account name if specified';
  throw invalid({ group, kind: 'TokenRequest' }, name, [
    {
      reason: 'FieldValueInvalid',
      field: 'metadata.name',
      message: `Invalid value: ${JSON.stringify(metadata.name)}: ${why}`,
    },
  ]);
}

function lifetime(value: unknown): number {
  const seconds = isJsonNumber(value) ? Number(value) : defaultSeconds;
  const why =
    seconds < leastSeconds
      ? 'may not specify a duration less than 10 minutes'
      : seconds > mostSeconds
        ? 'may not specify a duration larger than 2^32 seconds'
        : undefined;
  if (why === undefined) return seconds;
  throw invalid({ group, kind: 'TokenRequest' }, '', [
    { reason: 'FieldValueInvalid', field: 'spec.expirationSeconds', message: `Invalid value: ${seconds}: ${why}` },
  ]);
}

/** The claims that bind a token to a Pod (and its node), a Secret or a Node. */
function boundClaims(
  context: RestContext,
  namespace: string,
  account: KubeObject,
  reference: Readonly<Record<string, unknown>>,
): Record<string, { readonly name: string; readonly uid: string | undefined }> {
  const kind = String(reference.kind ?? '');
  const resource = boundKinds[kind];
  if (resource === undefined || (reference.apiVersion ?? 'v1') !== 'v1') {
    throw badRequest(`cannot bind token to object of type ${groupVersionKind(reference)}`);
  }
  const name = String(reference.name ?? '');
  if (name === '') throw badRequest('Name parameter required.');
  const object = lookUp(context, resource.plural, kind === 'Node' ? '' : namespace, name);
  if (object === undefined) throw notFound(resource, name);
  const { uid } = object.metadata;
  const wanted = reference.uid;
  if (typeof wanted === 'string' && wanted !== '' && wanted !== uid) {
    const why = `the UID in the bound object reference (${wanted}) does not match the UID in record. The object might have been deleted and then recreated`;
    throw conflict({ ...resource, plural: kind }, name, why);
  }
  const claims: Record<string, { readonly name: string; readonly uid: string | undefined }> = {};
  if (kind === 'Pod') {
    const spec = recordOf(object.spec) ?? {};
    if (spec.serviceAccountName !== account.metadata.name) {
      throw badRequest(
        `cannot bind token for serviceaccount ${JSON.stringify(account.metadata.name)} to pod running with different serviceaccount name.`,
      );
    }
    const nodeName = String(spec.nodeName ?? '');
    const node = nodeName === '' ? undefined : lookUp(context, 'nodes', '', nodeName);
    if (node !== undefined) claims.node = { name: nodeName, uid: node.metadata.uid };
  }
  claims[kind.toLowerCase()] = { name, uid };
  return claims;
}

/** `apps/v1, Kind=Deployment`; the core group has no name before the slash. */
function groupVersionKind(reference: Readonly<Record<string, unknown>>): string {
  const version = String(reference.apiVersion ?? '');
  return `${version.includes('/') ? version : `/${version}`}, Kind=${String(reference.kind ?? '')}`;
}
