import { dns1035LabelErrors, dns1123SubdomainErrors, portNumberErrors } from '../../names.ts';
import { type FieldCause, invalid, notSupported, required } from '../field-cause.ts';
import { checkName, type JsonObject, numberIn, objectIn, objectsIn, textIn } from './fields.ts';
import { givenObject } from './pod/pod-context.ts';

const GROUP_PRIORITY_MAX = 20_000;
const VERSION_PRIORITY_MAX = 1000;
const STATUSES = ['True', 'False', 'Unknown'];

/** Checks an APIService: its name says which group version it is about. */
export function validateApiService(apiService: JsonObject, subresource: string | undefined): FieldCause[] {
  if (subresource === 'status') return validateStatus(apiService);
  const spec = objectIn(apiService, 'spec');
  const [group, version] = [textIn(spec, 'group'), textIn(spec, 'version')];
  const name = textIn(objectIn(apiService, 'metadata'), 'name');
  const causes: FieldCause[] = [];
  if (name !== '' && name !== `${version}.${group}`) {
    causes.push(invalid('metadata.name', name, `must be \`spec.version+"."+spec.group\`: "${version}.${group}"`));
  }
  if (group !== '') causes.push(...checkName(group, 'spec.group', dns1123SubdomainErrors));
  else if (version !== 'v1') {
    causes.push(required('spec.group', 'only v1 may have an empty group and it better be legacy kube'));
  }
  causes.push(...checkName(version, 'spec.version', dns1035LabelErrors));
  causes.push(...validatePriority(spec, 'groupPriorityMinimum', GROUP_PRIORITY_MAX));
  causes.push(...validatePriority(spec, 'versionPriority', VERSION_PRIORITY_MAX));
  return [...causes, ...validateService(spec)];
}

function validatePriority(spec: JsonObject, name: string, max: number): FieldCause[] {
  const priority = numberIn(spec, name) ?? 0;
  if (priority > 0 && priority <= max) return [];
  return [invalid(`spec.${name}`, priority, `must be positive and less than ${max}`)];
}

function validateService(spec: JsonObject): FieldCause[] {
  const causes: FieldCause[] = [];
  const bundle = textIn(spec, 'caBundle');
  const unchecked = spec.insecureSkipTLSVerify === true;
  const service = givenObject(spec, 'service');
  if (service === undefined) {
    if (bundle !== '') {
      const bytes = `${Math.floor((bundle.replace(/=+$/, '').length * 3) / 4)} bytes`;
      causes.push(invalid('spec.caBundle', bytes, 'local APIServices may not have a caBundle'));
    }
    const text = 'local APIServices may not have insecureSkipTLSVerify';
    if (unchecked) causes.push(invalid('spec.insecureSkipTLSVerify', true, text));
    return causes;
  }
  for (const name of ['namespace', 'name']) {
    if (textIn(service, name) === '') causes.push(required(`spec.service.${name}`));
  }
  const port = numberIn(service, 'port') ?? 0;
  const errors = portNumberErrors(port);
  if (errors.length > 0) causes.push(invalid('spec.service.port', port, `port is not valid: ${errors.join(', ')}`));
  if (unchecked && bundle !== '') {
    causes.push(invalid('spec.insecureSkipTLSVerify', true, 'may not be true if caBundle is present'));
  }
  return causes;
}

function validateStatus(apiService: JsonObject): FieldCause[] {
  return objectsIn(objectIn(apiService, 'status'), 'conditions').flatMap(({ status }, index) =>
    STATUSES.includes(String(status)) ? [] : [notSupported(`status.conditions[${index}].status`, status, STATUSES)],
  );
}
