import assert from 'node:assert/strict';
import { test } from 'node:test';
import { type EndpointSlice, endpointSlices, services } from '@fairlead/api';
import { ApiError } from '@fairlead/client';
import { FakeApi } from '../../../client/src/fake-api.ts';
import { systemClock, systemRandom } from '../sys/clock.ts';
import { type KubeDnsOptions, KubeDnsRegistration, kubeDnsService, kubeDnsSlices } from './kube-dns-service.ts';
import { startDns } from './start.ts';

const options: KubeDnsOptions = {
  nodeName: 'node-1',
  clusterIps: ['10.96.0.10'],
  addresses: ['10.244.0.1'],
  port: 53,
};
const kubeDnsSlice = (of: KubeDnsOptions): EndpointSlice => kubeDnsSlices(of)[0]!;
const sliceName = { namespace: 'kube-system', name: 'kube-dns-node-1' };
const serviceName = { namespace: 'kube-system', name: 'kube-dns' };
const log = (): void => {};

test('what is there is kept, what is wrong is put right', async (t) => {
  const address = async (api: FakeApi): Promise<unknown> =>
    (await api.get(endpointSlices, sliceName)).endpoints[0]?.addresses;
  const rows: readonly (readonly [title: string, seed: (api: FakeApi) => void, writes: number])[] = [
    ['nothing there', () => {}, 2],
    [
      'all there',
      (api) => void [api.seed(services, kubeDnsService(options)), api.seed(endpointSlices, kubeDnsSlice(options))],
      0,
    ],
    [
      'slice of the node from before, other address',
      (api) => {
        api.seed(services, kubeDnsService(options));
        api.seed(endpointSlices, kubeDnsSlice({ ...options, addresses: ['10.244.9.1'] }));
      },
      1,
    ],
    [
      'slice of another family',
      (api) => {
        api.seed(services, kubeDnsService(options));
        api.seed(endpointSlices, kubeDnsSlice({ ...options, addresses: ['fd00::1'] }));
      },
      2,
    ],
    [
      'service without its TCP port',
      (api) => {
        const service = kubeDnsService(options);
        api.seed(services, { ...service, spec: { ...service.spec, ports: service.spec?.ports?.slice(0, 1) } });
        api.seed(endpointSlices, kubeDnsSlice(options));
      },
      1,
    ],
  ];
  for (const [title, seed, writes] of rows) {
    await t.test(title, async () => {
      const api = new FakeApi();
      seed(api);
      const registration = new KubeDnsRegistration(api, options, systemClock, log);
      await registration.registered;
      assert.deepEqual(await address(api), ['10.244.0.1']);
      const service = await api.get(services, serviceName);
      assert.deepEqual(
        service.spec?.ports?.map((port) => port.name),
        ['dns', 'dns-tcp'],
      );
      const written = api.calls.filter(({ verb }) => ['create', 'update', 'delete'].includes(verb));
      assert.equal(written.length, writes);
      await registration.stop();
      await assert.rejects(api.get(endpointSlices, sliceName), { code: 404 });
      await api.get(services, serviceName);
    });
  }
});

test('a failing API is tried again; a Service that has another cluster IP keeps it', async () => {
  const api = new FakeApi();
  const taken = kubeDnsService({ ...options, clusterIps: ['10.96.0.99'] });
  api.seed(services, taken);
  let failures = 2;
  api.failWhen(({ verb }) => (verb === 'get' && failures-- > 0 ? new ApiError(0, 'Unreachable', 'no') : undefined));
  const registration = new KubeDnsRegistration(api, options, systemClock, log);
  await registration.registered;
  assert.equal((await api.get(services, serviceName)).spec?.clusterIP, '10.96.0.99');
  await registration.stop();
});

test('a slice that somebody deletes comes back', { timeout: 120_000 }, async () => {
  const api = new FakeApi();
  const dns = await startDns({
    client: api,
    listen: [{ address: '127.0.0.1', port: 0 }],
    clusterDomain: 'cluster.local',
    upstreams: [],
    workers: 1,
    clock: systemClock,
    random: systemRandom,
    log,
    kubeDns: options,
  });
  try {
    await dns.ready;
    await api.delete(endpointSlices, sliceName);
    let slice: EndpointSlice | undefined;
    while (slice === undefined) {
      slice = await api.get(endpointSlices, sliceName).catch(() => undefined);
      await systemClock.sleep(5);
    }
    api.setReachable(false);
  } finally {
    // The API is gone: the server stops all the same.
    await dns.stop();
  }
});

test('two families: both cluster IPs, a slice each, and a Service of one family gets the second', async () => {
  const dual: KubeDnsOptions = {
    ...options,
    clusterIps: ['10.96.0.10', 'fd00:10:96::a'],
    addresses: ['10.244.0.1', 'fd00:10:244::1'],
  };
  for (const title of ['new', 'made with one family'] as const) {
    const api = new FakeApi();
    if (title !== 'new') api.seed(services, kubeDnsService(options));
    const registration = new KubeDnsRegistration(api, dual, systemClock, log);
    await registration.registered;
    const { spec } = await api.get(services, serviceName);
    assert.deepEqual([spec?.clusterIPs, spec?.ipFamilyPolicy], [dual.clusterIps, 'PreferDualStack'], title);
    const { items } = await api.list(endpointSlices, { namespace: 'kube-system' });
    assert.deepEqual(
      items.map(({ metadata, addressType, endpoints }) => [metadata.name, addressType, endpoints[0]?.addresses[0]]),
      [
        ['kube-dns-node-1', 'IPv4', '10.244.0.1'],
        ['kube-dns-node-1-ipv6', 'IPv6', 'fd00:10:244::1'],
      ],
      title,
    );
    await registration.stop();
    assert.deepEqual((await api.list(endpointSlices, { namespace: 'kube-system' })).items, [], title);
  }
});
