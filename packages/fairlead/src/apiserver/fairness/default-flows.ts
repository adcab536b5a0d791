import type { FlowcontrolSubject, FlowSchemaSpec, PriorityLevelConfigurationSpec } from '@fairlead/api/types';

/** A flow schema or priority level that every cluster has. */
export interface DefaultFlowObject<Spec> {
  readonly name: string;
  readonly spec: Spec;
  /** It cannot be changed; what is not mandatory follows these defaults only while its annotation says so. */
  readonly mandatory: boolean;
}

const all = ['*'];
const everything = [{ verbs: all, apiGroups: all, resources: all, namespaces: all, clusterScope: true }];
const anyPath = [{ verbs: all, nonResourceURLs: all }];

function groups(...names: readonly string[]): FlowcontrolSubject[] {
  return names.map((name) => ({ kind: 'Group', group: { name } }));
}

function users(...names: readonly string[]): FlowcontrolSubject[] {
  return names.map((name) => ({ kind: 'User', user: { name } }));
}

const everybody = groups('system:unauthenticated', 'system:authenticated');
const kubeSystemAccounts: FlowcontrolSubject = {
  kind: 'ServiceAccount',
  serviceAccount: { namespace: 'kube-system', name: '*' },
};
const leases = [
  { verbs: ['get', 'create', 'update'], apiGroups: ['coordination.k8s.io'], resources: ['leases'], namespaces: all },
];

function level(
  name: string,
  shares: number,
  lendablePercent: number,
  queues: number,
  handSize: number,
): DefaultFlowObject<PriorityLevelConfigurationSpec> {
  const limitResponse =
    queues === 0 ? { type: 'Reject' } : { type: 'Queue', queuing: { queues, handSize, queueLengthLimit: 50 } };
  const spec = { type: 'Limited', limited: { nominalConcurrencyShares: shares, limitResponse, lendablePercent } };
  return { name, mandatory: name === 'catch-all', spec };
}

/** The levels of a Kubernetes server (KEP-1040). */
export const defaultPriorityLevels: readonly DefaultFlowObject<PriorityLevelConfigurationSpec>[] = [
  {
    name: 'exempt',
    mandatory: true,
    spec: { type: 'Exempt', exempt: { nominalConcurrencyShares: 0, lendablePercent: 0 } },
  },
  level('catch-all', 5, 0, 0, 0),
  level('system', 30, 33, 64, 6),
  level('node-high', 40, 25, 64, 6),
  level('leader-election', 10, 0, 16, 4),
  level('workload-high', 40, 50, 128, 6),
  level('workload-low', 100, 90, 128, 6),
  level('global-default', 20, 50, 128, 6),
];

type Part = 'ByUser' | 'ByNamespace' | '';

function schema(
  name: string,
  levelName: string,
  matchingPrecedence: number,
  distinguisher: Part,
  subjects: FlowcontrolSubject[],
  rules: Pick<NonNullable<FlowSchemaSpec['rules']>[number], 'resourceRules' | 'nonResourceRules'> = {
    resourceRules: everything,
    nonResourceRules: anyPath,
  },
): DefaultFlowObject<FlowSchemaSpec> {
  return {
    name,
    mandatory: name === 'exempt' || name === 'catch-all',
    spec: {
      priorityLevelConfiguration: { name: levelName },
      matchingPrecedence,
      ...(distinguisher === '' ? {} : { distinguisherMethod: { type: distinguisher } }),
      rules: [{ subjects, ...rules }],
    },
  };
}

/** The schemas of a Kubernetes server, and those of our own parts. */
export const defaultFlowSchemas: readonly DefaultFlowObject<FlowSchemaSpec>[] = [
  schema('exempt', 'exempt', 1, '', groups('system:masters')),
  schema('probes', 'exempt', 2, '', everybody, {
    nonResourceRules: [{ verbs: ['get'], nonResourceURLs: ['/healthz', '/readyz', '/livez'] }],
  }),
  schema(
    'system-leader-election',
    'leader-election',
    100,
    'ByUser',
    [...users('system:kube-controller-manager', 'system:kube-scheduler'), kubeSystemAccounts],
    { resourceRules: leases },
  ),
  schema('fairlead-leader-election', 'leader-election', 100, 'ByUser', users('system:fairlead:controllers'), {
    resourceRules: leases,
  }),
  schema('system-node-high', 'node-high', 400, 'ByUser', groups('system:nodes'), {
    resourceRules: [
      { verbs: all, apiGroups: [''], resources: ['nodes', 'nodes/status'], namespaces: all, clusterScope: true },
      { verbs: all, apiGroups: ['coordination.k8s.io'], resources: ['leases'], namespaces: all },
    ],
  }),
  schema('system-nodes', 'system', 500, 'ByUser', groups('system:nodes')),
  schema('fairlead-agents', 'system', 500, 'ByUser', groups('system:fairlead:agents')),
  schema('fairlead-gateways', 'system', 500, 'ByUser', groups('system:fairlead:gateways')),
  schema('kube-controller-manager', 'workload-high', 800, 'ByNamespace', users('system:kube-controller-manager')),
  schema('fairlead-controllers', 'workload-high', 800, 'ByNamespace', users('system:fairlead:controllers')),
  schema('kube-scheduler', 'workload-high', 800, 'ByNamespace', users('system:kube-scheduler')),
  schema('kube-system-service-accounts', 'workload-high', 900, 'ByNamespace', [kubeSystemAccounts]),
  schema('service-accounts', 'workload-low', 9000, 'ByUser', groups('system:serviceaccounts')),
  schema('global-default', 'global-default', 9900, 'ByUser', everybody),
  schema('catch-all', 'catch-all', 10_000, 'ByUser', everybody),
];
