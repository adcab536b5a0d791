import { dns1123LabelErrors, dns1123SubdomainErrors } from '../../names.ts';
import { jsonEqual } from '../../own-property.ts';
import { duplicate, type FieldCause, forbidden, invalid, notSupported, required, tooLong } from '../field-cause.ts';
import { goDifference } from '../go-form/go-form.ts';
import { type JsonObject, numberIn, objectIn, objectsIn, stringsIn, textIn } from './fields.ts';

const USAGES = [
  'any',
  'cert sign',
  'client auth',
  'code signing',
  'content commitment',
  'crl sign',
  'data encipherment',
  'decipher only',
  'digital signature',
  'email protection',
  'encipher only',
  'ipsec end system',
  'ipsec tunnel',
  'ipsec user',
  'key agreement',
  'key encipherment',
  'microsoft sgc',
  'netscape sgc',
  'ocsp signing',
  's/mime',
  'server auth',
  'signing',
  'timestamping',
];
const DECISIONS = ['Approved', 'Denied', 'Failed'];
const EXPIRATION_MIN_SECONDS = 600;
const SIGNER_DOMAIN_MAX = 253;
/** A domain, a slash, and a path that has room for a name in a namespace. */
const SIGNER_MAX = SIGNER_DOMAIN_MAX + 1 + 253 + 1 + 63;

/** Checks a CertificateSigningRequest, but for the PKCS #10 request and certificate in it. */
export function validateCertificateSigningRequest(
  request: JsonObject,
  old: JsonObject | undefined,
  subresource: string | undefined,
): FieldCause[] {
  const spec = objectIn(request, 'spec');
  const causes: FieldCause[] = [];
  const usages = stringsIn(spec, 'usages');
  if (usages.length === 0) causes.push(required('spec.usages'));
  for (const [index, usage] of usages.entries()) {
    if (!USAGES.includes(usage)) causes.push(notSupported(`spec.usages[${index}]`, usage, USAGES));
  }
  for (const [index, usage] of usages.entries()) {
    if (usages.indexOf(usage) < index) causes.push(duplicate(`spec.usages[${index}]`, usage));
  }
  causes.push(...validateSignerName(textIn(spec, 'signerName')));
  const seconds = numberIn(spec, 'expirationSeconds');
  if (seconds !== undefined && seconds < EXPIRATION_MIN_SECONDS) {
    const text = `may not specify a duration less than ${EXPIRATION_MIN_SECONDS} seconds (10 minutes)`;
    causes.push(invalid('spec.expirationSeconds', seconds, text));
  }
  causes.push(...validateConditions(request));
  return old === undefined ? causes : [...causes, ...validateDecisions(request, old, subresource)];
}

function validateSignerName(signer: string): FieldCause[] {
  const field = 'spec.signerName';
  if (signer === 'kubernetes.io/legacy-unknown') {
    return [invalid(field, signer, 'the legacy signerName is not allowed via this API version')];
  }
  if (signer === '') return [required(field)];
  const [domain = '', path = '', ...more] = signer.split('/');
  if (!signer.includes('/') || more.length > 0) {
    return [invalid(field, signer, "must be a fully qualified domain and path of the form 'example.com/signer-name'")];
  }
  const causes: FieldCause[] = [];
  if (domain.length > SIGNER_DOMAIN_MAX) causes.push(tooLong(field, SIGNER_DOMAIN_MAX));
  causes.push(...validateLabels(domain, dns1123LabelErrors, field));
  if (!domain.includes('.')) {
    causes.push(invalid(field, domain, 'should be a domain with at least two segments separated by dots'));
  }
  causes.push(...validateLabels(path, dns1123SubdomainErrors, field));
  if (signer.length > SIGNER_MAX) causes.push(tooLong(field, SIGNER_MAX));
  return causes;
}

/** Mistakes of the first wrong part between dots. */
function validateLabels(text: string, rule: (label: string) => readonly string[], field: string): FieldCause[] {
  for (const label of text.split('.')) {
    const errors = rule(label);
    if (errors.length > 0) return errors.map((error) => invalid(field, text, `validating label "${label}": ${error}`));
  }
  return [];
}

function validateConditions(request: JsonObject): FieldCause[] {
  const causes: FieldCause[] = [];
  const seen = new Set<string>();
  for (const [index, condition] of objectsIn(objectIn(request, 'status'), 'conditions').entries()) {
    const field = `status.conditions[${index}]`;
    const [type, status] = [textIn(condition, 'type'), textIn(condition, 'status')];
    if (type === '') causes.push(required(`${field}.type`));
    const allowed = DECISIONS.includes(type) ? ['True'] : ['False', 'True', 'Unknown'];
    if (status === '') causes.push(required(`${field}.status`));
    else if (!allowed.includes(status)) causes.push(notSupported(`${field}.status`, status, allowed));
    if ((type === 'Approved' && seen.has('Denied')) || (type === 'Denied' && seen.has('Approved'))) {
      const text = 'Approved and Denied conditions are mutually exclusive';
      causes.push(invalid('status.conditions', type, text));
    }
    if (seen.has(type)) causes.push(duplicate(`${field}.type`, type));
    seen.add(type);
  }
  return causes;
}

/** What was decided stays decided; only `approval` decides, only `status` brings the certificate, once. */
function validateDecisions(request: JsonObject, old: JsonObject, subresource: string | undefined): FieldCause[] {
  const causes: FieldCause[] = [];
  const field = 'status.conditions';
  const of = (object: JsonObject, type: string): readonly JsonObject[] =>
    objectsIn(objectIn(object, 'status'), 'conditions').filter((condition) => condition.type === type);
  for (const type of DECISIONS) {
    if (of(request, type).length < of(old, type).length) {
      causes.push(forbidden(field, `updates may not remove a condition of type "${type}"`));
    }
  }
  if (subresource !== 'approval') {
    for (const type of ['Approved', 'Denied']) {
      const [now, before] = [of(request, type), of(old, type)];
      if (now.length > before.length) {
        causes.push(forbidden(field, `updates may not add a condition of type "${type}"`));
      } else if (now.length === before.length && !jsonEqual(now, before)) {
        const difference = goDifference('[]CertificateSigningRequestCondition', before, now);
        causes.push(forbidden(field, `updates may not modify a condition of type "${type}"\n${difference}`));
      }
    }
  }
  const [now, before] = [
    textIn(objectIn(request, 'status'), 'certificate'),
    textIn(objectIn(old, 'status'), 'certificate'),
  ];
  if (now !== before) {
    if (subresource !== 'status')
      causes.push(forbidden('status.certificate', 'updates may not set certificate content'));
    else if (before !== '') {
      causes.push(forbidden('status.certificate', 'updates may not modify existing certificate content'));
    }
  }
  return causes;
}
