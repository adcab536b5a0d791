import assert from 'node:assert/strict';
import { test } from 'node:test';
import { systemClock } from '../../sys/clock.ts';
import { rcode, rrType } from '../../wire/dns/constants.ts';
import { type DnsMessage, decodeMessage } from '../../wire/dns/message.ts';
import { compileServiceRecords } from '../compile.ts';
import { askUdp, encodeQuery, makeService, makeSlice } from '../dns-fixtures.ts';
import { clusterZone } from '../program.ts';
import { ZoneBuilder } from '../zone-builder.ts';
import { AnswerTable } from './answer-table.ts';
import { DnsServer } from './dns-server.ts';
import { QueryAnswerer } from './query-answerer.ts';
import { zoneTemplates } from './zone-template.ts';

const zone = clusterZone('cluster.local', 5);
const web = 'web.shop.svc.cluster.local';
const options = { zone: zone.origin, ttlSeconds: 5 };

/** The proxy 192.0.2.53 is trusted with client subnets. */
const subnetSources = [{ address: Uint8Array.of(192, 0, 2, 53), prefixBits: 32 }];

interface Asked {
  readonly first: string;
  readonly addresses: readonly string[];
  readonly message: DnsMessage;
}

/** A Service with these addresses and annotations, to be asked by any client. */
function serve(annotations: Readonly<Record<string, string>>, addresses: readonly string[]) {
  const all = Object.fromEntries(Object.entries(annotations).map(([key, value]) => [`fairlead.dev/dns-${key}`, value]));
  const plain = makeService('shop/web', ['None'], []);
  const service = { ...plain, metadata: { ...plain.metadata, annotations: all } };
  const slices = [addresses.filter((one) => !one.includes(':')), addresses.filter((one) => one.includes(':'))]
    .filter((part) => part.length > 0)
    .map((part, index) => makeSlice('shop/web', `s${index}`, part, []));
  const table = new AnswerTable(1);
  new ZoneBuilder(zone, table).setSource('web', compileServiceRecords(service, slices, options));
  table.markSynced(1);
  const answerer = new QueryAnswerer(table.buffers, zoneTemplates(zone), { subnetSources });
  return (client: string, subnet?: string, type: 'A' | 'AAAA' = 'A'): Asked => {
    answerer.peer.fill(0);
    answerer.peer.set([2, 0, 0, 53, ...client.split('.').map(Number)]);
    let query = encodeQuery(web, type, { edns: 1232 });
    if (subnet !== undefined) {
      const option = Buffer.from(subnet, 'hex');
      query = Buffer.concat([query, Uint8Array.of(0, 8, 0, option.length), option]);
      query[query.length - option.length - 5] = option.length + 4;
    }
    const output = new Uint8Array(1400);
    const message = decodeMessage(output.slice(0, answerer.answer(query, 0, query.length, output, 0, 0)))!;
    const found = message.answers.map(({ data }) => [...data].join('.'));
    return { first: found[0] ?? '', addresses: found, message };
  };
}

/** The client subnet option of an answer, in hex. */
function subnetOf({ message }: Asked): string | undefined {
  const data = Buffer.from(message.additional.find(({ type }) => type === rrType.OPT)?.data ?? []);
  return data.length > 4 && data.readUInt16BE(0) === 8 ? data.toString('hex', 4) : undefined;
}

const ten = Array.from({ length: 10 }, (_, index) => `10.244.${index}.7`);

test('sticky: a network keeps its endpoint, networks are spread, a change moves only its share', () => {
  const ask = serve({ sticky: 'client-subnet' }, ten);
  const without = serve({ sticky: 'client-subnet' }, ten.slice(1));
  const counts = new Map<string, number>();
  for (let network = 0; network < 1000; network++) {
    const client = (host: number): string => `172.${16 + (network >> 8)}.${network & 255}.${host}`;
    const { first, addresses } = ask(client(1));
    assert.equal(addresses.length, 10, 'all are still there');
    for (const host of [2, 77, 254]) assert.equal(ask(client(host)).first, first);
    if (first !== ten[0]) assert.equal(without(client(1)).first, first, 'its endpoint is still there');
    counts.set(first, (counts.get(first) ?? 0) + 1);
  }
  for (const count of counts.values()) assert.ok(count > 60 && count < 150, `${[...counts.values()]}`);
});

test('sticky with weights: shares of the networks follow them', () => {
  const ask = serve(
    { sticky: 'client-subnet', weights: '10.244.0.7=30, 10.244.1.7=10, 10.244.2.7=0' },
    ten.slice(0, 3),
  );
  const counts = [0, 0];
  for (let network = 0; network < 2000; network++) {
    counts[ask(`172.${16 + (network >> 8)}.${network & 255}.1`).first === ten[0] ? 0 : 1]!++;
  }
  assert.ok(counts[0]! > 1400 && counts[0]! < 1600, String(counts));
});

test('sticky with a limit: a network gets the same few', () => {
  const ask = serve({ sticky: 'client-subnet', 'max-endpoints': '3' }, ten);
  const { addresses } = ask('172.16.4.4');
  assert.equal(addresses.length, 3);
  for (let round = 0; round < 5; round++) assert.deepEqual(ask('172.16.4.9').addresses, addresses);
});

test('subnet preference: endpoints near the client come first, in turn; without any, all in turn', () => {
  const ask = serve({ 'subnet-preference': '24' }, ['10.1.0.1', '10.1.1.1', '10.1.1.2', '10.1.2.1']);
  const firsts = (client: string): string[] => [...new Set(Array.from({ length: 12 }, () => ask(client).first))].sort();
  assert.deepEqual(firsts('10.1.1.200'), ['10.1.1.1', '10.1.1.2']);
  assert.deepEqual(firsts('10.1.2.200'), ['10.1.2.1']);
  assert.deepEqual(firsts('10.9.9.9'), ['10.1.0.1', '10.1.1.1', '10.1.1.2', '10.1.2.1']);
});

test('client subnets: believed from trusted senders alone, repeated with the scope', () => {
  const ask = serve({ sticky: 'client-subnet' }, [...ten, '2001:db8::1', '2001:db8::2']);
  const direct = ask('172.16.9.1').first;
  const v4 = '00011800ac1009';
  const proxied = ask('192.0.2.53', v4);
  assert.equal(proxied.first, direct, 'as if the client had asked itself');
  assert.equal(subnetOf(proxied), '00011818ac1009', 'scope 24');
  const liar = ask('192.0.2.54', v4);
  assert.equal(subnetOf(liar), undefined);
  assert.equal(liar.first, ask('192.0.2.54').first, 'the subnet of a stranger changes nothing');
  const v6 = ask('192.0.2.53', '00023800fd001122334455', 'AAAA');
  assert.equal(subnetOf(v6), '00023838fd001122334455', 'scope 56');
  const plain = serve({}, ten);
  assert.equal(subnetOf(plain('192.0.2.53', v4)), '00011800ac1009', 'scope 0: the answer does not depend on it');
  assert.equal(subnetOf(ask('192.0.2.53', '00000000')), '00000000', 'a client that wants no subnet used');
});

test('client subnets that are malformed', () => {
  const ask = serve({}, ten);
  const rows: readonly (readonly [title: string, option: string])[] = [
    ['a scope in the query', '00011818ac1009'],
    ['bits behind the prefix', '00011700ac1009'],
    ['too few bytes', '00011800ac10'],
    ['too many bytes', '00011800ac100900'],
    ['an unknown family', '00031800ac1009'],
    ['33 bits of IPv4', '00012100ac10090101'],
    ['no prefix at all', '0001'],
  ];
  for (const [title, option] of rows) {
    assert.equal(ask('192.0.2.53', option).message.flags & 15, rcode.FORMERR, title);
    assert.equal(ask('192.0.2.54', option).message.flags & 15, rcode.NOERROR, `${title}: not read from a stranger`);
  }
});

test('through an alias a client gets what it gets by the name itself, also by a subnet that it tells of', {
  timeout: 120_000,
}, async () => {
  const rows: readonly (readonly [
    annotations: Readonly<Record<string, string>>,
    addresses: readonly string[],
    bits: number,
  ])[] = [
    [{ sticky: 'client-subnet' }, ten, 24],
    [{ sticky: 'client-subnet', weights: '10.244.0.7=30, 10.244.1.7=10, 10.244.2.7=0' }, ten, 24],
    [{ 'subnet-preference': '24' }, [...ten, '172.16.1.9', '172.16.2.9'], 24],
  ];
  for (const [rules, addresses, bits] of rows) {
    const annotations = Object.fromEntries(
      Object.entries(rules).map(([key, value]) => [`fairlead.dev/dns-${key}`, value]),
    );
    const plain = makeService('shop/web', ['None'], []);
    const service = { ...plain, metadata: { ...plain.metadata, annotations } };
    const alias = {
      metadata: { namespace: 'shop', name: 'alias' },
      spec: { type: 'ExternalName' as const, externalName: web },
    };
    const server = new DnsServer({
      zone,
      listen: [{ family: 'ipv4', address: '127.0.0.1', port: 0 }],
      upstreams: [],
      subnetSources: [{ address: Uint8Array.of(127, 0, 0, 1), prefixBits: 32 }],
      workers: 1,
      clock: systemClock,
      random: () => 0,
      log: () => {},
    });
    server.setSource('web', compileServiceRecords(service, [makeSlice('shop/web', 's', addresses, [])], options));
    server.setSource('alias', compileServiceRecords(alias, [], options));
    server.markSynced();
    await server.start();
    try {
      const firsts = new Set<string>();
      for (let network = 0; network < 20; network++) {
        const option = Uint8Array.of(0, 1, 24, 0, 172, 16, network);
        const ask = async (name: string): Promise<{ readonly first: string; readonly scope: number | undefined }> => {
          const query = encodeQuery(name, 'A', { edns: 1232 });
          const whole = Buffer.concat([query, Uint8Array.of(0, 8, 0, option.length), option]);
          whole[query.length - 1] = option.length + 4;
          const message = await askUdp(server.addresses[0]!, whole);
          const first = message.answers.find(({ type }) => type === rrType.A)!;
          return {
            first: [...first.data].join('.'),
            scope: message.additional.find(({ type }) => type === rrType.OPT)?.data[7],
          };
        };
        const direct = await ask(web);
        const followed = await ask('alias.shop.svc.cluster.local');
        const isChosen = rules.sticky !== undefined || network === 1 || network === 2;
        if (isChosen) assert.equal(followed.first, direct.first, `${JSON.stringify(rules)} 172.16.${network}.0`);
        assert.deepEqual([followed.scope, direct.scope], [bits, bits], 'the answer is for that network');
        firsts.add(followed.first);
      }
      assert.ok(firsts.size > 1, 'networks differ');
    } finally {
      await server.stop();
    }
  }
});
