import { qualifiedNameErrors } from '@fairlead/api/names';
import type { FieldCause } from '@fairlead/api/schema';
import { duplicate, invalid, notSupported, required, tooMany } from '@fairlead/api/schema/field-cause';
import { validateLabelSelector } from '@fairlead/api/schema/validate/label-selector';
import type { CelType } from '../cel/types/cel-type.ts';
import { typedProgram } from '../cel/types/typed-program.ts';
import { recordOf } from '../watch/kube-object.ts';
import { recordsOf } from './admission-attributes.ts';
import { admissionTypes } from './admission-types.ts';

const operations = ['*', 'CONNECT', 'CREATE', 'DELETE', 'UPDATE'];
const scopes = ['*', 'Cluster', 'Namespaced'];
const conditionsMax = 64;

/** Words for `*` beside other entries of a list. */
const others: Readonly<Record<string, string>> = {
  operations: 'other operations',
  apiGroups: 'other API groups',
  apiVersions: 'other API versions',
};

/** Mistakes in what a policy or binding is about. */
export function matchCauses(match: Record<string, unknown>, path: string): FieldCause[] {
  return [
    ...matchPolicyCauses(match.matchPolicy, `${path}.matchPolicy`),
    ...selectorCauses(match, path),
    ...ruleCauses(match.resourceRules, `${path}.resourceRules`),
    ...ruleCauses(match.excludeResourceRules, `${path}.excludeResourceRules`),
  ];
}

/** `Exact` or `Equivalent`. */
export function matchPolicyCauses(policy: unknown, field: string): FieldCause[] {
  if (policy === undefined || policy === null) return [required(field)];
  const policies = ['Equivalent', 'Exact'];
  return policies.includes(String(policy)) ? [] : [notSupported(field, policy, policies)];
}

/** Mistakes in the selectors of namespaces and objects. */
export function selectorCauses(holder: Record<string, unknown>, path: string): FieldCause[] {
  return ['namespaceSelector', 'objectSelector'].flatMap((name) => {
    const selector = recordOf(holder[name]);
    return selector === undefined ? [] : validateLabelSelector(selector, `${path}.${name}`);
  });
}

/** Mistakes in rules about operations and resources. */
export function ruleCauses(rules: unknown, path: string): FieldCause[] {
  return recordsOf(rules).flatMap((rule, index) => {
    const place = `${path}[${index}]`;
    const causes: FieldCause[] = [];
    const list = (name: string): unknown[] => (Array.isArray(rule[name]) ? (rule[name] as unknown[]) : []);
    for (const name of ['operations', 'apiGroups', 'apiVersions']) {
      const items = list(name);
      if (items.length === 0) causes.push(required(`${place}.${name}`));
      if (items.length > 1 && items.includes('*')) {
        causes.push(invalid(`${place}.${name}`, items, `if '*' is present, must not specify ${others[name]}`));
      }
      for (const [at, item] of items.entries()) {
        const field = `${place}.${name}[${at}]`;
        if (name === 'operations' && !operations.includes(String(item))) {
          causes.push(notSupported(field, item, operations));
        }
        if (name === 'apiVersions' && item === '') causes.push(required(field));
      }
    }
    causes.push(...resourceCauses(list('resources').map(String), `${place}.resources`));
    if (rule.scope !== undefined && !scopes.includes(String(rule.scope))) {
      causes.push(notSupported(`${place}.scope`, rule.scope, scopes));
    }
    return causes;
  });
}

function resourceCauses(resources: readonly string[], path: string): FieldCause[] {
  if (resources.length === 0) return [required(path)];
  const causes: FieldCause[] = [];
  const withAllSubresources = new Set<string>();
  const subresourcesOfAll = new Set<string>();
  for (const [index, resource] of resources.entries()) {
    const field = `${path}[${index}]`;
    if (resource === '') causes.push(required(field));
    const slash = resource.indexOf('/');
    if (slash < 0) continue;
    const [name, subresource] = [resource.slice(0, slash), resource.slice(slash + 1)];
    const clash = (present: string): void => {
      causes.push(invalid(field, resource, `if '${present}' is present, must not specify ${resource}`));
    };
    if (withAllSubresources.has(name)) clash(`${name}/*`);
    if (subresourcesOfAll.has(subresource)) clash(`*/${subresource}`);
    if (subresource === '*') withAllSubresources.add(name);
    if (name === '*') subresourcesOfAll.add(subresource);
  }
  if (resources.length > 1 && resources.includes('*/*')) {
    causes.push(invalid(path, resources, "if '*/*' is present, must not specify other resources"));
  }
  if (resources.includes('*') && resources.some((one) => one !== '*' && !one.includes('/'))) {
    const text = "if '*' is present, must not specify other resources without subresources";
    causes.push(invalid(path, resources, text));
  }
  return causes;
}

/** Mistakes in match conditions. */
export function conditionCauses(conditions: unknown, path: string, variables: readonly string[]): FieldCause[] {
  const seen = new Set<string>();
  const list = recordsOf(conditions);
  const causes = list.flatMap(({ name, expression }, index) => {
    const place = `${path}[${index}]`;
    const text = String(name ?? '');
    const found = expressionCauses(expression, `${place}.expression`, variables, 'bool', '');
    if (text === '') found.push(required(`${place}.name`));
    else found.push(...qualifiedCauses(text, `${place}.name`));
    if (text !== '' && seen.has(text)) found.push(duplicate(`${place}.name`, text));
    seen.add(text);
    return found;
  });
  return list.length > conditionsMax ? [...causes, tooMany(path, list.length, conditionsMax)] : causes;
}

/** Mistakes in `name` or `prefix/name`. */
export function qualifiedCauses(name: string, field: string): FieldCause[] {
  return qualifiedNameErrors(name).map((error) => invalid(field, name, error));
}

/** Types of those variables that an expression may use. */
export function typesOf(variables: readonly string[]): ReadonlyMap<string, CelType> {
  const names = new Set(variables.map((variable) => variable.split(': ', 1)[0]));
  return new Map([...admissionTypes()].filter(([name]) => names.has(name)));
}

/** Mistakes in an expression; `missing`: what is said when there is none. */
export function expressionCauses(
  expression: unknown,
  field: string,
  variables: readonly string[],
  type: 'bool' | 'string' | undefined,
  missing = 'expression is not specified',
  types: ReadonlyMap<string, CelType> = typesOf(variables),
): FieldCause[] {
  const text = typeof expression === 'string' ? expression : '';
  if (text.trim() === '') return [required(field, missing)];
  const compiled = typedProgram(text, variables, types);
  if (!compiled.ok) return [invalid(field, text, `compilation failed: ${compiled.text}`)];
  const found = compiled.type;
  if (type === undefined || found === type || found === 'dyn') return [];
  return [invalid(field, text, `must evaluate to ${type} but got ${found}`)];
}
