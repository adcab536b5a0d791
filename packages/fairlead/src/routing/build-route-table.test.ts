import assert from 'node:assert/strict';
import { beforeEach, describe, test } from 'node:test';
import type { EndpointSlice, Ingress, IngressClass, Service } from '@fairlead/api';
import fc from 'fast-check';
import { RouteTableBuilder, type RoutingSources } from './build-route-table.ts';
import { applyRouteTableDiff, diffRouteTables, emptyRouteTable, isEmptyDiff, PendingDiff } from './diff.ts';
import { FakeSecrets } from './fake-secrets.ts';
import { FakeSource } from './fake-source.ts';
import type { RouteListener, RouteTable, RouteTableDiff } from './route-table.ts';
import { ingress, ingressClass, service, serviceBackend, slice } from './routing-fixtures.ts';

const listeners: RouteListener[] = [
  { name: 'http', protocol: 'http', address: '0.0.0.0', port: 80 },
  { name: 'alt', protocol: 'http', address: '0.0.0.0', port: 8080 },
];

class Rig implements RoutingSources {
  readonly ingresses = new FakeSource<Ingress>();
  readonly ingressClasses = new FakeSource<IngressClass>();
  readonly services = new FakeSource<Service>();
  readonly endpointSlices = new FakeSource<EndpointSlice>();
  readonly secrets = new FakeSecrets();
  dirty = 0;
  readonly builder: RouteTableBuilder = new RouteTableBuilder(this, listeners, 'fairlead', () => {
    this.dirty += 1;
  });

  /** The keys of the next diff; `-` marks a removal. */
  flush(): { hosts: string[]; backends: string[]; ingresses: string[] } {
    const { diff, ingresses } = this.builder.flush();
    const keys = (changes: readonly (readonly [string, unknown])[]): string[] =>
      changes.map(([key, value]) => (value === undefined ? `-${key}` : key)).sort();
    return { hosts: keys(diff.hosts), backends: keys(diff.backends), ingresses: [...ingresses].sort() };
  }

  problems(name: string): string[] {
    return this.builder.problemsOf(`shop/${name}`).map((problem) => `${problem.reason} ${problem.field}`);
  }
}

let rig: Rig;
beforeEach(() => {
  rig = new Rig();
  rig.ingressClasses.set(ingressClass('/fairlead'));
  rig.ingresses.set(
    ingress('web', { 'a.example': ['Prefix / web'], 'b.example': ['Prefix / web', 'Prefix /api api'] }),
  );
  rig.services.set(service('web'), service('api'));
  rig.endpointSlices.set(slice('web', ['10.0.0.1']), slice('api', ['10.0.0.2']));
});

describe('first flush', () => {
  test('listeners, a host per listener and hostname, each backend once', () => {
    const { diff } = rig.builder.flush();
    assert.deepEqual(
      diff.listeners.map(([key]) => key),
      ['http', 'alt'],
    );
    assert.deepEqual(diff.hosts.map(([key]) => key).sort(), [
      'alt|a.example',
      'alt|b.example',
      'http|a.example',
      'http|b.example',
    ]);
    assert.deepEqual(
      diff.backends.map(([key, value]) => `${key} ${value?.endpoints.length}`),
      ['shop/web:80 1', 'shop/api:80 1'],
    );
    assert.ok(isEmptyDiff(rig.builder.flush().diff));
  });

  test('sources that were filled before, and in any order, give the same table', () => {
    rig.flush();
    const late = new Rig();
    late.endpointSlices.set(...rig.endpointSlices.values());
    late.services.set(...rig.services.values());
    late.flush();
    late.ingresses.set(...rig.ingresses.values());
    late.flush();
    late.ingressClasses.set(...rig.ingressClasses.values());
    late.flush();
    assert.deepEqual(diffRouteTables(rig.builder.table, late.builder.table), {
      listeners: [],
      hosts: [],
      backends: [],
      certificates: [],
    });
  });
});

describe('each change touches what depends on it, and nothing else', () => {
  const nothing = { hosts: [], backends: [], ingresses: [] };
  const rows: [name: string, change: () => void, expected: ReturnType<Rig['flush']>][] = [
    [
      'an endpoint',
      () => rig.endpointSlices.set(slice('web', ['10.0.0.1', '10.0.0.9'])),
      { ...nothing, backends: ['shop/web:80'] },
    ],
    [
      'a second slice',
      () => rig.endpointSlices.set(slice('web', ['10.0.0.9'], { suffix: 'b' })),
      { ...nothing, backends: ['shop/web:80'] },
    ],
    ['a slice with the same content', () => rig.endpointSlices.set(slice('web', ['10.0.0.1'])), nothing],
    ['a slice of a Service that no route uses', () => rig.endpointSlices.set(slice('other', ['10.0.0.1'])), nothing],
    [
      'a slice of the same Service name elsewhere',
      () => rig.endpointSlices.set(slice('prod/web', ['10.9.0.1'])),
      nothing,
    ],
    ['a slice goes', () => rig.endpointSlices.delete('shop/web-a'), { ...nothing, backends: ['shop/web:80'] }],
    ['a Service that no route uses', () => rig.services.set(service('other')), nothing],
    [
      'a Service goes',
      () => rig.services.delete('shop/api'),
      { hosts: [], backends: ['shop/api:80'], ingresses: ['shop/web'] },
    ],
    [
      'a Service changes in what routing does not read',
      () => rig.services.set(service('web', undefined, { clusterIP: '10.96.0.9' })),
      nothing,
    ],
    [
      'a host rule',
      () => rig.ingresses.set(ingress('web', { 'a.example': ['Prefix / web'], 'b.example': ['Prefix /api api'] })),
      { hosts: ['alt|b.example', 'http|b.example'], backends: [], ingresses: ['shop/web'] },
    ],
    [
      'a host and its backend go',
      () => rig.ingresses.set(ingress('web', { 'a.example': ['Prefix / web'] })),
      { hosts: ['-alt|b.example', '-http|b.example'], backends: ['-shop/api:80'], ingresses: ['shop/web'] },
    ],
    [
      'the Ingress goes',
      () => rig.ingresses.delete('shop/web'),
      {
        hosts: ['-alt|a.example', '-alt|b.example', '-http|a.example', '-http|b.example'],
        backends: ['-shop/api:80', '-shop/web:80'],
        ingresses: ['shop/web'],
      },
    ],
    [
      'the class is taken by another controller',
      () => rig.ingressClasses.set(ingressClass('/fairlead', { controller: 'x.example/y' })),
      {
        hosts: ['-alt|a.example', '-alt|b.example', '-http|a.example', '-http|b.example'],
        backends: ['-shop/api:80', '-shop/web:80'],
        ingresses: ['shop/web'],
      },
    ],
    [
      'an unrelated class',
      () => rig.ingressClasses.set(ingressClass('/nginx', { controller: 'x.example/y' })),
      nothing,
    ],
    [
      'another Ingress for a known host and a known Service',
      () => rig.ingresses.set(ingress('more', { 'a.example': ['Prefix /more web'] })),
      { hosts: ['alt|a.example', 'http|a.example'], backends: [], ingresses: ['shop/more'] },
    ],
    [
      'an Ingress of another class',
      () => rig.ingresses.set(ingress('x', { 'a.example': ['Prefix / x'] }, { ingressClassName: 'nginx' })),
      nothing,
    ],
    [
      'only the status of an Ingress',
      () =>
        rig.ingresses.set({
          ...rig.ingresses.get('shop/web')!,
          status: { loadBalancer: { ingress: [{ ip: '192.0.2.1' }] } },
        }),
      { ...nothing, ingresses: ['shop/web'] },
    ],
  ];
  for (const [name, change, expected] of rows) {
    test(name, () => {
      rig.flush();
      change();
      assert.deepEqual(rig.flush(), expected);
      assert.deepEqual(rig.flush(), nothing);
    });
  }

  test('what no route uses wakes nobody', () => {
    rig.flush();
    const before = rig.dirty;
    rig.services.set(service('other'));
    rig.endpointSlices.set(slice('other', ['10.0.0.1']));
    assert.equal(rig.dirty, before);
    rig.endpointSlices.set(slice('web', ['10.0.0.7']));
    assert.equal(rig.dirty, before + 1);
  });

  test('a slice that moves to another Service leaves the first', () => {
    rig.flush();
    const moved = slice('api', ['10.0.0.1']);
    moved.metadata.name = 'web-a';
    rig.endpointSlices.set(moved);
    assert.deepEqual(rig.flush().backends, ['shop/api:80', 'shop/web:80']);
    assert.equal(rig.builder.table.backends.get('shop/web:80')?.endpoints.length, 0);
    assert.equal(rig.builder.table.backends.get('shop/api:80')?.endpoints.length, 2);
  });

  test('a Service that stands in for another one moves its backends', () => {
    const web = service('web');
    web.metadata.annotations = { 'fairlead.dev/http-failover': 'spare' };
    rig.services.set(web);
    rig.flush();
    const endpoints = (): string[] =>
      (rig.builder.table.backends.get('shop/web:80')?.endpoints ?? []).map(
        (one) => `${one.address} ${one.priority ?? 0}`,
      );
    assert.deepEqual(endpoints(), ['10.0.0.1 0']);
    assert.deepEqual(rig.problems('web').length, 2, 'told for each place that names the Service');
    rig.services.set(service('spare'));
    rig.endpointSlices.set(slice('spare', ['10.0.1.1']));
    assert.deepEqual(rig.flush().backends, ['shop/web:80']);
    assert.deepEqual(endpoints(), ['10.0.0.1 0', '10.0.1.1 1']);
    assert.deepEqual(rig.problems('web'), []);
    rig.endpointSlices.set(slice('spare', ['10.0.1.2']));
    rig.flush();
    assert.deepEqual(endpoints(), ['10.0.0.1 0', '10.0.1.2 1']);
    rig.services.set(service('web'));
    rig.flush();
    assert.deepEqual(endpoints(), ['10.0.0.1 0']);
    const before = rig.dirty;
    rig.endpointSlices.set(slice('spare', ['10.0.1.3']));
    assert.equal(rig.dirty, before, 'nobody depends on it any more');
  });

  test('after stop, sources wake nobody', () => {
    rig.builder.stop();
    const before = rig.dirty;
    rig.ingresses.delete('shop/web');
    assert.equal(rig.dirty, before);
  });
});

describe('problems', () => {
  test('a missing Service comes and goes with the Service', () => {
    rig.services.delete('shop/api');
    rig.flush();
    assert.deepEqual(rig.problems('web'), ['BackendNotFound spec.rules[1].http.paths[1].backend.service']);
    rig.services.set(service('api'));
    assert.deepEqual(rig.flush().ingresses, ['shop/web']);
    assert.deepEqual(rig.problems('web'), []);
  });

  test('a conflict is told to the younger Ingress, and ends with the older one', () => {
    rig.ingresses.set(ingress('late', { 'a.example': ['Prefix / api'] }, { created: '2027-01-01T00:00:00Z' }));
    rig.flush();
    assert.deepEqual([rig.problems('late'), rig.problems('web')], [['RouteConflict spec.rules[0].http.paths[0]'], []]);
    rig.ingresses.delete('shop/web');
    assert.ok(rig.flush().ingresses.includes('shop/late'));
    assert.deepEqual(rig.problems('late'), []);
  });

  test('an Ingress that is not ours has none and is not accepted', () => {
    rig.ingresses.set(ingress('x', {}, { ingressClassName: 'nginx' }));
    rig.flush();
    assert.deepEqual(
      [rig.problems('x'), rig.builder.isAccepted('shop/x'), rig.builder.isAccepted('shop/web')],
      [[], false, true],
    );
  });
});

test('the diffs of any history add up to the table that a fresh builder makes', () => {
  const names = ['one', 'two', 'three'];
  const name = fc.constantFrom(...names);
  const step = fc.oneof(
    fc.tuple(fc.constant('ingress'), name, fc.constantFrom('a.example', '*.example', ''), name, fc.boolean()),
    fc.tuple(fc.constant('no ingress'), name),
    fc.tuple(fc.constant('service'), name, fc.constantFrom(80, 81)),
    fc.tuple(fc.constant('no service'), name),
    fc.tuple(fc.constant('slice'), name, fc.integer({ min: 1, max: 3 })),
    fc.tuple(fc.constant('no slice'), name),
    fc.tuple(fc.constant('class'), fc.boolean()),
    fc.tuple(fc.constant('flush')),
  );
  fc.assert(
    fc.property(fc.array(step, { maxLength: 40 }), (steps) => {
      const history = new Rig();
      let sent: RouteTable = emptyRouteTable;
      const flush = (): void => {
        sent = applyRouteTableDiff(sent, history.builder.flush().diff);
      };
      for (const [kind, target, ...rest] of steps as [string, string, ...unknown[]][]) {
        if (kind === 'ingress') {
          const [host, backend, isDefault] = rest as [string, string, boolean];
          const more = isDefault ? { defaultBackend: serviceBackend(backend) } : {};
          history.ingresses.set(
            ingress(target, { [host]: [`Prefix /${target} ${backend}`, `Exact /same ${backend}`] }, more),
          );
        } else if (kind === 'service') history.services.set(service(target, [{ port: rest[0] as number }]));
        else if (kind === 'slice') {
          const addresses = Array.from({ length: rest[0] as number }, (_, index) => `10.0.0.${index}`);
          history.endpointSlices.set(slice(target, addresses));
        } else if (kind === 'class')
          history.ingressClasses.set(ingressClass('/fairlead', target ? {} : { controller: 'x/y' }));
        else if (kind === 'no ingress') history.ingresses.delete(`shop/${target}`);
        else if (kind === 'no service') history.services.delete(`shop/${target}`);
        else if (kind === 'no slice') history.endpointSlices.delete(`shop/${target}-a`);
        else flush();
      }
      flush();
      const fresh = new Rig();
      for (const source of ['ingresses', 'ingressClasses', 'services', 'endpointSlices'] as const) {
        (fresh[source] as FakeSource<unknown>).set(...(history[source] as FakeSource<unknown>).values());
      }
      fresh.builder.flush();
      assert.deepEqual(diffRouteTables(sent, fresh.builder.table), {
        listeners: [],
        hosts: [],
        backends: [],
        certificates: [],
      });
      assert.deepEqual(diffRouteTables(sent, history.builder.table), {
        listeners: [],
        hosts: [],
        backends: [],
        certificates: [],
      });
      for (const each of names) {
        assert.deepEqual(history.builder.problemsOf(`shop/${each}`), fresh.builder.problemsOf(`shop/${each}`));
      }
    }),
    { numRuns: 200 },
  );
});

test('a refused difference goes out again with the newest values', () => {
  const pending = new PendingDiff();
  const first: RouteTableDiff = rig.builder.flush().diff;
  pending.add(first);
  rig.endpointSlices.set(slice('web', ['10.0.0.5']));
  rig.ingresses.set(ingress('web', { 'a.example': ['Prefix / web'] }));
  pending.add(rig.builder.flush().diff);
  const merged = pending.toDiff(rig.builder.table);
  assert.deepEqual(
    applyRouteTableDiff(emptyRouteTable, merged),
    applyRouteTableDiff(emptyRouteTable, diffRouteTables(emptyRouteTable, rig.builder.table)),
  );
  assert.deepEqual(
    merged.hosts.filter(([, host]) => host === undefined).map(([key]) => key),
    ['http|b.example', 'alt|b.example'],
  );
  pending.clear();
  assert.ok(isEmptyDiff(pending.toDiff(rig.builder.table)));
});

describe('relayed routes', () => {
  const withRelays: RouteListener[] = [
    ...listeners,
    { name: 'https', protocol: 'https', address: '0.0.0.0', port: 443 },
    {
      name: 'tcp-5432',
      protocol: 'tcp',
      address: '0.0.0.0',
      port: 5432,
      services: [
        { namespace: 'shop', name: 'web', port: 80, weight: 9 },
        { namespace: 'shop', name: 'api', port: 80, weight: 1 },
      ],
    },
  ];
  const passing = (name: string, host: string, value = 'true'): ReturnType<typeof ingress> => {
    const made = ingress(name, { [host]: ['Prefix /api api', 'Prefix / web'] });
    made.metadata.annotations = { 'fairlead.dev/tls-passthrough': value };
    return made;
  };
  const l4Of = (builder: RouteTableBuilder): string[] =>
    (builder.flush().diff.l4 ?? []).map(([key, value]) => `${key} ${value?.backends[0]?.backend ?? '-'}`).sort();

  test('a TCP listener has its Services from the beginning, and no HTTP hosts', () => {
    const builder = new RouteTableBuilder(rig, withRelays, 'fairlead', () => {});
    const { diff } = builder.flush();
    assert.deepEqual(
      diff.l4?.map(([key, value]) => [key, value?.backends]),
      [
        [
          'tcp-5432|*',
          [
            { backend: 'shop/web:80', weight: 9 },
            { backend: 'shop/api:80', weight: 1 },
          ],
        ],
      ],
    );
    assert.equal(diff.backends.find(([key]) => key === 'shop/web:80')?.[1]?.endpoints.length, 1);
    assert.ok(!diff.hosts.some(([key]) => key.startsWith('tcp-')));
    // An Ingress that names the same port and goes leaves the listener's backend in place.
    rig.ingresses.delete('shop/web');
    assert.ok(!builder.flush().diff.backends.some(([key, value]) => key === 'shop/web:80' && value === undefined));
  });

  test('TLS passthrough of a host comes, moves to the next Ingress and goes', () => {
    const builder = new RouteTableBuilder(rig, withRelays, 'fairlead', () => {});
    builder.flush();
    rig.ingresses.set(passing('pass', 'tls.example'));
    assert.deepEqual(l4Of(builder), ['https|tls.example shop/web:80']);
    assert.deepEqual(l4Of(builder), []);
    rig.ingresses.set(passing('pass', 'tls.example', 'false'));
    assert.deepEqual(l4Of(builder), ['https|tls.example -']);
    rig.ingresses.set(passing('pass', 'tls.example', 'yes'));
    assert.deepEqual(l4Of(builder), []);
    assert.deepEqual(
      builder.problemsOf('shop/pass').map(({ reason, field }) => `${reason} ${field}`),
      ['InvalidRule metadata.annotations[fairlead.dev/tls-passthrough]'],
    );
  });

  test('endpoints of an annotated Service expect a PROXY protocol header', () => {
    const builder = new RouteTableBuilder(rig, withRelays, 'fairlead', () => {});
    const annotated = service('web');
    annotated.metadata.annotations = { 'fairlead.dev/proxy-protocol': 'v2' };
    rig.services.set(annotated);
    const backends = new Map(builder.flush().diff.backends);
    assert.equal(backends.get('shop/web:80')?.proxyProtocol, 'v2');
    assert.equal(backends.get('shop/api:80')?.proxyProtocol, undefined);
  });
});
