/** One rule as it stands in a role. */
export interface RuleData {
  readonly verbs: readonly string[];
  readonly apiGroups?: readonly string[];
  readonly resources?: readonly string[];
  readonly resourceNames?: readonly string[];
  readonly nonResourceURLs?: readonly string[];
}

/** A role every cluster has. */
export interface DefaultRole {
  readonly name: string;
  readonly rules: readonly RuleData[];
  /** Roles with this label suffix contribute their rules: `rbac.authorization.k8s.io/aggregate-to-…`. */
  readonly aggregate?: string;
  /** This role's own label suffix. */
  readonly aggregatedTo?: string;
}

const read = 'get list watch';
const write = 'create delete deletecollection patch update';

/** Rule about resources of one group; texts are lists separated by blanks, `core` is the empty group. */
function on(group: string, resources: string, verbs: string, names = ''): RuleData {
  return {
    verbs: verbs.split(' '),
    apiGroups: [group === 'core' ? '' : group],
    resources: resources.split(' '),
    ...(names === '' ? {} : { resourceNames: names.split(' ') }),
  };
}

function paths(urls: string, verbs = 'get'): RuleData {
  return { verbs: verbs.split(' '), nonResourceURLs: urls.split(' ') };
}

const events = [
  on('core', 'events', 'create patch update'),
  on('events.k8s.io', 'events', 'create patch update'),
] as const;
const extensionsWrite =
  'daemonsets deployments deployments/rollback deployments/scale ingresses networkpolicies replicasets replicasets/scale replicationcontrollers/scale';
const extensionsRead =
  'daemonsets daemonsets/status deployments deployments/scale deployments/status ingresses ingresses/status networkpolicies replicasets replicasets/scale replicasets/status replicationcontrollers/scale';

/** For people: what the roles admin, edit and view are made of. */
const userRoles: readonly DefaultRole[] = [
  {
    name: 'cluster-admin',
    rules: [{ verbs: ['*'], apiGroups: ['*'], resources: ['*'] }, paths('*', '*')],
  },
  { name: 'admin', rules: [], aggregate: 'admin' },
  { name: 'edit', rules: [], aggregate: 'edit', aggregatedTo: 'admin' },
  { name: 'view', rules: [], aggregate: 'view', aggregatedTo: 'edit' },
  {
    name: 'system:aggregate-to-admin',
    aggregatedTo: 'admin',
    rules: [
      on('authorization.k8s.io', 'localsubjectaccessreviews', 'create'),
      on(
        'rbac.authorization.k8s.io',
        'rolebindings roles',
        'create delete deletecollection get list patch update watch',
      ),
    ],
  },
  {
    name: 'system:aggregate-to-edit',
    aggregatedTo: 'edit',
    rules: [
      on('core', 'pods/attach pods/exec pods/portforward pods/proxy secrets services/proxy', read),
      on('core', 'serviceaccounts', 'impersonate'),
      on('core', 'pods pods/attach pods/exec pods/portforward pods/proxy', write),
      on('core', 'pods/eviction', 'create'),
      on(
        'core',
        'configmaps events persistentvolumeclaims replicationcontrollers replicationcontrollers/scale secrets serviceaccounts services services/proxy',
        write,
      ),
      on('core', 'serviceaccounts/token', 'create'),
      on(
        'apps',
        'daemonsets deployments deployments/rollback deployments/scale replicasets replicasets/scale statefulsets statefulsets/scale',
        write,
      ),
      on('autoscaling', 'horizontalpodautoscalers', write),
      on('batch', 'cronjobs jobs', write),
      on('extensions', extensionsWrite, write),
      on('policy', 'poddisruptionbudgets', write),
      on('networking.k8s.io', 'ingresses networkpolicies', write),
      on('coordination.k8s.io', 'leases', 'create delete deletecollection get list patch update watch'),
      on('resource.k8s.io', 'resourceclaims resourceclaimtemplates', write),
    ],
  },
  {
    name: 'system:aggregate-to-view',
    aggregatedTo: 'view',
    rules: [
      on(
        'core',
        'configmaps endpoints persistentvolumeclaims persistentvolumeclaims/status pods replicationcontrollers replicationcontrollers/scale serviceaccounts services services/status',
        read,
      ),
      on(
        'core',
        'bindings events limitranges namespaces/status pods/log pods/status replicationcontrollers/status resourcequotas resourcequotas/status',
        read,
      ),
      on('core', 'namespaces', read),
      on('discovery.k8s.io', 'endpointslices', read),
      on(
        'apps',
        'controllerrevisions daemonsets daemonsets/status deployments deployments/scale deployments/status replicasets replicasets/scale replicasets/status statefulsets statefulsets/scale statefulsets/status',
        read,
      ),
      on('autoscaling', 'horizontalpodautoscalers horizontalpodautoscalers/status', read),
      on('batch', 'cronjobs cronjobs/status jobs jobs/status', read),
      on('extensions', extensionsRead, read),
      on('policy', 'poddisruptionbudgets poddisruptionbudgets/status', read),
      on('networking.k8s.io', 'ingresses ingresses/status networkpolicies', read),
      on('resource.k8s.io', 'resourceclaims resourceclaims/status resourceclaimtemplates', read),
    ],
  },
];

/** For everyone, and for outside systems. */
const systemRoles: readonly DefaultRole[] = [
  {
    name: 'system:discovery',
    rules: [paths('/api /api/* /apis /apis/* /healthz /livez /openapi /openapi/* /readyz /version /version/')],
  },
  { name: 'system:public-info-viewer', rules: [paths('/healthz /livez /readyz /version /version/')] },
  {
    name: 'system:basic-user',
    rules: [
      on('authorization.k8s.io', 'selfsubjectaccessreviews selfsubjectrulesreviews', 'create'),
      on('authentication.k8s.io', 'selfsubjectreviews', 'create'),
    ],
  },
  {
    name: 'system:service-account-issuer-discovery',
    rules: [
      paths('/.well-known/openid-configuration /.well-known/openid-configuration/ /openid/v1/jwks /openid/v1/jwks/'),
    ],
  },
  {
    name: 'system:monitoring',
    rules: [paths('/healthz /healthz/* /livez /livez/* /metrics /metrics/slis /readyz /readyz/*')],
  },
  {
    name: 'system:auth-delegator',
    rules: [
      on('authentication.k8s.io', 'tokenreviews', 'create'),
      on('authorization.k8s.io', 'subjectaccessreviews', 'create'),
    ],
  },
  {
    name: 'system:kubelet-api-admin',
    rules: [
      on('core', 'nodes', 'get list watch proxy'),
      on('core', 'nodes/log nodes/metrics nodes/proxy nodes/stats', '*'),
    ],
  },
  {
    name: 'system:node',
    rules: [
      on('authentication.k8s.io', 'tokenreviews', 'create'),
      on('authorization.k8s.io', 'localsubjectaccessreviews subjectaccessreviews', 'create'),
      on('core', 'services', read),
      on('core', 'nodes', 'create get list watch'),
      on('core', 'nodes/status', 'patch update'),
      on('core', 'nodes', 'patch update'),
      on('core', 'pods', read),
      on('core', 'pods', 'create delete'),
      on('core', 'pods/status', 'patch update'),
      on('core', 'pods/eviction', 'create'),
      on('core', 'configmaps secrets', read),
      on('core', 'persistentvolumeclaims persistentvolumes', 'get'),
      on('core', 'endpoints', 'get'),
      on('core', 'serviceaccounts/token', 'create'),
      on('core', 'serviceaccounts', read),
      on('coordination.k8s.io', 'leases', 'create delete get patch update'),
      ...events,
    ],
  },
  {
    name: 'system:node-proxier',
    rules: [
      on('core', 'services', 'list watch'),
      on('core', 'endpoints', 'list watch'),
      on('core', 'nodes', read),
      ...events,
      on('discovery.k8s.io', 'endpointslices', 'list watch'),
      on('networking.k8s.io', 'servicecidrs', 'list watch'),
    ],
  },
  { name: 'system:kube-dns', rules: [on('core', 'endpoints services', 'list watch')] },
  {
    name: 'system:kube-scheduler',
    rules: [
      ...events,
      on('coordination.k8s.io', 'leases', 'create get list update watch'),
      on('core', 'nodes', read),
      on('core', 'pods', 'delete get list watch'),
      on('core', 'bindings pods/binding', 'create'),
      on('core', 'pods/status', 'patch update'),
      on('core', 'replicationcontrollers services', read),
      on('apps', 'replicasets statefulsets', read),
      on('policy', 'poddisruptionbudgets', read),
      on('core', 'namespaces', read),
      on('authentication.k8s.io', 'tokenreviews', 'create'),
      on('authorization.k8s.io', 'subjectaccessreviews', 'create'),
    ],
  },
  {
    name: 'system:kube-controller-manager',
    rules: [
      ...events,
      on('coordination.k8s.io', 'leases', 'create get list update watch'),
      on('core', 'secrets serviceaccounts', 'create'),
      on('core', 'secrets', 'delete'),
      on('core', 'configmaps namespaces secrets serviceaccounts', 'get'),
      on('core', 'secrets serviceaccounts', 'update'),
      on('core', 'serviceaccounts/token', 'create'),
      on('authentication.k8s.io', 'tokenreviews', 'create'),
      on('authorization.k8s.io', 'subjectaccessreviews', 'create'),
      { verbs: ['list', 'watch'], apiGroups: ['*'], resources: ['*'] },
    ],
  },
];

/** For the processes of this system: what each does, and no more. */
const ownRoles: readonly DefaultRole[] = [
  {
    name: 'system:fairlead:agent',
    rules: [
      // Of other nodes: their ranges and addresses. What the own Pods need is the Node authorizer's.
      on('core', 'nodes', read),
      on('core', 'configmaps', read, 'fairlead-images'),
      ...events,
      // Service proxy and DNS.
      on('core', 'services endpoints namespaces', read),
      on('discovery.k8s.io', 'endpointslices', read),
      on('networking.k8s.io', 'servicecidrs ingresses', read),
      // What the service proxy says of annotations.
      on('core', 'services/status', 'patch'),
      // Load balancer addresses: what to announce, to whom, and how that goes.
      on('fairlead.dev', 'addresspools l2announcements bgppeers bgpadvertisements', read),
      on('fairlead.dev', 'bgppeers/status', 'patch'),
      // The Service and the slices of the cluster DNS.
      on('core', 'services', 'create patch update'),
      on('discovery.k8s.io', 'endpointslices', 'create delete patch update'),
    ],
  },
  {
    // Bound in the announcers' namespace only: Leases of addresses, passwords of BGP peers.
    name: 'system:fairlead:announcer',
    rules: [
      on('coordination.k8s.io', 'leases', 'create delete get list patch update watch'),
      on('core', 'secrets', 'get list watch'),
    ],
  },
  {
    name: 'system:fairlead:gateway',
    rules: [
      on('core', 'services endpoints namespaces secrets configmaps nodes', read),
      on('discovery.k8s.io', 'endpointslices', read),
      on('networking.k8s.io', 'ingresses ingressclasses', read),
      on('networking.k8s.io', 'ingresses/status', 'patch update'),
      on('networking.k8s.io', 'ingressclasses', 'create'),
      on('gateway.networking.k8s.io', '*', `${read} patch update`),
      ...events,
    ],
  },
];

/** Every default ClusterRole. */
export const defaultClusterRoles: readonly DefaultRole[] = [...userRoles, ...systemRoles, ...ownRoles];

/** Default ClusterRoleBindings, named after their role: role, then subjects as `Kind:name`. */
export const defaultClusterRoleBindings: readonly (readonly [role: string, subjects: readonly string[]])[] = [
  ['cluster-admin', ['Group:system:masters']],
  ['system:monitoring', ['Group:system:monitoring']],
  ['system:discovery', ['Group:system:authenticated']],
  ['system:basic-user', ['Group:system:authenticated']],
  ['system:public-info-viewer', ['Group:system:authenticated', 'Group:system:unauthenticated']],
  ['system:service-account-issuer-discovery', ['Group:system:serviceaccounts']],
  ['system:node-proxier', ['User:system:kube-proxy']],
  ['system:kube-controller-manager', ['User:system:kube-controller-manager']],
  ['system:kube-scheduler', ['User:system:kube-scheduler']],
  ['system:kube-dns', ['ServiceAccount:kube-system/kube-dns']],
  ['system:node', []],
  ['system:fairlead:agent', ['Group:system:fairlead:agents']],
  ['system:fairlead:gateway', ['Group:system:fairlead:gateways']],
];
