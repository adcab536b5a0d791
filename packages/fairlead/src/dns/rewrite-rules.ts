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
}

/** `asked`: the target's records have the name that was asked for; else names that a pattern matches become `to`. */
export type RewrittenOwners = 'asked' | { readonly from: string; readonly to: string };

/** Where a name leads. */
export interface Rewritten {
  readonly target: OwnerName;
  /** The new name of an owner in the answer; absent: the answer begins with an alias. */
  readonly nameOf?: (owner: OwnerName) => OwnerName;
}

interface Compiled {
  readonly rule: RewriteRule;
  readonly from: CapturingRegex | undefined;
  readonly owners: CapturingRegex | undefined;
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
    }));
  }

  /** What a lower-case name is to be answered as; absent: no rule fits. */
  find(owner: OwnerName): Rewritten | undefined {
    for (const { rule, from, owners } of this.#rules) {
      const target = targetOf(rule, owner, from);
      if (target === undefined) continue;
      if (rule.owners === undefined) return { target };
      if (rule.owners === 'asked') return { target, nameOf: (name) => (name === target ? owner : name) };
      const { to } = rule.owners;
      return { target, nameOf: (name) => replaced(owners, name, to) ?? name };
    }
    return undefined;
  }
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
