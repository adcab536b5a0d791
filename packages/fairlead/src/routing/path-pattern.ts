import { compileCapturingRegex } from '../regex/capturing-regex.ts';
import { compileRegex } from '../regex/linear-regex.ts';
import { parseRegex, type RegexNode } from '../regex/parse.ts';

/** Steps of a pattern: the most that one byte of a path can cost. */
const SIZE_MAX = 300;

/** A pattern for whole paths whose groups are wanted. */
export interface PathPattern {
  /** Number of groups. */
  readonly groups: number;
  /** What groups captured, by number; undefined: the path does not match. Bytes of the path as Latin-1. */
  match(path: string): readonly string[] | undefined;
}

/** A compiled pattern, or why it is refused: a message for an event. */
export type PathPatternResult =
  | { readonly ok: true; readonly pattern: PathPattern }
  | { readonly ok: false; readonly problem: string };

/** Compiles a pattern for paths. Refuses what could take long with some path, as everybody's requests wait meanwhile. */
export function compilePathPattern(text: string): PathPatternResult {
  const filter = compileRegex(text);
  if (!filter.ok) return filter;
  if (sizeOf(parseRegex(text).root) > SIZE_MAX) {
    return { ok: false, problem: `${JSON.stringify(text)}: the pattern is too large for a rewrite` };
  }
  // The whole path has to match, and flags come first.
  const flags = text.startsWith('(?i)') ? '(?i)' : '';
  const whole = compileCapturingRegex(`${flags}^(?:${text.slice(flags.length)})$`);
  if (!whole.ok) return whole;
  const { regex } = whole;
  return {
    ok: true,
    pattern: {
      groups: regex.groups,
      // The DFA says much faster that there is no match.
      match: (path) => (filter.regex.testText(path) ? regex.match(path)?.groups : undefined),
    },
  };
}

function sizeOf(node: RegexNode): number {
  switch (node.type) {
    case 'sequence':
    case 'choice':
      return node.parts.reduce((sum, part) => sum + 1 + sizeOf(part), 0);
    case 'group':
      return 2 + sizeOf(node.part);
    case 'repeat':
      return (1 + sizeOf(node.part)) * (node.max === Infinity ? node.min + 1 : node.max);
    default:
      return 1;
  }
}
