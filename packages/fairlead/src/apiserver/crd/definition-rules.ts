import { type Definition, itemsOf, type JsonSchema, schemaPath, type ValidationRule } from '@fairlead/api/crd/index';
import type { FieldCause } from '@fairlead/api/schema';
import { forbidden } from '@fairlead/api/schema/field-cause';
import { worstCost } from '../cel/cost/expression-cost.ts';
import { limitsOf, type ValueLimits } from '../cel/cost/value-limits.ts';
import { type CelType, dyn } from '../cel/types/cel-type.ts';
import { typeOfSchema } from '../cel/types/schema-types.ts';
import { typedProgram } from '../cel/types/typed-program.ts';
import { sameJson } from '../rest/strategy.ts';
import { ruleVariables } from './cel-rules.ts';
import {
  costFault,
  definitionCostLimit,
  type Occurrences,
  occurrencesInside,
  ruleCostLimit,
  totalCost,
} from './rule-cost.ts';

const reasons = ['FieldValueDuplicate', 'FieldValueForbidden', 'FieldValueInvalid', 'FieldValueRequired'];

/** Mistakes in the CEL rules of a definition; those of a version whose schema did not change are not looked for. */
export function definitionRuleCauses(definition: Definition, old: Definition | undefined): FieldCause[] {
  const seen = new Set<string>();
  const versions = definition.spec.versions ?? [];
  return versions.flatMap(({ name, schema }, index) => {
    const path = schemaPath(versions, index);
    if (schema?.openAPIV3Schema === undefined || seen.has(path)) return [];
    seen.add(path);
    const before = old?.spec.versions?.find((version) => version.name === name)?.schema?.openAPIV3Schema;
    if (before !== undefined && sameJson(schema.openAPIV3Schema, before)) return [];
    const found: Found = { faults: [], ruleFaults: [], costs: [] };
    visitNode({ schema: schema.openAPIV3Schema, path, uncorrelatable: undefined, isRoot: true, occurrences: 1 }, found);
    return [...found.faults, ...found.ruleFaults, ...totalCauses(found.costs, path)];
  });
}

/** What is collected on the way through a schema. */
interface Found {
  /** Mistakes of form; where there are some, the rules of the node and of those around it are not compiled. */
  readonly faults: FieldCause[];
  readonly ruleFaults: FieldCause[];
  readonly costs: RuleCost[];
}

/** A place in a schema. */
interface Place {
  readonly schema: JsonSchema;
  readonly path: string;
  /** The innermost list or map around it whose values cannot be matched with old ones: no `oldSelf` there. */
  readonly uncorrelatable: string | undefined;
  readonly isRoot: boolean;
  readonly occurrences: Occurrences;
}

/** What is inside first, as a Kubernetes server tells it. */
function visitNode(place: Place, found: Found): void {
  const { schema, path, uncorrelatable } = place;
  const before = found.faults.length;
  const inside = occurrencesInside(schema, place.occurrences);
  if (typeof schema.additionalProperties === 'object') {
    const inner = { path: `${path}.additionalProperties`, schema: schema.additionalProperties };
    visitNode({ ...place, ...inner, isRoot: false, occurrences: inside }, found);
  }
  const inFields = schema['x-kubernetes-map-type'] === 'atomic' ? path : uncorrelatable;
  for (const [name, property] of Object.entries(schema.properties ?? {}).sort(([a], [b]) => (a < b ? -1 : 1))) {
    const inner = { path: `${path}.properties[${name}]`, schema: property };
    visitNode({ ...place, ...inner, isRoot: false, uncorrelatable: inFields }, found);
  }
  const items = itemsOf(schema);
  if (items !== undefined) {
    const inItems = schema['x-kubernetes-list-type'] === 'map' ? uncorrelatable : path;
    const inner = { path: `${path}.items`, schema: items, uncorrelatable: inItems };
    visitNode({ ...inner, isRoot: false, occurrences: inside }, found);
  }
  const rules = schema['x-kubernetes-validations'] ?? [];
  for (const [index, rule] of rules.entries()) {
    found.faults.push(...formCauses(rule, `${path}.x-kubernetes-validations[${index}]`));
  }
  const typed = (schema.type ?? '') !== '' || schema['x-kubernetes-int-or-string'] === true;
  if (rules.length > 0 && !typed) {
    found.ruleFaults.push(wrong(`${path}.x-kubernetes-validations`, 'null', 'rules need a type'));
  } else if (found.faults.length === before) {
    for (const [index, rule] of rules.entries())
      compileRule(rule, `${path}.x-kubernetes-validations[${index}]`, place, found);
  }
}

/** Mistakes of a rule that can be seen without reading its expressions. */
function formCauses(rule: ValidationRule, place: string): FieldCause[] {
  const causes: FieldCause[] = [];
  const message = rule.message ?? '';
  const missing = (field: string, why: string): FieldCause => ({
    reason: 'FieldValueRequired',
    field: `${place}.${field}`,
    message: `Required value: ${why}`,
  });
  if (rule.rule.trim() === '') causes.push(missing('rule', 'rule is not specified'));
  else if (message !== '' && message.trim() === '') {
    causes.push(wrong(`${place}.message`, JSON.stringify(message), 'must be non-empty if specified'));
  } else if (/[\n\r]/.test(message.trim())) {
    causes.push(wrong(`${place}.message`, JSON.stringify(message), 'must not contain line breaks'));
  } else if (/[\n\r]/.test(rule.rule.trim()) && message.trim() === '') {
    causes.push(missing('message', 'message must be specified if rule contains line breaks'));
  }
  if ((rule.messageExpression ?? '') !== '' && rule.messageExpression!.trim() === '') {
    causes.push(missing('messageExpression', 'messageExpression must be non-empty if specified'));
  }
  if (rule.reason !== undefined && !reasons.includes(rule.reason)) {
    const list = reasons.map((one) => JSON.stringify(one)).join(', ');
    causes.push({
      reason: 'FieldValueNotSupported',
      field: `${place}.reason`,
      message: `Unsupported value: ${JSON.stringify(rule.reason)}: supported values: ${list}`,
    });
  }
  if (rule.fieldPath !== undefined && rule.fieldPath !== '') {
    const shown = JSON.stringify(rule.fieldPath);
    if (rule.fieldPath.trim() === '') {
      causes.push(wrong(`${place}.fieldPath`, shown, 'must be non-empty if specified'));
    }
    if (/[\n\r]/.test(rule.fieldPath)) causes.push(wrong(`${place}.fieldPath`, shown, 'must not contain line breaks'));
    if (!/^(?:\.[A-Za-z_][A-Za-z0-9_-]*|\['[^']+'\])+$/.test(rule.fieldPath)) {
      causes.push(wrong(`${place}.fieldPath`, shown, 'must be a valid path'));
    }
  }
  return causes;
}

function compileRule(rule: ValidationRule, place: string, { schema, isRoot, ...around }: Place, found: Found): void {
  const isResource = isRoot || schema['x-kubernetes-embedded-resource'] === true;
  const self = typeOfSchema(schema, isResource) ?? dyn;
  const oldSelf: CelType = rule.optionalOldSelf === true ? { kind: 'optional', inner: self } : self;
  const types = new Map([
    ['self', self],
    ['oldSelf', oldSelf],
  ]);
  const limits = limitsOf(schema, isResource);
  const compiled = typedProgram(rule.rule, ruleVariables(rule), types);
  if (!compiled.ok) {
    found.ruleFaults.push(wrong(`${place}.rule`, goStruct(rule), `compilation failed: ${compiled.text}`));
  } else if (compiled.type !== 'bool') {
    found.ruleFaults.push(wrong(`${place}.rule`, goStruct(rule), 'cel expression must evaluate to a bool'));
  } else {
    const cost = worstCost(compiled.program, compiled.typeOf, limits);
    observeCost(`${place}.rule`, 'estimated rule cost', totalCost(cost, limits, around.occurrences), found);
    compileMessage(rule, place, types, limits, found);
  }
  if (compiled.ok && compiled.program.names.has('oldSelf')) {
    if (around.uncorrelatable === undefined) return;
    const why = `oldSelf cannot be used on the uncorrelatable portion of the schema within ${around.uncorrelatable}`;
    found.ruleFaults.push(wrong(`${place}.rule`, JSON.stringify(rule.rule), why));
  } else if (rule.optionalOldSelf !== undefined) {
    const why = 'may not be set if oldSelf is not used in rule';
    found.ruleFaults.push(wrong(`${place}.optionalOldSelf`, String(rule.optionalOldSelf), why));
  }
}

function compileMessage(
  rule: ValidationRule,
  place: string,
  types: ReadonlyMap<string, CelType>,
  limits: ValueLimits | undefined,
  found: Found,
): void {
  if (rule.messageExpression === undefined || rule.messageExpression === '') return;
  const at = `${place}.messageExpression`;
  const compiled = typedProgram(rule.messageExpression, ruleVariables(rule), types);
  if (!compiled.ok) {
    found.ruleFaults.push(wrong(at, goStruct(rule), `messageExpression compilation failed: ${compiled.text}`));
  } else if (compiled.type !== 'string') {
    found.ruleFaults.push(wrong(at, goStruct(rule), 'messageExpression must evaluate to a string'));
  } else {
    const cost = worstCost(compiled.program, compiled.typeOf, limits);
    observeCost(at, 'estimated messageExpression cost', cost, found);
  }
}

function observeCost(place: string, what: string, cost: number, found: Found): void {
  const fault = costFault(what, cost, ruleCostLimit);
  if (fault !== undefined) found.ruleFaults.push(forbidden(place, fault));
  found.costs.push({ place, cost });
}

/** What one rule adds to the cost of its definition. */
interface RuleCost {
  readonly place: string;
  readonly cost: number;
}

/** Most rules named when all together cost too much. */
const expensiveMax = 4;

function totalCauses(costs: readonly RuleCost[], path: string): FieldCause[] {
  const total = costs.reduce((sum, { cost }) => sum + cost, 0);
  const what = 'x-kubernetes-validations estimated rule cost total for entire OpenAPIv3 schema';
  const fault = costFault(what, total, definitionCostLimit);
  if (fault === undefined) return [];
  const expensive = costs
    .filter(({ cost }) => cost >= definitionCostLimit / 100)
    .sort((a, b) => b.cost - a.cost)
    .slice(0, expensiveMax);
  const part = 'contributed to estimated rule cost total exceeding cost limit for entire OpenAPIv3 schema';
  return [...expensive.map(({ place }) => forbidden(place, part)), forbidden(path, fault)];
}

function wrong(field: string, shown: string, why: string): FieldCause {
  return { reason: 'FieldValueInvalid', field, message: `Invalid value: ${shown}: ${why}` };
}

/** A rule as a Kubernetes server shows it: its internal type has no JSON names of its own. */
function goStruct(rule: ValidationRule): string {
  const text = JSON.stringify({
    Rule: rule.rule,
    Message: rule.message ?? '',
    MessageExpression: rule.messageExpression ?? '',
    Reason: rule.reason ?? null,
    FieldPath: rule.fieldPath ?? '',
    OptionalOldSelf: rule.optionalOldSelf ?? null,
  });
  return text.replace(/[<>&]/g, (char) => `\\u00${char.charCodeAt(0).toString(16)}`);
}
