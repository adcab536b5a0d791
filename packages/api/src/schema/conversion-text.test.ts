import assert from 'node:assert/strict';
import { describe, test } from 'node:test';
import { goMapText } from './conversion-text.ts';
import { decodeObject } from './decode.ts';

/** Type, object, and what apimachinery's converter 0.36 and its JSON decoder say of it. */
const rows: readonly [typeId: string, object: unknown, conversion: string, decoding: string][] = [
  [
    'apps.v1.Deployment',
    { metadata: { generation: 'x' } },
    'unrecognized type: int64',
    'json: cannot unmarshal string into Go struct field ObjectMeta.metadata.generation of type int64',
  ],
  [
    'apps.v1.Deployment',
    { metadata: { name: 1.5 } },
    'unrecognized type: string',
    'json: cannot unmarshal number into Go struct field ObjectMeta.metadata.name of type string',
  ],
  [
    'apps.v1.Deployment',
    { spec: { template: { spec: { containers: ['x'] } } } },
    'cannot restore struct from: string',
    'json: cannot unmarshal string into Go struct field PodSpec.spec.template.spec.containers of type v1.Container',
  ],
  [
    'apps.v1.Deployment',
    { metadata: { creationTimestamp: 5 } },
    'json: cannot unmarshal number into Go value of type string',
    'json: cannot unmarshal number into Go struct field ObjectMeta.metadata.creationTimestamp of type string',
  ],
  [
    'core.v1.ConfigMap',
    { binaryData: { a: '!!' } },
    'error decoding from json: illegal base64 data at input byte 0',
    'illegal base64 data at input byte 0',
  ],
  [
    'core.v1.ConfigMap',
    { binaryData: { a: 5 } },
    'cannot restore slice from int64',
    'json: cannot unmarshal number into Go struct field ConfigMap.binaryData of type []uint8',
  ],
  [
    'core.v1.Service',
    { spec: { ports: [{ targetPort: 1.5 }] } },
    'json: cannot unmarshal number 1.5 into Go value of type int32',
    'json: cannot unmarshal number 1.5 into Go struct field ServicePort.spec.ports.targetPort of type int32',
  ],
  [
    'core.v1.Service',
    { spec: { ipFamilies: [5] } },
    'cannot convert int64 to v1.IPFamily',
    'json: cannot unmarshal number into Go struct field ServiceSpec.spec.ipFamilies of type v1.IPFamily',
  ],
  [
    'core.v1.Service',
    { spec: { ipFamilies: 'x' } },
    'cannot restore slice from string',
    'json: cannot unmarshal string into Go struct field ServiceSpec.spec.ipFamilies of type []v1.IPFamily',
  ],
  [
    'core.v1.Service',
    { spec: { externalIPs: {} } },
    'cannot restore slice from map',
    'json: cannot unmarshal object into Go struct field ServiceSpec.spec.externalIPs of type []string',
  ],
  [
    'networking.v1.Ingress',
    { spec: { rules: [{ http: { paths: [{ pathType: 7 }] } }] } },
    'cannot convert int64 to v1.PathType',
    'json: cannot unmarshal number into Go struct field HTTPIngressPath.spec.rules.http.paths.pathType of type v1.PathType',
  ],
];

describe('wrong types in the words of Go', () => {
  for (const [typeId, object, conversion, decoding] of rows) {
    test(`${typeId} ${JSON.stringify(object)}`, () => {
      const [fault] = decodeObject(typeId, object).errors;
      assert.deepEqual([fault?.conversion, fault?.message], [conversion, decoding]);
    });
  }

  test('maps as Go prints them', () => {
    const value = { spec: { zz: 1.5, aa: [1, 'x', null] }, bb: null, flag: true, empty: {} };
    assert.equal(goMapText(value), 'map[bb:<nil> empty:map[] flag:true spec:map[aa:[1 x <nil>] zz:1.5]]');
  });
});
