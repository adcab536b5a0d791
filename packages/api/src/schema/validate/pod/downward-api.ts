import { qualifiedNameErrors } from '../../../names.ts';
import { canonicalQuantity, compareQuantities } from '../../../quantity.ts';
import { type FieldCause, invalid, notSupported, required } from '../../field-cause.ts';
import { type JsonObject, textIn } from '../fields.ts';
import { checkFilePath } from './paths.ts';
import { givenObject } from './pod-context.ts';
import { checkMode } from './volume-files.ts';

/** Fields of a Pod that a file may hold. */
const FILE_FIELDS = ['metadata.annotations', 'metadata.labels', 'metadata.name', 'metadata.namespace', 'metadata.uid'];
/** Fields of a Pod that an environment variable may hold. */
export const ENV_FIELDS: readonly string[] = [
  'metadata.name',
  'metadata.namespace',
  'metadata.uid',
  'spec.nodeName',
  'spec.serviceAccountName',
  'status.hostIP',
  'status.hostIPs',
  'status.podIP',
  'status.podIPs',
];
/** Every path that the downward API knows, for files or variables or neither. */
const KNOWN_FIELDS: ReadonlySet<string> = new Set([
  ...FILE_FIELDS,
  ...ENV_FIELDS,
  'spec.restartPolicy',
  'spec.schedulerName',
  'status.phase',
]);
const RESOURCES = ['cpu', 'ephemeral-storage', 'memory'];
const RESOURCE_FIELDS = ['limits', 'requests'].flatMap((kind) => RESOURCES.map((name) => `${kind}.${name}`));
const BYTE_DIVISORS = ['1', '1k', '1M', '1G', '1T', '1P', '1E', '1Ki', '1Mi', '1Gi', '1Ti', '1Pi', '1Ei'];

/** Checks one file of a downward API volume. */
export function validateDownwardFile(file: JsonObject, field: string): FieldCause[] {
  const path = textIn(file, 'path');
  const causes = path === '' ? [required(`${field}.path`)] : [];
  causes.push(...checkFilePath(path, `${field}.path`));
  const fieldRef = givenObject(file, 'fieldRef');
  const resourceRef = givenObject(file, 'resourceFieldRef');
  if (fieldRef !== undefined) {
    causes.push(...validateFieldRef(fieldRef, FILE_FIELDS, `${field}.fieldRef`));
    if (resourceRef !== undefined) {
      const text = 'fieldRef and resourceFieldRef can not be specified simultaneously';
      causes.push(invalid(field, 'resource', text));
    }
  } else if (resourceRef !== undefined) {
    causes.push(...validateResourceFieldRef(resourceRef, `${field}.resourceFieldRef`, true));
  } else causes.push(required(field, 'one of fieldRef and resourceFieldRef is required'));
  return [...causes, ...checkMode(file, 'mode', field)];
}

/** Checks a reference to a field of the Pod; `allowed` are the paths without a subscript. */
export function validateFieldRef(reference: JsonObject, allowed: readonly string[], field: string): FieldCause[] {
  const version = textIn(reference, 'apiVersion');
  if (version === '') return [required(`${field}.apiVersion`)];
  const given = textIn(reference, 'fieldPath');
  if (given === '') return [required(`${field}.fieldPath`)];
  const wrong = (why: string): FieldCause[] => [
    invalid(`${field}.fieldPath`, given, `error converting fieldPath: ${why}`),
  ];
  if (version !== 'v1') return wrong(`unsupported pod version: ${version}`);
  const subscripted = /^(.+?)\['(.*)'\]$/s.exec(given);
  if (subscripted !== null) {
    const [, path = '', key = ''] = subscripted;
    if (path === 'metadata.annotations') return keyCauses(key.toLowerCase(), field);
    if (path === 'metadata.labels') return keyCauses(key, field);
    return wrong(`field label does not support subscript: ${given}`);
  }
  // The name that the field had before v1.
  const path = given === 'spec.host' ? 'spec.nodeName' : given;
  if (!KNOWN_FIELDS.has(path)) return wrong(`field label not supported: ${given}`);
  return allowed.includes(path) ? [] : [notSupported(`${field}.fieldPath`, path, allowed)];
}

function keyCauses(key: string, field: string): FieldCause[] {
  return qualifiedNameErrors(key).map((error) => invalid(field, key, error));
}

/** Checks a reference to an amount of a container; a file must say of which one. */
export function validateResourceFieldRef(reference: JsonObject, field: string, inFile: boolean): FieldCause[] {
  const causes: FieldCause[] = [];
  const resource = textIn(reference, 'resource');
  if (inFile && textIn(reference, 'containerName') === '') causes.push(required(`${field}.containerName`));
  else if (resource === '') causes.push(required(`${field}.resource`));
  else if (!RESOURCE_FIELDS.includes(resource) && !isHugePages(resource)) {
    causes.push(notSupported(`${field}.resource`, resource, RESOURCE_FIELDS));
  }
  return [...causes, ...divisorCauses(reference, resource, field)];
}

function isHugePages(resource: string): boolean {
  return resource.startsWith('requests.hugepages-') || resource.startsWith('limits.hugepages-');
}

function divisorCauses(reference: JsonObject, resource: string, field: string): FieldCause[] {
  const given = String(reference.divisor ?? '0');
  if (compareQuantities(given, '0') === 0) return [];
  const divisor = canonicalQuantity(given) ?? given;
  const refuse = (allowed: readonly string[], list: string, what: string): FieldCause[] => {
    if (allowed.includes(divisor)) return [];
    return [
      invalid(`${field}.divisor`, resource, `only divisor's values ${list} are supported with the ${what} resource`),
    ];
  };
  const bytes = BYTE_DIVISORS.join(', ');
  if (isHugePages(resource)) return refuse(BYTE_DIVISORS, bytes, 'hugepages');
  switch (resource.slice(resource.indexOf('.') + 1)) {
    case 'cpu':
      return refuse(['1m', '1'], '1m and 1', 'cpu');
    case 'memory':
      return refuse(BYTE_DIVISORS, bytes, 'memory');
    case 'ephemeral-storage':
      return refuse(BYTE_DIVISORS, bytes, 'local ephemeral storage');
    default:
      return [];
  }
}
