// Hot path: `matches` runs for every request and schema.
import type {
  FlowcontrolSubject,
  FlowSchemaSpec,
  NonResourcePolicyRule,
  PriorityLevelConfigurationSpec,
  ResourcePolicyRule,
} from '@fairlead/api/types';
import type { UserInfo } from '../server/api-request.ts';
import type { RequestAttributes } from '../server/authorize.ts';
import { defaultFlowSchemas, defaultPriorityLevels } from './default-flows.ts';

/** What tells the flows of one schema apart. */
type Distinguisher = 'user' | 'namespace' | 'none';

/** Which requests belong together, and at what priority they are served. */
export interface FlowSchema {
  readonly name: string;
  /** Empty for a default one that is not stored yet. */
  readonly uid: string;
  readonly level: string;
  readonly distinguisher: Distinguisher;
  matches(user: UserInfo, wanted: RequestAttributes): boolean;
}

/** A share of the places and what happens to requests that find none. */
export interface PriorityLevel {
  readonly name: string;
  /** Empty for a default one that is not stored yet. */
  readonly uid: string;
  /** Requests are served at once, whatever the load. */
  readonly exempt: boolean;
  /** Part of the places, against the sum of all levels. */
  readonly shares: number;
  /** Part of its places, in percent, that others may use while it does not. */
  readonly lendablePercent: number;
  /** How much it may borrow, in percent of its own places; absent: no bound. */
  readonly borrowingLimitPercent?: number;
  /** Absent: a request that finds no place is refused. */
  readonly queuing?: { readonly queues: number; readonly handSize: number; readonly queueLength: number };
}

/** How requests are told apart and what each sort gets. */
export interface FlowConfig {
  /** In the order in which they are asked; none names a level that is not there. */
  readonly schemas: readonly FlowSchema[];
  /** For requests that no schema is for. */
  readonly fallback: FlowSchema;
  readonly levels: readonly PriorityLevel[];
}

/** A stored FlowSchema or PriorityLevelConfiguration, as far as it matters here. */
export interface FlowObject<Spec> {
  readonly name: string;
  readonly uid: string;
  readonly spec: Spec;
}

const catchAll = 'catch-all';

/**
 * What stored objects say, with the mandatory ones even where they are missing. Schemas are asked by precedence, then
 * by name; one whose level does not exist is not asked.
 */
export function compileFlowConfig(
  schemas: readonly FlowObject<FlowSchemaSpec>[],
  levels: readonly FlowObject<PriorityLevelConfigurationSpec>[],
): FlowConfig {
  const allLevels = withMandatory(levels, defaultPriorityLevels).map(priorityLevel);
  const names = new Set(allLevels.map(({ name }) => name));
  const all = withMandatory(schemas, defaultFlowSchemas)
    .filter(({ spec }) => names.has(spec.priorityLevelConfiguration.name))
    .sort((a, b) => precedence(a) - precedence(b) || (a.name < b.name ? -1 : 1))
    .map(flowSchema);
  return { schemas: all, fallback: all.find(({ name }) => name === catchAll)!, levels: allLevels };
}

/** What every cluster has, before anything is stored. */
export function defaultFlowConfig(): FlowConfig {
  const stored = <Spec>({ name, spec }: { readonly name: string; readonly spec: Spec }): FlowObject<Spec> => ({
    name,
    uid: '',
    spec,
  });
  return compileFlowConfig(defaultFlowSchemas.map(stored), defaultPriorityLevels.map(stored));
}

function withMandatory<Spec>(
  stored: readonly FlowObject<Spec>[],
  defaults: readonly { readonly name: string; readonly spec: Spec; readonly mandatory: boolean }[],
): FlowObject<Spec>[] {
  const missing = defaults.filter(({ name, mandatory }) => mandatory && !stored.some((one) => one.name === name));
  return [...stored, ...missing.map(({ name, spec }) => ({ name, uid: '', spec }))];
}

function precedence({ spec }: FlowObject<FlowSchemaSpec>): number {
  return spec.matchingPrecedence ?? 1000;
}

function priorityLevel({ name, uid, spec }: FlowObject<PriorityLevelConfigurationSpec>): PriorityLevel {
  const { exempt, limited } = spec;
  if (spec.type === 'Exempt') {
    const shares = exempt?.nominalConcurrencyShares ?? 0;
    return { name, uid, exempt: true, shares, lendablePercent: exempt?.lendablePercent ?? 0 };
  }
  const queuing = limited?.limitResponse?.queuing;
  const borrowing = limited?.borrowingLimitPercent;
  return {
    name,
    uid,
    exempt: false,
    shares: limited?.nominalConcurrencyShares ?? 30,
    lendablePercent: limited?.lendablePercent ?? 0,
    ...(borrowing === undefined ? {} : { borrowingLimitPercent: borrowing }),
    ...(limited?.limitResponse?.type !== 'Queue'
      ? {}
      : {
          queuing: {
            queues: queuing?.queues ?? 64,
            handSize: queuing?.handSize ?? 8,
            queueLength: queuing?.queueLengthLimit ?? 50,
          },
        }),
  };
}

const distinguishers: Readonly<Record<string, Distinguisher>> = { ByUser: 'user', ByNamespace: 'namespace' };

function flowSchema({ name, uid, spec }: FlowObject<FlowSchemaSpec>): FlowSchema {
  const rules = (spec.rules ?? []).map(({ subjects, resourceRules = [], nonResourceRules = [] }) => {
    const isFor = subjectTest(subjects);
    return (user: UserInfo, wanted: RequestAttributes): boolean =>
      (wanted.kind === 'resource'
        ? resourceRules.some((rule) => matchesResource(rule, wanted))
        : nonResourceRules.some((rule) => matchesPath(rule, wanted))) && isFor(user);
  });
  return {
    name,
    uid,
    level: spec.priorityLevelConfiguration.name,
    distinguisher: distinguishers[spec.distinguisherMethod?.type ?? ''] ?? 'none',
    matches: (user, wanted) => rules.some((rule) => rule(user, wanted)),
  };
}

function subjectTest(subjects: readonly FlowcontrolSubject[]): (user: UserInfo) => boolean {
  const names = new Set<string>();
  const groups = new Set<string>();
  const prefixes: string[] = [];
  for (const { user, group, serviceAccount } of subjects) {
    if (user !== undefined) names.add(user.name);
    if (group !== undefined) groups.add(group.name);
    if (serviceAccount === undefined) continue;
    const prefix = `system:serviceaccount:${serviceAccount.namespace}:`;
    if (serviceAccount.name === '*') prefixes.push(prefix);
    else names.add(prefix + serviceAccount.name);
  }
  if (names.has('*') || groups.has('*')) return () => true;
  return (user) =>
    names.has(user.name) ||
    user.groups.some((group) => groups.has(group)) ||
    prefixes.some((prefix) => user.name.startsWith(prefix));
}

function includes(list: readonly string[] | undefined, value: string): boolean {
  return list !== undefined && (list.includes(value) || list.includes('*'));
}

function matchesResource(rule: ResourcePolicyRule, wanted: Extract<RequestAttributes, { kind: 'resource' }>): boolean {
  const { resource, subresource, namespace } = wanted;
  return (
    includes(rule.verbs, wanted.verb) &&
    includes(rule.apiGroups, wanted.group) &&
    includes(rule.resources, subresource === '' ? resource : `${resource}/${subresource}`) &&
    (namespace === '' ? rule.clusterScope === true : includes(rule.namespaces, namespace))
  );
}

function matchesPath(rule: NonResourcePolicyRule, wanted: Extract<RequestAttributes, { kind: 'path' }>): boolean {
  const { path } = wanted;
  return (
    includes(rule.verbs, wanted.verb) &&
    (includes(rule.nonResourceURLs, path) ||
      rule.nonResourceURLs.some((url) => url.endsWith('/*') && path.startsWith(url.slice(0, -1))))
  );
}

/** What tells this request's flow from others of the same schema. */
export function flowDistinguisher(schema: FlowSchema, user: UserInfo, wanted: RequestAttributes): string {
  switch (schema.distinguisher) {
    case 'user':
      return user.name;
    case 'namespace':
      return wanted.kind === 'resource' ? wanted.namespace : '';
    case 'none':
      return '';
  }
}
