import assert from 'node:assert/strict';
import { createSocket } from 'node:dgram';
import { test } from 'node:test';
import { endpointSlices, namespaces, services } from '@fairlead/api';
import { FakeApi } from '../../../client/src/fake-api.ts';
import { systemClock, systemRandom } from '../sys/clock.ts';
import { answerText, askTcp, askUdp, encodeQuery, makeService, makeSlice } from './dns-fixtures.ts';
import { type DnsOptions, parseUpstream, startDns } from './start.ts';

function optionsFor(client: FakeApi, more: Partial<DnsOptions> = {}): DnsOptions {
  return {
    client,
    listen: [{ address: '127.0.0.1', port: 0 }],
    clusterDomain: 'cluster.local',
    upstreams: [],
    workers: 2,
    clock: systemClock,
    random: systemRandom,
    log: () => {},
    ...more,
  };
}

/** Asks until the answer is as wanted; the test's deadline ends it otherwise. */
async function askUntil(ask: () => Promise<string[]>, isDone: (answer: string[]) => boolean): Promise<string[]> {
  for (;;) {
    const answer = await ask();
    if (isDone(answer)) return answer;
    await systemClock.sleep(5);
  }
}

test('serves the records of the API and follows its changes', { timeout: 30_000 }, async () => {
  const api = new FakeApi();
  api.seed(namespaces, { metadata: { name: 'shop' } });
  api.seed(services, makeService('shop/web', ['10.96.0.20']));
  api.seed(services, makeService('shop/db', ['None']));
  api.seed(endpointSlices, makeSlice('shop/db', 'db-1', ['10.244.0.5']));
  const dns = await startDns(
    optionsFor(api, { kubeDns: { nodeName: 'node-1', clusterIp: '10.96.0.10', address: '10.244.0.1', port: 53 } }),
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

test('cluster names are SERVFAIL until the API has delivered everything', { timeout: 30_000 }, async () => {
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

test('several addresses and an address that does not exist yet', { timeout: 30_000 }, async () => {
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
