import { dns1035LabelErrors, dns1123SubdomainErrors, portNumberErrors } from '@fairlead/api/names';
import type { FieldCause } from '@fairlead/api/schema';
import { duplicate, invalid, notSupported, required } from '@fairlead/api/schema/field-cause';
import { type KubeObject, recordOf } from '../watch/kube-object.ts';
import { recordsOf } from './admission-attributes.ts';
import { conditionCauses, matchPolicyCauses, ruleCauses, selectorCauses } from './match-causes.ts';
import { admissionVariables } from './match-conditions.ts';

const reviewVersions = ['v1', 'v1beta1'];
const urlForm = '; desired format: https://host[/path]';

/** Mistakes of a webhook configuration. */
export function webhookListCauses(kind: string, object: KubeObject): FieldCause[] {
  const names = new Set<string>();
  return recordsOf(object.webhooks).flatMap((webhook, index) => {
    const path = `webhooks[${index}]`;
    const name = String(webhook.name ?? '');
    const causes = [
      ...webhookCauses(webhook, path, kind),
      ...reviewVersionCauses(webhook.admissionReviewVersions, `${path}.admissionReviewVersions`),
    ];
    if (name !== '' && names.has(name)) causes.push(duplicate(`${path}.name`, name));
    names.add(name);
    return causes;
  });
}

function webhookCauses(webhook: Record<string, unknown>, path: string, kind: string): FieldCause[] {
  const choice = (field: string, value: unknown, choices: readonly string[]): FieldCause[] =>
    choices.includes(String(value)) ? [] : [notSupported(`${path}.${field}`, value ?? '', choices)];
  const causes = [
    ...nameCauses(String(webhook.name ?? ''), `${path}.name`),
    ...ruleCauses(webhook.rules, `${path}.rules`),
    ...choice('failurePolicy', webhook.failurePolicy, ['Fail', 'Ignore']),
    ...matchPolicyCauses(webhook.matchPolicy, `${path}.matchPolicy`),
  ];
  const { sideEffects, timeoutSeconds } = webhook;
  if (sideEffects === undefined || sideEffects === null) {
    causes.push(required(`${path}.sideEffects`, 'must specify one of None, NoneOnDryRun'));
  } else causes.push(...choice('sideEffects', sideEffects, ['None', 'NoneOnDryRun']));
  if (!(Number(timeoutSeconds) >= 1 && Number(timeoutSeconds) <= 30)) {
    const text = 'the timeout value must be between 1 and 30 seconds';
    causes.push(invalid(`${path}.timeoutSeconds`, timeoutSeconds, text));
  }
  causes.push(...selectorCauses(webhook, path));
  if (kind === 'MutatingWebhookConfiguration') {
    causes.push(...choice('reinvocationPolicy', webhook.reinvocationPolicy, ['IfNeeded', 'Never']));
  }
  const client = recordOf(webhook.clientConfig) ?? {};
  const service = recordOf(client.service);
  const hasUrl = typeof client.url === 'string';
  if (hasUrl === (service !== undefined)) {
    causes.push(required(`${path}.clientConfig`, 'exactly one of url or service is required'));
  } else if (hasUrl) causes.push(...urlCauses(String(client.url), `${path}.clientConfig.url`));
  else causes.push(...serviceCauses(service ?? {}, `${path}.clientConfig.service`));
  causes.push(...conditionCauses(webhook.matchConditions, `${path}.matchConditions`, admissionVariables));
  return causes;
}

function nameCauses(name: string, field: string): FieldCause[] {
  if (name === '') return [required(field)];
  const errors = dns1123SubdomainErrors(name);
  if (errors.length > 0) return [invalid(field, name, errors.join(','))];
  if (name.split('.').length >= 3) return [];
  return [invalid(field, name, 'should be a domain with at least three segments separated by dots')];
}

function reviewVersionCauses(given: unknown, field: string): FieldCause[] {
  const versions = Array.isArray(given) ? given.map(String) : [];
  if (versions.length === 0) return [required(field, `must specify one of ${reviewVersions.join(', ')}`)];
  const causes: FieldCause[] = [];
  for (const [index, version] of versions.entries()) {
    const place = `${field}[${index}]`;
    if (versions.indexOf(version) < index) causes.push(invalid(place, version, 'duplicate version'));
    else for (const error of dns1035LabelErrors(version)) causes.push(invalid(place, version, error));
  }
  if (!versions.some((version) => reviewVersions.includes(version))) {
    causes.push(invalid(field, versions, `must include at least one of ${reviewVersions.join(', ')}`));
  }
  return causes;
}

/** The original takes name and namespace for each other here, and says only that something is missing. */
function serviceCauses(
  { name = '', namespace = '', path, port }: Record<string, unknown>,
  field: string,
): FieldCause[] {
  const causes: FieldCause[] = [];
  if (namespace === '') causes.push(required(`${field}.name`));
  if (name === '') causes.push(required(`${field}.namespace`));
  const errors = portNumberErrors(Number(port));
  if (errors.length > 0) causes.push(invalid(`${field}.port`, port, `port is not valid: ${errors.join(',')}`));
  if (typeof path !== 'string' || path === '' || path === '/') return causes;
  const wrong = (text: string): unknown => causes.push(invalid(`${field}.path`, path, text));
  if (path === '//') {
    wrong('segment[0] may not be empty');
    return causes;
  }
  if (!path.startsWith('/')) wrong("must start with a '/'");
  for (const [index, segment] of path.replace(/^\//, '').replace(/\/$/, '').split('/').entries()) {
    if (segment === '') wrong(`segment[${index}] may not be empty`);
    else for (const error of dns1123SubdomainErrors(segment)) wrong(`segment[${index}]: ${error}`);
  }
  return causes;
}

/** Every text is read as Go reads a URL: what has no scheme is a path. */
function urlCauses(text: string, field: string): FieldCause[] {
  const parts =
    /^(?:([A-Za-z][A-Za-z0-9+.-]*):)?(?:\/\/(?:([^/?#@]*)@)?([^/?#]*))?[^?#]*(?:\?([^#]*))?(?:#(.*))?$/.exec(text);
  if (parts === null || (parts[1] !== undefined && parts[3] !== undefined && parts[3] !== '' && !URL.canParse(text))) {
    return [required(field, `url must be a valid URL${urlForm}`)];
  }
  const [, scheme = '', user, host = '', query = '', fragment = ''] = parts;
  const causes: FieldCause[] = [];
  if (scheme !== 'https') {
    causes.push(invalid(field, scheme, `'https' is the only allowed URL scheme${urlForm}`));
  }
  if (host === '') causes.push(invalid(field, host, `host must be specified${urlForm}`));
  if (user !== undefined) causes.push(invalid(field, user, `user information is not permitted in the URL${urlForm}`));
  if (fragment !== '') causes.push(invalid(field, fragment, `fragments are not permitted in the URL${urlForm}`));
  if (query !== '') causes.push(invalid(field, query, `query parameters are not permitted in the URL${urlForm}`));
  return causes;
}
