import {
  type Endpoint,
  type EndpointSlice,
  endpointSlices,
  ingresses,
  type Node,
  nodes,
  objectKey,
  pods,
  type Service,
  type Stored,
  services,
} from '@fairlead/api';
import type { ApiClient } from '@fairlead/client';
import type { Print } from './apply.ts';
import { alignColumns } from './print-table.ts';

/** `fairlead status`: nodes, Services with their endpoints, and the gateway's hosts at a glance. */
export async function statusCommand(client: ApiClient, print: Print): Promise<void> {
  const [nodeList, podList, serviceList, sliceList, ingressList] = await Promise.all([
    client.list(nodes),
    client.list(pods),
    client.list(services),
    client.list(endpointSlices),
    client.list(ingresses),
  ]);

  const podsPerNode = new Map<string, number>();
  for (const { spec } of podList.items) {
    const node = spec?.nodeName ?? '';
    podsPerNode.set(node, (podsPerNode.get(node) ?? 0) + 1);
  }
  print(`Nodes: ${nodeList.items.length}`);
  printRows(
    ['NAME', 'STATUS', 'ADDRESS', 'PODS'],
    nodeList.items.map((node) => {
      const name = node.metadata.name;
      return [name, isReady(node) ? 'Ready' : 'NotReady', addressOf(node), String(podsPerNode.get(name) ?? 0)];
    }),
    print,
  );
  const waiting = podsPerNode.get('') ?? 0;
  if (waiting > 0) print(`  ${waiting} Pods wait for a node`);

  const endpoints = countEndpoints(sliceList.items);
  print(`\nServices: ${serviceList.items.length}`);
  printRows(
    ['SERVICE', 'TYPE', 'ADDRESS', 'PORTS', 'READY'],
    serviceList.items.map((service) => {
      const count = endpoints.get(objectKey(service)) ?? { ready: 0, all: 0 };
      return [
        objectKey(service),
        service.spec?.type ?? '',
        serviceAddress(service),
        portsOf(service),
        `${count.ready}/${count.all}`,
      ];
    }),
    print,
  );

  const { length } = ingressList.items;
  print(`\nGateway: ${length} ${length === 1 ? 'Ingress' : 'Ingresses'}`);
  const rows = ingressList.items.flatMap((ingress) => {
    const addresses = (ingress.status?.loadBalancer?.ingress ?? [])
      .map((entry) => entry.ip ?? entry.hostname ?? '')
      .join(',');
    return (ingress.spec?.rules ?? []).flatMap((rule) =>
      (rule.http?.paths ?? []).map(({ path = '/', backend }) => {
        const port = backend.service?.port?.name ?? backend.service?.port?.number ?? '';
        const target = backend.service === undefined ? '-' : `${backend.service.name}:${port}`;
        return [rule.host ?? '*', path, target, objectKey(ingress), addresses === '' ? '<pending>' : addresses];
      }),
    );
  });
  printRows(['HOST', 'PATH', 'BACKEND', 'INGRESS', 'ADDRESS'], rows, print);
}

function printRows(heads: readonly string[], rows: readonly (readonly string[])[], print: Print): void {
  if (rows.length === 0) return;
  for (const line of alignColumns([heads, ...rows])) print(`  ${line}`);
}

function isReady(node: Node): boolean {
  return (
    node.status?.conditions?.some((condition) => condition.type === 'Ready' && condition.status === 'True') ?? false
  );
}

function addressOf(node: Node): string {
  return node.status?.addresses?.find((address) => address.type === 'InternalIP')?.address ?? '<none>';
}

function serviceAddress({ spec }: Service): string {
  if (spec?.type === 'ExternalName') return spec.externalName ?? '';
  return spec?.clusterIP ?? '<none>';
}

function portsOf({ spec }: Service): string {
  const ports = (spec?.ports ?? []).map(
    ({ port, nodePort, protocol = 'TCP' }) => `${port}${nodePort === undefined ? '' : `:${nodePort}`}/${protocol}`,
  );
  return ports.join(',') || '<none>';
}

/** Distinct Pods behind each Service: a dual-stack Pod is in two slices but counts once. */
function countEndpoints(slices: readonly Stored<EndpointSlice>[]): Map<string, { ready: number; all: number }> {
  const seen = new Map<string, Map<string, boolean>>();
  for (const slice of slices) {
    const service = slice.metadata.labels?.['kubernetes.io/service-name'];
    if (service === undefined) continue;
    const key = `${slice.metadata.namespace}/${service}`;
    const targets = seen.get(key) ?? new Map<string, boolean>();
    seen.set(key, targets);
    for (const endpoint of slice.endpoints ?? [])
      targets.set(identityOf(endpoint), endpoint.conditions?.ready !== false);
  }
  return new Map(
    [...seen].map(
      ([key, targets]) => [key, { ready: [...targets.values()].filter(Boolean).length, all: targets.size }] as const,
    ),
  );
}

function identityOf(endpoint: Endpoint): string {
  return endpoint.targetRef?.uid ?? endpoint.addresses[0] ?? '';
}
