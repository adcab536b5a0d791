import assert from 'node:assert/strict';
import { createSocket, type RemoteInfo, type Socket } from 'node:dgram';
import { once } from 'node:events';
import { type AddressInfo, createServer } from 'node:net';
import { test } from 'node:test';
import { type Clock, systemClock } from '../../sys/clock.ts';
import { freePort } from '../../sys/testing/free-ports.ts';
import { headerFlag, rcode, rrClass, rrType } from '../../wire/dns/constants.ts';
import { type DnsMessage, type DnsRecord, decodeMessage } from '../../wire/dns/message.ts';
import { nameFromText, nameToText } from '../../wire/dns/name.ts';
import { ipv4Bytes, soaData } from '../../wire/dns/rdata.ts';
import { MessageWriter, type SectionName } from '../../wire/dns/writer.ts';
import { encodeQuery, recordText } from '../dns-fixtures.ts';
import { clusterZone } from '../program.ts';
import { resolveQuery } from '../resolve-query.ts';
import { ForwardCache, type ForwardedAnswer } from './forward-cache.ts';
import { Forwarder, type ForwardQuestion } from './forwarder.ts';
import { parseNameservers } from './resolv-conf.ts';

const wire = (text: string): Uint8Array => nameFromText(text)!;
const record = (name: string, type: number, data: Uint8Array, ttl = 60): DnsRecord => ({
  name: wire(name),
  type,
  class: rrClass.IN,
  ttl,
  data,
});
const a = (name: string, ip: string, ttl = 60): DnsRecord => record(name, rrType.A, ipv4Bytes(ip)!, ttl);
const cname = (name: string, target: string): DnsRecord => record(name, rrType.CNAME, wire(target));
const soa = (name: string, ttl: number, minimum: number): DnsRecord =>
  record(name, rrType.SOA, soaData(wire('ns'), wire('m'), 1, { refresh: 1, retry: 1, expire: 1, minimum }), ttl);

function question(name: string, type: number = rrType.A): ForwardQuestion {
  return { name: wire(name), type, class: rrClass.IN, dnssecOk: false, checkingDisabled: false };
}

interface Reply {
  readonly flags?: number;
  readonly answers?: readonly DnsRecord[];
  readonly authority?: readonly DnsRecord[];
}

function encodeReply(query: DnsMessage, reply: Reply): Uint8Array {
  const writer = new MessageWriter(new Uint8Array(4096));
  writer.header(query.id, headerFlag.QR | (reply.flags ?? 0));
  for (const entry of query.questions) writer.question(entry);
  const section = (name: SectionName, records: readonly DnsRecord[] = []): void => {
    for (const entry of records) writer.record(name, entry);
  };
  section('answer', reply.answers);
  section('authority', reply.authority);
  return writer.bytes;
}

type Respond = (query: DnsMessage, send: (bytes: Uint8Array) => void, peer: RemoteInfo) => void;

/** An upstream on the loopback; `queries` is what it was asked. */
class FakeUpstream implements AsyncDisposable {
  readonly queries: DnsMessage[] = [];
  readonly ports: number[] = [];
  readonly socket: Socket = createSocket('udp4');

  static async start(respond: Respond, port = 0): Promise<FakeUpstream> {
    const upstream = new FakeUpstream();
    upstream.socket.on('message', (bytes, peer) => {
      const query = decodeMessage(bytes)!;
      upstream.queries.push(query);
      upstream.ports.push(peer.port);
      respond(query, (answer) => upstream.socket.send(answer, peer.port, peer.address), peer);
    });
    upstream.socket.bind(port, '127.0.0.1');
    await once(upstream.socket, 'listening');
    return upstream;
  }

  get address(): { address: string; port: number } {
    return { address: '127.0.0.1', port: this.socket.address().port };
  }

  async [Symbol.asyncDispose](): Promise<void> {
    this.socket.close();
    await once(this.socket, 'close');
  }
}

/** A clock whose time the test moves; timers are real. */
class MovedClock implements Clock {
  offsetMs = 0;
  now = (): number => this.offsetMs;
  monotonicMs = (): number => this.offsetMs;
  after = systemClock.after;
  sleep = systemClock.sleep;
}

function makeForwarder(upstreams: readonly FakeUpstream[], clock: Clock = systemClock): Forwarder {
  return new Forwarder({
    upstreams: upstreams.map(({ address }) => address),
    clock,
    random: () => 0,
    attemptTimeoutMs: 40000,
  });
}

const texts = (answer: ForwardedAnswer): string[] => answer.answers.map(recordText);

test('asks, caches, counts TTLs down and asks again', async () => {
  await using upstream = await FakeUpstream.start((query, send) =>
    send(encodeReply(query, { answers: [a('example.org', '192.0.2.1')] })),
  );
  const clock = new MovedClock();
  const forwarder = makeForwarder([upstream], clock);
  assert.deepEqual(texts(await forwarder.resolve(question('example.org'))), ['example.org 60 A 192.0.2.1']);
  clock.offsetMs = 20_500;
  assert.deepEqual(texts(await forwarder.resolve(question('EXAMPLE.org'))), ['example.org 40 A 192.0.2.1']);
  assert.equal(upstream.queries.length, 1);
  clock.offsetMs = 60_000;
  await forwarder.resolve(question('example.org'));
  assert.equal(upstream.queries.length, 2);
  await forwarder.resolve({ ...question('example.org'), checkingDisabled: true });
  await forwarder.resolve({ ...question('example.org'), dnssecOk: true });
  assert.equal(upstream.queries.length, 4, 'CD and DO are part of the key');
});

test('negative answers live by their SOA; without one they are not kept', async () => {
  await using upstream = await FakeUpstream.start((query, send) => {
    const authority = query.questions[0]!.type === rrType.A ? [soa('org', 300, 30)] : [];
    send(encodeReply(query, { flags: rcode.NXDOMAIN, authority }));
  });
  const clock = new MovedClock();
  const forwarder = makeForwarder([upstream], clock);
  assert.equal((await forwarder.resolve(question('no.org'))).rcode, rcode.NXDOMAIN);
  clock.offsetMs = 29_000;
  await forwarder.resolve(question('no.org'));
  assert.equal(upstream.queries.length, 1);
  clock.offsetMs = 30_000;
  await forwarder.resolve(question('no.org'));
  assert.equal(upstream.queries.length, 2);
  for (let round = 0; round < 2; round++) await forwarder.resolve(question('no.org', rrType.AAAA));
  assert.equal(upstream.queries.length, 4);
});

test('one flight for equal questions', async () => {
  const waiting: (() => void)[] = [];
  await using upstream = await FakeUpstream.start((query, send) => {
    waiting.push(() => send(encodeReply(query, { answers: [a('example.org', '192.0.2.1')] })));
  });
  const forwarder = makeForwarder([upstream]);
  const answers = Array.from({ length: 50 }, () => forwarder.resolve(question('example.org')));
  while (waiting.length === 0) await once(upstream.socket, 'message');
  for (const answer of waiting) answer();
  for (const answer of await Promise.all(answers)) assert.equal(answer.answers.length, 1);
  assert.equal(upstream.queries.length, 1);
});

test('forged answers are not believed', async () => {
  await using upstream = await FakeUpstream.start((query, send) => {
    const poison: Reply = { answers: [a('example.org', '203.0.113.66')] };
    send(encodeReply({ ...query, id: query.id ^ 1 }, poison));
    send(encodeReply({ ...query, questions: [{ ...query.questions[0]!, name: wire('other.org') }] }, poison));
    send(encodeReply({ ...query, questions: [{ ...query.questions[0]!, type: rrType.AAAA }] }, poison));
    send(encodeReply({ ...query, questions: [] }, poison));
    send(Uint8Array.of(1, 2, 3));
    const good = encodeReply(query, {
      answers: [
        a('victim.org', '203.0.113.66'),
        cname('example.org', 'www.example.net'),
        a('www.example.net', '192.0.2.1'),
      ],
      authority: [soa('victim.org', 5, 5)],
    });
    send(good);
  });
  const forwarder = makeForwarder([upstream]);
  const answer = await forwarder.resolve(question('example.org'));
  assert.deepEqual(texts(answer), ['example.org 60 CNAME www.example.net', 'www.example.net 60 A 192.0.2.1']);
  assert.deepEqual(answer.authority, []);
});

test('an answer teaches nothing but what was asked: the rest of a chain is asked for again', async () => {
  await using upstream = await FakeUpstream.start((query, send) => {
    const asked = nameToText(query.questions[0]!.name);
    const poison = [cname('start.org', 'victim.org'), a('victim.org', '203.0.113.66'), a('other.org', '203.0.113.66')];
    send(encodeReply(query, { answers: asked === 'start.org' ? poison : [a(asked, '192.0.2.1')] }));
  });
  const forwarder = makeForwarder([upstream]);
  assert.deepEqual(texts(await forwarder.resolve(question('start.org'))), [
    'start.org 60 CNAME victim.org',
    'victim.org 60 A 203.0.113.66',
  ]);
  for (const name of ['victim.org', 'other.org']) {
    assert.deepEqual(texts(await forwarder.resolve(question(name))), [`${name} 60 A 192.0.2.1`]);
  }
  assert.equal(upstream.queries.length, 3);
});

test('a datagram from another address is not believed', async () => {
  const attacker = createSocket('udp4');
  await using upstream = await FakeUpstream.start((query, send, peer) => {
    const forged = encodeReply(query, { answers: [a('example.org', '203.0.113.66')] });
    attacker.send(forged, peer.port, peer.address, () =>
      send(encodeReply(query, { answers: [a('example.org', '192.0.2.1')] })),
    );
  });
  const answer = await makeForwarder([upstream]).resolve(question('example.org'));
  attacker.close();
  assert.deepEqual(texts(answer), ['example.org 60 A 192.0.2.1']);
});

test('IDs and ports differ from query to query', async () => {
  await using upstream = await FakeUpstream.start((query, send) => send(encodeReply(query, {})));
  const forwarder = makeForwarder([upstream]);
  for (let index = 0; index < 40; index++) await forwarder.resolve(question(`n${index}.org`));
  assert.ok(new Set(upstream.queries.map((query) => query.id)).size > 30);
  assert.ok(new Set(upstream.ports).size > 30);
});

test('the next upstream is asked when one fails', async (t) => {
  const rows: readonly (readonly [title: string, respond: Respond])[] = [
    ['SERVFAIL', (query, send) => send(encodeReply(query, { flags: rcode.SERVFAIL }))],
    ['REFUSED', (query, send) => send(encodeReply(query, { flags: rcode.REFUSED }))],
  ];
  for (const [title, respond] of rows) {
    await t.test(title, async () => {
      await using bad = await FakeUpstream.start(respond);
      await using good = await FakeUpstream.start((query, send) =>
        send(encodeReply(query, { answers: [a('example.org', '192.0.2.1')] })),
      );
      assert.equal((await makeForwarder([bad, good]).resolve(question('example.org'))).answers.length, 1);
    });
  }
  await t.test('closed port, no answer, all failed', async () => {
    const address = { address: '127.0.0.1', port: await freePort() };
    const { promise: asked, resolve: note } = Promise.withResolvers<void>();
    await using silent = await FakeUpstream.start(() => note());
    const clock = systemClock;
    const forwarder = new Forwarder({
      upstreams: [address, silent.address],
      clock,
      random: () => 0,
      attemptTimeoutMs: 400,
    });
    assert.equal((await forwarder.resolve(question('example.org'))).rcode, rcode.SERVFAIL);
    await asked;
    assert.equal(silent.queries.length, 1);
    assert.equal(forwarder.stats.failures, 2);
  });
  await t.test('no upstream at all', async () => {
    assert.equal((await makeForwarder([]).resolve(question('example.org'))).rcode, rcode.SERVFAIL);
  });
});

test('rules: the longest domain decides', async () => {
  const answering = (ip: string): Promise<FakeUpstream> =>
    FakeUpstream.start((query, send) => {
      const [asked] = query.questions;
      send(encodeReply(query, { answers: [{ ...a('x', ip), name: asked!.name }] }));
    });
  await using other = await answering('192.0.2.1');
  await using org = await answering('192.0.2.2');
  await using lab = await answering('192.0.2.3');
  const forwarder = new Forwarder({
    upstreams: [other.address],
    rules: [
      { domain: 'example.org', upstreams: [org.address] },
      { domain: 'lab.example.org', upstreams: [lab.address] },
    ],
    clock: systemClock,
    random: () => 0,
  });
  for (const [name, ip] of [
    ['example.org', '192.0.2.2'],
    ['www.EXAMPLE.org', '192.0.2.2'],
    ['a.b.lab.example.org', '192.0.2.3'],
    ['notexample.org', '192.0.2.1'],
    ['org', '192.0.2.1'],
  ] as const) {
    assert.deepEqual(texts(await forwarder.resolve(question(name))), [`${name} 60 A ${ip}`]);
  }
});

test('an upstream that does not answer is asked last, until its time is over', async () => {
  const silent = await FakeUpstream.start(() => {});
  await using good = await FakeUpstream.start((query, send) => {
    const [asked] = query.questions;
    send(encodeReply(query, { answers: [{ ...a('x', '192.0.2.1', 0), name: asked!.name }] }));
  });
  const clock = new MovedClock();
  const upstreams = [silent.address, good.address];
  const forwarder = new Forwarder({ upstreams, clock, random: () => 0, attemptTimeoutMs: 400 });
  for (let round = 0; round < 5; round++) await forwarder.resolve(question(`n${round}.example`));
  assert.equal(silent.queries.length, 2, 'given up after two');
  assert.equal(forwarder.stats.upstreamsDown, 1);
  clock.offsetMs = 1500;
  await forwarder.resolve(question('later.example'));
  assert.equal(silent.queries.length, 3, 'tried again');
  await silent[Symbol.asyncDispose]();
});

test('an expired answer is better than none, and is not asked for again at once', async () => {
  let isUp = true;
  await using upstream = await FakeUpstream.start((query, send) => {
    if (isUp) send(encodeReply(query, { answers: [a('example.org', '192.0.2.1')] }));
  });
  const clock = new MovedClock();
  const forwarder = new Forwarder({ upstreams: [upstream.address], clock, random: () => 0, attemptTimeoutMs: 400 });
  await forwarder.resolve(question('example.org'));
  isUp = false;
  clock.offsetMs = 100_000;
  const stale = await forwarder.resolve(question('example.org'));
  assert.deepEqual(texts(stale), ['example.org 30 A 192.0.2.1']);
  assert.equal(stale.extendedError, 3);
  const asked = upstream.queries.length;
  await forwarder.resolve(question('example.org'));
  assert.equal(upstream.queries.length, asked, 'held for 30 seconds');
  clock.offsetMs = 131_000;
  isUp = true;
  assert.deepEqual(texts(await forwarder.resolve(question('example.org'))), ['example.org 60 A 192.0.2.1']);
  isUp = false;
  clock.offsetMs += 60_000 + 3600_000;
  assert.equal((await forwarder.resolve(question('example.org'))).rcode, rcode.SERVFAIL, 'too old');
});

test('a loop is found by a probe, and nothing is forwarded then', async () => {
  const forwarders: Forwarder[] = [];
  await using self = await FakeUpstream.start((query, send) => {
    const [asked] = query.questions;
    void forwarders[0]!.resolve({ ...asked!, dnssecOk: false, checkingDisabled: false }).then((answer) => {
      send(encodeReply(query, { flags: answer.rcode }));
    });
  });
  await using good = await FakeUpstream.start((query, send) => send(encodeReply(query, { flags: rcode.NXDOMAIN })));
  const looping = makeForwarder([self]);
  forwarders.push(looping);
  assert.equal(await looping.probeLoop(), true);
  assert.equal((await looping.resolve(question('example.org'))).rcode, rcode.SERVFAIL);
  assert.equal(self.queries.length, 1);
  assert.equal(await makeForwarder([good]).probeLoop(), false);
});

test('a truncated answer is asked again over TCP', async () => {
  const server = createServer((socket) => {
    socket.on('data', (bytes: Buffer) => {
      const answers = Array.from({ length: 100 }, (_, index) => a('example.org', `192.0.2.${index}`));
      const reply = encodeReply(decodeMessage(bytes.subarray(2))!, { answers });
      // In two pieces, cut inside the length.
      const frame = Buffer.concat([Uint8Array.of(reply.length >> 8, reply.length & 255), reply]);
      socket.write(frame.subarray(0, 1), () => socket.end(frame.subarray(1)));
    });
  });
  // The port that the kernel chooses for TCP may be taken on UDP: then another one.
  let upstream: FakeUpstream | undefined;
  while (upstream === undefined) {
    await once(server.listen(0, '127.0.0.1'), 'listening');
    const { port } = server.address() as AddressInfo;
    const answer = (query: DnsMessage, send: (reply: Uint8Array) => void): void =>
      send(encodeReply(query, { flags: headerFlag.TC }));
    upstream = await FakeUpstream.start(answer, port).catch(() => undefined);
    if (upstream === undefined) await new Promise((resolve) => server.close(resolve));
  }
  await using started = upstream;
  try {
    assert.equal((await makeForwarder([started]).resolve(question('example.org'))).answers.length, 100);
  } finally {
    server.close();
  }
});

test('flights are bounded, and end with the forwarder', async () => {
  await using upstream = await FakeUpstream.start(() => {});
  const forwarder = new Forwarder({
    upstreams: [upstream.address],
    clock: systemClock,
    random: () => 0,
    maxInFlight: 2,
  });
  const flights = [0, 1, 2].map((index) => forwarder.resolve(question(`n${index}.org`)));
  assert.equal((await flights[2]!).rcode, rcode.SERVFAIL);
  assert.equal(forwarder.stats.rejected, 1);
  forwarder.stop();
  for (const answer of await Promise.all(flights)) assert.equal(answer.rcode, rcode.SERVFAIL);
});

test('the cache is bounded, oldest out first', () => {
  const limits = { entries: 2, positiveMaxTtl: 60, negativeMaxTtl: 60, failureTtl: 1, staleMaxSeconds: 0 };
  const cache = new ForwardCache(new MovedClock(), limits);
  const answer: ForwardedAnswer = { rcode: 0, answers: [a('x', '192.0.2.1')], authority: [], authentic: false };
  cache.set('a', answer);
  cache.set('b', answer);
  assert.ok(cache.get('a'));
  cache.set('c', answer);
  assert.equal(cache.size, 2);
  assert.equal(cache.get('b'), undefined);
  assert.ok(cache.get('a') && cache.get('c'));
});

test('an ExternalName is followed to the upstreams', async (t) => {
  const program = {
    otherZones: [],
    zone: clusterZone('cluster.local', 5),
    names: new Map([
      ['db.shop.svc.cluster.local', [{ type: 'CNAME' as const, ttl: 5, target: 'db.example.org' }]],
      ['in.shop.svc.cluster.local', [{ type: 'CNAME' as const, ttl: 5, target: 'web.shop.svc.cluster.local' }]],
      ['gone.shop.svc.cluster.local', [{ type: 'CNAME' as const, ttl: 5, target: 'no.shop.svc.cluster.local' }]],
      ['loop.shop.svc.cluster.local', [{ type: 'CNAME' as const, ttl: 5, target: 'loop.shop.svc.cluster.local' }]],
      ['web.shop.svc.cluster.local', [{ type: 'A' as const, ttl: 5, addresses: ['10.96.0.1'] }]],
    ]),
  };
  const many = Array.from({ length: 60 }, (_, index) => a('db.example.org', `192.0.2.${index}`));
  const resolve = (count: number) => async (): Promise<ForwardedAnswer> => ({
    rcode: 0,
    answers: many.slice(0, count),
    authority: [],
    authentic: false,
  });
  const rows: readonly (readonly [name: string, count: number, flags: string, answers: string[]])[] = [
    ['db', 1, '8580', ['db.shop.svc.cluster.local 5 CNAME db.example.org', 'db.example.org 60 A 192.0.2.0']],
    [
      'in',
      0,
      '8580',
      ['in.shop.svc.cluster.local 5 CNAME web.shop.svc.cluster.local', 'web.shop.svc.cluster.local 5 A 10.96.0.1'],
    ],
    ['gone', 0, '8583', ['gone.shop.svc.cluster.local 5 CNAME no.shop.svc.cluster.local']],
    ['loop', 0, '8182', []],
  ];
  for (const [name, count, flags, answers] of rows) {
    await t.test(name, async () => {
      const context = { program, serial: 1, forwarder: { resolve: resolve(count) }, isSynced: true };
      const answer = decodeMessage((await resolveQuery(encodeQuery(`${name}.shop.svc.cluster.local`, 'A'), context))!)!;
      assert.equal(answer.flags.toString(16), flags);
      assert.deepEqual(answer.answers.map(recordText), answers);
    });
  }
  await t.test('too much for UDP is truncated, and whole over TCP', async () => {
    const context = { program, serial: 1, forwarder: { resolve: resolve(60) }, isSynced: true };
    const query = encodeQuery('db.shop.svc.cluster.local', 'A', { edns: 700 });
    const small = decodeMessage((await resolveQuery(query, context))!)!;
    assert.ok((small.flags & headerFlag.TC) !== 0 && small.answers.length > 10 && small.additional.length === 1);
    const whole = decodeMessage((await resolveQuery(query, context, 65535))!)!;
    assert.ok((whole.flags & headerFlag.TC) === 0 && whole.answers.length === 61);
  });
});

test('name servers of resolv.conf', () => {
  const text =
    '# c\nsearch a b\nnameserver 10.0.0.1\n nameserver\t::1 # x\nnameserver 10.0.0.1\nnameserver bad\nnameserver fe80::1%eth0\nnameserver 9.9.9.9\n';
  assert.deepEqual(parseNameservers(text), ['10.0.0.1', '::1', 'fe80::1%eth0']);
  assert.deepEqual(parseNameservers(''), []);
});
