import { type PolicyRule, ruleCovers } from './policy-rule.ts';

/** Everything: what it takes to write an aggregation rule. */
export const fullAuthority: readonly PolicyRule[] = [
  { verbs: ['*'], apiGroups: ['*'], resources: ['*'], resourceNames: [], nonResourceURLs: [] },
  { verbs: ['*'], apiGroups: [], resources: [], resourceNames: [], nonResourceURLs: ['*'] },
];

/** The parts of `wanted` that `held` does not cover: one verb on one resource or path each. */
export function missingRules(held: readonly PolicyRule[], wanted: readonly PolicyRule[]): PolicyRule[] {
  return wanted.flatMap(simpleRules).filter((rule) => !held.some((own) => ruleCovers(own, rule)));
}

/** Splits a rule into rules of one verb on one resource (and name), or on one path. */
function simpleRules(rule: PolicyRule): PolicyRule[] {
  const simple: PolicyRule[] = [];
  const none = { apiGroups: [], resources: [], resourceNames: [], nonResourceURLs: [] };
  for (const group of rule.apiGroups) {
    for (const resource of rule.resources) {
      for (const verb of rule.verbs) {
        const one = { ...none, verbs: [verb], apiGroups: [group], resources: [resource] };
        if (rule.resourceNames.length === 0) simple.push(one);
        for (const name of rule.resourceNames) simple.push({ ...one, resourceNames: [name] });
      }
    }
  }
  for (const url of rule.nonResourceURLs) {
    for (const verb of rule.verbs) simple.push({ ...none, verbs: [verb], nonResourceURLs: [url] });
  }
  return simple;
}

/** Joins the verbs of simple rules about the same resource and name. */
export function compactRules(rules: readonly PolicyRule[]): PolicyRule[] {
  const joined = new Map<string, PolicyRule>();
  const compact: PolicyRule[] = [];
  for (const rule of rules) {
    const { apiGroups, resources, resourceNames, nonResourceURLs } = rule;
    const simple =
      apiGroups.length === 1 && resources.length === 1 && resourceNames.length <= 1 && nonResourceURLs.length === 0;
    if (!simple) {
      compact.push(rule);
      continue;
    }
    const key = JSON.stringify([apiGroups, resources, resourceNames]);
    const same = joined.get(key);
    joined.set(key, same === undefined ? rule : { ...same, verbs: [...same.verbs, ...rule.verbs] });
  }
  return [...compact, ...joined.values()];
}

/** `["a" "b"]`, as Go prints a list of quoted strings. */
export function quotedList(items: readonly string[]): string {
  return `[${items.map((item) => JSON.stringify(item)).join(' ')}]`;
}

/** One line per rule, sorted: how a refusal lists what is missing. */
export function rulesText(rules: readonly PolicyRule[]): string {
  const lines = compactRules(rules).map((rule) => {
    const parts: string[] = [];
    const add = (label: string, items: readonly string[]): void => {
      if (items.length > 0) parts.push(`${label}:${quotedList(items)}`);
    };
    add('APIGroups', rule.apiGroups);
    add('Resources', rule.resources);
    add('NonResourceURLs', rule.nonResourceURLs);
    add('ResourceNames', rule.resourceNames);
    add('Verbs', rule.verbs);
    return `{${parts.join(', ')}}`;
  });
  return [...new Set(lines)].sort().join('\n');
}
