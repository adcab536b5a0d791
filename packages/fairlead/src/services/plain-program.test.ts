import assert from 'node:assert/strict';
import { test } from 'node:test';
import { compileService } from './compile.ts';
import { nodeContext } from './node-context.ts';
import { isPlainProgram, type ServicePortProgram, type ServiceProgram } from './program.ts';
import { scene, sceneService, sceneSlice } from './testing/traffic-matrix.ts';

const node = nodeContext(
  { nodeName: scene.nodeName, podCidr: scene.podCidrs, serviceCidr: scene.serviceCidrs },
  undefined,
);
const slice = sceneSlice('web', [{ ip: scene.localEndpoint }]);
const plain = compileService(sceneService('web', { clusterIP: '10.96.0.1' }), [slice], node).program as ServiceProgram;
const slots = { by: 'source', places: [0] } as const;

test('a Service with a cluster IP and endpoints is plain', () => assert.equal(isPlainProgram(plain), true));

const more: readonly (readonly [name: string, port: Partial<ServicePortProgram>])[] = [
  ['hashing', { clusterSlots: slots }],
  ['hashing over local endpoints', { localSlots: slots }],
  ['denied sources', { deniedSources: ['192.0.2.0/24'] }],
  ['sources of a node port', { nodePortSources: ['192.0.2.0/24'] }],
  ['limits', { limits: { maxConnections: 1 } }],
  ['affinity', { affinityTimeoutSeconds: 60 }],
  ['a SYN proxy', { synProxy: true }],
  ['direct server return', { directReturn: { by: 'mac', endpoints: [], slots } }],
  ['source ranges', { vips: [{ kind: 'loadBalancer', ip: '203.0.113.1', sourceRanges: ['192.0.2.0/24'] }] }],
];
for (const [name, part] of more) {
  test(`${name} takes more`, () => {
    const ports = plain.ports.map((port) => ({ ...port, ...part }));
    assert.equal(isPlainProgram({ ...plain, ports }), false);
  });
}

test('a range of ports takes more', () => {
  const [port] = plain.ports;
  assert.equal(isPlainProgram({ ...plain, ranges: [{ ...port!, lastPort: 90 }] }), false);
});
