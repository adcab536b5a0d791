import { compileCel } from '../cel/cel-program.ts';
import type { RestContext } from '../rest/rest-context.ts';
import { sameJson } from '../rest/strategy.ts';
import { type KubeObject, recordOf } from '../watch/kube-object.ts';
import { type StoredObject, storedValue } from '../watch/stored-object.ts';
import { recordsOf } from './admission-attributes.ts';
import { policyVariables } from './policy-admission.ts';
import { undefinedFields } from './policy-type-check.ts';

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
  const variables = policyVariables(spec);
  const all = recordsOf(spec.variables).length > 0 ? [...variables, 'variables'] : variables;
  const kinds = matchedKinds(context, spec);
  return recordsOf(spec.validations).flatMap(({ expression }, index) => {
    const compiled = compileCel(String(expression ?? ''), all);
    if (!compiled.ok) return [];
    const texts = kinds.flatMap(({ group, version, kind, typeId }) => {
      const fault = undefinedFields(compiled.program, typeId);
      return fault === undefined ? [] : [`${group}/${version}, Kind=${kind}: ${fault}\n`];
    });
    return texts.length === 0 ? [] : [{ fieldRef: `spec.validations[${index}].expression`, warning: texts.join('\n') }];
  });
}

/** The built-in kinds a policy names without wildcards. */
function matchedKinds(
  context: RestContext,
  spec: Record<string, unknown>,
): { group: string; version: string; kind: string; typeId: string }[] {
  const list = (value: unknown): string[] => (Array.isArray(value) ? (value as string[]) : []);
  return recordsOf(recordOf(spec.matchConstraints)?.resourceRules).flatMap((rule) =>
    list(rule.apiGroups).flatMap((group) =>
      list(rule.apiVersions).flatMap((version) =>
        list(rule.resources).flatMap((plural) => {
          const resource = context.served.find(group, version, plural);
          if (resource === undefined || resource.custom !== undefined) return [];
          return [{ group, version, kind: resource.kind, typeId: resource.typeId }];
        }),
      ),
    ),
  );
}
