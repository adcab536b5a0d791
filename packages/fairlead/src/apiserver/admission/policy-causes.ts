import { dns1035LabelErrors, dns1123SubdomainErrors } from '@fairlead/api/names';
import type { FieldCause } from '@fairlead/api/schema';
import { duplicate, forbidden, invalid, notSupported, required, tooMany } from '@fairlead/api/schema/field-cause';
import { validateLabelSelector } from '@fairlead/api/schema/validate/label-selector';
import type { CelType } from '../cel/types/cel-type.ts';
import { type KubeObject, recordOf } from '../watch/kube-object.ts';
import { recordsOf } from './admission-attributes.ts';
import { VariableTypes } from './admission-types.ts';
import { conditionCauses, expressionCauses, matchCauses, qualifiedCauses, typesOf } from './match-causes.ts';
import { policyVariables } from './policy-admission.ts';

const actions = ['Audit', 'Deny', 'Warn'];
const reasons = ['Forbidden', 'Invalid', 'RequestEntityTooLarge'];
const annotationsMax = 20;

/** Mistakes of a ValidatingAdmissionPolicy. */
export function policyCauses(policy: KubeObject): FieldCause[] {
  const spec = recordOf(policy.spec) ?? {};
  const causes: FieldCause[] = [];
  const policies = ['Fail', 'Ignore'];
  if (spec.failurePolicy === undefined) causes.push(required('spec.failurePolicy'));
  else if (!policies.includes(String(spec.failurePolicy))) {
    causes.push(notSupported('spec.failurePolicy', spec.failurePolicy, policies));
  }
  const paramKind = recordOf(spec.paramKind);
  if (paramKind !== undefined) causes.push(...paramKindCauses(paramKind));
  const match = recordOf(spec.matchConstraints);
  if (match === undefined) causes.push(required('spec.matchConstraints'));
  else {
    causes.push(...matchCauses(match, 'spec.matchConstraints'));
    if (recordsOf(match.resourceRules).length === 0) causes.push(required('spec.matchConstraints.resourceRules'));
  }
  const names = policyVariables(spec);
  causes.push(...conditionCauses(spec.matchConditions, 'spec.matchConditions', names));
  const variables = recordsOf(spec.variables);
  const declared = new VariableTypes();
  const all = variables.length > 0 ? [...names, 'variables'] : names;
  const types = new Map(typesOf(names));
  if (variables.length > 0) types.set('variables', declared.type);
  const scope: ExpressionScope = { names: all, types };
  for (const [index, variable] of variables.entries()) {
    causes.push(...variableCauses(variable, `spec.variables[${index}]`, scope));
    declared.declare(variable.name, variable.expression, names, typesOf(names));
  }
  const validations = recordsOf(spec.validations);
  const annotations = recordsOf(spec.auditAnnotations);
  if (validations.length === 0 && annotations.length === 0) {
    const why = 'validations or auditAnnotations must contain at least one item';
    causes.push(required('spec.validations', why), required('spec.auditAnnotations', why));
  }
  for (const [index, validation] of validations.entries()) {
    causes.push(...validationCauses(validation, `spec.validations[${index}]`, scope));
  }
  return [...causes, ...annotationCauses(policy.metadata.name ?? '', annotations, scope)];
}

/** What the expressions of a policy may use. */
interface ExpressionScope {
  readonly names: readonly string[];
  readonly types: ReadonlyMap<string, CelType>;
}

function scopedCauses(
  expression: unknown,
  field: string,
  { names, types }: ExpressionScope,
  type: 'bool' | 'string' | undefined,
  missing?: string,
): FieldCause[] {
  return expressionCauses(expression, field, names, type, missing, types);
}

function paramKindCauses({ apiVersion = '', kind = '' }: Record<string, unknown>): FieldCause[] {
  const field = 'spec.paramKind';
  const causes: FieldCause[] = [];
  const [first = '', second, ...more] = String(apiVersion).split('/');
  const [group, version] = second === undefined ? ['', first] : [first, second];
  if (apiVersion === '') causes.push(required(`${field}.apiVersion`));
  else if (more.length > 0) {
    causes.push(invalid(`${field}.apiVersion`, apiVersion, `unexpected GroupVersion string: ${String(apiVersion)}`));
  } else {
    if (group !== '') {
      const errors = dns1123SubdomainErrors(group);
      if (errors.length > 0) causes.push(invalid(`${field}.apiVersion`, group, errors.join(',')));
    }
    const errors = dns1035LabelErrors(version);
    if (version === '') causes.push(invalid(`${field}.apiVersion`, apiVersion, 'version must be specified'));
    else if (errors.length > 0) causes.push(invalid(`${field}.apiVersion`, version, errors.join(',')));
  }
  if (kind === '') return [...causes, required(`${field}.kind`)];
  const errors = dns1035LabelErrors(String(kind).toLowerCase());
  if (errors.length === 0) return causes;
  const text = `may have mixed case, but should otherwise match: ${errors.join(',')}`;
  return [...causes, invalid(`${field}.kind`, kind, text)];
}

function variableCauses(
  { name = '', expression }: Record<string, unknown>,
  path: string,
  scope: ExpressionScope,
): FieldCause[] {
  const text = String(name);
  const causes: FieldCause[] = [];
  if (text === '') causes.push(required(`${path}.name`, 'name is not specified'));
  else if (!/^[A-Za-z_][A-Za-z0-9_]*$/.test(text)) {
    causes.push(invalid(`${path}.name`, text, 'must be a valid CEL identifier'));
  }
  return [...causes, ...scopedCauses(expression, `${path}.expression`, scope, undefined)];
}

function validationCauses(validation: Record<string, unknown>, path: string, scope: ExpressionScope): FieldCause[] {
  const causes = scopedCauses(validation.expression, `${path}.expression`, scope, 'bool');
  const { message, messageExpression = '', reason } = validation;
  if (typeof message === 'string' && message.includes('\n')) {
    causes.push(invalid(`${path}.message`, message, 'message must not contain line breaks'));
  }
  if (messageExpression !== '') {
    causes.push(...scopedCauses(messageExpression, `${path}.messageExpression`, scope, 'string'));
  }
  // Unauthorized is accepted without being told of.
  if (reason !== undefined && reason !== 'Unauthorized' && !reasons.includes(String(reason))) {
    causes.push(notSupported(`${path}.reason`, reason, reasons));
  }
  return causes;
}

function annotationCauses(
  policy: string,
  annotations: readonly Record<string, unknown>[],
  scope: ExpressionScope,
): FieldCause[] {
  const causes: FieldCause[] = [];
  if (annotations.length > annotationsMax) {
    causes.push(tooMany('spec.auditAnnotations', annotations.length, annotationsMax));
  }
  const seen = new Set<string>();
  for (const [index, { key = '', valueExpression }] of annotations.entries()) {
    const path = `spec.auditAnnotations[${index}]`;
    const text = String(key);
    if (policy === '') causes.push(invalid(`${path}.key`, text, 'requires metadata.name be non-empty'));
    else causes.push(...qualifiedCauses(`${policy}/${text}`, `${path}.key`));
    const missing = 'valueExpression is not specified';
    causes.push(...scopedCauses(valueExpression, `${path}.valueExpression`, scope, undefined, missing));
    if (seen.has(text)) causes.push(duplicate(`${path}.key`, text));
    seen.add(text);
  }
  return causes;
}

/** Mistakes of a ValidatingAdmissionPolicyBinding. */
export function bindingCauses(binding: KubeObject): FieldCause[] {
  const spec = recordOf(binding.spec) ?? {};
  const causes: FieldCause[] = [];
  const name = String(spec.policyName ?? '');
  if (name === '') causes.push(required('spec.policyName'));
  else for (const error of dns1123SubdomainErrors(name)) causes.push(invalid('spec.policyName', name, error));
  const reference = recordOf(spec.paramRef);
  if (reference !== undefined) causes.push(...referenceCauses(reference));
  const match = recordOf(spec.matchResources);
  if (match !== undefined) causes.push(...matchCauses(match, 'spec.matchResources'));
  const field = 'spec.validationActions';
  const given = Array.isArray(spec.validationActions) ? (spec.validationActions as unknown[]) : [];
  for (const [index, action] of given.entries()) {
    if (!actions.includes(String(action))) causes.push(notSupported(`${field}[${index}]`, action, actions));
    if (given.indexOf(action) < index) causes.push(duplicate(`${field}[${index}]`, action));
  }
  if (given.includes('Deny') && given.includes('Warn')) {
    const why =
      'must not contain both Deny and Warn (repeating the same validation failure information in the API response and headers serves no purpose)';
    causes.push(invalid(field, given, why));
  }
  if (given.length === 0) causes.push(required(field, 'at least one validation action is required'));
  return causes;
}

function referenceCauses(reference: Record<string, unknown>): FieldCause[] {
  const path = 'spec.paramRef';
  const causes: FieldCause[] = [];
  const named = (reference.name ?? '') !== '';
  const selector = recordOf(reference.selector);
  const both = 'name and selector are mutually exclusive';
  if (named && selector !== undefined) causes.push(forbidden(`${path}.name`, both));
  if (selector !== undefined) {
    causes.push(...validateLabelSelector(selector, `${path}.selector`));
    if (named) causes.push(forbidden(`${path}.selector`, both));
  }
  if (!named && selector === undefined) causes.push(required(path, 'one of name or selector must be specified'));
  const action = reference.parameterNotFoundAction ?? '';
  const field = `${path}.parameterNotFoundAction`;
  if (action === '') causes.push(required(field));
  else if (action !== 'Allow' && action !== 'Deny') causes.push(notSupported(field, action, ['Deny', 'Allow']));
  return causes;
}
