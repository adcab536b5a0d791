/** The names chosen by patterns as in `--controllers`: `*` all, `a` one, `-a` not that one. */
export type ControllerSelection =
  | { readonly ok: true; readonly names: readonly string[] }
  | { readonly ok: false; readonly unknown: readonly string[] };

/** Applies patterns to the known names, keeping their order. */
export function selectControllers(patterns: readonly string[], known: readonly string[]): ControllerSelection {
  const plain = patterns.map((pattern) => pattern.trim()).filter((pattern) => pattern !== '');
  const unknown = plain.filter((pattern) => pattern !== '*' && !known.includes(pattern.replace(/^-/, '')));
  if (unknown.length > 0) return { ok: false, unknown };
  const all = plain.length === 0 || plain.includes('*') || plain.every((pattern) => pattern.startsWith('-'));
  const names = known.filter((name) => !plain.includes(`-${name}`) && (all || plain.includes(name)));
  return { ok: true, names };
}
