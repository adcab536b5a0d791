import assert from 'node:assert/strict';
import { after, before, test } from 'node:test';
import { endpointSlices, namespaces, pods, services } from '@fairlead/api';
import { FakeApi } from '../../../client/src/fake-api.ts';
import { systemClock, systemRandom } from '../sys/clock.ts';
import type { SocketAddress } from '../sys/socket-address.ts';
import type { rrType } from '../wire/dns/constants.ts';
import { answerText, askTcp, askUdp, encodeQuery, makeService, makeSlice } from './dns-fixtures.ts';
import { type RunningDns, startDns } from './start.ts';

/*
 * What a client sees of a cluster, case by case: objects in an API, a real server, queries over UDP and TCP. The groups are
 * those in which the tests of other Kubernetes DNS servers are arranged.
 */

type Type = keyof typeof rrType | number;
type Row = readonly [name: string, type: Type, expected: readonly string[]];

const z = 'cluster.local';
const soa = `ns ${z} 5 SOA ns.dns.${z}`;
const noData: readonly string[] = ['NOERROR aa', soa];
const noName: readonly string[] = ['NXDOMAIN aa', soa];
let dns: RunningDns;
let server: SocketAddress;

before(async () => {
  const api = new FakeApi();
  for (const name of ['shop', 'empty']) api.seed(namespaces, { metadata: { name } });
  api.seed(services, makeService('shop/web', ['10.96.0.1'], ['http/TCP/80', 'dns/UDP/53', '/TCP/9']));
  api.seed(services, makeService('shop/bare', ['10.96.0.2'], []));
  api.seed(services, makeService('shop/dual', ['10.96.0.3', 'fd00::3']));
  api.seed(services, makeService('shop/six', ['None']));
  api.seed(
    endpointSlices,
    makeSlice(
      'shop/six',
      'six',
      ['1', '2', '3', '4', '5', '6'].map((last) => `10.244.6.${last}`),
    ),
  );
  // Two addresses of one host, and a host of its own; the same endpoint twice.
  api.seed(services, makeService('shop/db', ['None']));
  api.seed(endpointSlices, makeSlice('shop/db', 'db-1', ['10.244.0.1=db-0', '10.244.0.2=db-1', '10.244.0.3=db-1']));
  api.seed(endpointSlices, makeSlice('shop/db', 'db-2', ['10.244.0.1=db-0']));
  api.seed(services, makeService('shop/portless', ['None'], []));
  api.seed(endpointSlices, makeSlice('shop/portless', 'portless', ['10.244.1.1'], []));
  api.seed(services, makeService('shop/idle', ['None']));
  api.seed(endpointSlices, makeSlice('shop/idle', 'idle', ['10.244.2.1=idle-0!']));
  api.seed(services, makeService('shop/none', ['None']));
  api.seed(services, makeService('shop/v6', ['None']));
  api.seed(endpointSlices, makeSlice('shop/v6', 'v6', ['fd00::1=v6-0', '5678:abcd::']));
  // One address, and it is an endpoint of two headless Services and a cluster IP.
  for (const name of ['a', 'b']) {
    api.seed(services, makeService(`shop/${name}`, ['None']));
    api.seed(endpointSlices, makeSlice(`shop/${name}`, name, ['10.244.3.1=one', '10.96.0.4=two']));
  }
  api.seed(services, makeService('shop/owner', ['10.96.0.4']));
  const external = (name: string, externalName: string) =>
    api.seed(services, {
      metadata: { namespace: 'shop', name },
      spec: { type: 'ExternalName', externalName },
    });
  external('alias', `web.shop.svc.${z}`);
  external('alias2', `ALIAS.shop.svc.${z}.`);
  external('dangling', `nothing.shop.svc.${z}`);
  external('six-alias', `dual.shop.svc.${z}`);
  for (const name of ['round', 'about']) external(name, `${name === 'round' ? 'about' : 'round'}.shop.svc.${z}`);
  const pod = (name: string, podIP: string, more: object = {}) =>
    api.seed(pods, { metadata: { namespace: 'shop', name }, spec: { containers: [], ...more }, status: { podIP } });
  pod('p', '10.244.0.9');
  pod('p6', 'fd00::9');
  pod('host', '192.0.2.1', { hostNetwork: true });
  dns = await startDns({
    client: api,
    listen: [{ address: '127.0.0.1', port: 0 }],
    clusterDomain: z,
    upstreams: [],
    podRecords: 'verified',
    kubeDns: { nodeName: 'node-1', clusterIps: ['10.96.0.10'], addresses: ['10.244.0.254'], port: 53 },
    workers: 1,
    clock: systemClock,
    random: systemRandom,
    log: () => {},
  });
  await dns.ready;
  server = dns.addresses[0]!;
});

after(() => dns.stop());

const of = (service: string): string => `${service}.shop.svc.${z}`;
const groups: Readonly<Record<string, readonly Row[]>> = {
  'cluster IPs': [
    [of('web'), 'A', ['NOERROR aa', `an ${of('web')} 5 A 10.96.0.1`]],
    // There is no endpoint at all: the address answers all the same.
    [of('bare'), 'A', ['NOERROR aa', `an ${of('bare')} 5 A 10.96.0.2`]],
    [of('bare'), 'SRV', noData],
    [of('web'), 'AAAA', noData],
    [of('web'), 'HTTPS', noData],
    [of('web'), 'MX', noData],
    [of('web'), 64, noData],
    [of('web'), 65280, noData],
    [of('nothing'), 'A', noName],
    [of('nothing'), 'AAAA', noName],
    [of('nothing'), 'HTTPS', noName],
    [`web.nowhere.svc.${z}`, 'A', noName],
    [`x.${of('web')}`, 'A', noName],
    [`10-244-0-1.${of('web')}`, 'A', noName],
  ],
  'SRV, by port and of a whole Service': [
    [
      of('web'),
      'SRV',
      [
        'NOERROR aa',
        `ad ${of('web')} 5 A 10.96.0.1`,
        `an ${of('web')} 5 SRV 0 33 53 ${of('web')}`,
        `an ${of('web')} 5 SRV 0 33 80 ${of('web')}`,
        `an ${of('web')} 5 SRV 0 33 9 ${of('web')}`,
      ],
    ],
    [
      `_http._tcp.${of('web')}`,
      'SRV',
      ['NOERROR aa', `ad ${of('web')} 5 A 10.96.0.1`, `an _http._tcp.${of('web')} 5 SRV 0 100 80 ${of('web')}`],
    ],
    [
      `_dns._udp.${of('web')}`,
      'SRV',
      ['NOERROR aa', `ad ${of('web')} 5 A 10.96.0.1`, `an _dns._udp.${of('web')} 5 SRV 0 100 53 ${of('web')}`],
    ],
    [`_dns._tcp.${of('web')}`, 'SRV', noName],
    [`_http._tcp.${of('web')}`, 'A', noData],
    [`_tcp.${of('web')}`, 'SRV', noData],
    [`_sctp.${of('web')}`, 'SRV', noName],
    // Underscores are part of the name.
    [`http.tcp.${of('web')}`, 'SRV', noName],
  ],
  'headless Services': [
    [of('portless'), 'A', ['NOERROR aa', `an ${of('portless')} 5 A 10.244.1.1`]],
    [of('portless'), 'SRV', noData],
    [of('db'), 'AAAA', noData],
    [`db-0.${of('db')}`, 'A', ['NOERROR aa', `an db-0.${of('db')} 5 A 10.244.0.1`]],
    [
      `db-1.${of('db')}`,
      'A',
      ['NOERROR aa', `an db-1.${of('db')} 5 A 10.244.0.2`, `an db-1.${of('db')} 5 A 10.244.0.3`],
    ],
    [`db-0.${of('db')}`, 'AAAA', noData],
    [`db-2.${of('db')}`, 'A', noName],
    [
      `_http._tcp.${of('db')}`,
      'SRV',
      [
        'NOERROR aa',
        `ad db-0.${of('db')} 5 A 10.244.0.1`,
        `ad db-1.${of('db')} 5 A 10.244.0.2`,
        `ad db-1.${of('db')} 5 A 10.244.0.3`,
        `an _http._tcp.${of('db')} 5 SRV 0 33 80 db-0.${of('db')}`,
        `an _http._tcp.${of('db')} 5 SRV 0 33 80 db-1.${of('db')}`,
      ],
    ],
    // Without an endpoint, or with none that is ready.
    [of('idle'), 'A', noName],
    [of('none'), 'A', noName],
    [`idle-0.${of('idle')}`, 'A', noName],
    [of('v6'), 'A', noData],
    [`v6-0.${of('v6')}`, 'AAAA', ['NOERROR aa', `an v6-0.${of('v6')} 5 AAAA fd00:0:0:0:0:0:0:1`]],
    [`5678-abcd--0.${of('v6')}`, 'AAAA', ['NOERROR aa', `an 5678-abcd--0.${of('v6')} 5 AAAA 5678:abcd:0:0:0:0:0:0`]],
    [`10-244-6-1.${of('six')}`, 'A', ['NOERROR aa', `an 10-244-6-1.${of('six')} 5 A 10.244.6.1`]],
  ],
  'other types, and names that are only between others': [
    [of('web'), 'TXT', noData],
    [of('web'), 'NS', noData],
    [of('web'), 'SOA', noData],
    [of('nothing'), 'NS', noName],
    [of('nothing'), 'SOA', noName],
    [`svc.${z}`, 'NS', noData],
    [`svc.${z}`, 'A', noData],
    [`pod.${z}`, 'A', noData],
    [`shop.svc.${z}`, 'A', noData],
    [`empty.svc.${z}`, 'A', noData],
    [`nowhere.svc.${z}`, 'A', noName],
    [z, 'A', noData],
    [z, 'HINFO', noData],
    [z, 'SRV', noData],
    [z, 'SOA', ['NOERROR aa', `an ${z} 5 SOA ns.dns.${z}`]],
    [z, 'NS', ['NOERROR aa', `ad ns.dns.${z} 5 A 10.96.0.10`, `an ${z} 5 NS ns.dns.${z}`]],
    [`ns.dns.${z}`, 'A', ['NOERROR aa', `an ns.dns.${z} 5 A 10.96.0.10`]],
    [`dns.${z}`, 'A', noData],
    [`dns-version.${z}`, 'TXT', ['NOERROR aa', `an dns-version.${z} 5 TXT "1.1.0"`]],
    [`dns-version.${z}`, 'A', noData],
    [`nothing.${z}`, 'A', noName],
  ],
  ExternalName: [
    [of('alias'), 'CNAME', ['NOERROR aa', `an ${of('alias')} 5 CNAME ${of('web')}`]],
    [of('alias'), 'A', ['NOERROR aa', `an ${of('alias')} 5 CNAME ${of('web')}`, `an ${of('web')} 5 A 10.96.0.1`]],
    [of('alias'), 'AAAA', ['NOERROR aa', `an ${of('alias')} 5 CNAME ${of('web')}`, soa]],
    [
      of('alias2'),
      'A',
      [
        'NOERROR aa',
        `an ${of('alias')} 5 CNAME ${of('web')}`,
        `an ${of('alias2')} 5 CNAME ${of('alias')}`,
        `an ${of('web')} 5 A 10.96.0.1`,
      ],
    ],
    // RFC 6604: the code of the last name of the chain.
    [of('dangling'), 'A', ['NXDOMAIN aa', `an ${of('dangling')} 5 CNAME ${of('nothing')}`, soa]],
    [
      of('six-alias'),
      'AAAA',
      ['NOERROR aa', `an ${of('dual')} 5 AAAA fd00:0:0:0:0:0:0:3`, `an ${of('six-alias')} 5 CNAME ${of('dual')}`],
    ],
    [`x.external.shop.svc.${z}`, 'A', noName],
    [`x.${of('alias')}`, 'A', noName],
    [`_http._tcp.${of('alias')}`, 'SRV', noName],
    [of('round'), 'A', ['SERVFAIL']],
  ],
  'letters: the owner as asked, the SOA in the case of the query': [
    [`WEB.Shop.svc.Cluster.LOCAL`, 'A', ['NOERROR aa', 'an WEB.Shop.svc.Cluster.LOCAL 5 A 10.96.0.1']],
    [`web.SHOP.svc.cLUSTER.local`, 'AAAA', ['NOERROR aa', 'ns cLUSTER.local 5 SOA ns.dns.cLUSTER.local']],
    [`nO.svc.cluster.LOCAL`, 'A', ['NXDOMAIN aa', 'ns cluster.LOCAL 5 SOA ns.dns.cluster.LOCAL']],
    [
      'ALIAS.shop.svc.cluster.local',
      'A',
      ['NOERROR aa', `an ALIAS.shop.svc.${z} 5 CNAME ${of('web')}`, `an ${of('web')} 5 A 10.96.0.1`],
    ],
  ],
  'reverse names': [
    ['1.0.96.10.in-addr.arpa', 'PTR', ['NOERROR aa', `an 1.0.96.10.in-addr.arpa 5 PTR ${of('web')}`]],
    [
      '1.3.244.10.in-addr.arpa',
      'PTR',
      [
        'NOERROR aa',
        `an 1.3.244.10.in-addr.arpa 5 PTR one.${of('a')}`,
        `an 1.3.244.10.in-addr.arpa 5 PTR one.${of('b')}`,
      ],
    ],
    // A cluster IP goes before endpoints; the same endpoint in two slices is one.
    ['4.0.96.10.in-addr.arpa', 'PTR', ['NOERROR aa', `an 4.0.96.10.in-addr.arpa 5 PTR ${of('owner')}`]],
    ['1.0.244.10.in-addr.arpa', 'PTR', ['NOERROR aa', `an 1.0.244.10.in-addr.arpa 5 PTR db-0.${of('db')}`]],
    [
      `3${'.0'.repeat(27)}.0.0.d.f.ip6.arpa`,
      'PTR',
      ['NOERROR aa', `an 3${'.0'.repeat(27)}.0.0.d.f.ip6.arpa 5 PTR ${of('dual')}`],
    ],
  ],
  Pods: [
    [`10-244-0-9.shop.pod.${z}`, 'A', ['NOERROR aa', `an 10-244-0-9.shop.pod.${z} 5 A 10.244.0.9`]],
    [`10-244-0-9.shop.pod.${z}`, 'AAAA', noData],
    [`10-244-0-9.empty.pod.${z}`, 'A', noName],
    [`10-244-0-8.shop.pod.${z}`, 'A', noName],
    [`fd00--9.shop.pod.${z}`, 'AAAA', ['NOERROR aa', `an fd00--9.shop.pod.${z} 5 AAAA fd00:0:0:0:0:0:0:9`]],
    [`192-0-2-1.shop.pod.${z}`, 'A', noName],
    [`shop.pod.${z}`, 'A', noData],
    [`nowhere.pod.${z}`, 'A', noName],
    ...(['A', 'AAAA', 'SRV', 'TXT', 'NS', 'SOA', 'PTR', 'HTTPS', 'CNAME'] as const).map(
      (type): Row => [`no-address.shop.pod.${z}`, type, noName],
    ),
  ],
  'what a search list makes': [
    // `web`, `web.shop` and `web.shop.svc` of a client in the namespace shop, as its resolver walks.
    [`web.shop.svc.${z}`, 'A', ['NOERROR aa', `an web.shop.svc.${z} 5 A 10.96.0.1`]],
    [`web.shop.shop.svc.${z}`, 'A', noName],
    [`web.shop.svc.shop.svc.${z}`, 'A', noName],
    [`web.shop.svc.svc.${z}`, 'A', noName],
    [`www.example.org.shop.svc.${z}`, 'A', noName],
    [`www.example.org.svc.${z}`, 'A', noName],
    [`www.example.org.${z}`, 'A', noName],
  ],
};

const sorted = ([code = '', ...records]: readonly string[]): string[] => [code, ...records.sort()];

for (const [group, rows] of Object.entries(groups)) {
  test(group, { timeout: 120_000 }, async (t) => {
    for (const [name, type, expected] of rows) {
      await t.test(`${name} ${type}`, async () => {
        const query = encodeQuery(name, type, { edns: 1232 });
        assert.deepEqual(sorted(answerText(await askUdp(server, query))), expected, 'over UDP');
        const [answer] = await askTcp(server, [query]);
        assert.deepEqual(sorted(answerText(answer!)), expected, 'over TCP');
      });
    }
  });
}

test('weights of SRV: 100 shared by all addresses before those of one host are joined', {
  timeout: 120_000,
}, async () => {
  for (const [service, count, weight] of [
    ['web', 3, 33],
    ['dual', 1, 50],
    ['six', 6, 16],
    ['db', 2, 33],
  ] as const) {
    const [answer] = await askTcp(server, [encodeQuery(of(service), 'SRV')]);
    const found = answer!.answers.map(({ data }) => (data[2]! << 8) | data[3]!);
    assert.deepEqual(found, new Array(count).fill(weight), service);
  }
});

test('the chain of an alias is in its order, the alias first', { timeout: 120_000 }, async () => {
  for (let round = 0; round < 5; round++) {
    const answer = answerText(await askUdp(server, encodeQuery(of('alias2'), 'A')));
    assert.deepEqual(
      answer.slice(1).map((line) => line.split(' ')[1]),
      [of('alias2'), of('alias'), of('web')],
    );
  }
});
