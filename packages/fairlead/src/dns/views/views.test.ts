import assert from 'node:assert/strict';
import { createSocket, type Socket } from 'node:dgram';
import { once } from 'node:events';
import { connect } from 'node:net';
import { after, test } from 'node:test';
import { systemClock, systemRandom } from '../../sys/clock.ts';
import { freePort } from '../../sys/testing/free-ports.ts';
import { headerFlag } from '../../wire/dns/constants.ts';
import { decodeMessage } from '../../wire/dns/message.ts';
import { nameToText } from '../../wire/dns/name.ts';
import { MessageWriter } from '../../wire/dns/writer.ts';
import { compileApexRecords } from '../compile.ts';
import { compileHostsRecords } from '../compile-static.ts';
import { importCorefile } from '../corefile/import-corefile.ts';
import { answerText, compileAll, encodeQuery, makeService } from '../dns-fixtures.ts';
import { checkDnsOptions, type DnsOptions } from '../dns-options.ts';
import { clusterZone } from '../program.ts';
import { DnsServer } from '../server/dns-server.ts';
import { startOwnZones } from '../start-zones.ts';

const zone = clusterZone('cluster.local', 5);
const facts = { zone: zone.origin, ttlSeconds: 5 };
type TypeName = Parameters<typeof encodeQuery>[1];

/** An upstream that answers every name with one address, and counts what it is asked. */
class FakeUpstream {
  readonly asked: string[] = [];
  readonly #socket: Socket = createSocket('udp4');
  readonly #address: readonly number[];

  constructor(address: readonly number[]) {
    this.#address = address;
    this.#socket.on('message', (bytes, peer) => {
      const { id, questions } = decodeMessage(bytes)!;
      const [question] = questions;
      this.asked.push(nameToText(question!.name));
      const writer = new MessageWriter(new Uint8Array(512));
      writer.header(id, headerFlag.QR | headerFlag.RA);
      writer.question(question!);
      if (question!.type === 1) {
        writer.record('answer', { ...question!, ttl: 300, data: Uint8Array.from(this.#address) });
      }
      this.#socket.send(writer.bytes, peer.port, peer.address);
    });
  }

  async open(): Promise<number> {
    this.#socket.bind(0, '127.0.0.1');
    await once(this.#socket, 'listening');
    return this.#socket.address().port;
  }

  close(): void {
    this.#socket.close();
  }
}

const upstreams = [new FakeUpstream([203, 0, 113, 1]), new FakeUpstream([203, 0, 113, 2])] as const;
const servers: DnsServer[] = [];

after(async () => {
  for (const server of servers) await server.stop();
  for (const upstream of upstreams) upstream.close();
});

/** A server with what a Corefile says, and two Services. */
async function serve(text: string, port = 0): Promise<DnsServer> {
  const { settings, notes } = importCorefile(text);
  assert.deepEqual(
    notes.filter(({ result }) => result === 'ignored'),
    [],
  );
  const options: DnsOptions = {
    client: undefined as never,
    clusterDomain: 'cluster.local',
    listen: [{ address: '127.0.0.1', port }],
    workers: 2,
    clock: systemClock,
    random: systemRandom,
    log: () => {},
    ...settings,
    upstreams: settings.upstreams ?? [],
  };
  const checked = checkDnsOptions(options);
  const { base, views } = startOwnZones(options, checked);
  const server = new DnsServer({
    ...checked,
    accessRules: options.accessRules ?? [],
    rewrites: options.rewrites ?? [],
    templates: options.templates ?? [],
    fileZones: base?.zones,
    transferTo: [{ address: Uint8Array.of(127, 0, 0, 0), prefixBits: 8 }],
    views,
    workers: 2,
    clock: systemClock,
    random: systemRandom,
    log: () => {},
  });
  server.setSource('zone', compileApexRecords(zone, ['10.96.0.10'], facts));
  server.setSource('web', compileAll(makeService('shop/web', ['10.96.0.1']), [], facts));
  server.setSource('hosts', compileHostsRecords(settings.hosts, 5));
  server.markSynced();
  await server.start();
  servers.push(server);
  return server;
}

/** An answer as text. Forwarded ones grow old: a little of their TTL of 300 seconds may be gone. */
function textOf(bytes: Uint8Array): string[] {
  return answerText(decodeMessage(bytes)!).map((line) => line.replace(/ (?:29\d|28\d|300) /, ' 300 '));
}

/** Asks over UDP from an address. */
async function ask(server: DnsServer, from: string, name: string, type: TypeName): Promise<string[]> {
  const udp = await askUdpFrom(server, from, encodeQuery(name, type));
  return textOf(udp);
}

async function askUdpFrom(server: DnsServer, from: string, query: Uint8Array): Promise<Uint8Array> {
  const socket = createSocket('udp4').bind(0, from);
  await once(socket, 'listening');
  try {
    const answer = once(socket, 'message', { signal: AbortSignal.timeout(20_000) });
    socket.send(query, server.addresses[0]!.port, '127.0.0.1');
    return ((await answer) as [Buffer])[0];
  } finally {
    socket.close();
  }
}

async function askTcpFrom(server: DnsServer, from: string, query: Uint8Array): Promise<string[]> {
  const socket = connect({ host: '127.0.0.1', port: server.addresses[0]!.port, localAddress: from });
  try {
    socket.write(Buffer.concat([Uint8Array.of(query.length >> 8, query.length & 255), query]));
    let received = Buffer.alloc(0);
    while (received.length < 2 || received.length < 2 + received.readUInt16BE(0)) {
      const [chunk] = (await once(socket, 'data', { signal: AbortSignal.timeout(20_000) })) as [Buffer];
      received = Buffer.concat([received, chunk]);
    }
    return textOf(received.subarray(2, 2 + received.readUInt16BE(0)));
  } finally {
    socket.destroy();
  }
}

test('each client gets what the first block of its zone has whose view it is in', { timeout: 60_000 }, async (t) => {
  const ports = await Promise.all(upstreams.map((upstream) => upstream.open()));
  const server = await serve(`
. {
    view inside {
        expr incidr(client_ip(), '127.0.0.2/32')
    }
    kubernetes cluster.local
    hosts {
        192.0.2.2 split.test only-inside.test
        fallthrough
    }
    rewrite name alias.test web.shop.svc.cluster.local
    rewrite name step.test target.test
    rewrite name target.test web.shop.svc.cluster.local
    acl {
        block type TXT
    }
    forward . 127.0.0.1:${ports[1]}
}
. {
    view texts {
        expr type() == 'TXT' && proto() == 'udp'
        expr name() endsWith '.test.'
    }
    template IN TXT {
        answer "{{ .Name }} 60 IN TXT view"
    }
}
b.test {
    view three {
        expr client_ip() == '127.0.0.3'
    }
    acl {
        block
    }
}
b.test {
    hosts {
        192.0.2.9 name.b.test
    }
}
c.test {
    view three {
        expr client_ip() == '127.0.0.3'
    }
    forward . 127.0.0.1:${ports[1]}
}
. {
    kubernetes cluster.local
    hosts {
        192.0.2.1 split.test
        192.0.2.200 outside.test
        fallthrough
    }
    forward . 127.0.0.1:${ports[0]}
}
`);
  const rows: readonly (readonly [title: string, from: string, name: string, type: TypeName, answer: string[]])[] = [
    ['hosts of the view', '127.0.0.2', 'split.test', 'A', ['NOERROR aa', 'an split.test 5 A 192.0.2.2']],
    ['hosts of the others', '127.0.0.1', 'split.test', 'A', ['NOERROR aa', 'an split.test 5 A 192.0.2.1']],
    [
      'no hosts of the view for others',
      '127.0.0.1',
      'only-inside.test',
      'A',
      ['NOERROR', 'an only-inside.test 300 A 203.0.113.1'],
    ],
    [
      'reverse names of the view',
      '127.0.0.2',
      '2.2.0.192.in-addr.arpa',
      'PTR',
      ['NOERROR aa', 'an 2.2.0.192.in-addr.arpa 5 PTR split.test'],
    ],
    [
      'no hosts of others, nor their reverse names, in the view',
      '127.0.0.2',
      '200.2.0.192.in-addr.arpa',
      'PTR',
      ['NOERROR'],
    ],
    [
      'reverse names of the cluster',
      '127.0.0.2',
      '1.0.96.10.in-addr.arpa',
      'PTR',
      ['NOERROR aa', 'an 1.0.96.10.in-addr.arpa 5 PTR web.shop.svc.cluster.local'],
    ],
    [
      'the cluster, from the table',
      '127.0.0.2',
      'web.shop.svc.cluster.local',
      'A',
      ['NOERROR aa', 'an web.shop.svc.cluster.local 5 A 10.96.0.1'],
    ],
    [
      'rewrites of the view',
      '127.0.0.2',
      'alias.test',
      'A',
      [
        'NOERROR aa',
        'an alias.test 30 CNAME web.shop.svc.cluster.local',
        'an web.shop.svc.cluster.local 5 A 10.96.0.1',
      ],
    ],
    [
      'no rewrites of the view for others',
      '127.0.0.1',
      'alias.test',
      'A',
      ['NOERROR', 'an alias.test 300 A 203.0.113.1'],
    ],
    ['rules of the view', '127.0.0.2', 'any.test', 'TXT', ['REFUSED']],
    ['templates, by what is asked', '127.0.0.1', 'any.test', 'TXT', ['NOERROR aa', 'an any.test 60 TXT "view"']],
    ['all conditions must hold', '127.0.0.1', 'any.example', 'TXT', ['NOERROR']],
    ['rules close a zone for some', '127.0.0.3', 'name.b.test', 'A', ['REFUSED']],
    ['and not for others', '127.0.0.1', 'name.b.test', 'A', ['NOERROR aa', 'an name.b.test 5 A 192.0.2.9']],
    ['the longest zone decides', '127.0.0.2', 'name.b.test', 'A', ['NOERROR aa', 'an name.b.test 5 A 192.0.2.9']],
    [
      'a zone whose views are for others: the shorter one',
      '127.0.0.1',
      'x.c.test',
      'A',
      ['NOERROR', 'an x.c.test 300 A 203.0.113.1'],
    ],
    ['its own clients', '127.0.0.3', 'x.c.test', 'A', ['NOERROR', 'an x.c.test 300 A 203.0.113.2']],
    [
      'names of the cluster are for all who have them',
      '127.0.0.3',
      'no.shop.svc.cluster.local',
      'A',
      ['NXDOMAIN aa', 'ns cluster.local 5 SOA ns.dns.cluster.local'],
    ],
  ];
  for (const [title, from, name, type, expected] of rows) {
    await t.test(title, async () => {
      assert.deepEqual(await ask(server, from, name, type), expected);
      if (type !== 'TXT') assert.deepEqual(await askTcpFrom(server, from, encodeQuery(name, type)), expected);
    });
  }

  await t.test('a view has a cache of its own, also in the workers', async () => {
    const name = 'cached.test';
    const asked = (index: 0 | 1): number => upstreams[index].asked.filter((one) => one === name).length;
    const addressFor = async (from: string): Promise<string | undefined> =>
      (await ask(server, from, name, 'A'))[1]?.split(' ').at(-1);
    const expectOwn = async (): Promise<void> => {
      assert.equal(await addressFor('127.0.0.1'), '203.0.113.1');
      assert.equal(await addressFor('127.0.0.2'), '203.0.113.2');
    };
    await expectOwn();
    const before = [asked(0), asked(1)];
    for (let round = 0; round < 20; round++) await expectOwn();
    assert.deepEqual([asked(0), asked(1)], before);
    assert.ok(server.stats.queries.cacheHits > 0);
  });

  await t.test('what was forwarded on the way of another name is not what its own clients get', async () => {
    const own = ['NOERROR aa', 'an target.test 30 CNAME web.shop.svc.cluster.local'];
    const [, first] = await ask(server, '127.0.0.2', 'step.test', 'A');
    assert.equal(first, 'an step.test 30 CNAME target.test');
    assert.deepEqual((await ask(server, '127.0.0.2', 'target.test', 'A')).slice(0, 2), own);
  });

  await t.test('whole zones are not for clients of views', async () => {
    assert.deepEqual(await askTcpFrom(server, '127.0.0.2', encodeQuery('cluster.local', 'AXFR')), ['REFUSED']);
    assert.equal((await askTcpFrom(server, '127.0.0.1', encodeQuery('cluster.local', 'AXFR')))[0], 'NOERROR aa');
  });
});

test('names that no block is for are REFUSED; names of the cluster are of those whose blocks say so', {
  timeout: 60_000,
}, async () => {
  const server = await serve(`
cluster.local {
    view inside {
        expr incidr(client_ip(), '127.0.0.2/32')
    }
    kubernetes cluster.local
}
cluster.local {
    hosts {
        192.0.2.7 web.shop.svc.cluster.local
    }
}
`);
  const name = 'web.shop.svc.cluster.local';
  assert.deepEqual(await ask(server, '127.0.0.2', name, 'A'), ['NOERROR aa', `an ${name} 5 A 10.96.0.1`]);
  assert.deepEqual(await ask(server, '127.0.0.1', name, 'A'), ['NOERROR aa', `an ${name} 5 A 192.0.2.7`]);
  assert.deepEqual(await ask(server, '127.0.0.1', 'x.shop.svc.cluster.local', 'A'), ['SERVFAIL']);
  for (const from of ['127.0.0.1', '127.0.0.2']) {
    assert.deepEqual(await ask(server, from, 'example.org', 'A'), ['REFUSED']);
    assert.deepEqual(await askTcpFrom(server, from, encodeQuery('example.org', 'A')), ['REFUSED']);
  }
});

test('a view with a mistake is left out, or closes its zones when it has an acl', () => {
  const { settings, notes } = importCorefile(`
. {
    view one {
        expr name() ~ 'x'
    }
    forward . 10.0.0.1
}
. {
    view two {
        expr size()
    }
    acl {
        block net 10.0.0.0/8
    }
}
. {
    view three {
        expr do()
    }
    health
    k8s_external apps.test
    kubernetes other.local
    cache 30
}
. {
    kubernetes cluster.local
    forward . 10.0.0.2
}
`);
  assert.deepEqual(
    notes.map(({ line, directive, result, detail }) => `${line} ${directive} ${result}: ${detail}`),
    [
      '3 view ignored: all of the block is left out: view one: "~ \'x\'" is not known',
      '9 view ignored: all of the block is left out, and as it has an acl, all queries for its zones are refused instead: view two: a condition is true or false, not a number',
      '17 view taken: clients of view three get what this block has',
      '20 health ignored: not in a block with a view: it is for all clients or none',
      '21 k8s_external ignored: not in a block with a view: it is for all clients or none',
      '22 kubernetes ignored: only cluster.local is served',
      '23 cache built in: forwarded answers are cached by their TTL, at most 3600 s, with prefetch and stale answers; not taken: 30',
      '26 kubernetes taken: cluster domain cluster.local',
      '27 forward taken: . to 10.0.0.2',
    ],
  );
  assert.deepEqual(
    settings.views?.views.map(({ hasCluster, accessRules = [] }) => [
      hasCluster,
      accessRules.map(({ action }) => action),
    ]),
    [
      [false, ['block']],
      [false, []],
    ],
  );
  assert.deepEqual(
    settings.views?.zones.map(({ blocks }) =>
      blocks.map(({ view, conditions, port }) => [view, conditions.length, port]),
    ),
    [
      [
        [1, 0, undefined],
        [2, 1, undefined],
        [0, 0, undefined],
      ],
    ],
  );
  assert.deepEqual(settings.upstreams, ['10.0.0.2']);
});

test('ports tell blocks apart when there are several, for queries to one of them', { timeout: 60_000 }, async () => {
  const text = (port: number): string => `
.:53 example.org:${port} {
    view one {
        expr rd()
    }
    hosts {
        192.0.2.1 www.example.org www.example.net
    }
}
.:${port} {
    hosts {
        192.0.2.2 www.example.org www.example.net
    }
}
`;
  const zones = importCorefile(text(5353)).settings.views?.zones.map(({ zone: name, blocks }) => [
    nameToText(name),
    blocks.map(({ view, port }) => [view, port]),
  ]);
  assert.deepEqual(zones, [
    ['example.org', [[1, 5353]]],
    [
      '.',
      [
        [1, 53],
        [0, 5353],
      ],
    ],
  ]);
  const addressOf = async (server: DnsServer, name: string): Promise<string | undefined> =>
    (await ask(server, '127.0.0.1', name, 'A'))[1]?.split(' ').at(-1);
  // A port that no block names: the first block of a zone answers.
  const elsewhere = await serve(text(1));
  assert.equal(await addressOf(elsewhere, 'www.example.net'), '192.0.2.1');
  const port = await freePort();
  const there = await serve(text(port), port);
  assert.equal(await addressOf(there, 'www.example.net'), '192.0.2.2');
  assert.equal(await addressOf(there, 'www.example.org'), '192.0.2.1');
});
