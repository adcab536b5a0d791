import assert from 'node:assert/strict';
import { execFile, spawnSync } from 'node:child_process';
import { createSocket } from 'node:dgram';
import { Resolver } from 'node:dns/promises';
import { once } from 'node:events';
import { connect, type Socket } from 'node:net';
import { after, before, test } from 'node:test';
import { promisify } from 'node:util';
import { type Clock, systemClock, systemRandom } from '../../sys/clock.ts';
import { engine } from '../../sys/engine-kind.ts';
import type { SocketAddress } from '../../sys/socket-address.ts';
import { rrClass, rrType } from '../../wire/dns/constants.ts';
import { nameFromText } from '../../wire/dns/name.ts';
import { ParsedQuery, parseQuery, queryVerdict } from '../../wire/dns/query.ts';
import { compileApexRecords } from '../compile.ts';
import { answerText, askTcp, askUdp, compileAll, encodeQuery, makeService, makeSlice } from '../dns-fixtures.ts';
import { clusterZone } from '../program.ts';
import { ZoneBuilder } from '../zone-builder.ts';
import { AnswerTable } from './answer-table.ts';
import { DnsServer } from './dns-server.ts';
import { ForeignTable } from './foreign-table.ts';
import { QueryAnswerer } from './query-answerer.ts';
import { StreamAnswers } from './stream-answers.ts';
import { control } from './table-layout.ts';
import { TcpServer } from './tcp-server.ts';
import { UdpServer } from './udp-server.ts';
import { zoneTemplates } from './zone-template.ts';

const zone = clusterZone('cluster.local', 5);
const options = { zone: zone.origin, ttlSeconds: 5 };
const web = 'web.shop.svc.cluster.local';

let server: DnsServer;
let address: SocketAddress;

before(async () => {
  server = new DnsServer({
    zone,
    listen: [{ family: 'ipv4', address: '127.0.0.1', port: 0 }],
    upstreams: [],
    workers: 2,
    clock: systemClock,
    random: systemRandom,
    log: () => {},
  });
  server.setSource('zone', compileApexRecords(zone, ['10.96.0.10'], options));
  server.setSource('web', compileAll(makeService('shop/web', ['10.96.0.1', 'fd00::1']), [], options));
  const many = Array.from({ length: 1000 }, (_, index) => `10.245.${index >> 8}.${index & 255}`);
  server.setSource('big', compileAll(makeService('shop/big', ['None']), [makeSlice('shop/big', 's', many)], options));
  server.setSource(
    'db',
    compileAll(makeService('shop/db', ['None']), [makeSlice('shop/db', 's', ['10.244.0.1=db-0'])], options),
  );
  const spec = { type: 'ExternalName' as const, externalName: web };
  server.setSource('alias', compileAll({ metadata: { namespace: 'shop', name: 'alias' }, spec }, [], options));
  server.markSynced();
  await server.start();
  address = server.addresses[0]!;
});

after(() => server.stop());

test('a change is answered by every worker with its next query', async () => {
  for (let round = 1; round <= 40; round++) {
    server.setSource('now', compileAll(makeService('shop/now', [`10.96.9.${round}`]), [], options));
    const asks = Array.from({ length: 8 }, () => askUdp(address, encodeQuery('now.shop.svc.cluster.local', 'A')));
    for (const answer of await Promise.all(asks)) {
      assert.equal(answerText(answer)[1], `an now.shop.svc.cluster.local 5 A 10.96.9.${round}`);
    }
  }
});

test('workers take grown tables over', async () => {
  for (let index = 0; index < 5000; index++) {
    server.setSource(
      `n${index}`,
      compileAll(makeService(`many/n${index}`, [`10.97.${index >> 8}.${index & 255}`]), [], options),
    );
  }
  for (const index of [0, 2500, 4999]) {
    const asks = Array.from({ length: 8 }, () => askUdp(address, encodeQuery(`n${index}.many.svc.cluster.local`, 'A')));
    for (const answer of await Promise.all(asks)) assert.equal(answer.answers.length, 1);
  }
});

test('a forwarded answer is asked for once, then given by the workers', { timeout: 120_000 }, async () => {
  let asked = 0;
  const upstream = createSocket('udp4');
  upstream.on('message', (bytes, peer) => {
    if (bytes.includes('fairlead-loop-probe')) return;
    asked++;
    const answer = Buffer.concat([
      bytes.subarray(0, bytes.length - 11),
      Uint8Array.of(0xc0, 12, 0, 1, 0, 1, 0, 0, 0, 60, 0, 4, 192, 0, 2, 7),
    ]);
    answer[2] = 0x81;
    answer[7] = 1;
    answer[11] = 0;
    upstream.send(answer, peer.port, peer.address);
  });
  upstream.bind(0, '127.0.0.1');
  await once(upstream, 'listening');
  const forwarding = new DnsServer({
    zone,
    listen: [{ family: 'ipv4', address: '127.0.0.1', port: 0 }],
    upstreams: [{ address: '127.0.0.1', port: upstream.address().port }],
    workers: 1,
    clock: systemClock,
    random: systemRandom,
    log: () => {},
  });
  await forwarding.start();
  try {
    const ask = async (): Promise<string[]> =>
      answerText(await askUdp(forwarding.addresses[0]!, encodeQuery('www.example.org', 'A'))).map((line) =>
        line.replace(/ \d+ A/, ' A'),
      );
    for (let round = 0; round < 5; round++) {
      assert.deepEqual(await ask(), ['NOERROR', 'an www.example.org A 192.0.2.7']);
    }
    assert.equal(asked, 1);
    assert.equal(forwarding.stats.queries.handedOff, 1);
    assert.equal(forwarding.stats.queries.cacheHits, 4);
  } finally {
    await forwarding.stop();
    upstream.close();
  }
});

const noReceiveBuffer = engine.kind === 'node' ? 'node:dgram cannot force a large receive buffer' : false;

test('a flood of nonsense leaves memory bounded and others served', {
  skip: noReceiveBuffer,
  timeout: 120_000,
}, async () => {
  const [address] = server.addresses;
  const flood = createSocket('udp4');
  const random = (bytes: number): Uint8Array => crypto.getRandomValues(new Uint8Array(bytes));
  const before = server.stats;
  for (let round = 0; round < 20; round++) {
    const sent: Promise<void>[] = [];
    for (let index = 0; index < 200; index++) {
      const noise = random(12 + (index % 60));
      const unknown = encodeQuery(`${round}-${index}.shop.svc.cluster.local`, 'A', { edns: 4096 });
      const outside = encodeQuery(`${round}-${index}.example.org`, 'A');
      for (const bytes of [noise, unknown, outside]) {
        sent.push(new Promise((resolve) => flood.send(bytes, address!.port, address!.address, () => resolve())));
      }
    }
    await Promise.all(sent);
    const answer = await askUdp(address!, encodeQuery(web, 'A'));
    assert.equal(answer.answers.length, 1);
  }
  flood.close();
  const { table, forwarder, queries } = server.stats;
  assert.ok(queries.queries - before.queries.queries > 1000, 'the flood arrived');
  assert.deepEqual([table.names, table.usedBytes], [before.table.names, before.table.usedBytes]);
  assert.ok(forwarder.cacheEntries <= 10_000);
});

test('a worker that ends is replaced on the same socket', { timeout: 120_000 }, async () => {
  const listen = [{ family: 'ipv4' as const, address: '127.0.0.1', port: 0 }];
  const log = (): void => {};
  const table = new AnswerTable(1);
  new ZoneBuilder(zone, table).setSource('web', compileAll(makeService('shop/web', ['10.96.0.1']), [], options));
  table.markSynced(1);
  const resolve = async (): Promise<undefined> => undefined;
  const udp = new UdpServer({
    listen,
    workers: 1,
    table,
    zones: zoneTemplates(zone),
    foreign: new ForeignTable(table.control, 1),
    resolve,
    refresh: async () => {},
    cookieSecret: new Uint8Array(16),
    clock: systemClock,
    log,
  });
  udp.start();
  try {
    const ask = (): Promise<unknown> => askUdp(udp.addresses[0]!, encodeQuery(web, 'A'), 250);
    await askUdp(udp.addresses[0]!, encodeQuery(web, 'A'));
    const ended = udp.threads.map((thread) => thread.terminate());
    // The thread is inside recvmmsg and ends with the next datagram, which may be lost.
    for (let isAnswered = false; !isAnswered; )
      isAnswered = await ask().then(
        () => udp.starts === 2,
        () => false,
      );
    await Promise.all(ended);
  } finally {
    await udp.stop();
  }
});

test('a popular answer that expires soon is given, and fetched anew by its question', {
  timeout: 120_000,
}, async () => {
  const table = new AnswerTable(1);
  table.markSynced(1);
  table.control[control.handOffLimit] = 10;
  const foreign = new ForeignTable(table.control, 1);
  const name = nameFromText('www.example.org')!;
  const data = Uint8Array.of(192, 0, 2, 1);
  const answers = [{ name, type: rrType.A, class: rrClass.IN, ttl: 3600, data }];
  const madeAt = Math.floor(systemClock.now() / 1000) - 3400;
  foreign.publish({ view: 0, name, type: rrType.A, rcode: 0, answers, authority: [], ttlSeconds: 3600, madeAt });
  const refreshed = Promise.withResolvers<Uint8Array>();
  const udp = new UdpServer({
    listen: [{ family: 'ipv4', address: '127.0.0.1', port: 0 }],
    workers: 1,
    table,
    zones: zoneTemplates(zone),
    foreign,
    resolve: async () => undefined,
    refresh: async (message) => refreshed.resolve(message),
    cookieSecret: new Uint8Array(16),
    clock: systemClock,
    log: () => {},
  });
  udp.start();
  try {
    const query = encodeQuery('www.example.org', 'A', { edns: 1232 });
    for (let round = 0; round < 4; round++) {
      const answer = await askUdp(udp.addresses[0]!, query);
      assert.deepEqual(Uint8Array.from(answer.answers[0]!.data), data);
    }
    const again = new ParsedQuery();
    const message = await refreshed.promise;
    assert.equal(parseQuery(message, 0, message.length, again), queryVerdict.ok, 'a query, not its answer');
    assert.deepEqual([again.name.slice(0, again.nameBytes), again.qtype], [name, rrType.A]);
  } finally {
    await udp.stop();
  }
});

test('a process that exits or crashes without stopping the server ends at once', { timeout: 120_000 }, async (t) => {
  const setup = `
    const { DnsServer } = await import(${JSON.stringify(new URL('./dns-server.ts', import.meta.url).href)});
    const { systemClock, systemRandom } = await import(${JSON.stringify(new URL('../../sys/clock.ts', import.meta.url).href)});
    const listen = LISTEN.map((address) => ({ family: 'ipv4', address, port: 0 }));
    const server = new DnsServer({ zone: ${JSON.stringify(zone)}, listen, upstreams: [], workers: 2, clock: systemClock, random: systemRandom, log() {} });
    await server.start();
  `;
  const rows: readonly (readonly [title: string, listen: readonly string[], end: string, status: number])[] = [
    ['exit, one address', ['127.0.0.1'], 'process.exit(3)', 3],
    ['exit, two addresses', ['127.0.0.1', '127.0.0.2'], 'process.exit(3)', 3],
    ['uncaught error', ['127.0.0.1'], 'setImmediate(() => { throw new Error("x"); })', 1],
  ];
  for (const [title, listen, end, status] of rows) {
    await t.test(title, async () => {
      const code = setup.replace('LISTEN', JSON.stringify(listen)) + end;
      const child = run(process.execPath, ['--input-type=module', '-e', code], { timeout: 20_000 });
      await assert.rejects(child, { code: status, killed: false });
    });
  }
});

test('other names are forwarded, aliases to them followed, over UDP and TCP', { timeout: 120_000 }, async () => {
  const listen = [{ family: 'ipv4' as const, address: '127.0.0.1', port: 0 }];
  const common = { listen, workers: 2, clock: systemClock, random: systemRandom, log: (): void => {} };
  const upstream = new DnsServer({ ...common, zone: clusterZone('example.org', 7), upstreams: [] });
  const many = Array.from({ length: 200 }, (_, index) => `192.0.2.${index}`);
  upstream.setSource('x', new Map([['www.example.org', [{ type: 'A', ttl: 7, addresses: ['192.0.2.1'] }]]]));
  upstream.setSource('y', new Map([['many.example.org', [{ type: 'A', ttl: 7, addresses: many }]]]));
  upstream.markSynced();
  await upstream.start();
  const front = new DnsServer({ ...common, zone, upstreams: upstream.addresses });
  const spec = { type: 'ExternalName' as const, externalName: 'www.example.org' };
  const alias = { metadata: { namespace: 'shop', name: 'out' }, spec };
  front.setSource('out', compileAll(alias, [], options));
  front.markSynced();
  await front.start();
  try {
    const [at] = front.addresses;
    const rows: readonly (readonly [name: string, expected: readonly string[]])[] = [
      ['www.example.org', ['NOERROR', 'an www.example.org 7 A 192.0.2.1']],
      ['no.example.org', ['NXDOMAIN', 'ns example.org 7 SOA ns.dns.example.org']],
      [
        'out.shop.svc.cluster.local',
        ['NOERROR aa', 'an out.shop.svc.cluster.local 5 CNAME www.example.org', 'an www.example.org 7 A 192.0.2.1'],
      ],
    ];
    for (const [name, expected] of rows) {
      const query = encodeQuery(name, 'A');
      assert.deepEqual(answerText(await askUdp(at!, query)), expected);
      assert.deepEqual(answerText((await askTcp(at!, [query]))[0]!), expected);
    }
    const small = await askUdp(at!, encodeQuery('many.example.org', 'A'));
    assert.equal(answerText(small)[0], 'NOERROR tc');
    const [whole] = await askTcp(at!, [encodeQuery('many.example.org', 'A')]);
    assert.equal(whole?.answers.length, 200, 'the forwarder asked again over TCP');
    assert.equal(front.stats.forwarder.inFlight, 0);
  } finally {
    await Promise.all([front.stop(), upstream.stop()]);
  }
});

test('aliases are answered over UDP and TCP', async () => {
  const query = encodeQuery('alias.shop.svc.cluster.local', 'A');
  const expected = ['NOERROR aa', `an alias.shop.svc.cluster.local 5 CNAME ${web}`, `an ${web} 5 A 10.96.0.1`];
  assert.deepEqual(answerText(await askUdp(address, query)), expected);
  assert.deepEqual(answerText((await askTcp(address, [query]))[0]!), expected);
});

test('addresses behind an alias rotate, too', async () => {
  const spec = { type: 'ExternalName' as const, externalName: 'three.shop.svc.cluster.local' };
  const three = makeSlice('shop/three', 's', ['10.244.3.1', '10.244.3.2', '10.244.3.3']);
  server.setSource('three', compileAll(makeService('shop/three', ['None']), [three], options));
  server.setSource('to-three', compileAll({ metadata: { namespace: 'shop', name: 'to-three' }, spec }, [], options));
  const firsts = new Map<string, number>();
  for (let round = 0; round < 9; round++) {
    const answer = await askUdp(address, encodeQuery('to-three.shop.svc.cluster.local', 'A'));
    assert.equal(answer.answers.length, 4, 'the alias and all addresses');
    const first = answerText(answer)[2]!;
    firsts.set(first, (firsts.get(first) ?? 0) + 1);
  }
  assert.deepEqual([...firsts.values()], [3, 3, 3]);
});

test('addresses behind an alias come first as often as their weights say', async () => {
  const spec = { type: 'ExternalName' as const, externalName: 'weighed.shop.svc.cluster.local' };
  const plain = makeService('shop/weighed', ['None']);
  const annotations = { 'fairlead.dev/dns-weights': '10.244.4.1=3, 10.244.4.3=0' };
  const weighed = { ...plain, metadata: { ...plain.metadata, annotations } };
  const slice = makeSlice('shop/weighed', 's', ['10.244.4.1', '10.244.4.2', '10.244.4.3']);
  server.setSource('weighed', compileAll(weighed, [slice], options));
  server.setSource(
    'to-weighed',
    compileAll({ metadata: { namespace: 'shop', name: 'to-weighed' }, spec }, [], options),
  );
  const firsts = new Map<string, number>();
  for (let round = 0; round < 12; round++) {
    const answer = await askUdp(address, encodeQuery('to-weighed.shop.svc.cluster.local', 'A'));
    assert.equal(answer.answers.length, 3, 'the alias and the addresses of any weight');
    const first = answer.answers[1]!.data.join('.');
    firsts.set(first, (firsts.get(first) ?? 0) + 1);
  }
  assert.deepEqual(Object.fromEntries(firsts), { '10.244.4.1': 9, '10.244.4.2': 3 });
});

test('TCP: pipelined queries in pieces of any size, a thousand records in one answer', async () => {
  const queries = [
    encodeQuery(web, 'A', { id: 1 }),
    encodeQuery('big.shop.svc.cluster.local', 'A', { id: 2 }),
    encodeQuery('alias.shop.svc.cluster.local', 'A', { id: 3 }),
    encodeQuery('example.org', 'A', { id: 4 }),
    encodeQuery('_http._tcp.big.shop.svc.cluster.local', 'SRV', { id: 5 }),
  ];
  for (const pieceBytes of [1, 7, 65536]) {
    const answers = await askTcp(address, queries, pieceBytes);
    const lengths = answers.map((answer) => [answer.id, answer.answers.length]).sort((x, y) => x[0]! - y[0]!);
    assert.deepEqual(lengths, [
      [1, 1],
      [2, 1000],
      [3, 2],
      [4, 0],
      [5, 1000],
    ]);
  }
});

test('TCP: a half-closed client still gets its answers; nonsense closes the connection', async () => {
  const query = encodeQuery('alias.shop.svc.cluster.local', 'A');
  const socket = connect({ host: address.address, port: address.port, allowHalfOpen: true });
  socket.end(Buffer.concat([Uint8Array.of(0, query.length), query]));
  const [answer] = (await once(socket, 'data')) as [Buffer];
  assert.ok(answer.length > 40);
  await once(socket, 'end');
  socket.destroy();
  const rude = connect({ host: address.address, port: address.port });
  rude.write(Uint8Array.of(0, 3, 1, 2, 3));
  rude.resume();
  await once(rude, 'close');
});

/** A TCP server alone, on a clock that the test moves. */
async function startTcp(limits: { maxConnections?: number; maxConnectionsPerClient?: number }): Promise<{
  tcp: TcpServer;
  open: () => Promise<Socket>;
  fireTimers: () => unknown;
}> {
  const timers = new Set<() => void>();
  const clock: Clock = {
    ...systemClock,
    after(_delayMs, callback) {
      timers.add(callback);
      return () => timers.delete(callback);
    },
  };
  const all = {
    idleTimeoutMs: 1,
    maxConnections: 10,
    maxConnectionsPerClient: 10,
    maxPipelined: 2,
    writeMaxBytes: 1000,
  };
  const answerer = new QueryAnswerer(new AnswerTable(1).buffers, zoneTemplates(zone));
  const listen = [{ family: 'ipv4' as const, address: '127.0.0.3', port: 0 }];
  const tcp = new TcpServer({
    listen,
    answers: new StreamAnswers({ answerer, resolve: async () => undefined, clock }),
    clock,
    log: () => {},
    limits: { ...all, ...limits },
  });
  await tcp.start();
  const { port = 0 } = tcp.addresses[0] ?? {};
  const open = async (): Promise<Socket> => {
    const socket = connect({ host: '127.0.0.3', port });
    await once(socket, 'connect');
    socket.on('error', () => {});
    socket.resume();
    return socket;
  };
  return { tcp, open, fireTimers: () => [...timers].map((timer) => timer()) };
}

test('TCP: idle connections are closed, and there are only so many', { timeout: 120_000 }, async () => {
  const { tcp, open, fireTimers } = await startTcp({ maxConnectionsPerClient: 2 });
  try {
    const [first, second] = [await open(), await open()];
    const third = await open();
    await once(third, 'close');
    assert.equal(tcp.connections, 2);
    const closed = [once(first, 'close'), once(second, 'close')];
    fireTimers();
    await Promise.all(closed);
    const fourth = await open();
    fourth.destroy();
  } finally {
    await tcp.stop();
  }
});

const run = promisify(execFile);
const lacks = (program: string): string | false =>
  spawnSync('which', [program]).status === 0 ? false : `${program} is not installed`;

test('real client: kdig', { skip: lacks('kdig') }, async (t) => {
  const rows: readonly (readonly [title: string, args: string[], expected: RegExp])[] = [
    ['A', [web, 'A', '+short'], /^10\.96\.0\.1\n$/],
    ['AAAA over TCP', [web, 'AAAA', '+short', '+tcp'], /^fd00::1\n$/],
    ['SRV', [`_http._tcp.${web}`, 'SRV', '+short'], /^0 50 80 web\.shop\.svc\.cluster\.local\.\n$/],
    ['PTR', ['-x', '10.96.0.1', '+short'], /^web\.shop\.svc\.cluster\.local\.\n$/],
    ['IPv6 PTR', ['-x', 'fd00::1', '+short'], /^web\.shop\.svc\.cluster\.local\.\n$/],
    [
      'NXDOMAIN with SOA',
      [`no.${web}`, 'A'],
      /status: NXDOMAIN;[\s\S]*AUTHORITY SECTION:\ncluster\.local\.\s+5\s+IN\s+SOA/,
    ],
    ['falls back to TCP', ['big.shop.svc.cluster.local', 'A', '+short'], /\n(10\.245\.\d+\.\d+\n){1000}/],
    ['cookie', [web, 'A', '+cookie'], /status: NOERROR;[\s\S]*COOKIE/],
    ['EDNS version 1', [web, 'A', '+edns=1'], /ext-rcode: BADVERS/],
    ['zone transfer', ['cluster.local', 'AXFR'], /REFUSED/],
  ];
  for (const [title, args, expected] of rows) {
    await t.test(title, async () => {
      const query = [`@${address.address}`, '-p', String(address.port), ...args];
      // A refused transfer is exit status 1, with the same output.
      const { stdout, stderr } = await run('kdig', query).catch((error: { stdout: string; stderr: string }) => error);
      assert.match(stdout + stderr, expected);
    });
  }
});

test("real client: Node's resolver (c-ares)", async () => {
  const resolver = new Resolver();
  resolver.setServers([`${address.address}:${address.port}`]);
  assert.deepEqual(await resolver.resolve4(web), ['10.96.0.1']);
  assert.deepEqual(await resolver.resolve6(web), ['fd00::1']);
  assert.deepEqual(await resolver.resolve4('alias.shop.svc.cluster.local'), ['10.96.0.1']);
  const [service] = await resolver.resolveSrv('_http._tcp.db.shop.svc.cluster.local');
  assert.equal(`${service?.name}:${service?.port}`, 'db-0.db.shop.svc.cluster.local:80');
  assert.deepEqual(await resolver.reverse('10.244.0.1'), ['db-0.db.shop.svc.cluster.local']);
  assert.equal((await resolver.resolve4('big.shop.svc.cluster.local')).length, 1000);
  await assert.rejects(resolver.resolve4('no.shop.svc.cluster.local'), { code: 'ENOTFOUND' });
  await assert.rejects(resolver.resolve6('db.shop.svc.cluster.local'), { code: 'ENODATA' });
});

test('counts', async () => {
  const before = server.stats;
  await askUdp(address, encodeQuery('no.cluster.local', 'A'));
  await askUdp(address, encodeQuery('example.org', 'A'));
  const { queries } = server.stats;
  assert.equal(queries.queries, before.queries.queries + 2);
  assert.equal(queries.rcodes[3], before.queries.rcodes[3]! + 1);
  assert.equal(queries.handedOff, before.queries.handedOff + 1);
});
