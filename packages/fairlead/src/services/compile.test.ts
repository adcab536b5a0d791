import assert from 'node:assert/strict';
import { test } from 'node:test';
import { compileService, isProxied } from './compile.ts';
import { formatTarget } from './program.ts';
import { type SceneEndpoint, scene, sceneService, sceneSlice } from './testing/traffic-matrix.ts';

const node = { nodeName: scene.nodeName, nodeIps: [...scene.nodeIps], zone: 'a' };
const ready = { ready: true, serving: true, terminating: false };
const draining = { ready: false, serving: true, terminating: true };
const failing = { ready: false, serving: false, terminating: true };
const starting = { ready: false, serving: false, terminating: false };
const here = (last: number, conditions = ready, more: Partial<SceneEndpoint> = {}): SceneEndpoint => ({
  ip: `10.244.1.${last}`,
  conditions,
  ...more,
});
const there = (last: number, conditions = ready, more: Partial<SceneEndpoint> = {}): SceneEndpoint => ({
  ip: `10.244.2.${last}`,
  conditions,
  ...more,
});

/** Cluster and Local sets by last octet: `1.1 2.1 | 1.1`. */
function sets(endpoints: readonly SceneEndpoint[]): string {
  const service = sceneService('web', { clusterIP: '10.96.0.1', internalTrafficPolicy: 'Local' });
  const port = compileService(service, [sceneSlice('web', endpoints)], node).program?.ports[0];
  const show = (list: readonly { readonly ip: string }[] = []): string =>
    list
      .map(({ ip }) => ip.replace('10.244.', ''))
      .sort()
      .join(' ');
  return `${show(port?.clusterEndpoints)} | ${show(port?.localEndpoints)}`.trim();
}

const rows: readonly [name: string, endpoints: readonly SceneEndpoint[], expected: string][] = [
  ['ready everywhere', [here(1), there(1)], '1.1 2.1 | 1.1'],
  ['none on this node', [there(1)], '2.1 |'],
  ['absent conditions mean ready', [{ ip: '10.244.1.1' }], '1.1 | 1.1'],
  ['starting ones are out', [here(1, starting), there(1)], '2.1 |'],
  ['draining ones are out while others are ready', [here(1, draining), here(2), there(1)], '1.2 2.1 | 1.2'],
  ['only draining ones: they serve', [here(1, draining), there(1, draining)], '1.1 2.1 | 1.1'],
  ['each set falls back on its own', [here(1, draining), there(1)], '2.1 | 1.1'],
  ['draining and failing readiness: never', [here(1, failing), there(1, failing)], '|'],
  ['draining elsewhere only', [here(1, failing), there(1, draining)], '2.1 |'],
  ['zone hints', [here(1, ready, { zones: ['a'] }), there(1, ready, { zones: ['b'] })], '1.1 | 1.1'],
  [
    'node hints before zone hints',
    [here(1, ready, { zones: ['a'], nodes: ['here'] }), there(1, ready, { zones: ['a'], nodes: ['there'] })],
    '1.1 | 1.1',
  ],
  ['one ready endpoint without hint disables hints', [here(1, ready, { zones: ['a'] }), there(1)], '1.1 2.1 | 1.1'],
  [
    'an endpoint that is not ready needs no hint',
    [here(1, ready, { zones: ['a'] }), there(1, ready, { zones: ['b'] }), there(2, starting)],
    '1.1 | 1.1',
  ],
  [
    'hints for other zones only are ignored',
    [there(1, ready, { zones: ['b'] }), there(2, ready, { zones: ['c'] })],
    '2.1 2.2 |',
  ],
  [
    'a draining fallback ignores hints',
    [here(1, draining, { zones: ['a'] }), there(1, draining, { zones: ['b'] })],
    '1.1 2.1 | 1.1',
  ],
];

for (const [name, endpoints, expected] of rows) {
  test(`endpoints: ${name}`, () => assert.equal(sets(endpoints), expected.trim()));
}

test('named target ports that differ per Pod arrive in one set', () => {
  const service = sceneService('web', {
    clusterIP: '10.96.0.1',
    ports: [{ name: 'http', port: 80, targetPort: 'http' }],
  });
  const slices = [
    sceneSlice('web', [there(1)], [{ name: 'http', port: 8080 }], 'a'),
    sceneSlice('web', [there(2)], [{ name: 'http', port: 9090 }], 'b'),
    sceneSlice('web', [there(1)], [{ name: 'http', port: 8080 }], 'c'),
    sceneSlice('web', [there(3)], [{ name: 'metrics', port: 9100 }], 'd'),
  ];
  const port = compileService(service, slices, node).program?.ports[0];
  assert.deepEqual(port?.clusterEndpoints.map(formatTarget).sort(), ['10.244.2.1:8080', '10.244.2.2:9090']);
});

test('an endpoint in two slices counts once, by its ready copy', () => {
  const service = sceneService('web', { clusterIP: '10.96.0.1' });
  const slices = [
    sceneSlice('web', [there(1, starting)], undefined, 'a'),
    sceneSlice('web', [there(1)], undefined, 'b'),
  ];
  assert.equal(compileService(service, slices, node).program?.ports[0]?.clusterEndpoints.length, 1);
});

test('a health check counts Pods, whatever families they have, and no names', () => {
  const service = sceneService('web', { clusterIP: '10.96.0.1' });
  const v6 = ['fd00:1::1', 'fd00:1::2'].map((ip) => ({ ip, nodeName: scene.nodeName }));
  const slices = [
    sceneSlice('web', [here(1), here(2), there(1)], undefined, 'a'),
    sceneSlice('web', v6, undefined, 'b'),
    {
      ...sceneSlice('web', [{ ip: 'name.example', nodeName: scene.nodeName }], undefined, 'c'),
      addressType: 'FQDN' as const,
    },
    // While it moves from one slice to another it is in both.
    sceneSlice('web', [here(1)], undefined, 'd'),
  ];
  assert.equal(compileService(service, slices, node).program?.localReadyEndpoints, 2);
});

test('bad fields are warned of by path and the rest is served', () => {
  const service = sceneService(
    'web',
    {
      type: 'LoadBalancer',
      clusterIP: '10.96.0.1',
      externalIPs: ['not-an-address'],
      loadBalancerSourceRanges: ['10.0.0.0/8', '10.0.0.0/99'],
    },
    ['203.0.113.1', '203.0.113.999'],
  );
  const { program, warnings } = compileService(service, [sceneSlice('web', [there(1)])], node);
  assert.deepEqual(warnings.map(({ field }) => field).sort(), [
    'spec.externalIPs',
    'spec.externalIPs[0]',
    'spec.loadBalancerSourceRanges[1]',
    'status.loadBalancer.ingress[1].ip',
  ]);
  assert.deepEqual(program?.ports[0]?.vips, [
    { kind: 'clusterIP', ip: '10.96.0.1' },
    { kind: 'loadBalancer', ip: '203.0.113.1', sourceRanges: ['10.0.0.0/8'] },
  ]);
});

test('Services that are not proxied', () => {
  const spec = { clusterIP: '10.96.0.1' };
  assert.equal(isProxied(sceneService('a', spec)), true);
  assert.equal(isProxied(sceneService('a', { clusterIP: 'None' })), false);
  assert.equal(isProxied(sceneService('a', { type: 'ExternalName', externalName: 'x.example' })), false);
  assert.equal(isProxied(sceneService('a', {})), false, 'no address yet');
  for (const label of ['service.kubernetes.io/service-proxy-name', 'service.kubernetes.io/headless']) {
    const service = sceneService('a', spec);
    service.metadata.labels = { [label]: 'other' };
    assert.equal(isProxied(service), false, label);
  }
});

test('a machine that is not a node has no local endpoints, and therefore no policy Local for cluster IPs', () => {
  const service = sceneService('web', { clusterIP: '10.96.0.1', internalTrafficPolicy: 'Local' });
  const outside = { nodeName: 'edge', nodeIps: [], isNode: false };
  const port = compileService(service, [sceneSlice('web', [there(1)])], outside).program?.ports[0];
  assert.equal(port?.internalTrafficPolicy, 'Cluster');
  assert.equal(port?.clusterEndpoints.length, 1);
});
