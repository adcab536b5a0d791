import { compileCapturingRegex } from '../../regex/capturing-regex.ts';
import { normalizeName } from '../owner-names.ts';
import type { NamePattern, RewriteRule, RewrittenOwners } from '../rewrite-rules.ts';
import type { CorefileDirective } from './parse-corefile.ts';

/** A rule, or why it is none. */
export type ImportedRewrite =
  | { readonly ok: true; readonly rule: RewriteRule }
  | { readonly ok: false; readonly problem: string };

const kinds: readonly RewriteRule['kind'][] = ['exact', 'prefix', 'suffix', 'substring', 'regex'];
const no = (problem: string): ImportedRewrite => ({ ok: false, problem });

/** `rewrite [stop|continue] name [KIND] FROM TO [answer auto|answer name FROM TO] [answer value FROM TO]`, in one line or a block. */
export function importRewrite(directive: CorefileDirective): ImportedRewrite {
  const words = [...directive.args, ...directive.block.flatMap(({ name, args }) => [name, ...args])];
  const args = words.filter((arg, index) => index > 0 || (arg !== 'stop' && arg !== 'continue'));
  if (args[0] !== 'name') return no(`only names are rewritten${otherFields[args[0] ?? ''] ?? ''}`);
  const kind = kinds.find((one) => one === args[1]);
  const [from, to, ...answer] = args.slice(kind === undefined ? 1 : 2);
  if (from === undefined || to === undefined) return no('names no name to rewrite to');
  const renamings = readRenamings(answer);
  if (typeof renamings === 'string') return no(renamings);
  const rule = makeRule(kind ?? 'exact', from, to);
  const problem = rule.kind === 'regex' ? patternProblem(from, to) : undefined;
  if (problem !== undefined) return no(problem);
  return { ok: true, rule: { ...rule, ...renamings } };
}

/** Why other fields are not rewritten. */
const otherFields: Readonly<Record<string, string>> = {
  type: ': an answer to ANY is minimal anyway',
  class: ': only class IN is served',
  edns0: ': options of a query are never sent to upstreams, so none need to be added',
  ttl: ': a TTL is what its record says',
  rcode: ': a code is what was found',
  cname: ': an alias leads where it says',
};

function makeRule(kind: RewriteRule['kind'], from: string, to: string): RewriteRule {
  if (kind === 'regex') return { kind, from, to: to.toLowerCase() };
  // Parts of names keep their dots: `old-` is not a name, `.lan.` is a suffix.
  if (kind === 'prefix' || kind === 'substring') return { kind, from: from.toLowerCase(), to: to.toLowerCase() };
  const clean = (name: string): string => normalizeName(name).replace(/^\./, '');
  return { kind, from: clean(from), to: clean(to) };
}

/** `answer auto`, `answer name FROM TO`, `answer value FROM TO`, in any order; a text says what is wrong. */
function readRenamings(words: readonly string[]): Pick<RewriteRule, 'owners' | 'values'> | string {
  const found: { owners?: RewrittenOwners; values?: NamePattern } = {};
  for (let at = 0; at < words.length; ) {
    const [answer, field = '', from, to] = words.slice(at);
    if (answer !== 'answer') return `${answer} is not known`;
    if (field === 'auto') {
      found.owners = 'asked';
      at += 2;
      continue;
    }
    if (field !== 'name' && field !== 'value') return `answer ${field} is not known`;
    if (from === undefined || to === undefined) return `answer ${field} has no name to rewrite to`;
    const problem = patternProblem(from, to);
    if (problem !== undefined) return problem;
    found[field === 'name' ? 'owners' : 'values'] = { from, to: to.toLowerCase() };
    at += 4;
  }
  return found;
}

function patternProblem(from: string, to: string): string | undefined {
  const compiled = compileCapturingRegex(from);
  if (!compiled.ok) return compiled.problem;
  const missing = [...to.matchAll(/\{(\d+)\}/g)].find(([, index]) => Number(index) > compiled.regex.groups);
  return missing && `${from} has no group ${missing[0]}`;
}
