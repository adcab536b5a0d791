// Hot path: decides about every request of a node agent.
import type { UserInfo } from '../server/api-request.ts';
import type { Decision } from './authorizer.ts';
import { defaultClusterRoles } from './default-roles.ts';
import type { NodeGraph } from './node-graph.ts';
import { type ResourceAttributes, ruleAllowsResource, rulesOf } from './policy-rule.ts';

/** Group of all node agents. */
const nodesGroup = 'system:nodes';
/** A node agent's user name is this and the name of its Node. */
const nodeUserPrefix = 'system:node:';
/** Where the Leases of nodes live. */
export const nodeLeaseNamespace = 'kube-node-lease';

/** The name of the Node a user is the agent of; `undefined` for everybody else. */
export function nodeNameOf(user: UserInfo): string | undefined {
  if (!user.name.startsWith(nodeUserPrefix) || !user.groups.includes(nodesGroup)) return undefined;
  const name = user.name.slice(nodeUserPrefix.length);
  return name === '' ? undefined : name;
}

const allowed: Decision = { allowed: true, reason: '' };
const unrelated = (node: string): Decision => ({
  allowed: false,
  reason: `no relationship found between node '${node}' and this object`,
});
const refused = (reason: string): Decision => ({ allowed: false, reason });

/** What all nodes may do, but for the resources that {@link decideForNode} looks at one by one. */
const nodeRules = rulesOf(defaultClusterRoles.find(({ name }) => name === 'system:node')!.rules);
const readVerbs: ReadonlySet<string> = new Set(['get', 'list', 'watch']);

/**
 * The Node authorizer (KEP-279, KEP-4601): a node agent reads the Secrets, ConfigMaps, claims and
 * ServiceAccounts its Pods refer to, its own Node and Lease and its own Pods, and nothing of others.
 * No opinion is a refusal with a reason; roles may still allow what is refused here.
 */
export function decideForNode(node: string, wanted: ResourceAttributes, graph: NodeGraph): Decision {
  const { group, resource, subresource } = wanted;
  if (group === '') {
    switch (resource) {
      case 'secrets':
      case 'configmaps':
        return referenced(node, resource, wanted, graph, readVerbs);
      case 'persistentvolumeclaims':
        return referenced(node, resource, wanted, graph, new Set(['get']));
      case 'serviceaccounts':
        if (subresource === 'token' && wanted.verb === 'create') return byReference(node, resource, wanted, graph);
        return referenced(node, resource, wanted, graph, readVerbs);
      case 'nodes':
        return ownNode(node, wanted);
      case 'pods':
        return ownPods(node, wanted, graph);
      default:
        break;
    }
  }
  if (group === 'coordination.k8s.io' && resource === 'leases') return ownLease(node, wanted);
  return byRules(wanted);
}

function byRules(wanted: ResourceAttributes): Decision {
  return nodeRules.some((rule) => ruleAllowsResource(rule, wanted)) ? allowed : refused('');
}

function referenced(
  node: string,
  kind: 'secrets' | 'configmaps' | 'persistentvolumeclaims' | 'serviceaccounts',
  wanted: ResourceAttributes,
  graph: NodeGraph,
  verbs: ReadonlySet<string>,
): Decision {
  if (!verbs.has(wanted.verb)) return refused(`can only ${[...verbs].join('/')} individual resources of this type`);
  if (wanted.subresource !== '') return refused('cannot get subresource');
  return byReference(node, kind, wanted, graph);
}

function byReference(
  node: string,
  kind: 'secrets' | 'configmaps' | 'persistentvolumeclaims' | 'serviceaccounts',
  { namespace, name }: ResourceAttributes,
  graph: NodeGraph,
): Decision {
  if (name === '') return refused('No Object name found');
  return graph.refersTo(node, kind, namespace, name) ? allowed : unrelated(node);
}

function ownNode(node: string, wanted: ResourceAttributes): Decision {
  if (wanted.subresource !== '' && wanted.subresource !== 'status') return refused('');
  if (wanted.verb === 'create' && wanted.subresource === '') return allowed;
  if (!readVerbs.has(wanted.verb) && wanted.verb !== 'update' && wanted.verb !== 'patch') return refused('');
  return wanted.name === node ? allowed : refused(`node '${node}' cannot access other nodes`);
}

function ownPods(node: string, wanted: ResourceAttributes, graph: NodeGraph): Decision {
  if (!byRules(wanted).allowed) return refused('');
  switch (wanted.verb) {
    case 'list':
    case 'watch': {
      const selectsOwn = new RegExp(`(?:^|,)spec\\.nodeName={1,2}${escaped(node)}(?:,|$)`);
      return selectsOwn.test(wanted.fieldSelector ?? '')
        ? allowed
        : refused('can only list/watch pods with spec.nodeName field selector');
    }
    case 'get':
      return graph.nodeOfPod(wanted.namespace, wanted.name) === node ? allowed : unrelated(node);
    default:
      // Whose Pods are changed is for admission to see.
      return allowed;
  }
}

function ownLease(node: string, wanted: ResourceAttributes): Decision {
  if (!byRules(wanted).allowed && !readVerbs.has(wanted.verb)) return refused('');
  if (wanted.namespace !== nodeLeaseNamespace) {
    return refused(`can only access leases in the "${nodeLeaseNamespace}" system namespace`);
  }
  if (wanted.verb === 'create' && wanted.name === '') return allowed;
  return wanted.name === node
    ? allowed
    : refused('can only access node lease with the same name as the requesting node');
}

function escaped(text: string): string {
  return text.replaceAll(/[.*+?^${}()|[\]\\]/g, '\\$&');
}
