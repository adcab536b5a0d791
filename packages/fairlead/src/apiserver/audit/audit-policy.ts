import { readFileSync } from 'node:fs';
import { yamlLibrary } from '../rest/yaml-library.ts';
import type { UserInfo } from '../server/api-request.ts';
import type { RequestAttributes } from '../server/authorize.ts';
import { recordOf } from '../watch/kube-object.ts';

/** How much of a request is written, from nothing to both bodies. */
export type AuditLevel = 'None' | 'Metadata' | 'Request' | 'RequestResponse';

/** When an event is written. */
export type AuditStage = 'RequestReceived' | 'ResponseStarted' | 'ResponseComplete' | 'Panic';

const levels: readonly AuditLevel[] = ['None', 'Metadata', 'Request', 'RequestResponse'];
const stages: readonly AuditStage[] = ['RequestReceived', 'ResponseStarted', 'ResponseComplete', 'Panic'];

/** What is written about one request. */
export interface AuditDecision {
  readonly level: AuditLevel;
  readonly omitStages: ReadonlySet<AuditStage>;
  readonly omitManagedFields: boolean;
}

/** One rule of a policy; empty lists match everything. */
interface AuditRule extends AuditDecision {
  readonly users: readonly string[];
  readonly userGroups: readonly string[];
  readonly verbs: readonly string[];
  readonly resources: readonly AuditResources[];
  readonly namespaces: readonly string[];
  readonly nonResourceURLs: readonly string[];
}

interface AuditResources {
  readonly group: string;
  readonly resources: readonly string[];
  readonly resourceNames: readonly string[];
}

/** An `audit.k8s.io/v1` Policy, complete. */
export interface AuditPolicy {
  readonly rules: readonly AuditRule[];
}

const nothing: AuditDecision = { level: 'None', omitStages: new Set(), omitManagedFields: false };

/** Without a policy file: who did what and how it ended, for everything. */
export const defaultAuditPolicy: AuditPolicy = {
  rules: [
    {
      level: 'Metadata',
      omitStages: new Set<AuditStage>(['RequestReceived', 'ResponseStarted']),
      omitManagedFields: false,
      users: [],
      userGroups: [],
      verbs: [],
      resources: [],
      namespaces: [],
      nonResourceURLs: [],
    },
  ],
};

/** A policy or everything that is wrong with it, with field paths. */
export type ParsedAuditPolicy =
  | { readonly ok: true; readonly policy: AuditPolicy }
  | { readonly ok: false; readonly problems: readonly string[] };

/** Reads a policy file; problems name the file. */
export function readAuditPolicy(file: string): ParsedAuditPolicy {
  let text: string;
  try {
    text = readFileSync(file, 'utf8');
  } catch (error) {
    return { ok: false, problems: [`${file}: ${(error as Error).message}`] };
  }
  const parsed = parseAuditPolicy(text);
  return parsed.ok ? parsed : { ok: false, problems: parsed.problems.map((problem) => `${file}: ${problem}`) };
}

/** Parses and checks the YAML or JSON text of a policy. */
export function parseAuditPolicy(text: string): ParsedAuditPolicy {
  let value: unknown;
  try {
    value = yamlLibrary().parse(text);
  } catch (error) {
    return { ok: false, problems: [(error as Error).message.split('\n', 1)[0] ?? ''] };
  }
  const problems: string[] = [];
  const root = recordOf(value);
  if (root?.apiVersion !== 'audit.k8s.io/v1' || root.kind !== 'Policy') {
    return { ok: false, problems: ['must be a Policy of audit.k8s.io/v1'] };
  }
  const reader = new PolicyReader(problems);
  reader.known(root, '', ['apiVersion', 'kind', 'metadata', 'rules', 'omitStages', 'omitManagedFields']);
  const omitStages = reader.stages(root, '');
  const omitManagedFields = root.omitManagedFields === true;
  const rules = reader.records(root.rules, 'rules').map((rule, index): AuditRule => {
    const path = `rules[${index}]`;
    reader.known(rule, path, ruleFields);
    const resources = reader.records(rule.resources, `${path}.resources`).map((entry, at): AuditResources => {
      const place = `${path}.resources[${at}]`;
      reader.known(entry, place, ['group', 'resources', 'resourceNames']);
      const names = reader.texts(entry, place, 'resourceNames');
      const plurals = reader.texts(entry, place, 'resources');
      if (names.length > 0 && plurals.length === 0) {
        problems.push(`${place}.resourceNames: using resourceNames requires at least one resource`);
      }
      if (typeof entry.group === 'string' && entry.group.includes('/')) {
        problems.push(`${place}.group: must be a group without its version`);
      }
      return { group: String(entry.group ?? ''), resources: plurals, resourceNames: names };
    });
    const urls = reader.texts(rule, path, 'nonResourceURLs');
    if (urls.length > 0 && (resources.length > 0 || reader.texts(rule, path, 'namespaces').length > 0)) {
      problems.push(`${path}.nonResourceURLs: rules cannot apply to both regular resources and non-resource URLs`);
    }
    for (const [at, url] of urls.entries()) {
      if (url !== '*' && !url.startsWith('/')) {
        problems.push(`${path}.nonResourceURLs[${at}]: must start with a slash, or be an asterisk`);
      } else if (url.slice(0, -1).includes('*')) {
        problems.push(`${path}.nonResourceURLs[${at}]: an asterisk is allowed at the end only`);
      }
    }
    const level = levels.find((known) => known === rule.level);
    if (level === undefined) problems.push(`${path}.level: must be one of ${levels.join(', ')}`);
    return {
      level: level ?? 'None',
      omitStages: new Set([...omitStages, ...reader.stages(rule, path)]),
      omitManagedFields: typeof rule.omitManagedFields === 'boolean' ? rule.omitManagedFields : omitManagedFields,
      users: reader.texts(rule, path, 'users'),
      userGroups: reader.texts(rule, path, 'userGroups'),
      verbs: reader.texts(rule, path, 'verbs'),
      resources,
      namespaces: reader.texts(rule, path, 'namespaces'),
      nonResourceURLs: urls,
    };
  });
  if (rules.length === 0) problems.push('rules: must hold at least one rule');
  return problems.length > 0 ? { ok: false, problems } : { ok: true, policy: { rules } };
}

const ruleFields = [
  'level',
  'users',
  'userGroups',
  'verbs',
  'resources',
  'namespaces',
  'nonResourceURLs',
  'omitStages',
  'omitManagedFields',
];

class PolicyReader {
  readonly #problems: string[];

  constructor(problems: string[]) {
    this.#problems = problems;
  }

  known(record: Record<string, unknown>, path: string, fields: readonly string[]): void {
    for (const field of Object.keys(record)) {
      if (!fields.includes(field)) this.#problems.push(`${path === '' ? '' : `${path}.`}${field}: unknown field`);
    }
  }

  records(value: unknown, path: string): Record<string, unknown>[] {
    if (value === undefined || value === null) return [];
    const list = Array.isArray(value) ? (value as unknown[]) : undefined;
    if (list === undefined || list.some((item) => recordOf(item) === undefined)) {
      this.#problems.push(`${path}: must be a list of objects`);
      return [];
    }
    return list.map((item) => recordOf(item) ?? {});
  }

  texts(record: Record<string, unknown>, path: string, field: string): string[] {
    const value = record[field];
    if (value === undefined || value === null) return [];
    if (Array.isArray(value) && value.every((item) => typeof item === 'string')) return value;
    this.#problems.push(`${path}.${field}: must be a list of texts`);
    return [];
  }

  stages(record: Record<string, unknown>, path: string): AuditStage[] {
    return this.texts(record, path, 'omitStages').flatMap((text, index) => {
      const stage = stages.find((known) => known === text);
      if (stage !== undefined) return [stage];
      this.#problems.push(`${path === '' ? '' : `${path}.`}omitStages[${index}]: must be one of ${stages.join(', ')}`);
      return [];
    });
  }
}

/** What the first matching rule says; nothing is written where none matches. */
export function auditDecision(policy: AuditPolicy, user: UserInfo, wanted: RequestAttributes): AuditDecision {
  return policy.rules.find((rule) => ruleMatches(rule, user, wanted)) ?? nothing;
}

function ruleMatches(rule: AuditRule, user: UserInfo, wanted: RequestAttributes): boolean {
  if (rule.users.length > 0 && !rule.users.includes(user.name)) return false;
  if (rule.userGroups.length > 0 && !rule.userGroups.some((group) => user.groups.includes(group))) return false;
  if (rule.verbs.length > 0 && !rule.verbs.includes(wanted.verb)) return false;
  if (wanted.kind === 'path') {
    if (rule.resources.length > 0 || rule.namespaces.length > 0) return false;
    return rule.nonResourceURLs.length === 0 || rule.nonResourceURLs.some((url) => urlMatches(url, wanted.path));
  }
  if (rule.nonResourceURLs.length > 0) return false;
  if (rule.namespaces.length > 0 && !rule.namespaces.includes(wanted.namespace)) return false;
  if (rule.resources.length === 0) return true;
  const { resource, subresource, group, name } = wanted;
  const full = subresource === '' ? resource : `${resource}/${subresource}`;
  return rule.resources.some((entry) => {
    if (entry.group !== group) return false;
    if (entry.resources.length === 0) return true;
    if (entry.resourceNames.length > 0 && !entry.resourceNames.includes(name)) return false;
    return entry.resources.some(
      (text) =>
        text === full ||
        text === '*' ||
        (subresource !== '' && (text === `*/${subresource}` || text === `${resource}/*`)),
    );
  });
}

function urlMatches(pattern: string, path: string): boolean {
  if (pattern === '*' || pattern === path) return true;
  return pattern.endsWith('*') && path.startsWith(pattern.slice(0, -1));
}
