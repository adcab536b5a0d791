import { dns1123LabelErrors, dns1123SubdomainErrors } from '../../names.ts';
import { duplicate, type FieldCause, forbidden, invalid, notSupported, required } from '../field-cause.ts';
import { checkName, type JsonObject, numberIn, objectIn, objectsIn, stringsIn, textIn } from './fields.ts';
import { givenObject } from './pod/pod-context.ts';

const MAX_PRECEDENCE = 10_000;
const VERBS = ['create', 'delete', 'deletecollection', 'get', 'list', 'patch', 'proxy', 'update', 'watch'];

/** Checks a FlowSchema. */
export function validateFlowSchema(schema: JsonObject): FieldCause[] {
  const spec = objectIn(schema, 'spec');
  const name = textIn(objectIn(schema, 'metadata'), 'name');
  const causes = validatePrecedence(numberIn(spec, 'matchingPrecedence') ?? 0, name);
  const methods = ['ByNamespace', 'ByUser'];
  const method = givenObject(spec, 'distinguisherMethod');
  if (method !== undefined && !methods.includes(textIn(method, 'type'))) {
    causes.push(notSupported('spec.distinguisherMethod.type', { type: method.type ?? '' }, methods));
  }
  const level = textIn(objectIn(spec, 'priorityLevelConfiguration'), 'name');
  const levelField = 'spec.priorityLevelConfiguration.name';
  if (level === '') causes.push(required(levelField, 'must reference a priority level'));
  else causes.push(...checkName(level, levelField, dns1123SubdomainErrors));
  for (const [index, rule] of objectsIn(spec, 'rules').entries()) {
    causes.push(...validateRule(rule, `spec.rules[${index}]`));
  }
  return [...causes, ...validateConditions(schema)];
}

function validatePrecedence(precedence: number, name: string): FieldCause[] {
  const field = 'spec.matchingPrecedence';
  if (precedence <= 0) return [invalid(field, precedence, 'must be a positive value')];
  if (precedence > MAX_PRECEDENCE) return [invalid(field, precedence, `must not be greater than ${MAX_PRECEDENCE}`)];
  if (precedence > 1 || name === 'exempt') return [];
  return [invalid(field, precedence, "only the schema named 'exempt' may have matchingPrecedence 1")];
}

function validateRule(rule: JsonObject, field: string): FieldCause[] {
  const causes: FieldCause[] = [];
  const subjects = objectsIn(rule, 'subjects');
  if (subjects.length === 0) causes.push(required(`${field}.subjects`, 'subjects must contain at least one value'));
  for (const [index, subject] of subjects.entries()) {
    causes.push(...validateSubject(subject, `${field}.subjects[${index}]`));
  }
  const resourceRules = objectsIn(rule, 'resourceRules');
  const pathRules = objectsIn(rule, 'nonResourceRules');
  if (resourceRules.length + pathRules.length === 0) {
    causes.push(required(field, 'at least one of resourceRules and nonResourceRules has to be non-empty'));
  }
  for (const [index, one] of resourceRules.entries()) {
    causes.push(...validateResourceRule(one, `${field}.resourceRules[${index}]`));
  }
  for (const [index, one] of pathRules.entries()) {
    causes.push(...validatePathRule(one, `${field}.nonResourceRules[${index}]`));
  }
  return causes;
}

const SUBJECT_FIELDS = [
  { kind: 'ServiceAccount', part: 'serviceAccount' },
  { kind: 'User', part: 'user' },
  { kind: 'Group', part: 'group' },
];

function validateSubject(subject: JsonObject, field: string): FieldCause[] {
  const kind = textIn(subject, 'kind');
  const own = SUBJECT_FIELDS.find((one) => one.kind === kind);
  if (own === undefined) return [notSupported(`${field}.kind`, kind, ['Group', 'ServiceAccount', 'User'])];
  const path = `${field}.${own.part}`;
  const given = givenObject(subject, own.part);
  const causes: FieldCause[] = [];
  if (given === undefined) causes.push(required(path, `${own.part} is required when subject kind is '${kind}'`));
  else causes.push(...validateSubjectName(given, own.part, path));
  for (const other of SUBJECT_FIELDS) {
    if (other === own || givenObject(subject, other.part) === undefined) continue;
    const text = `${other.part} is forbidden when subject kind is not '${other.kind}'`;
    causes.push(forbidden(`${field}.${other.part}`, text));
  }
  return causes;
}

function validateSubjectName(subject: JsonObject, part: string, field: string): FieldCause[] {
  const name = textIn(subject, 'name');
  const causes = name === '' ? [required(`${field}.name`)] : [];
  if (part !== 'serviceAccount') return causes;
  if (name !== '' && name !== '*') causes.push(...checkName(name, `${field}.name`, dns1123SubdomainErrors));
  const namespace = textIn(subject, 'namespace');
  if (namespace === '') {
    causes.push(required(`${field}.namespace`, 'must specify namespace for service account'));
  } else causes.push(...checkName(namespace, `${field}.namespace`, dns1123LabelErrors));
  return causes;
}

function validateVerbs(rule: JsonObject, field: string): FieldCause[] {
  const verbs = stringsIn(rule, 'verbs');
  const path = `${field}.verbs`;
  if (verbs.length === 0) return [required(path, 'verbs must contain at least one value')];
  if (verbs.includes('*')) return aloneIn(verbs, path, "if '*' is present, must not specify other verbs");
  return verbs.every((verb) => VERBS.includes(verb)) ? [] : [notSupported(path, verbs, VERBS)];
}

function aloneIn(list: readonly string[], field: string, text: string): FieldCause[] {
  return list.length > 1 ? [invalid(field, list, text)] : [];
}

function validateResourceRule(rule: JsonObject, field: string): FieldCause[] {
  const causes = validateVerbs(rule, field);
  for (const [list, one, many] of [
    ['apiGroups', 'api group', 'api groups'],
    ['resources', 'resource', 'resources'],
  ] as const) {
    const values = stringsIn(rule, list);
    if (values.length === 0) {
      causes.push(required(`${field}.${list}`, `resource rules must supply at least one ${one}`));
    } else if (values.includes('*')) {
      causes.push(...aloneIn(values, `${field}.${list}`, `if '*' is present, must not specify other ${many}`));
    }
  }
  const namespaces = stringsIn(rule, 'namespaces');
  const path = `${field}.namespaces`;
  if (namespaces.length === 0 && rule.clusterScope !== true) {
    const text = 'resource rules that are not cluster scoped must supply at least one namespace';
    causes.push(required(path, text));
  } else if (namespaces.includes('*')) {
    causes.push(...aloneIn(namespaces, path, "if '*' is present, must not specify other namespaces"));
  } else {
    for (const [index, namespace] of namespaces.entries()) {
      for (const error of dns1123LabelErrors(namespace)) {
        const text = `each member of this list must be '*' or a DNS-1123 label; ${error}`;
        causes.push(invalid(`${path}[${index}]`, namespace, text));
      }
    }
  }
  return causes;
}

function validatePathRule(rule: JsonObject, field: string): FieldCause[] {
  const causes = validateVerbs(rule, field);
  const urls = stringsIn(rule, 'nonResourceURLs');
  const path = `${field}.nonResourceURLs`;
  if (urls.length === 0) causes.push(required(path, 'nonResourceURLs must contain at least one value'));
  else if (urls.includes('*')) {
    causes.push(...aloneIn(urls, path, "if '*' is present, must not specify other non-resource URLs"));
  } else {
    for (const [index, url] of urls.entries()) {
      const error = urlError(url);
      if (error !== undefined) causes.push(invalid(`${path}[${index}]`, url, error));
    }
  }
  return causes;
}

function urlError(url: string): string | undefined {
  if (url === '') return 'must not be empty';
  if (!url.startsWith('/')) return 'must start with slash';
  if (url.includes(' ')) return 'must not contain white-space';
  if (url.includes('//')) return 'must not contain double slash';
  const stars = url.split('*').length - 1;
  return stars > 1 || (stars === 1 && !url.endsWith('/*')) ? 'wildcard can only do suffix matching' : undefined;
}

/** Checks a PriorityLevelConfiguration. */
export function validatePriorityLevel(level: JsonObject): FieldCause[] {
  const spec = objectIn(level, 'spec');
  const type = textIn(spec, 'type');
  const [limited, exempt] = [givenObject(spec, 'limited'), givenObject(spec, 'exempt')];
  const causes: FieldCause[] = [];
  if ((textIn(objectIn(level, 'metadata'), 'name') === 'exempt') !== (type === 'Exempt')) {
    causes.push(invalid('spec.type', type, "must be 'Exempt' if and only if `name` is 'exempt'"));
  }
  if (type === 'Exempt') {
    if (limited !== undefined) causes.push(forbidden('spec.limited', 'must be nil if the type is not Limited'));
    if (exempt !== undefined) causes.push(...validateShares(exempt, 'spec.exempt', []));
  } else if (type === 'Limited') {
    if (exempt !== undefined) causes.push(forbidden('spec.exempt', 'must be nil if the type is Limited'));
    if (limited === undefined) causes.push(required('spec.limited', 'must not be empty when type is Limited'));
    else causes.push(...validateLimited(limited));
  } else causes.push(notSupported('spec.type', type, ['Exempt', 'Limited']));
  return [...causes, ...validateConditions(level)];
}

function validateLimited(limited: JsonObject): FieldCause[] {
  const field = 'spec.limited';
  const causes = validateShares(limited, field, validateLimitResponse(objectIn(limited, 'limitResponse')));
  const borrowing = numberIn(limited, 'borrowingLimitPercent');
  if (borrowing !== undefined && borrowing < 0) {
    const text = 'if specified, must be a non-negative integer';
    causes.push(invalid(`${field}.borrowingLimitPercent`, borrowing, text));
  }
  return causes;
}

/** `between` stands between the mistakes of the two fields. */
function validateShares(holder: JsonObject, field: string, between: readonly FieldCause[]): FieldCause[] {
  const shares = numberIn(holder, 'nominalConcurrencyShares') ?? 0;
  const percent = numberIn(holder, 'lendablePercent') ?? 0;
  const causes = [...between];
  if (shares < 0) {
    causes.unshift(invalid(`${field}.nominalConcurrencyShares`, shares, 'must be a non-negative integer'));
  }
  if (percent < 0 || percent > 100) {
    causes.push(invalid(`${field}.lendablePercent`, percent, 'must be between 0 and 100, inclusive'));
  }
  return causes;
}

function validateLimitResponse(response: JsonObject): FieldCause[] {
  const field = 'spec.limited.limitResponse';
  const type = textIn(response, 'type');
  const queuing = givenObject(response, 'queuing');
  if (type === 'Reject') {
    const text = 'must be nil if limited.limitResponse.type is not Limited';
    return queuing === undefined ? [] : [forbidden(`${field}.queuing`, text)];
  }
  if (type !== 'Queue') return [notSupported(`${field}.type`, type, ['Queue', 'Reject'])];
  if (queuing === undefined) {
    return [required(`${field}.queuing`, 'must not be empty if limited.limitResponse.type is Limited')];
  }
  return validateQueuing(queuing, `${field}.queuing`);
}

const QUEUES_MAX = 10_000_000;
const HASH_BITS = 60;

function validateQueuing(queuing: JsonObject, field: string): FieldCause[] {
  const [queues, hand, length] = [
    numberIn(queuing, 'queues') ?? 0,
    numberIn(queuing, 'handSize') ?? 0,
    numberIn(queuing, 'queueLengthLimit') ?? 0,
  ];
  const causes: FieldCause[] = [];
  if (length <= 0) causes.push(invalid(`${field}.queueLengthLimit`, length, 'must be positive'));
  if (queues <= 0) causes.push(invalid(`${field}.queues`, queues, 'must be positive'));
  else if (queues > QUEUES_MAX) {
    causes.push(invalid(`${field}.queues`, queues, `must not be greater than ${QUEUES_MAX}`));
  }
  if (hand <= 0) causes.push(invalid(`${field}.handSize`, hand, 'must be positive'));
  else if (hand > queues) {
    causes.push(invalid(`${field}.handSize`, hand, `should not be greater than queues (${queues})`));
  } else {
    const bits = Math.ceil(Math.log2(queues) * hand);
    const text = `required entropy bits of deckSize ${queues} and handSize ${hand} should not be greater than ${HASH_BITS}`;
    if (bits > HASH_BITS) causes.push(invalid(`${field}.handSize`, hand, text));
  }
  return causes;
}

function validateConditions(object: JsonObject): FieldCause[] {
  const causes: FieldCause[] = [];
  const seen = new Set<string>();
  for (const [index, condition] of objectsIn(objectIn(object, 'status'), 'conditions').entries()) {
    const type = textIn(condition, 'type');
    const field = `status.conditions[${index}].type`;
    if (seen.has(type)) causes.push(duplicate(field, type));
    seen.add(type);
    if (type === '') causes.push(required(field));
  }
  return causes;
}
