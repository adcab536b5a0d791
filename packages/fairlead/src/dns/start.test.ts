import assert from 'node:assert/strict';
import { createSocket } from 'node:dgram';
import { test } from 'node:test';
import { endpointSlices, ingresses, namespaces, services } from '@fairlead/api';
import { FakeApi } from '../../../client/src/fake-api.ts';
import { systemClock } from '../sys/clock.ts';
import { engine } from '../sys/engine-kind.ts';
import type { Log } from '../sys/role.ts';
import { MetricRegistry } from '../telemetry/metrics.ts';
import { parseHosts } from './compile-static.ts';
import { answerText, askTcp, askUdp, encodeQuery, makeService, makeSlice } from './dns-fixtures.ts';
import { parseUpstream } from './forward/upstream-address.ts';
import { startDns } from './start.ts';
import { askUntil, optionsFor } from './start-fixture.ts';

test('serves the records of the API and follows its changes', { timeout: 120_000 }, async () => {
  const api = new FakeApi();
  api.seed(namespaces, { metadata: { name: 'shop' } });
  api.seed(services, makeService('shop/web', ['10.96.0.20']));
  api.seed(services, makeService('shop/db', ['None']));
  api.seed(endpointSlices, makeSlice('shop/db', 'db-1', ['10.244.0.5']));
  const dns = await startDns(
    optionsFor(api, {
      kubeDns: { nodeName: 'node-1', clusterIps: ['10.96.0.10'], addresses: ['10.244.0.1'], port: 53 },
    }),
  );
  try {
    await dns.ready;
    const [server] = dns.addresses;
    const ask = async (name: string): Promise<string[]> => answerText(await askUdp(server!, encodeQuery(name, 'A')));
    assert.deepEqual(await ask('web.shop.svc.cluster.local'), [
      'NOERROR aa',
      'an web.shop.svc.cluster.local 5 A 10.96.0.20',
    ]);
    const viaTcp = await askTcp(server!, [encodeQuery('db.shop.svc.cluster.local', 'A')]);
    assert.deepEqual(answerText(viaTcp[0]!), ['NOERROR aa', 'an db.shop.svc.cluster.local 5 A 10.244.0.5']);

    const service = await api.get(services, { namespace: 'kube-system', name: 'kube-dns' });
    assert.equal(service.spec?.clusterIP, '10.96.0.10');
    const slice = await api.get(endpointSlices, { namespace: 'kube-system', name: 'kube-dns-node-1' });
    assert.deepEqual(slice.endpoints[0]?.addresses, ['10.244.0.1']);

    const before = await api.get(endpointSlices, { namespace: 'shop', name: 'db-1' });
    await api.update(endpointSlices, { ...before, endpoints: [{ addresses: ['10.244.0.6'] }] });
    await askUntil(
      () => ask('db.shop.svc.cluster.local'),
      (answer) => answer[1] === 'an db.shop.svc.cluster.local 5 A 10.244.0.6',
    );
    await api.delete(services, { namespace: 'shop', name: 'web' });
    await askUntil(
      () => ask('web.shop.svc.cluster.local'),
      (answer) => answer[0] === 'NXDOMAIN aa',
    );
  } finally {
    await dns.stop();
  }
  await assert.rejects(api.get(endpointSlices, { namespace: 'kube-system', name: 'kube-dns-node-1' }));
});

test('cluster names are SERVFAIL until the API has delivered everything', { timeout: 120_000 }, async () => {
  const api = new FakeApi();
  api.setReachable(false);
  const dns = await startDns(optionsFor(api));
  try {
    const ask = async (): Promise<string[]> =>
      answerText(await askUdp(dns.addresses[0]!, encodeQuery('x.default.svc.cluster.local', 'A')));
    assert.deepEqual(await ask(), ['SERVFAIL']);
    api.setReachable(true);
    await dns.ready;
    assert.equal((await ask())[0], 'NXDOMAIN aa');
  } finally {
    await dns.stop();
  }
});

const noFreeBind = engine.kind === 'node' ? 'node:dgram cannot bind an address that is not there' : false;

test('several addresses and an address that does not exist yet', { skip: noFreeBind, timeout: 120_000 }, async () => {
  const dns = await startDns(
    optionsFor(new FakeApi(), {
      listen: ['127.0.0.1', '127.0.0.2', '203.0.113.77'].map((address) => ({ address, port: 0 })),
    }),
  );
  try {
    await dns.ready;
    for (const address of dns.addresses.slice(0, 2)) {
      const answer = await askUdp(address, encodeQuery('dns-version.cluster.local', 'TXT'));
      assert.deepEqual(answerText(answer), ['NOERROR aa', 'an dns-version.cluster.local 5 TXT "1.1.0"']);
    }
  } finally {
    await dns.stop();
  }
});

test('an address in use is one clear error', async () => {
  const taken = createSocket('udp4');
  await new Promise<void>((resolve) => taken.bind(0, '127.0.0.1', resolve));
  try {
    await assert.rejects(
      startDns(optionsFor(new FakeApi(), { listen: [{ address: '127.0.0.1', port: taken.address().port }] })),
      { name: 'DnsError', code: 'listen', message: /cannot listen on UDP 127\.0\.0\.1 port \d+: EADDRINUSE/ },
    );
  } finally {
    taken.close();
  }
});

test('upstreams in text', () => {
  assert.deepEqual(parseUpstream('9.9.9.9'), { address: '9.9.9.9', port: 53 });
  assert.deepEqual(parseUpstream('127.0.0.1:5353'), { address: '127.0.0.1', port: 5353 });
  assert.deepEqual(parseUpstream('[2001:db8::1]:5353'), { address: '2001:db8::1', port: 5353 });
  assert.deepEqual(parseUpstream('2001:db8::1'), { address: '2001:db8::1', port: 53 });
  for (const bad of ['', 'dns.example', '1.2.3.4:0', '1.2.3.4:70000']) assert.equal(parseUpstream(bad), undefined);
});

test('external zone, hosts and rewrites', { timeout: 120_000 }, async () => {
  const api = new FakeApi();
  const ports = ['http/TCP/80'];
  const shop = makeService('shop/web', ['10.96.0.20'], ports);
  api.seed(services, {
    ...shop,
    metadata: {
      ...shop.metadata,
      annotations: { 'external-dns.alpha.kubernetes.io/hostname': 'www.apps.test, x.other' },
    },
    spec: { ...shop.spec, type: 'LoadBalancer' },
    status: { loadBalancer: { ingress: [{ ip: '192.0.2.10' }] } },
  });
  api.seed(services, makeService('shop/inner', ['10.96.0.21'], ports));
  api.seed(ingresses, {
    metadata: { namespace: 'shop', name: 'front' },
    spec: { rules: [{ host: 'front.apps.test' }, { host: '*.apps.test' }, { host: 'front.elsewhere' }] },
    status: { loadBalancer: { ingress: [{ ip: '192.0.2.11' }] } },
  });
  const dns = await startDns(
    optionsFor(api, {
      externalZone: 'Apps.Test.',
      hosts: parseHosts('192.0.2.99 printer.lan printer # floor 2\nfd00::99 printer.lan\nnonsense\n'),
      rewrites: [
        { kind: 'exact', from: 'db.legacy', to: 'inner.shop.svc.cluster.local' },
        { kind: 'suffix', from: 'svc.old.domain', to: 'svc.cluster.local' },
      ],
    }),
  );
  try {
    await dns.ready;
    const [server] = dns.addresses;
    await askUntil(
      async () => answerText(await askUdp(server!, encodeQuery('none.apps.test', 'A'))),
      (answer) => answer[0] === 'NOERROR aa',
    );
    const soa = 'ns apps.test 5 SOA ns.dns.apps.test';
    const inner = 'an inner.shop.svc.cluster.local 5 A 10.96.0.21';
    const rows: readonly (readonly [name: string, type: 'A' | 'AAAA' | 'SRV' | 'SOA' | 'PTR', expected: string[]])[] = [
      ['web.shop.apps.test', 'A', ['NOERROR aa', 'an web.shop.apps.test 5 A 192.0.2.10']],
      ['www.apps.test', 'A', ['NOERROR aa', 'an www.apps.test 5 A 192.0.2.10']],
      [
        '_http._tcp.web.shop.apps.test',
        'SRV',
        ['NOERROR aa', 'an _http._tcp.web.shop.apps.test 5 SRV 0 100 80 web.shop.apps.test'],
      ],
      ['any.apps.test', 'A', ['NOERROR aa', 'an any.apps.test 5 A 192.0.2.11']],
      ['any.apps.test', 'AAAA', ['NOERROR aa', soa]],
      ['two.labels.apps.test', 'A', ['NXDOMAIN aa', soa]],
      ['*.apps.test', 'A', ['NOERROR aa', 'an *.apps.test 5 A 192.0.2.11']],
      ['front.apps.test', 'A', ['NOERROR aa', 'an front.apps.test 5 A 192.0.2.11']],
      ['front.apps.test', 'AAAA', ['NOERROR aa', soa]],
      ['inner.shop.apps.test', 'A', ['NXDOMAIN aa', soa]],
      ['shop.apps.test', 'A', ['NOERROR aa', soa]],
      ['apps.test', 'SOA', ['NOERROR aa', 'an apps.test 5 SOA ns.dns.apps.test']],
      ['front.elsewhere', 'A', ['SERVFAIL']],
      ['printer.lan', 'A', ['NOERROR aa', 'an printer.lan 5 A 192.0.2.99']],
      ['PRINTER', 'A', ['NOERROR aa', 'an PRINTER 5 A 192.0.2.99']],
      ['printer.lan', 'SRV', ['NOERROR aa']],
      ['99.2.0.192.in-addr.arpa', 'PTR', ['NOERROR aa', 'an 99.2.0.192.in-addr.arpa 5 PTR printer.lan']],
      ['db.legacy', 'A', ['NOERROR aa', 'an db.legacy 30 CNAME inner.shop.svc.cluster.local', inner]],
      [
        'inner.shop.svc.old.domain',
        'A',
        ['NOERROR aa', 'an inner.shop.svc.old.domain 30 CNAME inner.shop.svc.cluster.local', inner],
      ],
    ];
    for (const [name, type, expected] of rows) {
      assert.deepEqual(answerText(await askUdp(server!, encodeQuery(name, type))), expected, `${name} ${type}`);
    }
    const front = await api.get(ingresses, { namespace: 'shop', name: 'front' });
    await api.update(ingresses, { ...front, spec: { rules: [{ host: 'new.apps.test' }] } });
    const ask = async (name: string): Promise<string[]> => answerText(await askUdp(server!, encodeQuery(name, 'A')));
    await askUntil(
      () => ask('front.apps.test'),
      (answer) => answer[0] === 'NXDOMAIN aa',
    );
    assert.deepEqual(await ask('new.apps.test'), ['NOERROR aa', 'an new.apps.test 5 A 192.0.2.11']);
    assert.deepEqual(await ask('any.apps.test'), ['NXDOMAIN aa', soa], 'the wildcard is gone, too');
  } finally {
    await dns.stop();
  }
});

test('mistakes in annotations are told once per change', { timeout: 120_000 }, async () => {
  const api = new FakeApi();
  const web = makeService('shop/web', ['None']);
  api.seed(services, { ...web, metadata: { ...web.metadata, annotations: { 'fairlead.dev/dns-ttl': 'soon' } } });
  const notices: string[] = [];
  const dns = await startDns(
    optionsFor(api, { onNotice: ({ service, message }) => notices.push(`${service} ${message}`) }),
  );
  try {
    await dns.ready;
    const stored = await api.get(services, { namespace: 'shop', name: 'web' });
    await api.update(services, { ...stored, spec: { ...stored.spec, publishNotReadyAddresses: true } });
    const fixed = await api.get(services, { namespace: 'shop', name: 'web' });
    const annotations = { 'fairlead.dev/dns-max-endpoints': 'x' };
    await api.update(services, { ...fixed, metadata: { ...fixed.metadata, annotations } });
    while (notices.length < 2) await systemClock.sleep(5);
    assert.deepEqual(notices, [
      'shop/web metadata.annotations[fairlead.dev/dns-ttl]: must be a whole number from 0 to 3600',
      'shop/web metadata.annotations[fairlead.dev/dns-max-endpoints]: must be a whole number from 1 to 1000',
    ]);
  } finally {
    await dns.stop();
  }
});

test("CoreDNS's metrics, and a sample of the queries in the log", { timeout: 120_000 }, async () => {
  const api = new FakeApi();
  api.seed(services, makeService('shop/web', ['10.96.0.20']));
  const registry = new MetricRegistry();
  const logged: unknown[] = [];
  const log: Log = (_level, message, fields) => {
    if (message === 'DNS query') logged.push(fields);
  };
  const dns = await startDns(optionsFor(api, { metrics: registry, logEvery: 2, workers: 1, log }));
  try {
    await dns.ready;
    const [server] = dns.addresses;
    for (let round = 0; round < 3; round++) await askUdp(server!, encodeQuery('web.shop.svc.cluster.local', 'A'));
    await askUdp(server!, encodeQuery('no.shop.svc.cluster.local', 'AAAA'));
    await askTcp(server!, [encodeQuery('web.shop.svc.cluster.local', 1000)]);
    await askUdp(server!, encodeQuery('example.org', 'A'));
    const samples = new Map(
      registry.collect().flatMap((family) =>
        [...family.samples()].map((sample) => {
          const count = sample.type === 'value' ? sample.value : sample.counts.reduce((sum, value) => sum + value, 0);
          return [`${family.name} ${sample.labels.slice(2).join(' ')}`.trim(), count] as const;
        }),
      ),
    );
    assert.equal(samples.get('coredns_dns_requests_total udp A'), 4);
    assert.equal(samples.get('coredns_dns_requests_total udp AAAA'), 1);
    assert.equal(samples.get('coredns_dns_requests_total tcp other'), 1);
    assert.equal(samples.get('coredns_dns_responses_total udp NOERROR'), 3);
    assert.equal(samples.get('coredns_dns_responses_total udp NXDOMAIN'), 1);
    assert.equal(samples.get('coredns_dns_responses_total udp SERVFAIL'), 1, 'there is no upstream');
    assert.equal(samples.get('coredns_dns_request_duration_seconds udp'), 1);
    assert.ok((samples.get('fairlead_dns_names') ?? 0) > 5);
    while (logged.length < 2) await systemClock.sleep(5);
    const client = '127.0.0.1';
    assert.deepEqual(logged.slice(0, 2), [
      { client, name: 'web.shop.svc.cluster.local', type: 1, answer: 0 },
      { client, name: 'no.shop.svc.cluster.local', type: 28, answer: 3 },
    ]);
  } finally {
    await dns.stop();
  }
});
