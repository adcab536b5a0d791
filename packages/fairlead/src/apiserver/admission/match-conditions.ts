import type { CelBudget } from '../cel/cel-budget.ts';
import { type CelProgram, compileCel } from '../cel/cel-program.ts';

/** Variables of match conditions and policies, beside `params` and `variables`. */
export const admissionVariables: readonly string[] = [
  'object',
  'oldObject',
  'request',
  'namespaceObject',
  'authorizer: kubernetes.authorization.Authorizer',
];

/** A condition ready to run. */
export interface MatchCondition {
  readonly name: string;
  readonly program: CelProgram | undefined;
}

/** What the conditions say about a write. */
export type ConditionOutcome =
  | { readonly kind: 'matches' }
  | { readonly kind: 'skips' }
  | { readonly kind: 'failed'; readonly text: string };

/** Compiles match conditions. */
export function compileConditions(
  conditions: readonly { readonly name?: string; readonly expression?: string }[] | undefined,
  variables: readonly string[],
): MatchCondition[] {
  return (conditions ?? []).map(({ name = '', expression = '' }) => {
    const compiled = compileCel(expression, variables);
    return { name, program: compiled.ok ? compiled.program : undefined };
  });
}

/** Evaluates match conditions: one that is false skips, whatever failed before. */
export function evaluateConditions(
  conditions: readonly MatchCondition[],
  variables: Readonly<Record<string, unknown>>,
  budget: CelBudget,
): ConditionOutcome {
  let failure: string | undefined;
  for (const { program } of conditions) {
    if (program === undefined) {
      failure ??= 'match condition does not compile';
      continue;
    }
    const result = program.run(variables, budget);
    if (!result.ok) failure ??= `expression '${program.source}' resulted in error: ${result.text}`;
    else if (result.value !== true) return { kind: 'skips' };
  }
  return failure === undefined ? { kind: 'matches' } : { kind: 'failed', text: failure };
}
