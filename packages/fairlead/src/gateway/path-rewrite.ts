import { compilePathPattern } from '../routing/path-pattern.ts';
import type { PathRule, Route } from '../routing/route-table.ts';
import { replacePrefix } from './redirect.ts';

/** Longer paths stay as they are: what a pattern costs grows with them. */
const PATH_MAX_BYTES = 4096;

/** Makes a route's rewrite ready: a function from a path, as it was matched, to another (undefined: it stays). */
export function pathRewriter(
  rewrite: Route['pathRewrite'],
  matchedPrefix: string,
): ((path: string) => string | undefined) | undefined {
  if (rewrite === undefined) return undefined;
  switch (rewrite.type) {
    case 'full': {
      const value = encodePath(rewrite.value);
      return () => value;
    }
    case 'prefix': {
      const value = encodePath(rewrite.value);
      return (path) => replacePrefix(path, matchedPrefix, value);
    }
    case 'regex':
      return byRules(rewrite.rules);
  }
}

/** @throws Error for a pattern that is refused: the compilers should have told. */
function byRules(rules: readonly PathRule[]): (path: string) => string | undefined {
  const compiled = rules.map(({ pattern, replacement }) => {
    const result = compilePathPattern(pattern);
    if (!result.ok) throw new Error(`regular expression ${result.problem}`);
    return { pattern: result.pattern, replacement };
  });
  return (path) => {
    if (path.length > PATH_MAX_BYTES) return undefined;
    for (const { pattern, replacement } of compiled) {
      const groups = pattern.match(path);
      if (groups === undefined) continue;
      const text = replacement.map((part) => (typeof part === 'string' ? part : (groups[part] ?? ''))).join('');
      return resolved(text);
    }
    return undefined;
  };
}

/** What groups brought together may form dot segments that were none before: they end here, at the root at most. */
function resolved(path: string): string {
  const kept: string[] = [];
  const segments = path.split('/').slice(1);
  for (const [index, segment] of segments.entries()) {
    const isDots = /^(\.|%2e){1,2}$/i.test(segment);
    if (isDots && segment.replace(/%2e/gi, '.').length === 2) kept.pop();
    if (!isDots && segment !== '') kept.push(segment);
    else if (index === segments.length - 1) kept.push('');
  }
  return `/${kept.join('/')}`;
}

/** A configured path may hold what a request line may not. */
function encodePath(path: string): string {
  return path.replace(/[^!$&'()*+,\-./0-9:;=@A-Z_a-z~%]/g, (char) => encodeURIComponent(char));
}
