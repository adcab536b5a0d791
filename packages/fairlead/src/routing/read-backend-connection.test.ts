import assert from 'node:assert/strict';
import { describe, test } from 'node:test';
import {
  type BackendConnection,
  connectionKey,
  mergeConnections,
  readBackendConnection,
} from './read-backend-connection.ts';

const read = (annotations: Record<string, string>): ReturnType<typeof readBackendConnection> =>
  readBackendConnection(
    Object.fromEntries(Object.entries(annotations).map(([key, value]) => [`fairlead.dev/backend-${key}`, value])),
    'shop',
  );

describe('annotations about connections to endpoints', () => {
  const rows: readonly [Record<string, string>, BackendConnection | undefined][] = [
    [{}, undefined],
    [{ protocol: 'HTTP' }, { protocol: 'http1' }],
    [{ protocol: 'https' }, { protocol: 'https', versions: 'http1' }],
    [{ protocol: 'H2' }, { protocol: 'https', versions: 'http2-or-http1' }],
    [{ protocol: 'GRPC' }, { protocol: 'h2c' }],
    [{ protocol: 'GRPCS' }, { protocol: 'https', versions: 'http2' }],
    [{ 'ca-secret': 'inner' }, { ca: { type: 'secret', key: 'shop/inner' } }],
    [{ ca: 'secret inner' }, { ca: { type: 'secret', key: 'shop/inner' } }],
    [{ ca: 'configmap  trust.v1' }, { ca: { type: 'configmap', key: 'shop/trust.v1' } }],
    [{ ca: 'system' }, { ca: { type: 'system' } }],
    [{ ca: 'system', 'ca-secret': 'old' }, { ca: { type: 'system' } }],
    [{ 'server-name': 'Inner.Example' }, { serverName: 'inner.example' }],
    [
      { names: 'dns A.example, uri spiffe://x/Y,dns b' },
      { names: { dns: ['a.example', 'b'], uris: ['spiffe://x/Y'] } },
    ],
    [{ 'client-secret': 'own' }, { identity: 'shop/own' }],
  ];
  for (const [annotations, connection] of rows) {
    test(JSON.stringify(annotations), () => {
      assert.deepEqual(read(annotations), { connection, problems: [] });
    });
  }

  const wrong: readonly [name: string, value: string, message: RegExp, closes: boolean][] = [
    ['protocol', 'SPDY', /none of HTTP, HTTPS, H2, GRPC, GRPCS/, false],
    ['server-name', 'a b', /not a DNS name/, false],
    ['server-name', '*.example', /not a DNS name/, false],
    ['ca', 'sytem', /none of system, secret NAME, configmap NAME/, true],
    ['ca', 'secret', /none of/, true],
    ['ca', 'secret ../other/x', /none of/, true],
    ['ca', 'secret a b', /none of/, true],
    ['ca-secret', 'other/x', /not the name of a Secret/, true],
    ['names', 'inner.example', /neither dns NAME nor uri URI/, true],
    ['names', 'dns *.example', /neither/, true],
    ['names', 'dns a.example,', /neither/, true],
    ['names', 'uri nothing', /neither/, true],
    ['client-secret', 'A', /not the name of a Secret/, true],
  ];
  for (const [name, value, message, closes] of wrong) {
    test(`${name}: ${value} is told${closes ? ', and closes the backend' : ''}`, () => {
      const { connection, problems } = read({ [name]: value });
      assert.equal(problems.length, 1);
      assert.equal(problems[0]!.field, `metadata.annotations[fairlead.dev/backend-${name}]`);
      assert.match(problems[0]!.message, message);
      assert.deepEqual(connection, closes ? { broken: `fairlead.dev/backend-${name}` } : undefined);
    });
  }
});

test('an Ingress overrides a Service, and what follows from both', () => {
  const ca = { type: 'secret', key: 'shop/inner' } as const;
  const system = { type: 'system' } as const;
  const names = { dns: ['a'], uris: [] };
  const rows: readonly [BackendConnection | undefined, BackendConnection | undefined, BackendConnection][] = [
    [undefined, undefined, {}],
    [undefined, { protocol: 'h2c' }, { protocol: 'h2c' }],
    [{ protocol: 'http1' }, { protocol: 'https', ca }, { protocol: 'http1', ca }],
    [{ serverName: 'x' }, { protocol: 'https', ca, serverName: 'y' }, { protocol: 'https', ca, serverName: 'x' }],
    [{ ca }, undefined, { protocol: 'https', ca }],
    [undefined, { identity: 'shop/own' }, { protocol: 'https', identity: 'shop/own' }],
    [undefined, { names }, { protocol: 'https', names, ca: system }],
    [undefined, { names, ca }, { protocol: 'https', names, ca }],
    [{ broken: 'b' }, undefined, { protocol: 'https', broken: 'b' }],
    [{ serverName: 'x' }, undefined, { serverName: 'x' }],
  ];
  for (const [ingress, service, merged] of rows) assert.deepEqual(mergeConnections(ingress, service), merged);
});

test('the key of a backend tells connections apart', () => {
  const connections: readonly (BackendConnection | undefined)[] = [
    undefined,
    { protocol: 'https', versions: 'http1' },
    { protocol: 'https', versions: 'http2' },
    { ca: { type: 'secret', key: 'a/b' } },
    { ca: { type: 'configmap', key: 'a/b' } },
    { ca: { type: 'system' } },
    { serverName: 'a' },
    { names: { dns: ['a'], uris: [] } },
    { identity: 'a' },
    { broken: 'a' },
  ];
  assert.equal(new Set(connections.map(connectionKey)).size, connections.length);
});
