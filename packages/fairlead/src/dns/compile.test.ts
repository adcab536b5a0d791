import assert from 'node:assert/strict';
import { test } from 'node:test';
import type { EndpointSlice, Service } from '@fairlead/api';
import { compileApexRecords, compileNamespaceRecords, compilePodRecords, type DnsCompileOptions } from './compile.ts';
import { compileAll, makeService, makeSlice } from './dns-fixtures.ts';
import { dashedAddress, reverseOwner } from './owner-names.ts';
import { type CompiledRecords, clusterZone, type RecordSet } from './program.ts';

const options: DnsCompileOptions = { zone: 'cluster.local', ttlSeconds: 5 };

/** `owner TYPE data` per record; an empty name is `owner -`. */
function lines(records: CompiledRecords): string[] {
  const ofSet = (set: RecordSet): string[] => {
    switch (set.type) {
      case 'A':
      case 'AAAA':
        return set.addresses.map((address) => `${set.type} ${address}`);
      case 'SRV':
        return [
          ...set.services.map((one) => `SRV ${one.priority} ${one.weight} ${one.port} ${one.target}`),
          ...set.glue.map((glue) => `SRV + ${glue.owner} ${glue.address}`),
        ];
      case 'PTR':
        return set.targets.map((target) => `PTR ${target} (${set.rank})`);
      case 'CNAME':
        return [`CNAME ${set.target}`];
      case 'NS':
        return [...set.targets.map((target) => `NS ${target}`), ...set.glue.map((glue) => `NS + ${glue.address}`)];
      case 'TXT':
        return [`TXT ${set.texts.join(' ')}`];
      case 'SOA':
        return ['SOA'];
    }
  };
  return [...records].flatMap(([owner, sets]) =>
    sets.length === 0 ? [`${owner} -`] : sets.flatMap(ofSet).map((line) => `${owner} ${line}`),
  );
}

const web = 'web.shop.svc.cluster.local';
const headless = (ports?: string[]): Service => makeService('shop/web', ['None'], ports);
const external = (externalName: string): Service => ({
  metadata: { namespace: 'shop', name: 'web' },
  spec: { type: 'ExternalName', externalName },
});

test('records of a Service', async (t) => {
  const rows: readonly (readonly [title: string, service: Service, slices: EndpointSlice[], expected: string[]])[] = [
    [
      'cluster IP, named port',
      makeService('shop/web', ['10.96.0.9']),
      [],
      [
        `${web} A 10.96.0.9`,
        `${web} SRV 0 100 80 ${web}`,
        `${web} SRV + ${web} 10.96.0.9`,
        `_http._tcp.${web} SRV 0 100 80 ${web}`,
        `_http._tcp.${web} SRV + ${web} 10.96.0.9`,
        `9.0.96.10.in-addr.arpa PTR ${web} (cluster-ip)`,
      ],
    ],
    [
      'dual stack, SRV weight counts both addresses',
      makeService('shop/web', ['10.96.0.9', 'fd00::9']),
      [],
      [
        `${web} A 10.96.0.9`,
        `${web} AAAA fd00::9`,
        `${web} SRV 0 50 80 ${web}`,
        `${web} SRV + ${web} 10.96.0.9`,
        `${web} SRV + ${web} fd00::9`,
        `_http._tcp.${web} SRV 0 50 80 ${web}`,
        `_http._tcp.${web} SRV + ${web} 10.96.0.9`,
        `_http._tcp.${web} SRV + ${web} fd00::9`,
        `9.0.96.10.in-addr.arpa PTR ${web} (cluster-ip)`,
        `9.${'0.'.repeat(29)}d.f.ip6.arpa PTR ${web} (cluster-ip)`,
      ],
    ],
    [
      'an unnamed port has no _port name',
      makeService('shop/web', ['10.96.0.9'], ['/UDP/53']),
      [],
      [
        `${web} A 10.96.0.9`,
        `${web} SRV 0 100 53 ${web}`,
        `${web} SRV + ${web} 10.96.0.9`,
        `9.0.96.10.in-addr.arpa PTR ${web} (cluster-ip)`,
      ],
    ],
    ['cluster IP not yet allocated', makeService('shop/web', ['']), [], []],
    [
      'slices of a cluster IP Service do not matter',
      makeService('shop/web', ['10.96.0.9'], []),
      [makeSlice('shop/web', 's', ['10.244.0.1=a'])],
      [`${web} A 10.96.0.9`, `9.0.96.10.in-addr.arpa PTR ${web} (cluster-ip)`],
    ],
    [
      'headless: ready endpoints, hostname or dashed address',
      headless(),
      [makeSlice('shop/web', 's', ['10.244.0.1=Db-0', '10.244.0.2', '10.244.0.3!'])],
      [
        `${web} A 10.244.0.1`,
        `${web} A 10.244.0.2`,
        `${web} SRV 0 50 80 db-0.${web}`,
        `${web} SRV 0 50 80 10-244-0-2.${web}`,
        `${web} SRV + db-0.${web} 10.244.0.1`,
        `${web} SRV + 10-244-0-2.${web} 10.244.0.2`,
        `_http._tcp.${web} SRV 0 50 80 db-0.${web}`,
        `_http._tcp.${web} SRV 0 50 80 10-244-0-2.${web}`,
        `_http._tcp.${web} SRV + db-0.${web} 10.244.0.1`,
        `_http._tcp.${web} SRV + 10-244-0-2.${web} 10.244.0.2`,
        `db-0.${web} A 10.244.0.1`,
        `10-244-0-2.${web} A 10.244.0.2`,
        `1.0.244.10.in-addr.arpa PTR db-0.${web} (endpoint)`,
      ],
    ],
    ['headless without ready endpoint does not exist', headless(), [makeSlice('shop/web', 's', ['10.244.0.3!'])], []],
    ['headless without slices does not exist', headless(), [], []],
    [
      'two addresses share a hostname: one SRV, two glue addresses',
      headless(),
      [makeSlice('shop/web', 's', ['10.244.0.1=x', '10.244.0.2=x'])],
      [
        `${web} A 10.244.0.1`,
        `${web} A 10.244.0.2`,
        `${web} SRV 0 50 80 x.${web}`,
        `${web} SRV + x.${web} 10.244.0.1`,
        `${web} SRV + x.${web} 10.244.0.2`,
        `_http._tcp.${web} SRV 0 50 80 x.${web}`,
        `_http._tcp.${web} SRV + x.${web} 10.244.0.1`,
        `_http._tcp.${web} SRV + x.${web} 10.244.0.2`,
        `x.${web} A 10.244.0.1`,
        `x.${web} A 10.244.0.2`,
        `1.0.244.10.in-addr.arpa PTR x.${web} (endpoint)`,
        `2.0.244.10.in-addr.arpa PTR x.${web} (endpoint)`,
      ],
    ],
    [
      'portless headless still has addresses',
      headless([]),
      [makeSlice('shop/web', 's', ['10.244.0.1'], [])],
      [`${web} A 10.244.0.1`, `10-244-0-1.${web} A 10.244.0.1`],
    ],
    [
      'one endpoint in two slices counts once',
      headless(),
      [makeSlice('shop/web', 's2', ['10.244.0.1']), makeSlice('shop/web', 's1', ['10.244.0.1'], ['dns/UDP/53'])],
      [
        `${web} A 10.244.0.1`,
        `${web} SRV 0 50 53 10-244-0-1.${web}`,
        `${web} SRV 0 50 80 10-244-0-1.${web}`,
        `${web} SRV + 10-244-0-1.${web} 10.244.0.1`,
        `_dns._udp.${web} SRV 0 100 53 10-244-0-1.${web}`,
        `_dns._udp.${web} SRV + 10-244-0-1.${web} 10.244.0.1`,
        `_http._tcp.${web} SRV 0 100 80 10-244-0-1.${web}`,
        `_http._tcp.${web} SRV + 10-244-0-1.${web} 10.244.0.1`,
        `10-244-0-1.${web} A 10.244.0.1`,
      ],
    ],
    [
      'headless dual stack in two slices',
      headless([]),
      [makeSlice('shop/web', 's4', ['10.244.0.1'], []), makeSlice('shop/web', 's6', ['fd00::1:0'], [])],
      [
        `${web} A 10.244.0.1`,
        `${web} AAAA fd00::1:0`,
        `10-244-0-1.${web} A 10.244.0.1`,
        `fd00--1-0.${web} AAAA fd00::1:0`,
      ],
    ],
    ['ExternalName, normalised', external('DB.Example.ORG.'), [], [`${web} CNAME db.example.org`]],
    ['ExternalName with an address has no records', external('192.0.2.1'), [], [`${web} -`]],
  ];
  for (const [title, service, slices, expected] of rows) {
    await t.test(title, () =>
      assert.deepEqual(lines(compileAll(service, slices, options)).sort(), [...expected].sort()),
    );
  }
  await t.test('publishNotReadyAddresses', () => {
    const service = { ...headless([]), spec: { ...headless([]).spec, publishNotReadyAddresses: true } };
    const records = compileAll(service, [makeSlice('shop/web', 's', ['10.244.0.3!'], [])], options);
    assert.equal(lines(records)[0], `${web} A 10.244.0.3`);
  });
  await t.test('six addresses weigh 16 each, 200 weigh 1', () => {
    for (const [count, weight] of [
      [6, 16],
      [200, 1],
    ] as const) {
      const addresses = Array.from({ length: count }, (_, index) => `10.244.0.${index}`);
      const records = compileAll(headless(), [makeSlice('shop/web', 's', addresses)], options);
      const set = records.get(`_http._tcp.${web}`)?.[0];
      assert.ok(set?.type === 'SRV' && set.services.length === count);
      assert.ok(set.services.every((one) => one.weight === weight));
    }
  });
});

test('records of the zone, namespaces and Pods', () => {
  assert.deepEqual(lines(compileApexRecords(clusterZone('cluster.local', 5), ['10.96.0.10'], options)), [
    'cluster.local SOA',
    'cluster.local NS ns.dns.cluster.local',
    'cluster.local NS + 10.96.0.10',
    'ns.dns.cluster.local A 10.96.0.10',
    'dns-version.cluster.local TXT 1.1.0',
    'svc.cluster.local -',
    'pod.cluster.local -',
  ]);
  assert.deepEqual(lines(compileNamespaceRecords({ metadata: { name: 'shop' } }, options)), [
    'shop.svc.cluster.local -',
    'shop.pod.cluster.local -',
  ]);
  const pod = {
    metadata: { namespace: 'shop', name: 'p' },
    status: { podIPs: [{ ip: '10.244.0.1' }, { ip: 'fd00::' }] },
  };
  assert.deepEqual(lines(compilePodRecords(pod, options)), [
    '10-244-0-1.shop.pod.cluster.local A 10.244.0.1',
    'fd00--0.shop.pod.cluster.local AAAA fd00::',
  ]);
  assert.deepEqual(lines(compilePodRecords({ ...pod, spec: { hostNetwork: true, containers: [] } }, options)), []);
  assert.deepEqual(lines(compilePodRecords({ ...pod, status: { ...pod.status, phase: 'Failed' } }, options)), []);
});

test('names of addresses', () => {
  assert.equal(reverseOwner('10.1.2.3'), '3.2.1.10.in-addr.arpa');
  assert.equal(
    reverseOwner('2001:db8::567:89ab'),
    'b.a.9.8.7.6.5.0.0.0.0.0.0.0.0.0.0.0.0.0.0.0.0.0.8.b.d.0.1.0.0.2.ip6.arpa',
  );
  assert.equal(reverseOwner('web'), undefined);
  assert.equal(dashedAddress('172.0.0.2'), '172-0-0-2');
  assert.equal(dashedAddress('5678:ABCD::1'), '5678-abcd--1');
  assert.equal(dashedAddress('5678:abcd::'), '5678-abcd--0');
  assert.equal(dashedAddress('::1'), '0--1');
});
