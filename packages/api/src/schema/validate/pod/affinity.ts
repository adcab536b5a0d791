import { dns1123LabelErrors, dns1123SubdomainErrors, labelValueErrors, qualifiedNameErrors } from '../../../names.ts';
import { type FieldCause, forbidden, invalid, required } from '../../field-cause.ts';
import {
  checkName,
  checkQualifiedName,
  type JsonObject,
  numberIn,
  objectIn,
  objectsIn,
  stringsIn,
  textIn,
} from '../fields.ts';
import { validateLabelSelector } from '../label-selector.ts';
import { givenObject } from './pod-context.ts';

const REQUIRED = 'requiredDuringSchedulingIgnoredDuringExecution';
const PREFERRED = 'preferredDuringSchedulingIgnoredDuringExecution';

/** Checks which nodes and which other Pods a Pod wants to be near or far from. */
export function validateAffinity(spec: JsonObject, field: string): FieldCause[] {
  const affinity = givenObject(spec, 'affinity');
  if (affinity === undefined) return [];
  const causes: FieldCause[] = [];
  const nodes = givenObject(affinity, 'nodeAffinity');
  if (nodes !== undefined) causes.push(...validateNodeAffinity(nodes, `${field}.nodeAffinity`));
  for (const name of ['podAffinity', 'podAntiAffinity']) {
    const pods = givenObject(affinity, name);
    if (pods !== undefined) causes.push(...validatePodAffinity(pods, `${field}.${name}`));
  }
  return causes;
}

function validateNodeAffinity(affinity: JsonObject, field: string): FieldCause[] {
  const causes: FieldCause[] = [];
  const needed = givenObject(affinity, REQUIRED);
  if (needed !== undefined) causes.push(...validateNodeSelector(needed, `${field}.${REQUIRED}`));
  for (const [index, term] of objectsIn(affinity, PREFERRED).entries()) {
    const place = `${field}.${PREFERRED}[${index}]`;
    causes.push(...checkWeight(term, place));
    // Values that no label can have are let pass where the term is only a wish.
    causes.push(...validateNodeTerm(objectIn(term, 'preference'), `${place}.preference`, false));
  }
  return causes;
}

/** Checks a node selector: at least one term, of which each may hold. */
export function validateNodeSelector(selector: JsonObject, field: string): FieldCause[] {
  const terms = objectsIn(selector, 'nodeSelectorTerms');
  const place = `${field}.nodeSelectorTerms`;
  if (terms.length === 0) return [required(place, 'must have at least one node selector term')];
  return terms.flatMap((term, index) => validateNodeTerm(term, `${place}[${index}]`, true));
}

function validateNodeTerm(term: JsonObject, field: string, checksValues: boolean): FieldCause[] {
  return [
    ...objectsIn(term, 'matchExpressions').flatMap((expression, index) =>
      validateNodeExpression(expression, `${field}.matchExpressions[${index}]`, checksValues),
    ),
    ...objectsIn(term, 'matchFields').flatMap((expression, index) =>
      validateNodeField(expression, `${field}.matchFields[${index}]`),
    ),
  ];
}

function validateNodeExpression(expression: JsonObject, field: string, checksValues: boolean): FieldCause[] {
  const causes: FieldCause[] = [];
  const values = stringsIn(expression, 'values');
  const place = `${field}.values`;
  switch (expression.operator) {
    case 'In':
    case 'NotIn':
      if (values.length === 0) causes.push(required(place, "must be specified when `operator` is 'In' or 'NotIn'"));
      break;
    case 'Exists':
    case 'DoesNotExist':
      if (values.length > 0) {
        causes.push(forbidden(place, "may not be specified when `operator` is 'Exists' or 'DoesNotExist'"));
      }
      break;
    case 'Gt':
    case 'Lt':
      if (values.length !== 1) {
        causes.push(required(place, "must be specified single value when `operator` is 'Lt' or 'Gt'"));
      }
      break;
    default:
      causes.push(invalid(`${field}.operator`, expression.operator ?? '', 'not a valid selector operator'));
  }
  causes.push(...checkQualifiedName(textIn(expression, 'key'), `${field}.key`));
  if (!checksValues) return causes;
  return [...causes, ...values.flatMap((value, index) => checkName(value, `${place}[${index}]`, labelValueErrors))];
}

function validateNodeField(expression: JsonObject, field: string): FieldCause[] {
  const causes: FieldCause[] = [];
  const values = stringsIn(expression, 'values');
  const { operator = '' } = expression;
  if (operator !== 'In' && operator !== 'NotIn') {
    causes.push(invalid(`${field}.operator`, operator, 'not a valid selector operator'));
  } else if (values.length !== 1) {
    const text = "must be only one value when `operator` is 'In' or 'NotIn' for node field selector";
    causes.push(required(`${field}.values`, text));
  }
  const key = textIn(expression, 'key');
  if (key !== 'metadata.name') return [...causes, invalid(`${field}.key`, key, 'not a valid field selector key')];
  return [
    ...causes,
    ...values.flatMap((value, index) => checkName(value, `${field}.values[${index}]`, dns1123SubdomainErrors)),
  ];
}

function validatePodAffinity(affinity: JsonObject, field: string): FieldCause[] {
  return [
    ...objectsIn(affinity, REQUIRED).flatMap((term, index) => validatePodTerm(term, `${field}.${REQUIRED}[${index}]`)),
    ...objectsIn(affinity, PREFERRED).flatMap((weighted, index) => {
      const place = `${field}.${PREFERRED}[${index}]`;
      const term = objectIn(weighted, 'podAffinityTerm');
      return [...checkWeight(weighted, place), ...validatePodTerm(term, `${place}.podAffinityTerm`)];
    }),
  ];
}

function checkWeight(term: JsonObject, field: string): FieldCause[] {
  const weight = numberIn(term, 'weight') ?? 0;
  return weight > 0 && weight <= 100 ? [] : [invalid(`${field}.weight`, weight, 'must be in the range 1-100')];
}

function validatePodTerm(term: JsonObject, field: string): FieldCause[] {
  const causes: FieldCause[] = [];
  for (const name of ['labelSelector', 'namespaceSelector']) {
    const selector = givenObject(term, name);
    if (selector !== undefined) causes.push(...validateLabelSelector(selector, `${field}.${name}`));
  }
  for (const namespace of stringsIn(term, 'namespaces')) {
    causes.push(...checkName(namespace, `${field}.namespace`, dns1123LabelErrors));
  }
  causes.push(...validateLabelKeys(term, field));
  const key = textIn(term, 'topologyKey');
  if (key === '') causes.push(required(`${field}.topologyKey`, 'can not be empty'));
  return [...causes, ...checkName(key, `${field}.topologyKey`, qualifiedNameErrors)];
}

/** Checks the keys whose values the Pod's own labels give (KEP-3633), of a term or a spread constraint. */
export function validateLabelKeys(term: JsonObject, field: string): FieldCause[] {
  const causes: FieldCause[] = [];
  const selector = givenObject(term, 'labelSelector');
  const wanted = stringsIn(term, 'matchLabelKeys');
  const unwanted = stringsIn(term, 'mismatchLabelKeys');
  for (const [name, keys] of [
    ['matchLabelKeys', wanted],
    ['mismatchLabelKeys', unwanted],
  ] as const) {
    const place = `${field}.${name}`;
    if (keys.length > 0 && selector === undefined) {
      causes.push(forbidden(place, 'must not be specified when labelSelector is not set'));
    } else causes.push(...keys.flatMap((key, index) => checkQualifiedName(key, `${place}[${index}]`)));
  }
  if (selector !== undefined) {
    // What the keys themselves became stands at the end, so that a key seen before was given twice.
    const seen = new Set(Object.keys(objectIn(selector, 'matchLabels')));
    for (const expression of objectsIn(selector, 'matchExpressions')) {
      const key = textIn(expression, 'key');
      if (wanted.includes(key) && seen.has(key)) {
        const text = 'exists in both matchLabelKeys and labelSelector';
        causes.push(invalid(`${field}[${wanted.lastIndexOf(key)}]`, key, text));
      }
      seen.add(key);
    }
  }
  for (const [index, key] of wanted.entries()) {
    if (!unwanted.includes(key)) continue;
    const text = 'exists in both matchLabelKeys and mismatchLabelKeys';
    causes.push(invalid(`${field}.matchLabelKeys[${index}]`, key, text));
  }
  return causes;
}
