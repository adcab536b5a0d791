import type { AdmissionAttributes } from '../admission/admission-attributes.ts';
import type { Authorizer } from '../authorization/authorizer.ts';
import { sameJson } from '../rest/strategy.ts';
import { mastersGroup } from '../server/api-request.ts';
import { forbidden } from '../server/status-error.ts';
import { type KubeObject, recordOf } from '../watch/kube-object.ts';
import { parseCertificateRequest, requestBytes } from './certificate-request.ts';
import { conditionsOf } from './request-forms.ts';
import { apiServerClientSigner } from './signers.ts';

/**
 * Who may ask, decide and sign (admission plugins CertificateSubjectRestriction, CertificateApproval and
 * CertificateSigning): nobody gets a client certificate of `system:masters`; deciding takes the verb `approve` on the
 * signer, handing a certificate out the verb `sign`. @throws StatusError 403
 */
export function admitCertificateRequest(authorizer: Authorizer, write: AdmissionAttributes): void {
  const { resource, object, old } = write;
  if (object === undefined || resource.kind !== 'CertificateSigningRequest' || resource.custom !== undefined) return;
  const signer = String(recordOf(object.spec)?.signerName ?? '');
  if (write.operation === 'CREATE') {
    if (signer !== apiServerClientSigner) return;
    const parsed = parseCertificateRequest(requestBytes(object));
    if (!parsed.ok) throw forbidden(resource, write.name, `failed to parse CSR: ${parsed.reason}`);
    if (parsed.request.organizations.includes(mastersGroup)) {
      throw forbidden(resource, write.name, `use of ${signer} signer with ${mastersGroup} group is not allowed`);
    }
    return;
  }
  const signed = write.subresource === 'status' && changes(object, old, (one) => recordOf(one.status)?.certificate);
  const decided = write.subresource === 'approval';
  if (decided && !mayUseSigner(authorizer, write, 'approve', signer)) {
    throw forbidden(resource, write.name, `user not permitted to approve requests with signerName "${signer}"`);
  }
  const failed = write.subresource === 'status' && changes(object, old, failures);
  if ((signed || failed) && !mayUseSigner(authorizer, write, 'sign', signer)) {
    throw forbidden(resource, write.name, `user not permitted to sign requests with signerName "${signer}"`);
  }
}

function failures(object: KubeObject): unknown {
  return conditionsOf(object).filter(({ type }) => type === 'Failed');
}

function changes(object: KubeObject, old: KubeObject | undefined, part: (one: KubeObject) => unknown): boolean {
  return old === undefined || !sameJson(part(object), part(old));
}

/** Looks for the right to the signer itself, then for the right to all signers of its domain. */
function mayUseSigner(authorizer: Authorizer, write: AdmissionAttributes, verb: string, signer: string): boolean {
  return [signer, `${signer.split('/')[0]}/*`].some(
    (name) =>
      authorizer.resource(write.user, {
        verb,
        group: 'certificates.k8s.io',
        version: '*',
        resource: 'signers',
        subresource: '',
        namespace: '',
        name,
      }).allowed,
  );
}
