import type { JsonSchema } from '@fairlead/api/crd/index';
import { type CelType, dyn } from '../cel/types/cel-type.ts';
import { typeOfBuiltIn, typeOfSchema } from '../cel/types/schema-types.ts';
import { typedProgram } from '../cel/types/typed-program.ts';
import type { RestContext } from '../rest/rest-context.ts';
import { sameJson } from '../rest/strategy.ts';
import { type KubeObject, recordOf } from '../watch/kube-object.ts';
import { type StoredObject, storedValue } from '../watch/stored-object.ts';
import { recordsOf } from './admission-attributes.ts';
import { admissionTypes, VariableTypes } from './admission-types.ts';
import { policyVariables } from './policy-admission.ts';

/** Writes `status` of ValidatingAdmissionPolicies: the generation seen, and what type checking remarks. */
export class PolicyStatus {
  readonly #context: RestContext;
  readonly #prefix: string;
  readonly #unsubscribe: () => void;
  #work: Promise<void> = Promise.resolve();
  #closed = false;

  constructor(context: RestContext) {
    this.#context = context;
    const group = 'admissionregistration.k8s.io';
    this.#prefix = context.served.find(group, 'v1', 'validatingadmissionpolicies')?.prefix ?? '';
    const receive = (): void => this.#schedule();
    this.#unsubscribe = context.cache.resource(this.#prefix).subscribe({ namespace: '', name: undefined, receive });
    this.#schedule();
  }

  /** Resolves when no write is under way. */
  async close(): Promise<void> {
    this.#closed = true;
    this.#unsubscribe();
    await this.#work;
  }

  #schedule(): void {
    this.#work = this.#work.then(async () => {
      for (const stored of this.#context.cache.resource(this.#prefix).list('')) {
        if (this.#closed) return;
        await this.#write(stored);
      }
    });
  }

  async #write(stored: StoredObject): Promise<void> {
    const { object } = stored;
    const status = recordOf(object.status) ?? {};
    if (object.metadata.deletionTimestamp !== undefined || status.observedGeneration === object.metadata.generation)
      return;
    const warnings = typeWarnings(this.#context, object);
    const { typeChecking: _, ...rest } = status;
    const next: KubeObject = {
      ...object,
      status: {
        ...rest,
        observedGeneration: object.metadata.generation,
        typeChecking: warnings.length === 0 ? {} : { expressionWarnings: warnings },
      },
    };
    if (sameJson(next, object)) return;
    // A conflict means a newer version, whose event brings us back here.
    await this.#context.storage.commit({
      key: stored.key,
      expect: stored.modRevision,
      value: storedValue(next),
      decoded: next,
    });
  }
}

function typeWarnings(context: RestContext, policy: KubeObject): object[] {
  const spec = recordOf(policy.spec) ?? {};
  const names = policyVariables(spec);
  const variables = recordsOf(spec.variables);
  const all = variables.length > 0 ? [...names, 'variables'] : names;
  const kinds = matchedKinds(context, spec).map(({ name, type }) => {
    const types = admissionTypes(type);
    if (spec.paramKind === undefined || spec.paramKind === null) types.delete('params');
    const declared = new VariableTypes();
    for (const { name: variable, expression } of variables) declared.declare(variable, expression, names, types);
    if (variables.length > 0) types.set('variables', declared.type);
    return { name, types };
  });
  return recordsOf(spec.validations).flatMap((validation, index) =>
    ['expression', 'messageExpression'].flatMap((field) => {
      const source = String(validation[field] ?? '');
      if (source === '') return [];
      const texts = kinds.flatMap(({ name, types }) => {
        const typed = typedProgram(source, all, types);
        return typed.ok ? [] : [`${name}: ${typed.text}\n`];
      });
      const fieldRef = `spec.validations[${index}].${field}`;
      return texts.length === 0 ? [] : [{ fieldRef, warning: texts.join('\n') }];
    }),
  );
}

/** The kinds a policy names without wildcards, with the types of their objects. */
function matchedKinds(context: RestContext, spec: Record<string, unknown>): { name: string; type: CelType }[] {
  const list = (value: unknown): string[] => (Array.isArray(value) ? (value as string[]) : []);
  return recordsOf(recordOf(spec.matchConstraints)?.resourceRules).flatMap((rule) =>
    list(rule.apiGroups).flatMap((group) =>
      list(rule.apiVersions).flatMap((version) =>
        list(rule.resources).flatMap((plural) => {
          const resource = context.served.find(group, version, plural);
          if (resource === undefined) return [];
          const { kind, custom, typeId } = resource;
          const type = custom === undefined ? typeOfBuiltIn(typeId) : typeOfCustom(custom.schema, kind);
          return [{ name: `${group}/${version}, Kind=${kind}`, type }];
        }),
      ),
    ),
  );
}

/** Objects of a custom kind as admission sees them: by their schema, with all their metadata. */
function typeOfCustom(schema: JsonSchema, kind: string): CelType {
  const own = typeOfSchema(schema, true, kind) ?? dyn;
  if (own.kind !== 'object') return own;
  const metadata = typeOfBuiltIn('meta.v1.ObjectMeta');
  return { ...own, field: (name) => (name === 'metadata' ? metadata : own.field(name)) };
}
