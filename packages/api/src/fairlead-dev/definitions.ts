import type { CustomResourceDefinition, JSONSchemaProps } from '../types.ts';
import { addressPools, bgpAdvertisements, bgpPeers, fairleadGroup, l2Announcements } from './types.ts';

type Properties = Record<string, JSONSchemaProps>;

const text = (description: string, more: JSONSchemaProps = {}): JSONSchemaProps => ({
  type: 'string',
  description,
  ...more,
});
const integer = (
  description: string,
  minimum: number,
  maximum: number,
  more: JSONSchemaProps = {},
): JSONSchemaProps => ({
  type: 'integer',
  format: maximum > 2_147_483_647 ? 'int64' : 'int32',
  description,
  minimum,
  maximum,
  ...more,
});
const list = (description: string, items: JSONSchemaProps, more: JSONSchemaProps = {}): JSONSchemaProps => ({
  type: 'array',
  description,
  items,
  'x-kubernetes-list-type': 'atomic',
  ...more,
});
const object = (description: string, properties: Properties, required: string[] = []): JSONSchemaProps => ({
  type: 'object',
  description,
  properties,
  ...(required.length === 0 ? {} : { required }),
});

const duration = (description: string): JSONSchemaProps =>
  text(description, { pattern: '^([0-9]+(s|m|h))+$', maxLength: 16 });
const shortTime = (description: string): JSONSchemaProps =>
  text(description, { pattern: '^([0-9]+(ms|s))+$', maxLength: 16 });
const asn = (description: string): JSONSchemaProps => integer(description, 1, 4_294_967_295);
const name: JSONSchemaProps = { type: 'string', minLength: 1, maxLength: 253 };

const selector = (description: string): JSONSchemaProps =>
  object(description, {
    matchLabels: {
      type: 'object',
      description: 'Labels that must be equal.',
      additionalProperties: { type: 'string' },
    },
    matchExpressions: list(
      'Conditions on labels; all must hold.',
      object(
        'A condition on one label.',
        {
          key: text('The label.'),
          operator: text('In, NotIn, Exists or DoesNotExist.', { enum: ['In', 'NotIn', 'Exists', 'DoesNotExist'] }),
          values: list('Values of In and NotIn.', { type: 'string' }),
        },
        ['key', 'operator'],
      ),
    ),
  });

const conditions: JSONSchemaProps = {
  type: 'array',
  description: 'What holds for the object.',
  'x-kubernetes-list-type': 'map',
  'x-kubernetes-list-map-keys': ['type'],
  items: object(
    'A condition.',
    {
      type: text('Name of the condition.'),
      status: text('Whether it holds.', { enum: ['True', 'False', 'Unknown'] }),
      observedGeneration: {
        type: 'integer',
        format: 'int64',
        description: 'Generation of the object it was found for.',
      },
      lastTransitionTime: text('When status last changed.', { format: 'date-time' }),
      reason: text('Why, in one word.'),
      message: text('Why, in full.'),
    },
    ['type', 'status', 'lastTransitionTime', 'reason', 'message'],
  ),
};

const pools = list('Names of AddressPools; none: all.', name);
const services = selector('Only addresses of Services with these labels.');
const nodes = selector('Only nodes with these labels.');

interface OwnKind {
  readonly kind: string;
  readonly plural: string;
  readonly shortName: string;
  readonly description: string;
  readonly spec: JSONSchemaProps;
  readonly specRequired: boolean;
  readonly status?: JSONSchemaProps;
  readonly columns: readonly {
    readonly name: string;
    readonly type: string;
    readonly jsonPath: string;
    readonly priority?: number;
  }[];
}

function definition(own: OwnKind): CustomResourceDefinition {
  const { kind, plural, shortName, status, columns } = own;
  return {
    apiVersion: 'apiextensions.k8s.io/v1',
    kind: 'CustomResourceDefinition',
    metadata: { name: `${plural}.${fairleadGroup}` },
    spec: {
      group: fairleadGroup,
      scope: 'Cluster',
      names: {
        kind,
        listKind: `${kind}List`,
        plural,
        singular: kind.toLowerCase(),
        shortNames: [shortName],
        categories: ['fairlead'],
      },
      versions: [
        {
          name: 'v1alpha1',
          served: true,
          storage: true,
          ...(status === undefined ? {} : { subresources: { status: {} } }),
          additionalPrinterColumns: [
            ...columns,
            { name: 'Age', type: 'date', jsonPath: '.metadata.creationTimestamp' },
          ],
          schema: {
            openAPIV3Schema: object(
              own.description,
              {
                apiVersion: text('Version of the schema.'),
                kind: text('Kind of the object.'),
                metadata: { type: 'object' },
                spec: own.spec,
                ...(status === undefined ? {} : { status }),
              },
              own.specRequired ? ['spec'] : [],
            ),
          },
        },
      ],
    },
  };
}

const count = (description: string): JSONSchemaProps => ({ type: 'integer', format: 'int64', description });

/** The definitions of Fairlead's own kinds, as every API server of ours installs them at first start. */
export const ownDefinitions: readonly CustomResourceDefinition[] = [
  definition({
    kind: addressPools.kind,
    plural: addressPools.plural,
    shortName: 'pool',
    description: 'Addresses for Services of type LoadBalancer.',
    specRequired: true,
    spec: object(
      'Which addresses, and for whom.',
      {
        addresses: list(
          'CIDRs (192.0.2.0/28), ranges (192.0.2.10-192.0.2.20) and single addresses, of either family.',
          { type: 'string', minLength: 2, maxLength: 100 },
          { minItems: 1, maxItems: 1000 },
        ),
        autoAssign: {
          type: 'boolean',
          default: true,
          description: 'False: only for Services that ask for the pool or one of its addresses.',
        },
        avoidBuggyAddresses: {
          type: 'boolean',
          default: false,
          description: 'Leaves out IPv4 addresses that end in .0 or .255.',
        },
        priority: integer('The pool with the highest number is tried first.', -1_000_000, 1_000_000, { default: 0 }),
        serviceSelector: selector('Only for Services with these labels.'),
        namespaceSelector: selector('Only for Services in namespaces with these labels.'),
        loadBalancerClass: text('Only for Services of this class; absent: for Services without a class.', {
          minLength: 1,
          maxLength: 253,
        }),
      },
      ['addresses'],
    ),
    status: object('How full the pool is.', {
      observedGeneration: count('Generation that was acted upon.'),
      addresses: list('The addresses of the spec that were acted upon.', { type: 'string' }),
      retained: list('Addresses in use that the pool does not hold any more.', { type: 'string' }),
      total: count('Addresses that can be assigned; 9007199254740991 stands for more.'),
      assigned: count('Addresses in use.'),
      available: count('Addresses that are free.'),
      conditions,
    }),
    columns: [
      { name: 'Auto', type: 'boolean', jsonPath: '.spec.autoAssign' },
      { name: 'Addresses', type: 'string', jsonPath: '.spec.addresses' },
      { name: 'Assigned', type: 'integer', jsonPath: '.status.assigned' },
      { name: 'Available', type: 'integer', jsonPath: '.status.available' },
      { name: 'Announced', type: 'string', jsonPath: '.status.conditions[?(@.type=="Announced")].status' },
      { name: 'Ready', type: 'string', jsonPath: '.status.conditions[?(@.type=="Ready")].status' },
    ],
  }),
  definition({
    kind: l2Announcements.kind,
    plural: l2Announcements.plural,
    shortName: 'l2a',
    description: 'Which addresses nodes answer for on their networks (ARP, neighbour discovery).',
    specRequired: false,
    spec: object('Which addresses, which nodes, where.', {
      pools,
      serviceSelector: services,
      nodeSelector: nodes,
      interfaces: list(
        'Interface names, in which * stands for any text; none: those whose subnet holds the address, else the one with the address of the node.',
        { type: 'string', minLength: 1, maxLength: 15, pattern: '^[^/ ]+$' },
      ),
    }),
    columns: [
      { name: 'Pools', type: 'string', jsonPath: '.spec.pools' },
      { name: 'Interfaces', type: 'string', jsonPath: '.spec.interfaces' },
    ],
  }),
  definition({
    kind: bgpPeers.kind,
    plural: bgpPeers.plural,
    shortName: 'bgpp',
    description: 'A BGP router that nodes announce addresses to.',
    specRequired: true,
    spec: object(
      'How to reach the router.',
      {
        address: text('Address of the router.', { minLength: 2, maxLength: 45 }),
        port: integer('Port of the router.', 1, 65_535, { default: 179 }),
        peerASN: asn('AS number of the router.'),
        localASN: asn('AS number of the nodes.'),
        sourceAddress: text('Address that the node connects from.', { maxLength: 45 }),
        nodeSelector: nodes,
        holdTime: duration('The session ends when nothing was heard for so long; 0s: never. Default 90s.'),
        connectRetry: duration('Time between attempts to connect. Default 10s.'),
        multihop: integer('TTL of packets to a router that is not on the link.', 2, 255),
        ttlSecurity: integer('Accepts packets only from so many hops away or nearer (RFC 5082).', 1, 254),
        passwordSecretRef: object(
          'Secret in the namespace fairlead-addresses with a key named password, for TCP MD5 signatures (RFC 2385).',
          { name: text('Name of the Secret.') },
          ['name'],
        ),
        gracefulRestart: duration(
          'How long the router keeps routes of an agent that restarts (RFC 4724). Absent: not at all.',
        ),
        bfd: object('Watches the link to the router by BFD (RFC 5880, 5881). Absent: not at all.', {
          transmitInterval: shortTime('Time between packets to the router, 10ms to 60s. Default 300ms.'),
          receiveInterval: shortTime('Least time between packets of the router, 10ms to 60s. Default 300ms.'),
          detectMultiplier: integer('So many missing packets are a failure.', 1, 255, { default: 3 }),
        }),
      },
      ['address', 'peerASN', 'localASN'],
    ),
    status: object('Sessions with the router.', {
      sessions: {
        type: 'array',
        description: 'One entry per node, written by that node.',
        'x-kubernetes-list-type': 'map',
        'x-kubernetes-list-map-keys': ['node'],
        items: object(
          'The session of a node.',
          {
            node: text('The node.'),
            state: text('Idle, Connect, OpenSent, OpenConfirm or Established.'),
            message: text('Why the session is not up.'),
            announced: count('Routes announced.'),
            bfd: text('AdminDown, Down, Init or Up, or why the link is not watched.'),
            since: text('Since when it is in this state.', { format: 'date-time' }),
          },
          ['node', 'state'],
        ),
      },
    }),
    columns: [
      { name: 'Address', type: 'string', jsonPath: '.spec.address' },
      { name: 'Peer ASN', type: 'integer', jsonPath: '.spec.peerASN' },
      { name: 'Local ASN', type: 'integer', jsonPath: '.spec.localASN' },
      { name: 'Nodes', type: 'string', jsonPath: '.status.sessions[*].node' },
      { name: 'States', type: 'string', jsonPath: '.status.sessions[*].state' },
    ],
  }),
  definition({
    kind: bgpAdvertisements.kind,
    plural: bgpAdvertisements.plural,
    shortName: 'bgpa',
    description: 'Which addresses are announced to BGP routers, and how.',
    specRequired: false,
    spec: object('Which addresses, which nodes, to whom, with which attributes.', {
      pools,
      serviceSelector: services,
      nodeSelector: nodes,
      peers: list('Names of BGPPeers; none: all.', name),
      aggregationLength: integer('Prefix length of IPv4 routes.', 1, 32, { default: 32 }),
      aggregationLengthV6: integer('Prefix length of IPv6 routes.', 1, 128, { default: 128 }),
      localPreference: integer('Preference, sent to routers of the same AS only.', 0, 4_294_967_295),
      communities: list('65000:100, no-export, no-advertise, or large ones such as 65000:1:2.', {
        type: 'string',
        pattern: '^([0-9]+:[0-9]+(:[0-9]+)?|no-export|no-advertise|no-export-subconfed)$',
      }),
    }),
    columns: [
      { name: 'Pools', type: 'string', jsonPath: '.spec.pools' },
      { name: 'Peers', type: 'string', jsonPath: '.spec.peers' },
    ],
  }),
];
