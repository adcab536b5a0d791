import assert from 'node:assert/strict';
import { createSocket } from 'node:dgram';
import { once } from 'node:events';
import { mkdirSync, mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { after, before, test } from 'node:test';
import { systemClock, systemRandom } from '../sys/clock.ts';
import type { SocketAddress } from '../sys/socket-address.ts';
import { headerFlag, rrType } from '../wire/dns/constants.ts';
import { type DnsMessage, decodeMessage } from '../wire/dns/message.ts';
import { nameFromText } from '../wire/dns/name.ts';
import { parseNetwork } from './address-networks.ts';
import { answerText, askTcp, askUdp, encodeQuery, recordText } from './dns-fixtures.ts';
import { type Knot, noKnot, serialAt, startKnot, stopKnot } from './knot-fixture.ts';
import { notifySecondary } from './notify-secondaries.ts';
import { clusterZone } from './program.ts';
import { DnsServer, type DnsServerOptions } from './server/dns-server.ts';
import { ZoneFiles, type ZoneFilesOptions } from './zone-files.ts';
import { ZoneSet } from './zone-set.ts';

const zoneText = `
$TTL 300
@        IN SOA ns1 hostmaster ( 7 3600 900 604800 60 )
         IN NS  ns1
         IN NS  ns2.other.test.
         IN MX  10 mail
         IN TXT "v=spf1 -all" "more"
ns1      IN A   192.0.2.53
         IN AAAA 2001:db8::53
mail 60  IN A   192.0.2.25
www      IN CNAME web
web      IN A   192.0.2.80
         IN A   192.0.2.81
chain1   IN CNAME chain2
chain2   IN CNAME web
broken   IN CNAME nothing
away     IN CNAME www.other.test.
deep.er.still IN A 192.0.2.90
*.wild   IN A   192.0.2.99
         IN TXT "wild"
exact.wild IN A 192.0.2.98
below.exact2.wild IN A 192.0.2.97
*.alias  IN CNAME web
_sip._tcp IN SRV 10 20 5060 mail
child    IN NS  ns.child
child    IN NS  ns2.other.test.
ns.child IN A   192.0.2.101
lone     IN NS  ns.elsewhere.test.
dn       IN DNAME web.tree
a.web.tree IN A 192.0.2.70
caa      IN CAA 0 issue "ca.test"
odd      IN TYPE65280 \\# 2 abcd
UPPER    IN A 192.0.2.60
`;
const askedNames = [
  ...['', 'www', 'web', 'chain1', 'broken', 'deep.er.still', 'er.still', 'still', 'x.still', 'a.x.still'],
  ...['mail', 'nothing', 'wild', 'x.wild', 'x.y.wild', 'exact.wild', 'x.exact.wild', 'exact2.wild', 'x.exact2.wild'],
  ...['*.wild', 'x.alias', 'alias', '_sip._tcp', '_tcp', 'child', 'x.child', 'ns.child', 'lone', 'a.b.lone', 'dn'],
  ...['a.dn', 'b.dn', 'caa', 'odd', 'UPPER', 'upper', 'x.www', 'away'],
].map((label) => (label === '' ? 'zone.test' : `${label}.zone.test`));
const askedTypes = ['A', 'AAAA', 'NS', 'SOA', 'MX', 'TXT', 'SRV', 'CNAME', 'DNAME', 'HTTPS', 43, 257, 65280] as const;

let folder: string;
let servers: DnsServer[] = [];
let zoneFiles: ZoneFiles[] = [];
before(() => {
  folder = mkdtempSync(join(tmpdir(), 'fairlead-zones-'));
});
after(() => rmSync(folder, { recursive: true, force: true }));

const log = (): void => {};

function load(options: Partial<ZoneFilesOptions>): ZoneFiles {
  const loaded = new ZoneFiles({ files: [], directories: [], clock: systemClock, log, ...options });
  zoneFiles.push(loaded);
  return loaded;
}

/** Serves zones of files until the test ends. */
async function serve(files: ZoneFiles, options: Partial<DnsServerOptions> = {}): Promise<SocketAddress> {
  const server = new DnsServer({
    zone: clusterZone('cluster.local', 5),
    listen: [{ family: 'ipv4', address: '127.0.0.1', port: 0 }],
    upstreams: [],
    fileZones: files.zones,
    workers: 1,
    clock: systemClock,
    random: systemRandom,
    log,
    ...options,
  });
  server.markSynced();
  servers.push(server);
  await server.start();
  return server.addresses[0]!;
}

async function stopAll(): Promise<void> {
  for (const files of zoneFiles) files.stop();
  await Promise.all(servers.map((server) => server.stop()));
  servers = [];
  zoneFiles = [];
}

/** What two servers must agree on: code, whether it is their own answer, the records of two sections. */
function essence(message: DnsMessage): object {
  const plain = (records: DnsMessage['answers']): string[] =>
    records
      .map(recordText)
      .map((text) => text.toLowerCase())
      .sort();
  return {
    code: message.flags & 15,
    isAuthoritative: (message.flags & headerFlag.AA) !== 0,
    answers: plain(message.answers),
    authority: plain(message.authority),
    additional: plain(message.additional.filter(({ type }) => type !== rrType.OPT)),
  };
}

test('a zone file is answered as Knot answers it', {
  timeout: 120_000,
  skip: noKnot,
}, async () => {
  const file = join(folder, 'zone.test');
  writeFileSync(file, zoneText);
  const ours = await serve(load({ files: [{ origin: 'zone.test', file }] }));
  let knot: Knot | undefined;
  try {
    const lines = ['zone:', '  - domain: zone.test', `    file: "${file}"`, '    semantic-checks: off'];
    knot = await startKnot(folder, 'zone.test', lines);
    const theirs = knot.address;
    let compared = 0;
    for (const name of askedNames) {
      for (const type of askedTypes) {
        // An alias that leads out of the zone is followed here, by the upstreams, of which there are none.
        if (name === 'away.zone.test' && type !== 'CNAME') continue;
        const query = encodeQuery(name, type, { flags: 0, edns: 1232 });
        const [own, other] = await Promise.all([askUdp(ours, query), askUdp(theirs, query)]);
        assert.deepEqual(essence(own), essence(other), `${name} ${type}`);
        compared++;
      }
    }
    assert.ok(compared > 400, String(compared));
  } finally {
    await stopKnot(knot);
    await stopAll();
  }
});

/** Zone text with a serial and one address. */
const smallZone = (serial: number, address: string): string =>
  `$TTL 5\n@ SOA ns m ${serial} 1 1 1 1\n@ NS ns\nns A 192.0.2.1\nwww A ${address}\n`;

/** A clock whose timers run when the test says so. */
class ManualClock {
  #waiting: (() => void)[] = [];

  /** No time passes while a file is read: all of it is done in one slice. */
  readonly monotonicMs = (): number => 0;

  readonly after = (_delayMs: number, callback: () => void): (() => void) => {
    this.#waiting.push(callback);
    return () => {
      this.#waiting = this.#waiting.filter((one) => one !== callback);
    };
  };

  tick(): void {
    for (const callback of this.#waiting.splice(0)) callback();
  }
}

test('a changed file is loaded again; one that is broken or gone changes nothing', () => {
  const clock = new ManualClock();
  const [file, included] = [join(folder, 'reload.db'), join(folder, 'more.inc')];
  const lines: string[] = [];
  const loaded: number[] = [];
  writeFileSync(file, smallZone(1, '192.0.2.1'));
  const files = load({
    files: [{ origin: 'reload.test', file }],
    clock,
    log: (level, message) => lines.push(`${level} ${message}`),
    onLoaded: ({ serial }) => loaded.push(serial),
  });
  const ask = (name = 'www.reload.test'): string[] => {
    const zone = files.zones.find(nameFromText(name)!);
    if (zone === undefined || zone === 'unloaded') return [String(zone)];
    return zone.lookUp(nameFromText(name)!, rrType.A).answers.map(({ data }) => data.join('.'));
  };
  assert.deepEqual(ask(), ['192.0.2.1']);
  clock.tick();
  assert.deepEqual(loaded, [1], 'read once, as long as it stays');
  writeFileSync(file, `${smallZone(2, '192.0.2.22')}$INCLUDE more.inc\n`);
  writeFileSync(included, 'inc A 192.0.2.3\n');
  clock.tick();
  assert.deepEqual([ask(), ask('inc.reload.test'), loaded], [['192.0.2.22'], ['192.0.2.3'], [1, 2]]);
  writeFileSync(included, 'inc A 192.0.2.44\n');
  clock.tick();
  assert.deepEqual(ask('inc.reload.test'), ['192.0.2.44'], 'files within are looked at, too');
  assert.ok(
    lines.some((line) => line.startsWith('warn') && line.includes('serial')),
    lines.join('\n'),
  );
  writeFileSync(file, `${smallZone(3, '192.0.2.333')}`);
  clock.tick();
  assert.deepEqual(ask(), ['192.0.2.22'], 'the last good one stays');
  rmSync(file);
  clock.tick();
  assert.deepEqual(ask(), ['192.0.2.22']);
  assert.equal(lines.filter((line) => line === 'error DNS zone stays as it was').length, 2, lines.join('\n'));
  writeFileSync(file, smallZone(4, '192.0.2.4'));
  clock.tick();
  assert.deepEqual(ask(), ['192.0.2.4']);
});

test('what is no zone', () => {
  const rows: readonly (readonly [text: string, problem: string])[] = [
    ['www 5 A 192.0.2.1', 'has 0 SOA records at its origin, not one'],
    [`${smallZone(1, '192.0.2.1')}@ SOA ns m 2 1 1 1 1`, 'has 2 SOA records at its origin, not one'],
    [`${smallZone(1, '192.0.2.1')}www CNAME ns`, 'www.bad.test has a CNAME and other records'],
    [`${smallZone(1, '192.0.2.1')}a CNAME b\na CNAME c`, 'a.bad.test has several CNAME records'],
    ['x', `${join(folder, 'bad.db')} line 1: a record without a type`],
  ];
  for (const [text, problem] of rows) {
    const file = join(folder, 'bad.db');
    writeFileSync(file, text);
    const problems: unknown[] = [];
    const files = load({
      files: [{ origin: 'bad.test', file }],
      clock: new ManualClock(),
      log: (_level, _message, facts) => problems.push(facts?.problem),
    });
    assert.deepEqual(problems, [problem]);
    // Not ours to forward: somebody means to serve it.
    assert.equal(files.zones.find(nameFromText('www.bad.test')!), 'unloaded');
  }
});

test('zones of a folder come and go; the longest zone or forwarded domain decides', () => {
  const clock = new ManualClock();
  const directory = join(folder, 'auto');
  mkdirSync(directory);
  const put = (file: string, address: string): void => writeFileSync(join(directory, file), smallZone(1, address));
  put('db.one.test', '192.0.2.1');
  put('db.sub.one.test', '192.0.2.2');
  put('db.other.example', '192.0.2.3');
  put('one.test', '192.0.2.4');
  const files = load({
    directories: [{ directory, prefix: 'db.', within: ['test'] }],
    clock,
    zones: new ZoneSet(['fwd.one.test']),
  });
  const zoneOf = (name: string): string => {
    const zone = files.zones.find(nameFromText(name)!);
    return typeof zone === 'object' ? zone.origin : String(zone);
  };
  const names = [
    'one.test',
    'a.b.one.test',
    'sub.one.test',
    'x.SUB.one.test',
    'x.fwd.one.test',
    'other.example',
    'two.test',
  ];
  assert.deepEqual(names.map(zoneOf), [
    'one.test',
    'one.test',
    'sub.one.test',
    'sub.one.test',
    'undefined',
    'undefined',
    'undefined',
  ]);
  put('db.two.test', '192.0.2.5');
  rmSync(join(directory, 'db.sub.one.test'));
  clock.tick();
  assert.deepEqual(names.map(zoneOf), [
    'one.test',
    'one.test',
    'one.test',
    'one.test',
    'undefined',
    'undefined',
    'two.test',
  ]);
});

test('zones of files over the wire: aliases into the cluster, transfers, SERVFAIL when unloaded', {
  timeout: 120_000,
}, async () => {
  const [good, bad] = [join(folder, 'good.db'), join(folder, 'missing.db')];
  writeFileSync(good, `${smallZone(9, '192.0.2.1')}web CNAME web.shop.svc.cluster.local.\n`);
  const files = load({
    files: [
      { origin: 'good.test', file: good },
      { origin: 'bad.test', file: bad },
    ],
  });
  const address = await serve(files, { transferTo: parseNetwork('127.0.0.1')! });
  const server = servers.at(-1);
  server!.setSource(
    'web',
    new Map([['web.shop.svc.cluster.local', [{ type: 'A', ttl: 5, addresses: ['10.96.0.1'] }]]]),
  );
  const ask = async (name: string): Promise<string[]> => answerText(await askUdp(address, encodeQuery(name, 'A')));
  try {
    assert.deepEqual(await ask('web.good.test'), [
      'NOERROR aa',
      'an web.good.test 5 CNAME web.shop.svc.cluster.local',
      'an web.shop.svc.cluster.local 5 A 10.96.0.1',
    ]);
    assert.deepEqual(await ask('x.bad.test'), ['SERVFAIL']);
    const [zone] = await askTcp(address, [encodeQuery('good.test', 'AXFR', { flags: 0 })]);
    assert.deepEqual(
      zone!.answers.map(({ type }) => type),
      [rrType.SOA, rrType.NS, rrType.A, rrType.A, rrType.CNAME, rrType.SOA],
    );
    const [none] = await askTcp(address, [encodeQuery('bad.test', 'AXFR', { flags: 0 })]);
    assert.deepEqual(answerText(none!), ['NOTAUTH']);
  } finally {
    await stopAll();
  }
});

test('Knot as a secondary gets the zone, and a change as soon as it is loaded', {
  timeout: 120_000,
  skip: noKnot,
}, async () => {
  const file = join(folder, 'primary.db');
  writeFileSync(file, smallZone(100, '192.0.2.1'));
  const clock = new ManualClock();
  let secondary: SocketAddress | undefined;
  const files = load({
    files: [{ origin: 'second.test', file }],
    clock,
    onLoaded: ({ soa }) => secondary && void notifySecondary(soa, secondary, systemClock),
  });
  let knot: Knot | undefined;
  try {
    const primary = await serve(files, { transferTo: parseNetwork('127.0.0.1')! });
    knot = await startKnot(folder, 'second.test', [
      ...['remote:', '  - id: primary', `    address: 127.0.0.1@${primary.port}`],
      ...['acl:', '  - id: notify', '    address: 127.0.0.1', '    action: notify'],
      ...['zone:', '  - domain: second.test', '    master: primary', '    acl: notify', `    storage: "${folder}"`],
    ]);
    secondary = knot.address;
    const { address } = knot;
    const addressOf = async (): Promise<string> =>
      answerText(await askUdp(address, encodeQuery('www.second.test', 'A', { flags: 0 })))[1] ?? '';
    assert.equal(await serialAt(knot.address, 'second.test'), 100);
    assert.equal(await addressOf(), 'an www.second.test 5 A 192.0.2.1');
    writeFileSync(file, smallZone(101, '192.0.2.222'));
    clock.tick();
    const deadline = AbortSignal.timeout(30_000);
    while ((await serialAt(knot.address, 'second.test')) !== 101) assert.ok(!deadline.aborted, 'the change arrived');
    assert.equal(await addressOf(), 'an www.second.test 5 A 192.0.2.222');
  } finally {
    await stopKnot(knot);
    await stopAll();
  }
});

test('a secondary is told of a new serial until it answers', { timeout: 120_000 }, async () => {
  const secondary = createSocket('udp4').bind(0, '127.0.0.1');
  await once(secondary, 'listening');
  const clock = new ManualClock();
  const file = join(folder, 'notify.db');
  writeFileSync(file, smallZone(77, '192.0.2.1'));
  const { soa } = load({ files: [{ origin: 'notify.test', file }], clock }).zones.get('notify.test')!;
  const { port } = secondary.address();
  try {
    const told = notifySecondary(soa, { address: '127.0.0.1', port }, clock);
    const [first] = (await once(secondary, 'message')) as [Buffer];
    assert.equal(first[2]! & 0xf8, 0x20, 'opcode NOTIFY');
    const message = decodeMessage(first)!;
    assert.deepEqual(answerText({ ...message, flags: message.flags & ~0x7800 }), [
      'NOERROR aa',
      'an notify.test 5 SOA ns.notify.test',
    ]);
    // It was lost: once more.
    const again = once(secondary, 'message') as Promise<[Buffer, { port: number; address: string }]>;
    clock.tick();
    const [second, peer] = await again;
    assert.deepEqual(second, first);
    const reply = Buffer.from(second.subarray(0, 12));
    reply[2]! |= 0x80;
    reply.fill(0, 4);
    secondary.send(reply, peer.port, peer.address);
    assert.equal(await told, true);
    const silent = notifySecondary(soa, { address: '127.0.0.1', port }, clock);
    for (let attempt = 0; attempt < 4; attempt++) {
      await once(secondary, 'message');
      clock.tick();
    }
    assert.equal(await silent, false);
  } finally {
    secondary.close();
  }
});
