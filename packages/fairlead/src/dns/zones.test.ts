import assert from 'node:assert/strict';
import { test } from 'node:test';
import { endpointSlices, services } from '@fairlead/api';
import { ApiError } from '@fairlead/client';
import { FakeApi } from '../../../client/src/fake-api.ts';
import { systemClock } from '../sys/clock.ts';
import { MetricRegistry } from '../telemetry/metrics.ts';
import { answerText, askTcp, askUdp, encodeQuery, makeService, makeSlice } from './dns-fixtures.ts';
import { gateways, hostRoutes } from './gateway-kinds.ts';
import { serviceImports } from './multicluster-kinds.ts';
import { type DnsOptions, startDns } from './start.ts';
import { askUntil, optionsFor } from './start-fixture.ts';

const meta = (name: string) => ({ namespace: 'shop', name });
const isAnswered = (answer: readonly string[]): boolean => answer[0] === 'NOERROR aa' && answer.length > 1;

test('multi-cluster names: an import, its endpoints by cluster, and what does not exist', {
  timeout: 120_000,
}, async () => {
  const api = new FakeApi();
  api.seed(serviceImports, {
    metadata: meta('web'),
    spec: { type: 'ClusterSetIP', ips: ['10.112.0.5'], ports: [{ name: 'http', port: 80 }] },
  });
  api.seed(serviceImports, { metadata: meta('db'), spec: { type: 'Headless', ports: [] } });
  const slice = makeSlice('shop/db', 'db-eu', ['10.1.0.1=db-0', '10.1.0.2=db-1'], []);
  api.seed(endpointSlices, {
    ...slice,
    metadata: {
      ...slice.metadata,
      labels: {
        'multicluster.kubernetes.io/service-name': 'db',
        'multicluster.kubernetes.io/source-cluster': 'eu',
      },
    },
  });
  const dns = await startDns(optionsFor(api, { clustersetZone: 'clusterset.local' }));
  try {
    const zone = 'clusterset.local';
    const ask = async (name: string, type: 'A' | 'AAAA' | 'SRV' | 'TXT' | 'PTR' = 'A'): Promise<string[]> =>
      answerText(await askUdp(dns.addresses[0]!, encodeQuery(name, type)));
    await askUntil(() => ask(`web.shop.svc.${zone}`), isAnswered);
    const soa = `ns ${zone} 5 SOA ns.dns.${zone}`;
    const db = `db.shop.svc.${zone}`;
    const rows: readonly (readonly [name: string, type: 'A' | 'AAAA' | 'SRV' | 'TXT', expected: string[]])[] = [
      [`web.shop.svc.${zone}`, 'A', ['NOERROR aa', `an web.shop.svc.${zone} 5 A 10.112.0.5`]],
      [`web.shop.svc.${zone}`, 'AAAA', ['NOERROR aa', soa]],
      [
        `_http._tcp.web.shop.svc.${zone}`,
        'SRV',
        [
          'NOERROR aa',
          `an _http._tcp.web.shop.svc.${zone} 5 SRV 0 100 80 web.shop.svc.${zone}`,
          `ad web.shop.svc.${zone} 5 A 10.112.0.5`,
        ],
      ],
      [`dns-version.${zone}`, 'TXT', ['NOERROR aa', `an dns-version.${zone} 5 TXT "1.0.0"`]],
      [`db-0.eu.${db}`, 'A', ['NOERROR aa', `an db-0.eu.${db} 5 A 10.1.0.1`]],
      [`db-0.${db}`, 'A', ['NXDOMAIN aa', soa]],
      // A name with others below exists (RFC 8020), but has no records.
      [`eu.${db}`, 'A', ['NOERROR aa', soa]],
      [`us.${db}`, 'A', ['NXDOMAIN aa', soa]],
      [`eu.web.shop.svc.${zone}`, 'A', ['NXDOMAIN aa', soa]],
      [`none.shop.svc.${zone}`, 'A', ['NXDOMAIN aa', soa]],
      [`10-1-0-1.shop.pod.${zone}`, 'A', ['NXDOMAIN aa', soa]],
      ['db.shop.svc.cluster.local', 'A', ['NXDOMAIN aa', 'ns cluster.local 5 SOA ns.dns.cluster.local']],
    ];
    for (const [name, type, expected] of rows) assert.deepEqual(await ask(name, type), expected, `${name} ${type}`);
    assert.equal((await ask(db)).length, 3, 'the endpoints of all clusters');
    assert.deepEqual(await ask('1.0.1.10.in-addr.arpa', 'PTR'), ['SERVFAIL'], 'their reverse names are not ours');
    const stored = await api.get(serviceImports, meta('web'));
    await api.update(serviceImports, { ...stored, spec: { ...stored.spec, ips: ['10.112.0.6'], ports: [] } });
    await askUntil(
      () => ask(`web.shop.svc.${zone}`),
      (answer) => answer[1] === `an web.shop.svc.${zone} 5 A 10.112.0.6`,
    );
    await api.delete(serviceImports, meta('web'));
    await askUntil(
      () => ask(`web.shop.svc.${zone}`),
      (answer) => answer[0] === 'NXDOMAIN aa',
    );
  } finally {
    await dns.stop();
  }
});

test('kinds that are not installed: no names of them, no waiting', { timeout: 120_000 }, async () => {
  const api = new FakeApi();
  api.seed(services, makeService('shop/web', ['10.96.0.1']));
  const isOptional = (resource: string): boolean =>
    ['serviceimports', 'gateways', ...hostRoutes.map((ref) => ref.plural)].includes(resource.split('/')[1] ?? '');
  api.failWhen((call) =>
    isOptional(call.resource)
      ? new ApiError(404, 'NotFound', 'the server could not find the requested resource')
      : undefined,
  );
  const dns = await startDns(optionsFor(api, { clustersetZone: 'clusterset.local', externalZone: 'apps.test' }));
  try {
    await dns.ready;
    const ask = async (name: string): Promise<string[]> =>
      answerText(await askUdp(dns.addresses[0]!, encodeQuery(name, 'A')));
    for (const zone of ['clusterset.local', 'apps.test']) {
      await askUntil(
        () => ask(`web.shop.svc.${zone}`),
        (answer) => answer[0] === 'NXDOMAIN aa',
      );
    }
  } finally {
    await dns.stop();
  }
});

test('without the right to list all Pods there are no names of them, and all others', {
  timeout: 120_000,
}, async () => {
  const api = new FakeApi();
  api.seed(services, makeService('shop/web', ['10.96.0.1']));
  api.failWhen((call) =>
    call.resource.endsWith('pods') ? new ApiError(403, 'Forbidden', 'pods is forbidden') : undefined,
  );
  const warnings: string[] = [];
  const log: DnsOptions['log'] = (level, message) => void (level === 'warn' && warnings.push(message));
  const dns = await startDns(optionsFor(api, { podRecords: 'verified', completesSearch: true, log }));
  try {
    await dns.ready;
    const ask = async (name: string): Promise<string> =>
      answerText(await askUdp(dns.addresses[0]!, encodeQuery(name, 'A')))[0]!;
    assert.equal(await ask('web.shop.svc.cluster.local'), 'NOERROR aa');
    assert.equal(await ask('10-244-0-9.shop.pod.cluster.local'), 'NXDOMAIN aa');
    assert.deepEqual(warnings, ['DNS has no names of Pods and completes no searches: it may not list all Pods']);
  } finally {
    await dns.stop();
  }
});

test('hosts of routes follow their Gateway', { timeout: 120_000 }, async () => {
  const api = new FakeApi();
  const [httpRoutes] = hostRoutes;
  api.seed(gateways, { metadata: meta('edge'), status: { addresses: [{ value: '192.0.2.7' }] } });
  api.seed(httpRoutes!, {
    metadata: meta('r'),
    spec: { hostnames: ['*.shop.apps.test'], parentRefs: [{ name: 'edge' }] },
  });
  const dns = await startDns(optionsFor(api, { externalZone: 'apps.test' }));
  try {
    const ask = async (name: string): Promise<string[]> =>
      answerText(await askUdp(dns.addresses[0]!, encodeQuery(name, 'A')));
    await askUntil(() => ask('a.shop.apps.test'), isAnswered);
    const edge = await api.get(gateways, meta('edge'));
    await api.update(gateways, { ...edge, status: { addresses: [{ value: '192.0.2.8' }] } }, { subresource: 'status' });
    await askUntil(
      () => ask('a.shop.apps.test'),
      (answer) => answer[1] === 'an a.shop.apps.test 5 A 192.0.2.8',
    );
    await api.delete(httpRoutes!, meta('r'));
    await askUntil(
      () => ask('a.shop.apps.test'),
      (answer) => answer[0] === 'NXDOMAIN aa',
    );
  } finally {
    await dns.stop();
  }
});

test('names by topology zone: pin is empty elsewhere, prefer widens, other words do not exist', {
  timeout: 120_000,
}, async () => {
  const api = new FakeApi();
  api.seed(services, makeService('shop/db', ['None'], []));
  const slice = makeSlice('shop/db', 'db-1', ['10.0.0.1', '10.0.0.2'], []);
  const endpoints = slice.endpoints.map((one, index) => ({ ...one, zone: ['eu-1a', 'eu-1b'][index]! }));
  api.seed(endpointSlices, { ...slice, endpoints });
  const dns = await startDns(optionsFor(api, { hasZonalNames: true }));
  try {
    await dns.ready;
    const counts: Record<string, string> = {};
    for (const front of ['eu-1a.pin', 'eu-1b.prefer', 'eu-9z.pin', 'eu-9z.prefer', 'eu-1a.only', 'pin']) {
      const name = `${front}._zone.db.shop.svc.cluster.local`;
      const [head = '', ...lines] = answerText((await askTcp(dns.addresses[0]!, [encodeQuery(name, 'A')]))[0]!);
      counts[front] = `${head} ${lines.filter((line) => line.startsWith('an')).length}`;
    }
    assert.deepEqual(counts, {
      'eu-1a.pin': 'NOERROR aa 1',
      'eu-1b.prefer': 'NOERROR aa 1',
      'eu-9z.pin': 'NOERROR aa 0',
      'eu-9z.prefer': 'NOERROR aa 2',
      'eu-1a.only': 'NXDOMAIN aa 0',
      pin: 'NOERROR aa 0',
    });
  } finally {
    await dns.stop();
  }
});

test('without an API other names are forwarded all the same', { timeout: 120_000 }, async () => {
  const upstreamApi = new FakeApi();
  upstreamApi.seed(services, makeService('shop/web', ['192.0.2.1']));
  const upstream = await startDns(optionsFor(upstreamApi, { clusterDomain: 'example.org' }));
  const api = new FakeApi();
  api.setReachable(false);
  const [at] = upstream.addresses;
  const dns = await startDns(
    optionsFor(api, { upstreams: [`127.0.0.1:${at!.port}`], findNodeZone: () => new Promise(() => {}) }),
  );
  try {
    await upstream.ready;
    const ask = async (name: string): Promise<string[]> =>
      answerText(await askUdp(dns.addresses[0]!, encodeQuery(name, 'A')));
    assert.deepEqual(await ask('web.shop.svc.example.org'), ['NOERROR', 'an web.shop.svc.example.org 5 A 192.0.2.1']);
    assert.deepEqual(await ask('web.shop.svc.cluster.local'), ['SERVFAIL']);
  } finally {
    await dns.stop();
    await upstream.stop();
  }
});

test('all metrics of CoreDNS that dashboards use have their names', { timeout: 120_000 }, async () => {
  const metrics = new MetricRegistry();
  const dns = await startDns(optionsFor(new FakeApi(), { metrics }));
  try {
    await dns.ready;
    const names = new Set(metrics.collect().map(({ name }) => name));
    for (const name of [
      'dns_requests_total',
      'dns_request_duration_seconds',
      'dns_request_size_bytes',
      'dns_response_size_bytes',
      'dns_responses_total',
      'dns_do_requests_total',
      'panics_total',
      'cache_entries',
      'cache_hits_total',
      'cache_requests_total',
      'cache_prefetch_total',
      'cache_drops_total',
      'cache_served_stale_total',
      'cache_evictions_total',
      'forward_healthcheck_broken_total',
      'forward_max_concurrent_rejects_total',
      'proxy_request_duration_seconds',
      'proxy_healthcheck_failures_total',
      'proxy_conn_cache_hits_total',
      'kubernetes_dns_programming_duration_seconds',
      'shed_dropped_total',
      'reload_failed_total',
    ]) {
      assert.ok(names.has(`coredns_${name}`), name);
    }
  } finally {
    await dns.stop();
  }
});

test('the time from the change of an endpoint to its answer is measured', { timeout: 120_000 }, async () => {
  const api = new FakeApi();
  api.seed(services, makeService('shop/db', ['None'], []));
  api.seed(endpointSlices, makeSlice('shop/db', 'db-1', ['10.0.0.1'], []));
  const metrics = new MetricRegistry();
  const dns = await startDns(optionsFor(api, { metrics }));
  try {
    await dns.ready;
    const stored = await api.get(endpointSlices, meta('db-1'));
    const changedAt = new Date(systemClock.now() - 2000).toISOString();
    const annotations = { 'endpoints.kubernetes.io/last-change-trigger-time': changedAt };
    await api.update(endpointSlices, {
      ...stored,
      metadata: { ...stored.metadata, annotations },
      endpoints: [{ addresses: ['10.0.0.2'] }],
    });
    const family = () =>
      metrics.collect().find(({ name }) => name === 'coredns_kubernetes_dns_programming_duration_seconds')!;
    for (;;) {
      const [sample] = [...family().samples()];
      if (sample !== undefined && sample.type === 'histogram') {
        assert.deepEqual([...sample.labels], ['headless_with_selector']);
        assert.ok(sample.sum >= 2, String(sample.sum));
        break;
      }
      await systemClock.sleep(5);
    }
  } finally {
    await dns.stop();
  }
});
