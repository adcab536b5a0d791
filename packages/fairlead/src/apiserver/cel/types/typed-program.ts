import { type CelProgram, compileCel } from '../cel-program.ts';
import { type CelType, dyn, typeText } from './cel-type.ts';
import { checkTypes, type NodeTypes } from './type-checker.ts';

/** An expression with the type of its value, or why it is none (the text after `compilation failed: `). */
export type TypedProgram =
  | { readonly ok: true; readonly program: CelProgram; readonly type: string; readonly typeOf: NodeTypes }
  | { readonly ok: false; readonly text: string };

/** The type of an expression's value; dynamic where it is not known. */
export function celTypeOf(source: string, variables: readonly string[], types: ReadonlyMap<string, CelType>): CelType {
  const compiled = compileCel(source, variables);
  const readable = compiled.ok ? compiled.program : compiled.parsed;
  const checked = readable === undefined ? undefined : checkTypes(readable, types);
  return checked?.ok === true ? checked.type : dyn;
}

/**
 * Compiles an expression over variables and checks its types as cel-go does. `types`: those of the variables; what is
 * not in there is dynamic.
 */
export function typedProgram(
  source: string,
  variables: readonly string[],
  types: ReadonlyMap<string, CelType>,
): TypedProgram {
  const compiled = compileCel(source, variables);
  const readable = compiled.ok ? compiled.program : compiled.parsed;
  if (readable === undefined) return { ok: false, text: compiled.ok ? '' : compiled.text };
  const checked = checkTypes(readable, types);
  if (!checked.ok) return { ok: false, text: checked.text };
  if (!compiled.ok) return compiled;
  return { ok: true, program: compiled.program, type: typeText(checked.type), typeOf: checked.typeOf };
}
