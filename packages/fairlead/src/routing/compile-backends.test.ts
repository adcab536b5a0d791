import assert from 'node:assert/strict';
import { describe, test } from 'node:test';
import type { EndpointSlice, Service } from '@fairlead/api';
import { noBackendObjects } from './backend-objects.ts';
import { backendProtocol, compileBackend, type FailoverService } from './compile-backends.ts';
import { service, slice } from './routing-fixtures.ts';

const ref = (port: number | string): Parameters<typeof compileBackend>[0] => ({
  key: `shop/web:${port}`,
  namespace: 'shop',
  service: 'web',
  port,
});

describe('endpoints of a Service port', () => {
  const web = service('web');
  const two = service('web', [
    { name: 'http', port: 80, targetPort: 'http' },
    { name: 'admin', port: 9000 },
    { name: 'dns', port: 53, protocol: 'UDP' },
  ]);
  const twoSlice = slice('web', ['10.0.0.1'], {
    ports: [
      { name: 'http', port: 8080, protocol: 'TCP' },
      { name: 'admin', port: 9001, protocol: 'TCP' },
      { name: 'dns', port: 53, protocol: 'UDP' },
    ],
  });
  const v6 = slice('web', ['fd00::1'], { suffix: 'six', type: 'IPv6' });
  const rows: [
    name: string,
    port: number | string,
    object: Service | undefined,
    slices: EndpointSlice[],
    endpoints: string[],
    problem?: string,
  ][] = [
    ['ready ones, sorted', 80, web, [slice('web', ['10.0.0.2', '10.0.0.1'])], ['10.0.0.1:8080', '10.0.0.2:8080']],
    ['not the unready', 80, web, [slice('web', ['10.0.0.1', '10.0.0.2 unready'])], ['10.0.0.1:8080']],
    [
      'not the terminating, while one is ready',
      80,
      web,
      [slice('web', ['10.0.0.1', '10.0.0.2 terminating'])],
      ['10.0.0.1:8080'],
    ],
    [
      'the terminating that serve, when none is ready',
      80,
      web,
      [slice('web', ['10.0.0.1 unready', '10.0.0.2 terminating'])],
      ['10.0.0.2:8080'],
    ],
    ['absent conditions mean ready', 80, web, [slice('web', [{ addresses: ['10.0.0.3'] }])], ['10.0.0.3:8080']],
    [
      'terminating but not serving gets nothing',
      80,
      web,
      [slice('web', [{ addresses: ['10.0.0.3'], conditions: { ready: false, serving: false, terminating: true } }])],
      [],
    ],
    ['no slice yet', 80, web, [], []],
    [
      'several slices, the same endpoint once',
      80,
      web,
      [slice('web', ['10.0.0.1', '10.0.0.2']), slice('web', ['10.0.0.2', '10.0.0.3'], { suffix: 'b' })],
      ['10.0.0.1:8080', '10.0.0.2:8080', '10.0.0.3:8080'],
    ],
    [
      'slices may differ in port',
      80,
      web,
      [slice('web', ['10.0.0.1']), slice('web', ['10.0.0.2'], { suffix: 'b', ports: [{ port: 9090 }] })],
      ['10.0.0.1:8080', '10.0.0.2:9090'],
    ],
    ['port by number', 9000, two, [twoSlice], ['10.0.0.1:9001']],
    ['port by name', 'http', two, [twoSlice], ['10.0.0.1:8080']],
    ['a slice without the port', 'http', two, [slice('web', ['10.0.0.1'])], []],
    ['IPv4 by default', 80, web, [v6, slice('web', ['10.0.0.1'])], ['10.0.0.1:8080']],
    [
      'IPv6 when the Service prefers it',
      80,
      service('web', undefined, { ipFamilies: ['IPv6', 'IPv4'] }),
      [v6, slice('web', ['10.0.0.1'])],
      ['fd00::1:8080'],
    ],
    ['the other family when the preferred has none', 80, web, [v6], ['fd00::1:8080']],
    ['a ready IPv6 before a terminating IPv4', 80, web, [v6, slice('web', ['10.0.0.1 terminating'])], ['fd00::1:8080']],
    ['FQDN slices are left out', 80, web, [slice('web', ['a.example'], { type: 'FQDN' })], []],
    ['no Service', 80, undefined, [slice('web', ['10.0.0.1'])], [], 'BackendNotFound'],
    ['no such port number', 81, two, [twoSlice], [], 'BackendNotFound'],
    ['no such port name', 'https', two, [twoSlice], [], 'BackendNotFound'],
    ['a UDP port is none', 53, two, [twoSlice], [], 'BackendNotFound'],
    [
      'ExternalName',
      80,
      service('web', [{ port: 80 }], { type: 'ExternalName', externalName: 'x.example' }),
      [],
      [],
      'BackendNotResolved',
    ],
  ];
  for (const [name, port, object, slices, endpoints, problem] of rows) {
    test(name, () => {
      const compiled = compileBackend(ref(port), object, slices);
      assert.deepEqual(
        compiled.backend.endpoints.map((endpoint) => `${endpoint.address}:${endpoint.port}`),
        endpoints,
      );
      assert.equal(compiled.problem?.reason, problem);
      assert.equal(compiled.backend.key, `shop/web:${port}`);
    });
  }

  const withBackup = (value: string): Service => {
    const object = service('web');
    object.metadata.annotations = { 'fairlead.dev/http-failover': value };
    return object;
  };
  const backups: Record<string, [Service, EndpointSlice[]]> = {
    spare: [service('spare'), [slice('spare', ['10.1.0.1', '10.0.0.1'])]],
    far: [
      service('far', [{ name: 'alt', port: 8081 }]),
      [slice('far', ['10.2.0.1'], { ports: [{ name: 'alt', port: 90 }] })],
    ],
    empty: [service('empty'), []],
  };
  const failovers: [name: string, value: string, endpoints: string[], mistake?: RegExp][] = [
    ['one more Service', 'spare', ['10.0.0.1:8080', '10.1.0.1:8080 1']],
    ['in the order of their names', 'spare, far:alt', ['10.0.0.1:8080', '10.1.0.1:8080 1', '10.2.0.1:90 2']],
    ['by the number of a port', 'far:8081', ['10.0.0.1:8080', '10.2.0.1:90 1']],
    ['one without endpoints', 'empty,far:alt', ['10.0.0.1:8080', '10.2.0.1:90 2']],
    ['one that does not exist', 'gone', ['10.0.0.1:8080'], /http-failover\]: Service gone does not exist/],
    ['one without the port', 'far', ['10.0.0.1:8080'], /Service far has no port 80/],
    ['no name', 'a b', ['10.0.0.1:8080'], /'a b' is not SERVICE or SERVICE:PORT/],
  ];
  for (const [name, value, endpoints, mistake] of failovers) {
    test(`failover: ${name}`, () => {
      const find = (other: string): FailoverService => {
        const [object, slices] = backups[other] ?? [undefined, []];
        return { service: object, slices };
      };
      const web = [slice('web', ['10.0.0.1'])];
      const compiled = compileBackend(ref(80), withBackup(value), web, noBackendObjects, undefined, find);
      assert.deepEqual(
        compiled.backend.endpoints.map((one) => [`${one.address}:${one.port}`, one.priority].join(' ').trimEnd()),
        endpoints,
      );
      assert.equal(compiled.problem, undefined);
      if (mistake === undefined) assert.deepEqual(compiled.mistakes, []);
      else assert.match(compiled.mistakes[0]!.message, mistake);
    });
  }

  test('the problem says what ports there are', () => {
    assert.match(
      compileBackend(ref(81), two, []).problem!.message,
      /no TCP port 81 \(it has: http=80, admin=9000, dns=53\)/,
    );
  });

  test('zone and node are kept', () => {
    const slices = [slice('web', [{ addresses: ['10.0.0.1'], zone: 'z', nodeName: 'n' }])];
    assert.deepEqual(compileBackend(ref(80), web, slices).backend.endpoints, [
      { address: '10.0.0.1', port: 8080, weight: 1, zone: 'z', node: 'n' },
    ]);
  });
});

describe('appProtocol', () => {
  for (const [name, protocol] of [
    [undefined, 'http1'],
    ['http', 'http1'],
    ['kubernetes.io/h2c', 'h2c'],
    ['grpc', 'h2c'],
    ['https', 'https'],
    ['kubernetes.io/wss', 'https'],
    ['kubernetes.io/ws', 'ws'],
    ['example.com/own', 'http1'],
  ] as const) {
    test(`${name} → ${protocol}`, () => {
      assert.equal(backendProtocol(name), protocol);
      const port = name === undefined ? { port: 80 } : { port: 80, appProtocol: name };
      assert.equal(compileBackend(ref(80), service('web', [port]), []).backend.protocol, protocol);
    });
  }
});
