import { compileCapturingRegex } from '../../regex/capturing-regex.ts';
import { normalizeName } from '../owner-names.ts';
import type { RewriteRule, RewrittenOwners } from '../rewrite-rules.ts';
import type { CorefileDirective } from './parse-corefile.ts';

/** A rule, or why it is none; `left` says what of the line is not taken. */
export type ImportedRewrite =
  | { readonly ok: true; readonly rule: RewriteRule; readonly left: string }
  | { readonly ok: false; readonly problem: string };

const kinds: readonly RewriteRule['kind'][] = ['exact', 'prefix', 'suffix', 'substring', 'regex'];
const no = (problem: string): ImportedRewrite => ({ ok: false, problem });

/** `rewrite [stop|continue] name [KIND] FROM TO [answer auto|answer name FROM TO]`, in one line or a block. */
export function importRewrite(directive: CorefileDirective): ImportedRewrite {
  const words = [...directive.args, ...directive.block.flatMap(({ name, args }) => [name, ...args])];
  const args = words.filter((arg, index) => index > 0 || (arg !== 'stop' && arg !== 'continue'));
  if (args[0] !== 'name') return no('only names are rewritten');
  const kind = kinds.find((one) => one === args[1]);
  const [from, to, ...answer] = args.slice(kind === undefined ? 1 : 2);
  if (from === undefined || to === undefined) return no('names no name to rewrite to');
  const owners = readOwners(answer);
  if (typeof owners === 'string' && owners !== 'asked') return no(owners);
  const rule = makeRule(kind ?? 'exact', from, to);
  const problem = rule.kind === 'regex' ? patternProblem(from, to) : undefined;
  if (problem !== undefined) return no(problem);
  const left = answer.includes('value') ? '; not taken: answer value' : '';
  return { ok: true, rule: owners === undefined ? rule : { ...rule, owners }, left };
}

function makeRule(kind: RewriteRule['kind'], from: string, to: string): RewriteRule {
  if (kind === 'regex') return { kind, from, to: to.toLowerCase() };
  // Parts of names keep their dots: `old-` is not a name, `.lan.` is a suffix.
  if (kind === 'prefix' || kind === 'substring') return { kind, from: from.toLowerCase(), to: to.toLowerCase() };
  const clean = (name: string): string => normalizeName(name).replace(/^\./, '');
  return { kind, from: clean(from), to: clean(to) };
}

/** What an `answer` option makes of owners; another text says what is wrong. */
function readOwners(words: readonly string[]): RewrittenOwners | string | undefined {
  const at = words.indexOf('name');
  if (words.length === 0) return undefined;
  if (words[0] !== 'answer') return `${words[0]} is not known`;
  if (words[1] === 'auto') return 'asked';
  if (at < 0) return undefined;
  const [from, to] = words.slice(at + 1);
  if (from === undefined || to === undefined) return 'answer name has no name to rewrite to';
  return patternProblem(from, to) ?? { from, to: to.toLowerCase() };
}

function patternProblem(from: string, to: string): string | undefined {
  const compiled = compileCapturingRegex(from);
  if (!compiled.ok) return compiled.problem;
  const missing = [...to.matchAll(/\{(\d+)\}/g)].find(([, index]) => Number(index) > compiled.regex.groups);
  return missing && `${from} has no group ${missing[0]}`;
}
