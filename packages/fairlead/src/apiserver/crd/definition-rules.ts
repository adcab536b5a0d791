import { type Definition, itemsOf, type JsonSchema, schemaPath, type ValidationRule } from '@fairlead/api/crd/index';
import type { FieldCause } from '@fairlead/api/schema';
import { forbidden } from '@fairlead/api/schema/field-cause';
import { type CelType, dyn } from '../cel/types/cel-type.ts';
import { typeOfSchema } from '../cel/types/schema-types.ts';
import { type TypedProgram, typedProgram } from '../cel/types/typed-program.ts';
import { ruleVariables } from './cel-rules.ts';
import {
  costFault,
  definitionCostLimit,
  leastWorstCost,
  type Occurrences,
  occurrencesInside,
  ruleCostLimit,
  totalCost,
} from './rule-cost.ts';

const reasons = ['FieldValueRequired', 'FieldValueForbidden', 'FieldValueInvalid', 'FieldValueDuplicate'];

/** Mistakes in the CEL rules of a definition; rules the old definition has too are not looked at again. */
export function definitionRuleCauses(definition: Definition, old: Definition | undefined): FieldCause[] {
  const known = new Set<string>();
  for (const { schema } of old?.spec.versions ?? []) collect(schema?.openAPIV3Schema, known);
  const seen = new Set<string>();
  const versions = definition.spec.versions ?? [];
  return versions.flatMap(({ schema }, index) => {
    const path = schemaPath(versions, index);
    if (schema?.openAPIV3Schema === undefined || seen.has(path)) return [];
    seen.add(path);
    const costs: RuleCost[] = [];
    const causes = nodeCauses(schema.openAPIV3Schema, path, true, known, true, 1, costs);
    return [...causes, ...totalCauses(costs, path)];
  });
}

function collect(schema: JsonSchema | undefined, into: Set<string>): void {
  if (schema === undefined) return;
  for (const rule of schema['x-kubernetes-validations'] ?? []) into.add(JSON.stringify(rule));
  collect(itemsOf(schema), into);
  if (typeof schema.additionalProperties === 'object') collect(schema.additionalProperties, into);
  for (const property of Object.values(schema.properties ?? {})) collect(property, into);
}

/** `correlatable`: values at this node can be matched with their old ones, so `oldSelf` has a meaning. */
function nodeCauses(
  schema: JsonSchema,
  path: string,
  correlatable: boolean,
  known: ReadonlySet<string>,
  isRoot: boolean,
  occurrences: Occurrences,
  costs: RuleCost[],
): FieldCause[] {
  const causes: FieldCause[] = [];
  const rules = schema['x-kubernetes-validations'] ?? [];
  const typed = (schema.type ?? '') !== '' || schema['x-kubernetes-int-or-string'] === true;
  for (const [index, rule] of rules.entries()) {
    if (known.has(JSON.stringify(rule))) continue;
    const place = `${path}.x-kubernetes-validations[${index}]`;
    causes.push(...ruleCauses(rule, place, correlatable, schema, isRoot, occurrences, costs));
  }
  if (rules.length > 0 && !typed) {
    causes.push(wrong(`${path}.x-kubernetes-validations`, 'null', 'rules need a type'));
  }
  const listType = schema['x-kubernetes-list-type'];
  const items = itemsOf(schema);
  if (items !== undefined) {
    const inside = occurrencesInside(schema, occurrences);
    causes.push(...nodeCauses(items, `${path}.items`, correlatable && listType === 'map', known, false, inside, costs));
  }
  const inside = correlatable && schema['x-kubernetes-map-type'] !== 'atomic';
  if (typeof schema.additionalProperties === 'object') {
    const many = occurrencesInside(schema, occurrences);
    causes.push(
      ...nodeCauses(schema.additionalProperties, `${path}.additionalProperties`, inside, known, false, many, costs),
    );
  }
  for (const [name, property] of Object.entries(schema.properties ?? {}).sort(([a], [b]) => (a < b ? -1 : 1))) {
    causes.push(...nodeCauses(property, `${path}.properties[${name}]`, inside, known, false, occurrences, costs));
  }
  return causes;
}

function ruleCauses(
  rule: ValidationRule,
  place: string,
  correlatable: boolean,
  schema: JsonSchema,
  isRoot: boolean,
  occurrences: Occurrences,
  costs: RuleCost[],
): FieldCause[] {
  const causes: FieldCause[] = [];
  if (rule.rule.trim() === '') {
    return [{ reason: 'FieldValueRequired', field: `${place}.rule`, message: 'Required value: rule is not specified' }];
  }
  if (rule.message !== undefined && rule.message !== '') {
    if (rule.message.trim() === '') {
      causes.push(wrong(`${place}.message`, JSON.stringify(rule.message), 'message must be non-empty if specified'));
    } else if (rule.message.includes('\n')) {
      causes.push(wrong(`${place}.message`, JSON.stringify(rule.message), 'message must not contain line breaks'));
    }
  } else if (rule.rule.trim().includes('\n') && (rule.messageExpression ?? '') === '') {
    causes.push({
      reason: 'FieldValueRequired',
      field: `${place}.message`,
      message: 'Required value: message must be specified if rule contains line breaks',
    });
  }
  if (rule.reason !== undefined && !reasons.includes(rule.reason)) {
    const list = reasons.map((one) => JSON.stringify(one)).join(', ');
    causes.push({
      reason: 'FieldValueNotSupported',
      field: `${place}.reason`,
      message: `Unsupported value: ${JSON.stringify(rule.reason)}: supported values: ${list}`,
    });
  }
  if (rule.fieldPath !== undefined && !/^(?:\.[A-Za-z_][A-Za-z0-9_-]*|\['[^']+'\])+$/.test(rule.fieldPath)) {
    causes.push(wrong(`${place}.fieldPath`, JSON.stringify(rule.fieldPath), 'fieldPath must be a valid path'));
  }
  const self = typeOfSchema(schema, isRoot || schema['x-kubernetes-embedded-resource'] === true) ?? dyn;
  const oldSelf: CelType = rule.optionalOldSelf === true ? { kind: 'optional', inner: self } : self;
  const types = new Map([
    ['self', self],
    ['oldSelf', oldSelf],
  ]);
  const compile = (source: string): TypedProgram => typedProgram(source, ruleVariables(rule), types);
  const compiled = compile(rule.rule);
  if (!compiled.ok) causes.push(wrong(`${place}.rule`, goStruct(rule), `compilation failed: ${compiled.text}`));
  else {
    const { type } = compiled;
    const { names } = compiled.program;
    const cost = totalCost(leastWorstCost(compiled.program, schema), schema, occurrences);
    const fault = costFault('estimated rule cost', cost, ruleCostLimit);
    if (fault !== undefined) causes.push(forbidden(`${place}.rule`, fault));
    costs.push({ place: `${place}.rule`, cost });
    if (type !== 'bool' && type !== 'dyn') {
      causes.push(wrong(`${place}.rule`, goStruct(rule), 'cel expression must evaluate to a bool'));
    }
    if (names.has('oldSelf') && !correlatable) {
      const within = place.slice(0, place.indexOf('.x-kubernetes-validations'));
      causes.push(
        wrong(
          `${place}.rule`,
          JSON.stringify(rule.rule),
          `oldSelf cannot be used on the uncorrelatable portion of the schema within ${within}`,
        ),
      );
    } else if (rule.optionalOldSelf === true && !names.has('oldSelf')) {
      causes.push(wrong(`${place}.optionalOldSelf`, 'true', 'may not be set if oldSelf is not used in rule'));
    }
  }
  if (rule.messageExpression !== undefined && rule.messageExpression !== '') {
    const message = compile(rule.messageExpression);
    if (!message.ok) {
      causes.push(
        wrong(`${place}.messageExpression`, goStruct(rule), `messageExpression compilation failed: ${message.text}`),
      );
    } else if (message.type !== 'string' && message.type !== 'dyn') {
      causes.push(wrong(`${place}.messageExpression`, goStruct(rule), 'messageExpression must evaluate to a string'));
    }
  }
  return causes;
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
