import type { ResourceFacts } from '../resource-facts.ts';
import { served } from './served.ts';

/** Served resources of the group `rbac.authorization.k8s.io`. */
export const rbacResources: readonly ResourceFacts[] = [
  served({
    group: 'rbac.authorization.k8s.io',
    version: 'v1',
    kind: 'ClusterRoleBinding',
    plural: 'clusterrolebindings',
    namespaced: false,
    storageVersionHash: '48tpQ8gZHFc=',
    columns: [
      { name: 'Name', type: 'string', format: 'name', priority: 0 },
      { name: 'Role', type: 'string', format: '', priority: 0 },
      { name: 'Age', type: 'string', format: '', priority: 0 },
      { name: 'Users', type: 'string', format: '', priority: 1 },
      { name: 'Groups', type: 'string', format: '', priority: 1 },
      { name: 'ServiceAccounts', type: 'string', format: '', priority: 1 },
    ],
  }),
  served({
    group: 'rbac.authorization.k8s.io',
    version: 'v1',
    kind: 'ClusterRole',
    plural: 'clusterroles',
    namespaced: false,
    storageVersionHash: 'bYE5ZWDrJ44=',
    columns: [
      { name: 'Name', type: 'string', format: 'name', priority: 0 },
      { name: 'Created At', type: 'date', format: '', priority: 0 },
    ],
  }),
  served({
    group: 'rbac.authorization.k8s.io',
    version: 'v1',
    kind: 'RoleBinding',
    plural: 'rolebindings',
    storageVersionHash: 'eGsCzGH6b1g=',
    columns: [
      { name: 'Name', type: 'string', format: 'name', priority: 0 },
      { name: 'Role', type: 'string', format: '', priority: 0 },
      { name: 'Age', type: 'string', format: '', priority: 0 },
      { name: 'Users', type: 'string', format: '', priority: 1 },
      { name: 'Groups', type: 'string', format: '', priority: 1 },
      { name: 'ServiceAccounts', type: 'string', format: '', priority: 1 },
    ],
  }),
  served({
    group: 'rbac.authorization.k8s.io',
    version: 'v1',
    kind: 'Role',
    plural: 'roles',
    storageVersionHash: '7FuwZcIIItM=',
    columns: [
      { name: 'Name', type: 'string', format: 'name', priority: 0 },
      { name: 'Created At', type: 'date', format: '', priority: 0 },
    ],
  }),
];
