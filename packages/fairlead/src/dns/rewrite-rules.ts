import { type CapturingRegex, compileCapturingRegex } from '../regex/capturing-regex.ts';
import { DnsError } from './dns-error.ts';
import { normalizeName } from './owner-names.ts';
import type { OwnerName } from './program.ts';

/**
 * Answers a name as an alias of another: the name itself, all names below a suffix, all names that begin with or
 * have a text, which is replaced, or all that a pattern matches (with the trailing dot), which become `to` as a whole, with
 * `{1}` for what its first group captured.
 */
export interface RewriteRule {
  readonly kind: 'exact' | 'prefix' | 'suffix' | 'substring' | 'regex';
  readonly from: OwnerName;
  readonly to: OwnerName;
  /** What owners of the answer are called. Default `alias`: as they are, after an alias that leads to them. */
  readonly owners?: RewrittenOwners;
  /** What names in the data of records become, such as the target of an SRV record. Default: they stay. */
  readonly values?: NamePattern;
}

/** Names that a pattern matches (with the trailing dot) become `to`, with `{1}` for what its first group captured. */
export interface NamePattern {
  readonly from: string;
  readonly to: string;
}

/** `asked`: the target's records have the name that was asked for; else those of a pattern are renamed. */
export type RewrittenOwners = 'asked' | NamePattern;

/** Where a name leads. */
export interface Rewritten {
  readonly target: OwnerName;
  /** The new name of an owner in the answer; absent: the answer begins with an alias. */
  readonly nameOf?: (owner: OwnerName) => OwnerName;
  /** The new name in the data of a record; absent: all stay. */
  readonly dataNameOf?: (name: OwnerName) => OwnerName;
}

interface Compiled {
  readonly rule: RewriteRule;
  readonly from: CapturingRegex | undefined;
  readonly owners: CapturingRegex | undefined;
  readonly values: CapturingRegex | undefined;
}

/** Rules, ready to use; the first that fits a name decides. */
export class RewriteRules {
  readonly #rules: readonly Compiled[];

  /** @throws DnsError `options` for a pattern that is none. */
  constructor(rules: readonly RewriteRule[]) {
    this.#rules = rules.map((rule) => ({
      rule,
      from: rule.kind === 'regex' ? checkedRegex(rule.from) : undefined,
      owners: typeof rule.owners === 'object' ? checkedRegex(rule.owners.from) : undefined,
      values: rule.values && checkedRegex(rule.values.from),
    }));
  }

  /** What a lower-case name is to be answered as; absent: no rule fits. */
  find(owner: OwnerName): Rewritten | undefined {
    for (const compiled of this.#rules) {
      const target = targetOf(compiled.rule, owner, compiled.from);
      if (target !== undefined) return { target, ...renamings(compiled, owner, target) };
    }
    return undefined;
  }
}

/** What a rule makes of names in the answer. */
function renamings({ rule, owners, values }: Compiled, asked: OwnerName, target: OwnerName): Omit<Rewritten, 'target'> {
  const by =
    (regex: CapturingRegex | undefined, to: string) =>
    (name: OwnerName): OwnerName =>
      replaced(regex, name, to) ?? name;
  const dataNameOf = rule.values && by(values, rule.values.to);
  const more: Omit<Rewritten, 'target'> = dataNameOf === undefined ? {} : { dataNameOf };
  if (rule.owners === undefined) return more;
  if (rule.owners !== 'asked') return { ...more, nameOf: by(owners, rule.owners.to) };
  return { ...more, nameOf: (name) => (name === target ? asked : name) };
}

function checkedRegex(pattern: string): CapturingRegex {
  const result = compileCapturingRegex(pattern);
  if (!result.ok) throw new DnsError('options', `rewrite: ${result.problem}`);
  return result.regex;
}

function targetOf({ kind, from, to }: RewriteRule, owner: OwnerName, regex?: CapturingRegex): OwnerName | undefined {
  switch (kind) {
    case 'exact':
      return owner === from ? to : undefined;
    case 'prefix':
      return owner.startsWith(from) ? normalizeName(`${to}${owner.slice(from.length)}`) : undefined;
    case 'substring':
      return owner.includes(from) ? normalizeName(owner.replaceAll(from, to)) : undefined;
    case 'suffix':
      return owner.endsWith(`.${from}`) ? `${owner.slice(0, -from.length)}${to}` : undefined;
    case 'regex':
      return replaced(regex, owner, to);
  }
}

/** `to` with the groups of a match in the place of their numbers; absent: no match. */
function replaced(regex: CapturingRegex | undefined, owner: OwnerName, to: string): OwnerName | undefined {
  const match = regex?.match(`${owner}.`);
  return match && normalizeName(to.replace(/\{(\d{1,3})\}/g, (_, index: string) => match.groups[Number(index)] ?? ''));
}
