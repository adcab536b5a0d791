import { ipFamilyOf, type Node, nodes, type Stored } from '@fairlead/api';
import type { ApiClient } from '@fairlead/client';
import type { Log } from '../../sys/role.ts';

function familiesOf(ranges: readonly string[]): string {
  return ranges.map((range) => ipFamilyOf(range.split('/')[0] ?? '')).join();
}

/** The Node as if it had just joined: what users wrote on it, without ranges and status. */
function renewed({ metadata, spec }: Stored<Node>): Node {
  const { name, labels, annotations } = metadata;
  const { taints, unschedulable } = spec ?? {};
  return {
    kind: 'Node',
    apiVersion: 'v1',
    metadata: {
      name,
      ...(labels === undefined ? {} : { labels }),
      ...(annotations === undefined ? {} : { annotations }),
    },
    spec: {
      ...(taints === undefined ? {} : { taints }),
      ...(unschedulable === undefined ? {} : { unschedulable }),
    },
  };
}

/**
 * Makes the Nodes anew whose Pod ranges are not of the families of the cluster's ranges: they were given when the
 * cluster had others, and nobody may change them. For a system whose Nodes and Pods all start again with it; their
 * agents register as usual, and the Pods get new addresses.
 */
export async function renewNodes(client: ApiClient, podCidr: string, log: Log): Promise<void> {
  const wanted = familiesOf(podCidr.split(','));
  for (const node of (await client.list(nodes)).items) {
    const { podCIDR = '', podCIDRs = podCIDR === '' ? [] : [podCIDR] } = node.spec ?? {};
    if (podCIDRs.length === 0 || familiesOf(podCIDRs) === wanted) continue;
    const { name } = node.metadata;
    log('warn', 'the address families have changed: the node gets new Pod ranges', {
      node: name,
      had: podCIDRs.join(),
    });
    await client.delete(nodes, { name });
    await client.create(nodes, renewed(node));
  }
}
