import assert from 'node:assert/strict';
import { test } from 'node:test';
import type { Endpoint, EndpointSlice, Stored } from '@fairlead/api';
import { stripSlice } from './slice-strip.ts';

/** A slice with everything that DNS has no use for. */
function sliceOf(endpoints: Endpoint[] | undefined): Stored<EndpointSlice> {
  return {
    metadata: {
      name: 'web-1',
      namespace: 'shop',
      uid: 'u',
      resourceVersion: '7',
      creationTimestamp: '2026-01-01T00:00:00Z',
      labels: { 'kubernetes.io/service-name': 'web', app: 'web' },
      annotations: { 'endpoints.kubernetes.io/last-change-trigger-time': '2026-01-01T00:00:01Z', note: 'long' },
      managedFields: [{ manager: 'controller' }],
      ownerReferences: [{ apiVersion: 'v1', kind: 'Service', name: 'web', uid: 's' }],
    },
    addressType: 'IPv4',
    endpoints,
    ports: [{ name: 'http', protocol: 'TCP', port: 80 }],
  } as unknown as Stored<EndpointSlice>;
}

const rows: readonly { readonly name: string; readonly given: Endpoint; readonly kept: Endpoint }[] = [
  { name: 'an address alone', given: { addresses: ['10.0.0.1'] }, kept: { addresses: ['10.0.0.1'] } },
  {
    name: 'several addresses',
    given: { addresses: ['fd00::1', 'fd00::2'] },
    kept: { addresses: ['fd00::1', 'fd00::2'] },
  },
  { name: 'no address', given: { addresses: [] }, kept: { addresses: [] } },
  {
    name: 'all that DNS asks for',
    given: {
      addresses: ['10.0.0.2'],
      hostname: 'web-0',
      zone: 'eu-1a',
      nodeName: 'node-1',
      conditions: { ready: false, serving: true, terminating: true },
      targetRef: { kind: 'Pod', name: 'web-0' },
    },
    kept: { addresses: ['10.0.0.2'], hostname: 'web-0', conditions: { ready: false }, zone: 'eu-1a' },
  },
  {
    name: 'ready is what absent means',
    given: { addresses: ['10.0.0.3'], conditions: { ready: true } },
    kept: { addresses: ['10.0.0.3'] },
  },
  {
    name: 'another zone',
    given: { addresses: ['10.0.0.4'], zone: 'eu-1b' },
    kept: { addresses: ['10.0.0.4'], zone: 'eu-1b' },
  },
  {
    name: 'an empty hostname',
    given: { addresses: ['10.0.0.5'], hostname: '' },
    kept: { addresses: ['10.0.0.5'], hostname: '' },
  },
  {
    name: 'text that JSON escapes',
    given: { addresses: ['10.0.0.6'], hostname: 'a"\\b', zone: '\u0000 ü' },
    kept: { addresses: ['10.0.0.6'], hostname: 'a"\\b', zone: '\u0000 ü' },
  },
];

for (const { name, given, kept } of rows) {
  test(`an endpoint keeps ${name}`, () => {
    assert.deepEqual(stripSlice(sliceOf([given])).endpoints, [kept]);
  });
}

test('endpoints keep their order and their zones beside each other', () => {
  const stripped = stripSlice(sliceOf(rows.map(({ given }) => given)));
  assert.deepEqual(
    stripped.endpoints,
    rows.map(({ kept }) => kept),
  );
  assert.deepEqual(stripped.endpoints, stripped.endpoints, 'read twice');
});

test('metadata keeps identity, the labels and the annotation that DNS reads', () => {
  const { metadata, addressType, ports, endpoints } = stripSlice(sliceOf(undefined));
  assert.deepEqual(metadata, {
    name: 'web-1',
    namespace: 'shop',
    uid: 'u',
    resourceVersion: '7',
    creationTimestamp: '2026-01-01T00:00:00Z',
    labels: { 'kubernetes.io/service-name': 'web' },
    annotations: { 'endpoints.kubernetes.io/last-change-trigger-time': '2026-01-01T00:00:01Z' },
  });
  assert.deepEqual({ addressType, ports, endpoints }, { addressType: 'IPv4', ports: sliceOf([]).ports, endpoints: [] });
});
