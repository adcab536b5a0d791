import assert from 'node:assert/strict';
import { test } from 'node:test';
import { compileService } from './compile.ts';
import { stripService, stripSlice, unpackSlices } from './service-strip.ts';
import { trafficCases } from './testing/traffic-cases.ts';
import { scene } from './testing/traffic-matrix.ts';

test('a stripped Service and its slices compile to the same program', () => {
  const node = { nodeName: scene.nodeName, nodeIps: [...scene.nodeIps], zone: 'a' };
  let compared = 0;
  for (const { steps } of trafficCases) {
    for (const { service, slices } of steps.flatMap((step) => step.services)) {
      const own = {
        ...service,
        metadata: {
          ...service.metadata,
          annotations: {
            'fairlead.dev/endpoint-weights': 'pod/web-1=3, node/there=2',
            'kubectl.kubernetes.io/last-applied-configuration': '{}',
          },
        },
      };
      const full = slices.map((slice) => ({
        ...slice,
        metadata: { ...slice.metadata, annotations: { 'example.com/x': 'y' }, managedFields: [] },
        endpoints: (slice.endpoints ?? []).map((endpoint, index) => ({
          ...endpoint,
          addresses: [...endpoint.addresses, '192.0.2.250'],
          hostname: 'h',
          targetRef: { kind: 'Pod', name: `web-${index}`, uid: 'u', namespace: 'default' },
        })),
      }));
      const stripped = full.map(stripSlice);
      assert.deepEqual(compileService(stripService(own), stripped, node), compileService(own, full, node));
      assert.equal(JSON.stringify(unpackSlices(stripped)).includes('192.0.2.250'), false);
      assert.deepEqual(compileService(own, unpackSlices(stripped), node), compileService(own, full, node));
      assert.equal(JSON.stringify(stripService(own)).includes('kubectl'), false);
      compared++;
    }
  }
  assert.ok(compared > 20);
});
