import assert from 'node:assert/strict';
import { test } from 'node:test';
import {
  complaints,
  deploymentSpec,
  type Json,
  LABEL,
  LABEL_1035,
  LABEL_VALUE,
  PORT_RANGE,
  pod,
  QUALIFIED,
  SUBDOMAIN,
} from './validate-fixtures.ts';

const ingressPath = (path: Json): Json => ({ spec: { rules: [{ http: { paths: [path] } }] } });
const backend = { service: { name: 's', port: { number: 80 } } };
const container = (more: Json): Json => pod({ containers: [{ name: 'c', image: 'i', ...more }] });

const creates: readonly (readonly [string, string, string, Json, readonly string[]])[] = [
  ['no ports', 'v1', 'Service', { spec: { ports: [] } }, ['spec.ports: Required value']],
  ['headless needs no ports', 'v1', 'Service', { spec: { clusterIP: 'None', clusterIPs: ['None'] } }, []],
  [
    'many mistakes in order',
    'v1',
    'Service',
    {
      spec: {
        ports: [{ port: 0 }, { port: 80, protocol: 'X', name: 'UPPER' }, { port: 80, name: 'toolongportnamefornow' }],
        selector: { 'bad key': 'x y' },
        sessionAffinity: 'Nope',
        externalIPs: ['300.1.1.1'],
        loadBalancerSourceRanges: ['x'],
      },
    },
    [
      'spec.ports[0].name: Required value',
      `spec.ports[0].port: Invalid value: 0: ${PORT_RANGE}`,
      `spec.ports[0].targetPort: Invalid value: 0: ${PORT_RANGE}`,
      `spec.ports[1].name: Invalid value: "UPPER": ${LABEL}`,
      'spec.ports[1].protocol: Unsupported value: "X": supported values: "SCTP", "TCP", "UDP"',
      `spec.selector: Invalid value: "bad key": ${QUALIFIED}`,
      `spec.selector: Invalid value: "x y": ${LABEL_VALUE}`,
      'spec.sessionAffinity: Unsupported value: "Nope": supported values: "ClientIP", "None"',
      'spec.externalIPs[0]: Invalid value: "300.1.1.1": must be a valid IP address, (e.g. 10.9.8.7 or 2001:db8::ffff)',
      "spec.LoadBalancerSourceRanges: Forbidden: may only be used when `type` is 'LoadBalancer'",
      'spec.LoadBalancerSourceRanges[0]: Invalid value: "x": must be a valid CIDR value, (e.g. 10.9.8.0/24 or 2001:db8::/64)',
    ],
  ],
  [
    'policies',
    'v1',
    'Service',
    {
      spec: {
        ports: [{ port: 80 }],
        sessionAffinity: 'ClientIP',
        sessionAffinityConfig: { clientIP: { timeoutSeconds: 90000 } },
        trafficDistribution: 'Nope',
        internalTrafficPolicy: 'X',
      },
    },
    [
      'spec.sessionAffinityConfig.clientIP.timeoutSeconds: Invalid value: 90000: must be greater than 0 and less than 86400',
      'spec.internalTrafficPolicy: Unsupported value: "X": supported values: "Cluster", "Local"',
      'spec.trafficDistribution: Unsupported value: "Nope": supported values: "PreferClose", "PreferSameZone", "PreferSameNode"',
    ],
  ],
  [
    'same port twice',
    'v1',
    'Service',
    {
      spec: {
        ports: [
          { name: 'a', port: 80 },
          { name: 'b', port: 80 },
        ],
      },
    },
    [
      'spec.ports[1]: Duplicate value: {"Name":"","Protocol":"TCP","AppProtocol":null,"Port":80,"TargetPort":0,"NodePort":0}',
    ],
  ],
  [
    'same name twice',
    'v1',
    'Service',
    {
      spec: {
        ports: [
          { name: 'http', port: 80 },
          { name: 'http', port: 81 },
        ],
      },
    },
    ['spec.ports[1].name: Duplicate value: "http"'],
  ],
  [
    'external name',
    'v1',
    'Service',
    { spec: { type: 'ExternalName', externalName: 'UPPER..x' } },
    [`spec.externalName: Invalid value: "UPPER..x": ${SUBDOMAIN}`],
  ],
  [
    'spaces around a range',
    'v1',
    'Service',
    { spec: { type: 'LoadBalancer', loadBalancerSourceRanges: ['10.0.0.0/8 '], ports: [{ port: 80 }] } },
    [],
  ],
  [
    'cluster IPs disagree',
    'v1',
    'Service',
    { spec: { clusterIP: '10.96.0.9', clusterIPs: ['10.96.0.8'], ports: [{ port: 80 }] } },
    ['spec.clusterIPs: Invalid value: ["10.96.0.8"]: first value must match `clusterIP`'],
  ],
  [
    'service name',
    'v1',
    'Service',
    { metadata: { name: '1web' }, spec: { ports: [{ port: 80 }] } },
    [`metadata.name: Invalid value: "1web": ${LABEL_1035}`],
  ],
  [
    'no name',
    'v1',
    'ConfigMap',
    { metadata: { name: '' } },
    ['metadata.name: Required value: name or generateName is required'],
  ],
  [
    'long name',
    'v1',
    'ConfigMap',
    { metadata: { name: 'b'.repeat(254) } },
    [`metadata.name: Invalid value: "${'b'.repeat(254)}": must be no more than 253 characters`],
  ],
  [
    'annotations too large',
    'v1',
    'ConfigMap',
    { metadata: { annotations: { big: 'x'.repeat(262_144) } } },
    ['metadata.annotations: Too long: may not be more than 262144 bytes'],
  ],
  [
    'data too large',
    'v1',
    'ConfigMap',
    { data: { big: 'x'.repeat(1_048_577) } },
    ['[]: Too long: may not be more than 1048576 bytes'],
  ],
  [
    'config key',
    'v1',
    'ConfigMap',
    { data: { 'bad key!': '' } },
    [
      "data[bad key!]: Invalid value: \"bad key!\": a valid config key must consist of alphanumeric characters, '-', '_' or '.' (e.g. 'key.name',  or 'KEY_NAME',  or 'key-name', regex used for validation is '[-._a-zA-Z0-9]+')",
    ],
  ],
  [
    'TLS secret',
    'v1',
    'Secret',
    { type: 'kubernetes.io/tls' },
    ['data[tls.crt]: Required value', 'data[tls.key]: Required value'],
  ],
  [
    'finalizer',
    'v1',
    'ConfigMap',
    { metadata: { finalizers: ['nodomain'] } },
    [
      'metadata.finalizers[0]: Invalid value: "nodomain": name is neither a standard finalizer name nor is it fully qualified',
    ],
  ],
  [
    'owner',
    'v1',
    'ConfigMap',
    { metadata: { ownerReferences: [{ apiVersion: '', kind: 'A', name: 'a', uid: '' }] } },
    [
      'metadata.ownerReferences.apiVersion: Invalid value: "": version must not be empty',
      'metadata.ownerReferences.uid: Invalid value: "": must not be empty',
    ],
  ],
  [
    'namespace of a cluster kind',
    'v1',
    'Namespace',
    { metadata: { namespace: 'x' } },
    ['metadata.namespace: Forbidden: not allowed on this type'],
  ],
  [
    'replicas',
    'apps/v1',
    'Deployment',
    deploymentSpec({ replicas: -1 }),
    ['spec.replicas: Invalid value: -1: must be greater than or equal to 0'],
  ],
  [
    'selector does not match',
    'apps/v1',
    'Deployment',
    deploymentSpec({ selector: { matchLabels: { a: 'c' } } }),
    ['spec.template.metadata.labels: Invalid value: {"a":"b"}: `selector` does not match template `labels`'],
  ],
  [
    'no image',
    'apps/v1',
    'Deployment',
    deploymentSpec({}, { containers: [{ name: 'c' }] }),
    ['spec.template.spec.containers[0].image: Required value'],
  ],
  ['no containers', 'apps/v1', 'Deployment', deploymentSpec({}, {}), ['spec.template.spec.containers: Required value']],
  [
    'recreate with rolling update',
    'apps/v1',
    'Deployment',
    deploymentSpec({ strategy: { type: 'Recreate', rollingUpdate: { maxSurge: 1 } } }),
    ["spec.strategy.rollingUpdate: Forbidden: may not be specified when strategy `type` is 'Recreate'"],
  ],
  [
    'nothing may move',
    'apps/v1',
    'Deployment',
    deploymentSpec({ strategy: { rollingUpdate: { maxSurge: 0, maxUnavailable: '0%' } } }),
    ['spec.strategy.rollingUpdate.maxUnavailable: Invalid value: "0%": may not be 0 when `maxSurge` is 0'],
  ],
  [
    'empty selector',
    'apps/v1',
    'Deployment',
    deploymentSpec({ selector: {} }),
    ['spec.selector: Invalid value: {}: empty selector is invalid for deployment'],
  ],
  [
    'two volume sources',
    'v1',
    'Pod',
    pod({ volumes: [{ name: 'v', emptyDir: {}, configMap: { name: 'c' } }] }),
    ['spec.volumes[0].configMap: Forbidden: may not specify more than 1 volume type'],
  ],
  [
    'unknown mount',
    'v1',
    'Pod',
    container({ volumeMounts: [{ name: 'v', mountPath: '/x' }] }),
    ['spec.containers[0].volumeMounts[0].name: Not found: "v"'],
  ],
  [
    'same container twice',
    'v1',
    'Pod',
    pod({
      containers: [
        { name: 'c', image: 'i' },
        { name: 'c', image: 'i' },
      ],
    }),
    ['spec.containers[1].name: Duplicate value: "c"'],
  ],
  [
    'probe without handler',
    'v1',
    'Pod',
    container({ readinessProbe: {} }),
    ['spec.containers[0].readinessProbe: Required value: must specify a handler type'],
  ],
  [
    'two handlers',
    'v1',
    'Pod',
    container({ livenessProbe: { httpGet: { port: 80 }, tcpSocket: { port: 80 } } }),
    ['spec.containers[0].livenessProbe.tcpSocket: Forbidden: may not specify more than 1 handler type'],
  ],
  [
    'liveness threshold',
    'v1',
    'Pod',
    container({ livenessProbe: { tcpSocket: { port: 80 }, successThreshold: 2 } }),
    ['spec.containers[0].livenessProbe.successThreshold: Invalid value: 2: must be 1'],
  ],
  [
    'request over limit',
    'v1',
    'Pod',
    container({ resources: { limits: { cpu: '1' }, requests: { cpu: '2' } } }),
    ['spec.containers[0].resources.requests: Invalid value: "2": must be less than or equal to cpu limit of 1'],
  ],
  [
    'restart policy',
    'v1',
    'Pod',
    pod({ restartPolicy: 'Sometimes' }),
    ['spec.restartPolicy: Unsupported value: "Sometimes": supported values: "Always", "OnFailure", "Never"'],
  ],
  [
    'ingress hosts and paths',
    'networking.k8s.io/v1',
    'Ingress',
    { spec: { rules: [{ host: '1.2.3.4', http: { paths: [{ pathType: 'Prefix', backend }] } }] } },
    [
      'spec.rules[0].host: Invalid value: "1.2.3.4": must be a DNS name, not an IP address',
      'spec.rules[0].http.paths[0].path: Invalid value: "": must be an absolute path',
    ],
  ],
  [
    'ingress bad sequences',
    'networking.k8s.io/v1',
    'Ingress',
    ingressPath({ path: '/a//b', pathType: 'Exact', backend }),
    ['spec.rules[0].http.paths[0].path: Invalid value: "/a//b": must not contain \'//\''],
  ],
  [
    'ingress path type',
    'networking.k8s.io/v1',
    'Ingress',
    ingressPath({ path: '/', backend }),
    ['spec.rules[0].http.paths[0].pathType: Required value: pathType must be specified'],
  ],
  [
    'ingress backend',
    'networking.k8s.io/v1',
    'Ingress',
    ingressPath({ path: '/', pathType: 'Prefix', backend: { service: { name: 'Bad_', port: {} } } }),
    [
      `spec.rules[0].http.paths[0].backend.service.name: Invalid value: "Bad_": ${LABEL_1035}`,
      'spec.rules[0].http.paths[0].backend: Required value: port name or number is required',
    ],
  ],
  [
    'ingress both backends',
    'networking.k8s.io/v1',
    'Ingress',
    { spec: { defaultBackend: { ...backend, resource: { kind: 'X', name: 'y' } } } },
    ['spec.defaultBackend: Invalid value: "": cannot set both resource and service backends'],
  ],
  [
    'ingress without anything',
    'networking.k8s.io/v1',
    'Ingress',
    {},
    ['spec: Invalid value: null: either `defaultBackend` or `rules` must be specified'],
  ],
  [
    'ingress class twice',
    'networking.k8s.io/v1',
    'Ingress',
    {
      metadata: { annotations: { 'kubernetes.io/ingress.class': 'y' } },
      spec: { ingressClassName: 'x', defaultBackend: backend },
    },
    [
      'annotations.kubernetes.io/ingress.class: Invalid value: "y": must match `ingressClassName` when both are specified',
    ],
  ],
  [
    'slice address type',
    'discovery.k8s.io/v1',
    'EndpointSlice',
    { addressType: 'Nope' },
    ['addressType: Unsupported value: "Nope": supported values: "FQDN", "IPv4", "IPv6"'],
  ],
  [
    'slice no address',
    'discovery.k8s.io/v1',
    'EndpointSlice',
    { addressType: 'IPv4', endpoints: [{ addresses: [] }] },
    ['endpoints[0].addresses: Required value: must contain at least 1 address'],
  ],
  [
    'slice loopback of the other family',
    'discovery.k8s.io/v1',
    'EndpointSlice',
    { addressType: 'IPv4', endpoints: [{ addresses: ['::1'] }] },
    [
      'endpoints[0].addresses: Invalid value: "::1": must be an IPv4 address',
      'endpoints[0].addresses[0]: Invalid value: "::1": may not be in the loopback range (127.0.0.0/8, ::1/128)',
    ],
  ],
  [
    'slice port names',
    'discovery.k8s.io/v1',
    'EndpointSlice',
    {
      addressType: 'IPv4',
      ports: [
        { name: 'x', port: 1 },
        { name: 'x', port: 2 },
      ],
    },
    ['ports[1].name: Duplicate value: "x"'],
  ],
  [
    'lease',
    'coordination.k8s.io/v1',
    'Lease',
    { spec: { leaseDurationSeconds: 0 } },
    ['spec.leaseDurationSeconds: Invalid value: 0: must be greater than 0'],
  ],
  [
    'endpoints',
    'v1',
    'Endpoints',
    { subsets: [{ addresses: [{ ip: '169.254.1.1' }], ports: [{ port: 1 }, { name: 'b', port: 0 }] }] },
    [
      'subsets[0].addresses[0].ip: Invalid value: "169.254.1.1": may not be in the link-local range (169.254.0.0/16, fe80::/10)',
      'subsets[0].ports[0].name: Required value',
      `subsets[0].ports[1].port: Invalid value: 0: ${PORT_RANGE}`,
    ],
  ],
];
for (const [name, apiVersion, kind, object, expected] of creates) {
  test(`${kind}: ${name}`, () => assert.deepEqual(complaints(apiVersion, kind, object), expected));
}
