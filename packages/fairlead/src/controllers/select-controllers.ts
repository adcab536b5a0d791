/** The names chosen by patterns as in `--controllers`: `*` all, `a` one, `-a` not that one. */
export type ControllerSelection =
  | { readonly ok: true; readonly names: readonly string[] }
  | { readonly ok: false; readonly unknown: readonly string[] };

/** Applies patterns to the known names, keeping their order. Hyphens inside names do not count. */
export function selectControllers(patterns: readonly string[], known: readonly string[]): ControllerSelection {
  const plain = patterns
    .map((pattern) => pattern.trim())
    .filter((pattern) => pattern !== '')
    .map((pattern) => spelledAsKnown(pattern, known));
  const unknown = plain.filter((pattern) => pattern !== '*' && !known.includes(pattern.replace(/^-/, '')));
  if (unknown.length > 0) return { ok: false, unknown };
  const all = plain.length === 0 || plain.includes('*') || plain.every((pattern) => pattern.startsWith('-'));
  const names = known.filter((name) => !plain.includes(`-${name}`) && (all || plain.includes(name)));
  return { ok: true, names };
}

/** `-node-lifecycle` is how users may write `-nodelifecycle`. */
function spelledAsKnown(pattern: string, known: readonly string[]): string {
  const sign = pattern.startsWith('-') ? '-' : '';
  const bare = (name: string): string => name.replaceAll('-', '');
  const wanted = bare(pattern.slice(sign.length));
  const name = known.find((one) => bare(one) === wanted);
  return name === undefined ? pattern : sign + name;
}
