import type { CustomResourceDefinition, JSONSchemaProps, ResourceRef } from '@fairlead/api';
import { type ApiClient, ApiError, isAlreadyExists } from '@fairlead/client';
import type { Log } from '../sys/role.ts';

const group = 'multicluster.x-k8s.io';

const definitions: ResourceRef<CustomResourceDefinition> = {
  group: 'apiextensions.k8s.io',
  version: 'v1',
  plural: 'customresourcedefinitions',
  kind: 'CustomResourceDefinition',
  namespaced: false,
};

const text = (description: string): JSONSchemaProps => ({ type: 'string', description });
const object = (
  description: string,
  properties: Record<string, JSONSchemaProps>,
  required: string[] = [],
): JSONSchemaProps => ({
  type: 'object',
  description,
  properties,
  ...(required.length === 0 ? {} : { required }),
});
const listOf = (description: string, items: JSONSchemaProps, keys: readonly string[] = []): JSONSchemaProps => ({
  type: 'array',
  description,
  items,
  ...(keys.length === 0
    ? { 'x-kubernetes-list-type': 'atomic' }
    : { 'x-kubernetes-list-type': 'map', 'x-kubernetes-list-map-keys': [...keys] }),
});

const condition = object(
  'One aspect of the state of the object.',
  {
    type: text('Name of the aspect.'),
    status: { type: 'string', enum: ['True', 'False', 'Unknown'], description: 'Whether it holds.' },
    observedGeneration: { type: 'integer', format: 'int64', minimum: 0, description: 'Generation that it is about.' },
    lastTransitionTime: { type: 'string', format: 'date-time', description: 'When the status changed last.' },
    reason: text('Short reason of the last change, for programs.'),
    message: text('The same for people.'),
  },
  ['lastTransitionTime', 'message', 'reason', 'status', 'type'],
);
const conditions = listOf('State of the object.', condition, ['type']);

const importSpec = object(
  'How the imported Service is reached.',
  {
    type: {
      type: 'string',
      enum: ['ClusterSetIP', 'Headless'],
      description: 'By an address of the cluster set, or by the endpoints.',
    },
    ips: { ...listOf('Addresses of a ClusterSetIP import, one per family.', { type: 'string' }), maxItems: 2 },
    ipFamilies: { ...listOf('Families of the addresses.', { type: 'string' }), maxItems: 2 },
    ports: listOf(
      'Ports of the Service.',
      object(
        'One port.',
        {
          name: text('Name of the port, a DNS label; may be left out for a single port.'),
          protocol: { type: 'string', description: 'TCP, UDP or SCTP.', default: 'TCP' },
          appProtocol: text('Protocol above the transport.'),
          port: { type: 'integer', format: 'int32', description: 'Number of the port.' },
        },
        ['port'],
      ),
    ),
    sessionAffinity: text('ClientIP or None.'),
    sessionAffinityConfig: {
      type: 'object',
      'x-kubernetes-preserve-unknown-fields': true,
      description: 'Details of the affinity.',
    },
  },
  ['ports', 'type'],
);
const importStatus = object('What the importing controller has found.', {
  clusters: listOf(
    'Clusters that export the Service.',
    object('One cluster.', { cluster: text('Its name, a DNS label.') }, ['cluster']),
    ['cluster'],
  ),
  conditions,
});

function definition(
  kind: string,
  plural: string,
  short: string,
  properties: Record<string, JSONSchemaProps>,
): CustomResourceDefinition {
  return {
    apiVersion: 'apiextensions.k8s.io/v1',
    kind: 'CustomResourceDefinition',
    metadata: { name: `${plural}.${group}` },
    spec: {
      group,
      scope: 'Namespaced',
      names: { kind, plural, singular: kind.toLowerCase(), listKind: `${kind}List`, shortNames: [short] },
      versions: [
        {
          name: 'v1alpha1',
          served: true,
          storage: true,
          subresources: { status: {} },
          additionalPrinterColumns: [
            ...(kind === 'ServiceImport'
              ? [
                  { name: 'Type', type: 'string', jsonPath: '.spec.type' },
                  { name: 'IP', type: 'string', jsonPath: '.spec.ips' },
                ]
              : []),
            { name: 'Age', type: 'date', jsonPath: '.metadata.creationTimestamp' },
          ],
          schema: {
            openAPIV3Schema: {
              type: 'object',
              description: `A ${kind} of the Multi-Cluster Services API (KEP-1645).`,
              properties: {
                apiVersion: text('Version of the schema.'),
                kind: text('Kind of the object.'),
                metadata: { type: 'object' },
                ...properties,
              },
            },
          },
        },
      ],
    },
  };
}

/** Definitions of the Multi-Cluster Services API, for clusters that do not have them. */
export const multiclusterDefinitions: readonly CustomResourceDefinition[] = [
  definition('ServiceImport', 'serviceimports', 'svcim', { spec: importSpec, status: importStatus }),
  definition('ServiceExport', 'serviceexports', 'svcex', {
    status: object('Whether the export works.', { conditions }),
  }),
];

/** Installs what is missing of the definitions. Without the right to do so they are waited for. */
export async function ensureMulticlusterDefinitions(client: ApiClient, log: Log): Promise<void> {
  for (const wanted of multiclusterDefinitions) {
    try {
      await client.create(definitions, wanted);
    } catch (error) {
      if (isAlreadyExists(error)) continue;
      const { code } = error instanceof ApiError ? error : { code: 0 };
      if (code === 0 || code >= 500) throw error;
      log('warn', 'cannot install a definition of the Multi-Cluster Services API', {
        name: wanted.metadata?.name,
        error: (error as Error).message,
      });
    }
  }
}
