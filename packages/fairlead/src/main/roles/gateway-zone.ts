import { type Node, nodes } from '@fairlead/api';
import { type ApiClient, startInformer } from '@fairlead/client';
import type { Clock } from '../../sys/clock.ts';
import type { Log, Running } from '../../sys/role.ts';

/**
 * Follows the zone of the Node that a gateway runs on (its label `topology.kubernetes.io/zone`); empty while it has none.
 * Without an API it stays what it was.
 */
export function followZone(
  { client, clock, log }: { readonly client: ApiClient; readonly clock: Clock; readonly log: Log },
  node: string,
  onZone: (zone: string) => void,
): Running {
  const informer = startInformer(client, nodes, { fieldSelector: `metadata.name=${node}` }, { clock, log });
  const tell = (): void => onZone(zoneOf(informer.get(node)));
  const unsubscribe = informer.subscribe(tell);
  return {
    async stop() {
      unsubscribe();
      informer.stop();
    },
  };
}

function zoneOf(node: Node | undefined): string {
  return node?.metadata?.labels?.['topology.kubernetes.io/zone'] ?? '';
}
