import type { ResourceAttributes } from '../authorization/policy-rule.ts';
import type { UserInfo } from '../server/api-request.ts';
import type { RequestAttributes } from '../server/authorize.ts';

/** What tells the flows of one schema apart. */
export type Distinguisher = 'user' | 'namespace' | 'none';

/** Which requests belong together, and at what priority they are served. */
export interface FlowSchema {
  readonly name: string;
  readonly level: string;
  readonly distinguisher: Distinguisher;
  matches(user: UserInfo, wanted: RequestAttributes): boolean;
}

/** A share of the places and what happens to requests that find none. */
export interface PriorityLevel {
  readonly name: string;
  /** Part of the places, against the sum of all levels. */
  readonly shares: number;
  /** Part of its places, in percent, that others may use while it does not. */
  readonly lendablePercent: number;
  /** Absent: a request that finds no place is refused. */
  readonly queuing?: { readonly queues: number; readonly handSize: number; readonly queueLength: number };
}

/** Requests of this level are served at once, whatever the load. */
export const exemptLevel = 'exempt';

/** The levels of a Kubernetes server (KEP-1040), without `exempt`. */
export const priorityLevels: readonly PriorityLevel[] = [
  {
    name: 'leader-election',
    shares: 10,
    lendablePercent: 0,
    queuing: { queues: 16, handSize: 4, queueLength: 50 },
  },
  { name: 'node-high', shares: 40, lendablePercent: 25, queuing: { queues: 64, handSize: 6, queueLength: 50 } },
  { name: 'system', shares: 30, lendablePercent: 33, queuing: { queues: 64, handSize: 6, queueLength: 50 } },
  { name: 'workload-high', shares: 40, lendablePercent: 50, queuing: { queues: 128, handSize: 6, queueLength: 50 } },
  { name: 'workload-low', shares: 100, lendablePercent: 90, queuing: { queues: 128, handSize: 6, queueLength: 50 } },
  { name: 'global-default', shares: 20, lendablePercent: 50, queuing: { queues: 128, handSize: 6, queueLength: 50 } },
  { name: 'catch-all', shares: 5, lendablePercent: 0 },
];

const probePaths: ReadonlySet<string> = new Set(['/healthz', '/livez', '/readyz']);
const leaseVerbs: ReadonlySet<string> = new Set(['get', 'create', 'update']);
const kubeSystemAccounts = 'system:serviceaccounts:kube-system';

function inGroup(group: string): (user: UserInfo) => boolean {
  return (user) => user.groups.includes(group);
}

function isUser(...names: readonly string[]): (user: UserInfo) => boolean {
  return (user) => names.includes(user.name);
}

function isLease(wanted: RequestAttributes): wanted is { kind: 'resource' } & ResourceAttributes {
  return wanted.kind === 'resource' && wanted.group === 'coordination.k8s.io' && wanted.resource === 'leases';
}

function isOwnNodeRequest(wanted: RequestAttributes): boolean {
  if (isLease(wanted)) return true;
  return wanted.kind === 'resource' && wanted.group === '' && wanted.resource === 'nodes';
}

const controllers = isUser('system:kube-controller-manager', 'system:fairlead:controllers');

/** The schemas of a Kubernetes server and one for our gateways, in order of precedence; the last takes everything. */
export const flowSchemas: readonly FlowSchema[] = [
  { name: 'exempt', level: exemptLevel, distinguisher: 'none', matches: inGroup('system:masters') },
  {
    name: 'probes',
    level: exemptLevel,
    distinguisher: 'none',
    matches: (_, wanted) => wanted.kind === 'path' && wanted.verb === 'get' && probePaths.has(wanted.path),
  },
  {
    name: 'system-leader-election',
    level: 'leader-election',
    distinguisher: 'user',
    matches: (user, wanted) =>
      isLease(wanted) &&
      leaseVerbs.has(wanted.verb) &&
      (controllers(user) || user.name === 'system:kube-scheduler' || user.groups.includes(kubeSystemAccounts)),
  },
  {
    name: 'system-node-high',
    level: 'node-high',
    distinguisher: 'user',
    matches: (user, wanted) => user.groups.includes('system:nodes') && isOwnNodeRequest(wanted),
  },
  { name: 'system-nodes', level: 'system', distinguisher: 'user', matches: inGroup('system:nodes') },
  { name: 'fairlead-agents', level: 'system', distinguisher: 'user', matches: inGroup('system:fairlead:agents') },
  { name: 'fairlead-gateways', level: 'system', distinguisher: 'user', matches: inGroup('system:fairlead:gateways') },
  { name: 'kube-controller-manager', level: 'workload-high', distinguisher: 'namespace', matches: controllers },
  {
    name: 'kube-scheduler',
    level: 'workload-high',
    distinguisher: 'namespace',
    matches: isUser('system:kube-scheduler'),
  },
  {
    name: 'kube-system-service-accounts',
    level: 'workload-high',
    distinguisher: 'namespace',
    matches: inGroup(kubeSystemAccounts),
  },
  {
    name: 'service-accounts',
    level: 'workload-low',
    distinguisher: 'user',
    matches: inGroup('system:serviceaccounts'),
  },
  {
    name: 'global-default',
    level: 'global-default',
    distinguisher: 'user',
    matches: (user) => user.groups.includes('system:authenticated') || user.groups.includes('system:unauthenticated'),
  },
  { name: 'catch-all', level: 'catch-all', distinguisher: 'user', matches: () => true },
];

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
