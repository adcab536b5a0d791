// Hot path: runs over every custom resource that is written.

import {
  itemsOf,
  type JsonSchema,
  type OldValue,
  oldItem,
  oldProperty,
  type ValidationRule,
} from '@fairlead/api/crd/index';
import type { FieldCause, FieldCauseReason } from '@fairlead/api/schema';
import { CelBudget } from '../cel/cel-budget.ts';
import { optionalNone, optionalOf } from '../cel/cel-library.ts';
import { type CelProgram, compileCel } from '../cel/cel-program.ts';
import { CelValues } from '../cel/cel-value.ts';
import { sameJson } from '../rest/strategy.ts';
import { type KubeObject, recordOf } from '../watch/kube-object.ts';

/** The variables of a rule. */
export function ruleVariables(rule: ValidationRule): readonly string[] {
  return ['self', rule.optionalOldSelf === true ? 'oldSelf: optional<dyn>' : 'oldSelf'];
}

/** A rule ready to run. */
interface CompiledRule {
  readonly rule: ValidationRule;
  readonly program: CelProgram;
  readonly message: CelProgram | undefined;
  readonly isTransition: boolean;
}

/** The rules at one node of a schema and the nodes below that have some. */
interface RuleNode {
  readonly schema: JsonSchema;
  readonly rules: readonly CompiledRule[];
  readonly properties: ReadonlyMap<string, RuleNode>;
  readonly additional: RuleNode | undefined;
  readonly items: RuleNode | undefined;
}

/** What one validation run shares. */
interface Run {
  readonly budget: CelBudget;
  readonly values: CelValues;
  readonly oldValues: CelValues;
  readonly causes: FieldCause[];
}

/** The CEL rules of a schema, compiled. */
export class CelRules {
  readonly #root: RuleNode | undefined;

  constructor(schema: JsonSchema) {
    this.#root = compileNode(schema);
  }

  /** No rule anywhere. */
  get isEmpty(): boolean {
    return this.#root === undefined;
  }

  /** The rules an object breaks; `old` makes transition rules run. */
  causes(object: KubeObject, old: KubeObject | undefined): FieldCause[] {
    if (this.#root === undefined) return [];
    const run: Run = { budget: new CelBudget(), values: new CelValues(), oldValues: new CelValues(), causes: [] };
    visit(this.#root, object, old === undefined ? undefined : { value: old }, '', true, run);
    return run.causes;
  }
}

function compileNode(schema: JsonSchema): RuleNode | undefined {
  const rules = (schema['x-kubernetes-validations'] ?? []).flatMap((rule): CompiledRule[] => {
    const compiled = compileCel(rule.rule, ruleVariables(rule));
    // Rules that do not compile were refused with the definition.
    if (!compiled.ok) return [];
    const message =
      rule.messageExpression === undefined ? undefined : compileCel(rule.messageExpression, ruleVariables(rule));
    return [
      {
        rule,
        program: compiled.program,
        message: message?.ok === true ? message.program : undefined,
        isTransition: compiled.program.names.has('oldSelf'),
      },
    ];
  });
  const properties = new Map<string, RuleNode>();
  for (const [name, property] of Object.entries(schema.properties ?? {})) {
    const node = compileNode(property);
    if (node !== undefined) properties.set(name, node);
  }
  const additional =
    typeof schema.additionalProperties === 'object' ? compileNode(schema.additionalProperties) : undefined;
  const itemSchema = itemsOf(schema);
  const items = itemSchema === undefined ? undefined : compileNode(itemSchema);
  if (rules.length === 0 && properties.size === 0 && additional === undefined && items === undefined) return undefined;
  return { schema, rules, properties, additional, items };
}

function visit(node: RuleNode, value: unknown, old: OldValue, path: string, isRoot: boolean, run: Run): void {
  if (run.budget.isSpent || value === undefined || value === null) return;
  const unchanged = old !== undefined && node.rules.length > 0 && sameJson(value, old.value);
  for (const compiled of node.rules) {
    if (compiled.isTransition ? old === undefined && compiled.rule.optionalOldSelf !== true : unchanged) continue;
    apply(compiled, node.schema, value, old, path, isRoot, run);
    if (run.budget.isSpent) return;
  }
  if (Array.isArray(value)) {
    if (node.items === undefined) return;
    for (const [index, item] of value.entries()) {
      visit(node.items, item, oldItem(old, item, node.schema), `${path}[${index}]`, false, run);
    }
    return;
  }
  const record = recordOf(value);
  if (record === undefined) return;
  for (const name of Object.keys(record)) {
    const declared = node.properties.get(name);
    const isDeclared = node.schema.properties !== undefined && Object.hasOwn(node.schema.properties, name);
    const inner = declared ?? (isDeclared ? undefined : node.additional);
    if (inner === undefined) continue;
    const place = isDeclared ? (path === '' ? name : `${path}.${name}`) : `${path}[${name}]`;
    visit(inner, record[name], oldProperty(old, name, node.schema), place, false, run);
  }
}

function apply(
  compiled: CompiledRule,
  schema: JsonSchema,
  value: unknown,
  old: OldValue,
  path: string,
  isRoot: boolean,
  run: Run,
): void {
  const { rule, program } = compiled;
  const self = run.values.convert(value, schema, isRoot);
  const before = old === undefined ? undefined : run.oldValues.convert(old.value, schema, isRoot);
  const oldSelf =
    rule.optionalOldSelf === true ? (before === undefined ? optionalNone() : optionalOf(before)) : (before ?? null);
  const variables = { self, oldSelf };
  const result = program.run(variables, run.budget);
  const source = rule.rule.trim();
  if (!result.ok) {
    const told = (rule.message ?? '') === '' ? source : rule.message!.trim();
    const text =
      result.reason === 'budget'
        ? result.text
        : result.text === 'no such overload'
          ? `'${result.text}': call arguments did not match a supported operator, function or macro signature for rule: ${told}`
          : `${result.text} evaluating rule: ${told}`;
    run.causes.push(cause('FieldValueInvalid', path, schema, text));
    return;
  }
  if (result.value === true) return;
  const expression = compiled.message?.run(variables, run.budget);
  const computed = expression?.ok === true && typeof expression.value === 'string' ? expression.value.trim() : '';
  const usable = computed !== '' && !computed.includes('\n') && computed.length <= 5 * 1024;
  const text = usable ? computed : (rule.message ?? '') === '' ? `failed rule: ${source}` : rule.message!;
  const place = rule.fieldPath === undefined ? path : joined(path, rule.fieldPath);
  run.causes.push(cause((rule.reason ?? 'FieldValueInvalid') as FieldCauseReason, place, schema, text));
}

function joined(path: string, fieldPath: string): string {
  const inner = fieldPath.replaceAll(/\['([^']*)'\]/g, '.$1');
  return path === '' ? inner.slice(1) : path + inner;
}

/** One broken rule: the value is shown by its type only. */
function cause(reason: FieldCauseReason, path: string, schema: JsonSchema, text: string): FieldCause {
  const field = path === '' ? '<nil>' : path;
  const type = schema['x-kubernetes-int-or-string'] === true ? '' : (schema.type ?? '');
  switch (reason) {
    case 'FieldValueForbidden':
      return { reason, field, message: `Forbidden: ${text}` };
    case 'FieldValueRequired':
      return { reason, field, message: `Required value: ${text}` };
    case 'FieldValueDuplicate':
      return { reason, field, message: `Duplicate value: ${JSON.stringify(type)}` };
    default:
      return { reason: 'FieldValueInvalid', field, message: `Invalid value: ${JSON.stringify(type)}: ${text}` };
  }
}
