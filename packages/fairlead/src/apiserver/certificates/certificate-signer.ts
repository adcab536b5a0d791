import { ApiError } from '@fairlead/client';
import type { Log } from '../../sys/role.ts';
import type { Authorizer } from '../authorization/authorizer.ts';
import type { InProcessClient } from '../client/in-process-client.ts';
import type { CertificateAuthority } from '../pki/certificate-authority.ts';
import type { RestContext } from '../rest/rest-context.ts';
import type { UserInfo } from '../server/api-request.ts';
import { type KubeObject, recordOf } from '../watch/kube-object.ts';
import { type CertificateRequest, parseCertificateRequest, requestBytes } from './certificate-request.ts';
import { conditionsOf } from './request-forms.ts';
import { isOwnSigner, kubeletClientSigner, refusalOf, usagesOf } from './signers.ts';

const root = '/apis/certificates.k8s.io/v1/certificatesigningrequests';
const dayMs = 86_400_000;
const lifetimeMaxMs = 365 * dayMs;
const cleanEveryMs = 10 * 60_000;
const hourMs = 3_600_000;
const pendingMs = 24 * hourMs;

/**
 * Signs approved requests of the signers whose authority this server has, approves those of node agents that may ask
 * for them, and deletes requests that are over: an hour after they were decided, a day after nobody did.
 * Lives in the server, not in the controllers: it has the authority's key. Returns how to stop.
 */
export function signCertificates(
  context: RestContext,
  client: InProcessClient,
  authority: CertificateAuthority,
  log: Log,
): () => void {
  const requests = context.cache.resource(
    context.served.find('certificates.k8s.io', 'v1', 'certificatesigningrequests')!.prefix,
  );
  const look = (object: KubeObject): void => {
    const write = nextWrite(context.authorizer, authority, object);
    if (write === undefined) return;
    client
      .request('PUT', `${root}/${encodeURIComponent(object.metadata.name ?? '')}/${write.part}`, write.object)
      .catch((error: unknown) => {
        // Gone or changed in between: its event brings it back here if there is still something to do.
        const expected = error instanceof ApiError && (error.code === 404 || error.code === 409);
        if (!expected)
          log('error', 'cannot answer a request for a certificate', {
            name: object.metadata.name,
            error: String(error),
          });
      });
  };
  for (const { object } of requests.list('')) look(object);
  const stop = requests.subscribe({
    namespace: '',
    name: undefined,
    receive: ({ current, deleted }) => {
      if (!deleted) look(current.object);
    },
  });
  let cancel = (): void => {};
  const clean = (): void => {
    cancel = context.clock.after(cleanEveryMs, () => {
      for (const { object } of requests.list('')) {
        if (!isOver(object, context.clock.now())) continue;
        client.request('DELETE', `${root}/${encodeURIComponent(object.metadata.name ?? '')}`).catch(() => {});
      }
      clean();
    });
  };
  clean();
  return () => {
    stop();
    cancel();
  };
}

interface StatusWrite {
  readonly part: 'approval' | 'status';
  readonly object: KubeObject;
}

/** What the server itself has to write to a request, if anything. */
function nextWrite(
  authorizer: Authorizer,
  authority: CertificateAuthority,
  object: KubeObject,
): StatusWrite | undefined {
  const spec = recordOf(object.spec) ?? {};
  const status = recordOf(object.status) ?? {};
  const signer = String(spec.signerName ?? '');
  const conditions = conditionsOf(object);
  const has = (type: string): boolean => conditions.some((condition) => condition.type === type);
  if (!isOwnSigner(signer) || object.metadata.deletionTimestamp !== undefined) return undefined;
  if (has('Denied') || has('Failed') || String(status.certificate ?? '') !== '') return undefined;
  const usages = Array.isArray(spec.usages) ? spec.usages.map(String) : [];
  const parsed = parseCertificateRequest(requestBytes(object));
  if (!parsed.ok) return undefined;
  const refusal = refusalOf(signer, parsed.request, usages);
  const withCondition = (type: string, reason: string, message: string): KubeObject => ({
    ...object,
    status: { ...status, conditions: [...conditions, { type, status: 'True', reason, message }] },
  });
  if (!has('Approved')) {
    const why =
      signer === kubeletClientSigner && refusal === undefined
        ? autoApproval(authorizer, spec, parsed.request)
        : undefined;
    return why === undefined ? undefined : { part: 'approval', object: withCondition('Approved', 'AutoApproved', why) };
  }
  if (refusal !== undefined) {
    return { part: 'status', object: withCondition('Failed', 'SignerValidationFailure', refusal) };
  }
  const seconds = typeof spec.expirationSeconds === 'number' ? spec.expirationSeconds : lifetimeMaxMs / 1000;
  const { subject, alternativeNames, publicKey } = parsed.request;
  const content = { subject, alternativeNames, ...usagesOf(usages) };
  const pem = authority.signRequested(content, publicKey, Math.min(seconds * 1000, lifetimeMaxMs));
  const certificate = Buffer.from(pem.endsWith('\n') ? pem : `${pem}\n`).toString('base64');
  return { part: 'status', object: { ...object, status: { ...status, certificate } } };
}

/** Why a node agent's client certificate needs nobody's approval: it renews its own, or may ask for nodes. */
function autoApproval(
  authorizer: Authorizer,
  spec: Readonly<Record<string, unknown>>,
  request: CertificateRequest,
): string | undefined {
  const user: UserInfo = {
    name: String(spec.username ?? ''),
    groups: Array.isArray(spec.groups) ? spec.groups.map(String) : [],
  };
  const may = (subresource: string): boolean =>
    authorizer.resource(user, {
      verb: 'create',
      group: 'certificates.k8s.io',
      version: '*',
      resource: 'certificatesigningrequests',
      subresource,
      namespace: '',
      name: '',
    }).allowed;
  if (user.name === request.commonName && may('selfnodeclient')) {
    return 'Auto approving self kubelet client certificate after SubjectAccessReview.';
  }
  return may('nodeclient') ? 'Auto approving kubelet client certificate after SubjectAccessReview.' : undefined;
}

/** True for a request that nobody needs any more. */
export function isOver(object: KubeObject, nowMs: number): boolean {
  const since = (time: unknown): number => nowMs - Date.parse(String(time ?? ''));
  const conditions = conditionsOf(object);
  const decided = conditions.find(({ type }) => type === 'Denied' || type === 'Failed' || type === 'Approved');
  if (decided === undefined) return since(object.metadata.creationTimestamp) > pendingMs;
  const issued = String(recordOf(object.status)?.certificate ?? '') !== '';
  if (decided.type === 'Approved' && !issued) return false;
  return since(decided.lastUpdateTime) > hourMs;
}
