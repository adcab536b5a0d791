import type { FieldCause } from '@fairlead/api/schema';
import { compileCel } from '../cel/cel-program.ts';
import { type KubeObject, recordOf } from '../watch/kube-object.ts';
import { recordsOf } from './admission-attributes.ts';
import { admissionVariables } from './match-conditions.ts';
import { policyVariables } from './policy-admission.ts';

const actions = ['Audit', 'Deny', 'Warn'];
const operations = ['*', 'CONNECT', 'CREATE', 'DELETE', 'UPDATE'];
const scopes = ['*', 'Cluster', 'Namespaced'];
const policies = ['Fail', 'Ignore'];

/** Mistakes of policies, bindings and webhook configurations. */
export function admissionObjectCauses(kind: string, object: KubeObject, old: KubeObject | undefined): FieldCause[] {
  const before = JSON.stringify(old?.spec ?? old?.webhooks ?? null);
  switch (kind) {
    case 'ValidatingAdmissionPolicy':
      return JSON.stringify(object.spec) === before ? [] : policyCauses(recordOf(object.spec) ?? {});
    case 'ValidatingAdmissionPolicyBinding':
      return bindingCauses(recordOf(object.spec) ?? {});
    default: {
      const names = new Set<string>();
      return recordsOf(object.webhooks).flatMap((webhook, index) => {
        const path = `webhooks[${index}]`;
        const name = String(webhook.name ?? '');
        const twice = names.has(name) ? [duplicateOf(`${path}.name`, name)] : [];
        names.add(name);
        return [...webhookCauses(webhook, path, kind), ...twice];
      });
    }
  }
}

function required(field: string, why = ''): FieldCause {
  return { reason: 'FieldValueRequired', field, message: `Required value${why === '' ? '' : `: ${why}`}` };
}

function wrong(field: string, value: unknown, why: string): FieldCause {
  return { reason: 'FieldValueInvalid', field, message: `Invalid value: ${JSON.stringify(value)}: ${why}` };
}

function unsupported(field: string, value: unknown, supported: readonly string[]): FieldCause {
  const list = supported.map((one) => JSON.stringify(one)).join(', ');
  return {
    reason: 'FieldValueNotSupported',
    field,
    message: `Unsupported value: ${JSON.stringify(value)}: supported values: ${list}`,
  };
}

function duplicateOf(field: string, value: unknown): FieldCause {
  return { reason: 'FieldValueDuplicate', field, message: `Duplicate value: ${JSON.stringify(value)}` };
}

function policyCauses(spec: Record<string, unknown>): FieldCause[] {
  const causes: FieldCause[] = [];
  if (!policies.includes(String(spec.failurePolicy))) {
    causes.push(unsupported('spec.failurePolicy', spec.failurePolicy, policies));
  }
  const paramKind = recordOf(spec.paramKind);
  if (paramKind !== undefined) {
    if ((paramKind.apiVersion ?? '') === '') causes.push(required('spec.paramKind.apiVersion'));
    if ((paramKind.kind ?? '') === '') causes.push(required('spec.paramKind.kind'));
  }
  const match = recordOf(spec.matchConstraints);
  if (match === undefined) causes.push(required('spec.matchConstraints'));
  else {
    if (recordsOf(match.resourceRules).length === 0) causes.push(required('spec.matchConstraints.resourceRules'));
    causes.push(...rulesCauses(match.resourceRules, 'spec.matchConstraints.resourceRules'));
    causes.push(...rulesCauses(match.excludeResourceRules, 'spec.matchConstraints.excludeResourceRules'));
  }
  const names = policyVariables(spec);
  causes.push(...conditionCauses(spec.matchConditions, 'spec.matchConditions', names));
  const variables = recordsOf(spec.variables);
  const all = variables.length > 0 ? [...names, 'variables'] : names;
  const seen = new Set<string>();
  for (const [index, { name, expression }] of variables.entries()) {
    const path = `spec.variables[${index}]`;
    const text = String(name ?? '');
    if (text === '') causes.push(required(`${path}.name`));
    else if (!/^[A-Za-z_][A-Za-z0-9_]*$/.test(text))
      causes.push(wrong(`${path}.name`, text, 'name is not a valid CEL identifier'));
    if (seen.has(text)) causes.push(duplicateOf(`${path}.name`, text));
    seen.add(text);
    causes.push(...expressionCauses(expression, `${path}.expression`, all, undefined));
  }
  const validations = recordsOf(spec.validations);
  const annotations = recordsOf(spec.auditAnnotations);
  if (validations.length === 0 && annotations.length === 0) {
    const why = 'validations or auditAnnotations must contain at least one item';
    causes.push(required('spec.validations', why), required('spec.auditAnnotations', why));
  }
  for (const [index, validation] of validations.entries()) {
    const path = `spec.validations[${index}]`;
    causes.push(...expressionCauses(validation.expression, `${path}.expression`, all, 'bool'));
    const message = validation.message;
    if (typeof message === 'string' && message.includes('\n')) {
      causes.push(wrong(`${path}.message`, message, 'message must not contain line breaks'));
    }
    if ((validation.messageExpression ?? '') !== '') {
      causes.push(...expressionCauses(validation.messageExpression, `${path}.messageExpression`, all, 'string'));
    }
    const reasons = ['Forbidden', 'Invalid', 'RequestEntityTooLarge', 'Unauthorized'];
    if (validation.reason !== undefined && !reasons.includes(String(validation.reason))) {
      causes.push(unsupported(`${path}.reason`, validation.reason, reasons));
    }
  }
  for (const [index, annotation] of annotations.entries()) {
    const path = `spec.auditAnnotations[${index}]`;
    if ((annotation.key ?? '') === '') causes.push(required(`${path}.key`));
    causes.push(...expressionCauses(annotation.valueExpression, `${path}.valueExpression`, all, undefined));
  }
  return causes;
}

function expressionCauses(
  expression: unknown,
  field: string,
  variables: readonly string[],
  type: 'bool' | 'string' | undefined,
): FieldCause[] {
  const text = typeof expression === 'string' ? expression : '';
  if (text.trim() === '') return [required(field, 'expression is not specified')];
  const compiled = compileCel(text, variables);
  const shown = JSON.stringify(text);
  if (!compiled.ok) {
    return [
      { reason: 'FieldValueInvalid', field, message: `Invalid value: ${shown}: compilation failed: ${compiled.text}` },
    ];
  }
  const found = compiled.program.type;
  if (type === undefined || found === type || found.startsWith('dyn')) return [];
  return [
    {
      reason: 'FieldValueInvalid',
      field,
      message: `Invalid value: ${shown}: must evaluate to ${type} but got ${found}`,
    },
  ];
}

function conditionCauses(conditions: unknown, path: string, variables: readonly string[]): FieldCause[] {
  const seen = new Set<string>();
  return recordsOf(conditions).flatMap(({ name, expression }, index) => {
    const place = `${path}[${index}]`;
    const text = String(name ?? '');
    const causes =
      text === '' ? [required(`${place}.name`)] : seen.has(text) ? [duplicateOf(`${place}.name`, text)] : [];
    seen.add(text);
    return [...causes, ...expressionCauses(expression, `${place}.expression`, variables, 'bool')];
  });
}

function rulesCauses(rules: unknown, path: string): FieldCause[] {
  return recordsOf(rules).flatMap((rule, index) => {
    const place = `${path}[${index}]`;
    const causes: FieldCause[] = [];
    const list = (name: string): unknown[] => (Array.isArray(rule[name]) ? (rule[name] as unknown[]) : []);
    for (const name of ['operations', 'apiGroups', 'apiVersions', 'resources']) {
      const items = list(name);
      if (items.length === 0) causes.push(required(`${place}.${name}`));
      if (items.length > 1 && items.includes('*') && name !== 'resources') {
        causes.push(wrong(`${place}.${name}`, items, "if '*' is present, must not specify other values"));
      }
    }
    for (const [at, operation] of list('operations').entries()) {
      if (!operations.includes(String(operation)))
        causes.push(unsupported(`${place}.operations[${at}]`, operation, operations));
    }
    for (const [at, version] of list('apiVersions').entries()) {
      if (version === '') causes.push(required(`${place}.apiVersions[${at}]`));
    }
    if (rule.scope !== undefined && !scopes.includes(String(rule.scope)))
      causes.push(unsupported(`${place}.scope`, rule.scope, scopes));
    return causes;
  });
}

function bindingCauses(spec: Record<string, unknown>): FieldCause[] {
  const causes: FieldCause[] = [];
  if ((spec.policyName ?? '') === '') causes.push(required('spec.policyName'));
  const given = Array.isArray(spec.validationActions) ? (spec.validationActions as unknown[]) : [];
  if (given.length === 0) causes.push(required('spec.validationActions'));
  for (const [index, action] of given.entries()) {
    if (!actions.includes(String(action)))
      causes.push(unsupported(`spec.validationActions[${index}]`, action, actions));
    if (given.indexOf(action) < index) causes.push(duplicateOf(`spec.validationActions[${index}]`, action));
  }
  if (given.includes('Deny') && given.includes('Warn')) {
    const why =
      'must not contain both Deny and Warn (repeating the same validation failure information in the API response and headers serves no purpose)';
    causes.push(wrong('spec.validationActions', given, why));
  }
  const reference = recordOf(spec.paramRef);
  if (reference !== undefined) {
    const named = (reference.name ?? '') !== '';
    if (named && reference.selector !== undefined) {
      const why = 'name and selector are mutually exclusive';
      causes.push({ reason: 'FieldValueForbidden', field: 'spec.paramRef.name', message: `Forbidden: ${why}` });
    } else if (!named && reference.selector === undefined) {
      causes.push(required('spec.paramRef', 'one of name or selector must be specified'));
    }
    const action = reference.parameterNotFoundAction;
    if (action === undefined) causes.push(required('spec.paramRef.parameterNotFoundAction'));
    else if (action !== 'Allow' && action !== 'Deny') {
      causes.push(unsupported('spec.paramRef.parameterNotFoundAction', action, ['Deny', 'Allow']));
    }
  }
  causes.push(...rulesCauses(recordOf(spec.matchResources)?.resourceRules, 'spec.matchResources.resourceRules'));
  return causes;
}

function webhookCauses(webhook: Record<string, unknown>, path: string, kind: string): FieldCause[] {
  const causes: FieldCause[] = [];
  const name = String(webhook.name ?? '');
  if (name === '') causes.push(required(`${path}.name`));
  else if (name.split('.').filter((part) => part !== '').length < 3) {
    causes.push(wrong(`${path}.name`, name, 'should be a domain with at least three segments separated by dots'));
  }
  if (webhook.sideEffects !== 'None' && webhook.sideEffects !== 'NoneOnDryRun') {
    causes.push(
      (webhook.sideEffects ?? '') === ''
        ? required(`${path}.sideEffects`, 'must specify one of None, NoneOnDryRun')
        : unsupported(`${path}.sideEffects`, webhook.sideEffects, ['None', 'NoneOnDryRun']),
    );
  }
  const versions = Array.isArray(webhook.admissionReviewVersions) ? (webhook.admissionReviewVersions as unknown[]) : [];
  if (versions.length === 0) {
    causes.push(required(`${path}.admissionReviewVersions`, 'must specify one of v1, v1beta1'));
  } else if (!versions.includes('v1') && !versions.includes('v1beta1')) {
    causes.push(wrong(`${path}.admissionReviewVersions`, versions, 'must include at least one of v1, v1beta1'));
  }
  if (!policies.includes(String(webhook.failurePolicy)))
    causes.push(unsupported(`${path}.failurePolicy`, webhook.failurePolicy, policies));
  const timeout = Number(webhook.timeoutSeconds);
  if (!(timeout >= 1 && timeout <= 30)) {
    causes.push(
      wrong(`${path}.timeoutSeconds`, webhook.timeoutSeconds, 'the timeout value must be between 1 and 30 seconds'),
    );
  }
  if (kind === 'MutatingWebhookConfiguration' && !['Never', 'IfNeeded'].includes(String(webhook.reinvocationPolicy))) {
    causes.push(unsupported(`${path}.reinvocationPolicy`, webhook.reinvocationPolicy, ['Never', 'IfNeeded']));
  }
  const client = recordOf(webhook.clientConfig) ?? {};
  const hasUrl = typeof client.url === 'string';
  if (hasUrl === (recordOf(client.service) !== undefined)) {
    causes.push(required(`${path}.clientConfig`, 'exactly one of url or service is required'));
  } else if (hasUrl) causes.push(...urlCauses(String(client.url), `${path}.clientConfig.url`));
  else {
    const service = recordOf(client.service) ?? {};
    if ((service.name ?? '') === '')
      causes.push(required(`${path}.clientConfig.service.name`, 'service name is required'));
    if ((service.namespace ?? '') === '') {
      causes.push(required(`${path}.clientConfig.service.namespace`, 'service namespace is required'));
    }
  }
  causes.push(...rulesCauses(webhook.rules, `${path}.rules`));
  causes.push(...conditionCauses(webhook.matchConditions, `${path}.matchConditions`, admissionVariables));
  return causes;
}

function urlCauses(text: string, field: string): FieldCause[] {
  if (!URL.canParse(text)) return [required(field, 'url must be a valid URL')];
  const url = new URL(text);
  const form = 'desired format: https://host[/path]';
  if (url.protocol !== 'https:')
    return [wrong(field, url.protocol.slice(0, -1), `'https' is the only allowed URL scheme; ${form}`)];
  if (url.username !== '') return [wrong(field, url.username, `user information is not permitted in the URL; ${form}`)];
  if (url.hash !== '') return [wrong(field, url.hash.slice(1), `fragments are not permitted in the URL; ${form}`)];
  return url.search === ''
    ? []
    : [wrong(field, url.search.slice(1), `query parameters are not permitted in the URL; ${form}`)];
}
