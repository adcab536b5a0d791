// Hot path: every write passes here; without bindings it costs one comparison.

import { selectorMatches } from '@fairlead/api/label-selector';
import { CelBudget } from '../cel/cel-budget.ts';
import { evaluationError } from '../cel/cel-library.ts';
import { type CelProgram, compileCel } from '../cel/cel-program.ts';
import { CelValues } from '../cel/cel-value.ts';
import type { ServedResource } from '../resources/served-resources.ts';
import type { RestContext } from '../rest/rest-context.ts';
import { qualifiedResource, StatusError } from '../server/status-error.ts';
import { type KubeObject, recordOf } from '../watch/kube-object.ts';
import { storeKey } from '../watch/object-cache.ts';
import type { StoredObject } from '../watch/stored-object.ts';
import {
  type AdmissionAttributes,
  type MatchRules,
  namespaceOf,
  recordsOf,
  requestOf,
} from './admission-attributes.ts';
import { authorizerOf } from './cel-authorizer.ts';
import { isMatched, type MatchPolicy, matchedWrite, matchPolicyOf } from './equivalent-write.ts';
import { admissionVariables, compileConditions, evaluateConditions, type MatchCondition } from './match-conditions.ts';

/** A ValidatingAdmissionPolicy ready to run (KEP-3488). */
interface CompiledPolicy {
  readonly failurePolicy: 'Fail' | 'Ignore';
  readonly match: MatchRules | undefined;
  readonly matchPolicy: MatchPolicy;
  readonly conditions: readonly MatchCondition[];
  readonly variables: readonly { readonly name: string; readonly program: CelProgram | undefined }[];
  readonly validations: readonly {
    readonly expression: string;
    readonly program: CelProgram | undefined;
    readonly message: string;
    readonly messageProgram: CelProgram | undefined;
    readonly reason: string;
  }[];
  readonly auditAnnotations: readonly { readonly key: string; readonly program: CelProgram | undefined }[];
  readonly paramKind: { readonly apiVersion: string; readonly kind: string } | undefined;
}

/** Why a policy refuses a write. */
interface Refusal {
  readonly text: string;
  readonly reason: string;
}

/** Longer values of audit annotations are cut, in characters. */
const auditAnnotationMaxLength = 10 * 1024;

const codes: Readonly<Record<string, number>> = {
  Invalid: 422,
  Forbidden: 403,
  Unauthorized: 401,
  RequestEntityTooLarge: 413,
};

/** Runs the ValidatingAdmissionPolicies that are bound. */
export class PolicyAdmission {
  readonly #context: RestContext;
  readonly #policies: string;
  readonly #bindings: string;
  readonly #compiled = new WeakMap<StoredObject, CompiledPolicy>();

  constructor(context: RestContext) {
    this.#context = context;
    const group = 'admissionregistration.k8s.io';
    this.#policies = context.served.find(group, 'v1', 'validatingadmissionpolicies')?.prefix ?? '';
    this.#bindings = context.served.find(group, 'v1', 'validatingadmissionpolicybindings')?.prefix ?? '';
  }

  /** Nothing is bound. */
  get isIdle(): boolean {
    return this.#context.cache.resource(this.#bindings).size === 0;
  }

  /** Throws the refusal of the first policy that denies the write; warnings of all are appended. */
  async check(given: AdmissionAttributes, warnings: string[]): Promise<void> {
    if (this.isIdle) return;
    const { cache } = this.#context;
    const budget = new CelBudget();
    // One conversion to CEL values per version that policies look at.
    const sharedBy = new Map<ServedResource, SharedVariables>();
    let denial: Error | undefined;
    for (const binding of cache.resource(this.#bindings).list('')) {
      const spec = recordOf(binding.object.spec) ?? {};
      const policyName = String(spec.policyName ?? '');
      const stored = cache.resource(this.#policies).get(storeKey(this.#policies, '', policyName));
      if (stored === undefined) continue;
      const policy = this.#policy(stored);
      const resources = spec.matchResources as (MatchRules & { matchPolicy?: unknown }) | undefined;
      if (!isMatched(this.#context, resources, matchPolicyOf(resources?.matchPolicy), given)) continue;
      const write = await matchedWrite(this.#context, policy.match ?? {}, policy.matchPolicy, given);
      if (write === undefined) continue;
      const shared = sharedBy.get(write.resource) ?? new SharedVariables(this.#context, write);
      sharedBy.set(write.resource, shared);
      const actions = Array.isArray(spec.validationActions) ? (spec.validationActions as unknown[]) : [];
      const bindingName = binding.object.metadata.name ?? '';
      const refusals = this.#refusals(policy, spec, write, shared, budget);
      this.#noteAudit(policy, policyName, bindingName, actions, refusals, write, shared, budget);
      for (const refusal of refusals) {
        if (actions.includes('Warn')) {
          warnings.push(
            `Validation failed for ValidatingAdmissionPolicy '${policyName}' with binding '${bindingName}': ${refusal.text}`,
          );
        }
        if (actions.includes('Deny')) denial ??= denied(write, policyName, bindingName, refusal);
      }
    }
    // What other policies only warn of is told as well.
    if (denial !== undefined) throw denial;
  }

  /** What the policy has for the audit log: its own annotations, and its refusals where the binding wants them there. */
  #noteAudit(
    policy: CompiledPolicy,
    name: string,
    binding: string,
    actions: readonly unknown[],
    refusals: readonly Refusal[],
    write: AdmissionAttributes,
    shared: SharedVariables,
    budget: CelBudget,
  ): void {
    const notes = write.auditAnnotations;
    if (notes === undefined) return;
    const variables: Record<string, unknown> = { ...shared.values };
    if (policy.variables.length > 0) variables.variables = composed(policy, variables, budget);
    for (const { key, program } of policy.auditAnnotations) {
      const result = program?.run(variables, budget);
      const text = result?.ok === true && typeof result.value === 'string' ? result.value.trim() : '';
      if (text !== '') notes.set(`${name}/${key}`, text.slice(0, auditAnnotationMaxLength));
    }
    if (!actions.includes('Audit') || refusals.length === 0) return;
    const failures = refusals.map(({ text }, index) => ({
      message: text,
      policy: name,
      binding,
      expressionIndex: index,
      validationActions: actions,
    }));
    notes.set('validation.policy.admission.k8s.io/validation_failure', JSON.stringify(failures));
  }

  #policy(stored: StoredObject): CompiledPolicy {
    let compiled = this.#compiled.get(stored);
    if (compiled === undefined) {
      compiled = compilePolicy(stored.object);
      this.#compiled.set(stored, compiled);
    }
    return compiled;
  }

  #refusals(
    policy: CompiledPolicy,
    binding: Record<string, unknown>,
    write: AdmissionAttributes,
    shared: SharedVariables,
    budget: CelBudget,
  ): Refusal[] {
    const failed = (text: string): Refusal[] => (policy.failurePolicy === 'Fail' ? [{ text, reason: 'Invalid' }] : []);
    const params = this.#params(policy, binding, write);
    if (typeof params === 'string') return failed(params);
    return params.flatMap((param) => {
      const variables: Record<string, unknown> = { ...shared.values };
      if (policy.paramKind !== undefined)
        variables.params = param === undefined ? null : new CelValues().convert(param, undefined);
      const matched = evaluateConditions(policy.conditions, variables, budget);
      if (matched.kind === 'skips') return [];
      if (matched.kind === 'failed') return failed(matched.text);
      if (policy.variables.length > 0) variables.variables = composed(policy, variables, budget);
      return policy.validations.flatMap((validation): Refusal[] => {
        const result = validation.program?.run(variables, budget);
        if (result === undefined) return failed(`expression '${validation.expression}' does not compile`);
        if (!result.ok) return failed(`expression '${validation.expression}' resulted in error: ${result.text}`);
        if (result.value === true) return [];
        const computed = validation.messageProgram?.run(variables, budget);
        const text = computed?.ok === true && typeof computed.value === 'string' ? computed.value.trim() : '';
        const plain =
          validation.message === '' ? `failed expression: ${validation.expression.trim()}` : validation.message;
        return [{ text: text === '' || text.includes('\n') ? plain : text, reason: validation.reason }];
      });
    });
  }

  /** The parameter objects to evaluate with, one after the other; a text is why there are none. */
  #params(
    policy: CompiledPolicy,
    binding: Record<string, unknown>,
    write: AdmissionAttributes,
  ): readonly (KubeObject | undefined)[] | string {
    const reference = recordOf(binding.paramRef);
    if (policy.paramKind === undefined || reference === undefined) return [undefined];
    const { apiVersion, kind } = policy.paramKind;
    const resource = this.#context.served.ofKind(apiVersion, kind);
    if (resource === undefined) return `failed to find resource referenced by paramKind: '${apiVersion}, Kind=${kind}'`;
    const namespace = resource.namespaced ? String(reference.namespace ?? write.namespace) : '';
    const cache = this.#context.cache.resource(resource.prefix);
    let found: KubeObject[];
    if (typeof reference.name === 'string' && reference.name !== '') {
      const stored = cache.get(storeKey(resource.prefix, namespace, reference.name));
      found = stored === undefined ? [] : [stored.object];
    } else {
      const selector = recordOf(reference.selector) ?? {};
      found = cache
        .list(namespace)
        .map(({ object }) => object)
        .filter(({ metadata }) => selectorMatches(selector, metadata.labels));
    }
    if (found.length > 0) return found;
    if (reference.parameterNotFoundAction === 'Allow') return [];
    return 'failed to configure binding: no params found for policy binding with `Deny` parameterNotFoundAction';
  }
}

/** The variables that all policies see for one write, converted once. */
class SharedVariables {
  readonly values: Readonly<Record<string, unknown>>;

  constructor(context: RestContext, write: AdmissionAttributes) {
    const values = new CelValues();
    const schema = write.resource.custom?.schema;
    // Objects of admission are whole: custom ones are typed by their schema, with all their metadata.
    const whole = (object: KubeObject | undefined): unknown => {
      if (object === undefined) return null;
      if (schema === undefined) return values.convert(object, undefined);
      const { kind, apiVersion, metadata } = object;
      const converted = values.convert(object, schema) as object;
      return { ...converted, kind, apiVersion, metadata: values.convert(metadata, undefined) };
    };
    const namespace = namespaceOf(context, write.namespace);
    this.values = {
      object: whole(write.object),
      oldObject: whole(write.old),
      request: values.convert(requestOf(write, ''), undefined),
      namespaceObject: namespace === undefined ? null : values.convert(namespace, undefined),
      authorizer: authorizerOf(context, write),
    };
  }
}

/** `variables` of a policy: each is evaluated when it is first looked at, and only then. */
function composed(policy: CompiledPolicy, outer: Readonly<Record<string, unknown>>, budget: CelBudget): object {
  const result: Record<string, unknown> = {};
  const scope = { ...outer, variables: result };
  for (const { name, program } of policy.variables) {
    let known: { readonly value: unknown } | undefined;
    Object.defineProperty(result, name, {
      enumerable: true,
      get: () => {
        if (known === undefined) {
          const evaluated = program?.run(scope, budget);
          if (evaluated === undefined) throw evaluationError(`composited variable "${name}" fails to compile`);
          if (!evaluated.ok)
            throw evaluationError(`composited variable "${name}" fails to evaluate: ${evaluated.text}`);
          known = { value: evaluated.value };
        }
        return known.value;
      },
    });
  }
  return result;
}

/** The variables a policy's expressions may use. */
export function policyVariables(spec: Record<string, unknown>): string[] {
  return [...admissionVariables, ...(spec.paramKind === undefined || spec.paramKind === null ? [] : ['params'])];
}

function compilePolicy(object: KubeObject): CompiledPolicy {
  const spec = recordOf(object.spec) ?? {};
  const names = policyVariables(spec);
  const declared = recordsOf(spec.variables);
  const withVariables = declared.length > 0 ? [...names, 'variables'] : names;
  const compile = (expression: unknown, variables: readonly string[]): CelProgram | undefined => {
    if (typeof expression !== 'string' || expression === '') return undefined;
    const compiled = compileCel(expression, variables);
    return compiled.ok ? compiled.program : undefined;
  };
  const paramKind = recordOf(spec.paramKind);
  return {
    failurePolicy: spec.failurePolicy === 'Ignore' ? 'Ignore' : 'Fail',
    match: spec.matchConstraints as MatchRules | undefined,
    matchPolicy: matchPolicyOf(recordOf(spec.matchConstraints)?.matchPolicy),
    conditions: compileConditions(recordsOf(spec.matchConditions) as { name?: string; expression?: string }[], names),
    variables: declared.map(({ name, expression }) => ({
      name: String(name),
      program: compile(expression, withVariables),
    })),
    validations: recordsOf(spec.validations).map((validation) => ({
      expression: String(validation.expression ?? ''),
      program: compile(validation.expression, withVariables),
      message: String(validation.message ?? ''),
      messageProgram: compile(validation.messageExpression, withVariables),
      reason: String(validation.reason ?? 'Invalid'),
    })),
    auditAnnotations: recordsOf(spec.auditAnnotations).map(({ key, valueExpression }) => ({
      key: String(key ?? ''),
      program: compile(valueExpression, withVariables),
    })),
    paramKind:
      paramKind === undefined ? undefined : { apiVersion: String(paramKind.apiVersion), kind: String(paramKind.kind) },
  };
}

function denied(write: AdmissionAttributes, policy: string, binding: string, refusal: Refusal): StatusError {
  const text = `ValidatingAdmissionPolicy '${policy}' with binding '${binding}' denied request: ${refusal.text}`;
  const { resource, name } = write;
  const subject = `${qualifiedResource(resource)} ${JSON.stringify(name)}`;
  return new StatusError(codes[refusal.reason] ?? 422, refusal.reason, `${subject} is forbidden: ${text}`, {
    ...(name === '' ? {} : { name }),
    ...(resource.group === '' ? {} : { group: resource.group }),
    kind: resource.plural,
    causes: [{ message: text }],
  });
}
