import assert from 'node:assert/strict';
import { test } from 'node:test';
import { systemClock, systemRandom } from '../sys/clock.ts';
import { importCorefile } from './corefile/import-corefile.ts';
import { answerText, askTcp, askUdp, compileAll, encodeQuery, makeService } from './dns-fixtures.ts';
import { clusterZone } from './program.ts';
import { DnsServer } from './server/dns-server.ts';

const zone = clusterZone('cluster.local', 5);
const web = 'web.shop.svc.cluster.local';

const corefile = `
.:53 {
  rewrite stop name regex (.*)\\.my\\.domain\\.$ {1}.svc.cluster.local answer name (.*)\\.svc\\.cluster\\.local\\.$ {1}.my.domain
  rewrite name regex (.*)\\.srv\\.lan\\.$ {1}.svc.cluster.local answer name (.*)\\.svc\\.cluster\\.local\\.$ {1}.srv.lan answer value (.*)\\.svc\\.cluster\\.local\\.$ {1}.srv.lan
  rewrite {
    name exact valued.lan ${web}
    answer value web\\.(.*)\\.svc\\.cluster\\.local\\. {1}.lan
  }
  rewrite name regex ^plain-(.*)\\.lan\\.$ {1}.svc.cluster.local
  rewrite name exact asked.lan ${web} answer auto
  rewrite {
    name suffix .short. .svc.cluster.local.
    answer auto
  }
  acl secret.test {
    block
  }
  rewrite name exact door.lan x.secret.test answer auto
  template IN A ip.test {
    match ^ip-(?P<a>\\d+)-(?P<b>\\d+)-(?P<c>\\d+)-(?P<d>\\d+)\\.ip\\.test\\.$
    answer "{{ .Name }} 60 IN A {{ .Group.a }}.{{ .Group.b }}.{{ .Group.c }}.{{ .Group.d }}"
    authority "{{ .Zone }} 60 IN NS ns.ip.test."
    additional "ns.ip.test. 60 IN A 192.0.2.53"
    fallthrough more.ip.test
  }
  template IN A more.ip.test {
    answer "{{ .Name }} IN A 192.0.2.2"
  }
  template ANY ANY gone.test {
    rcode NXDOMAIN
    authority "gone.test. 60 IN SOA ns.gone.test. admin.gone.test. 1 2 3 4 60"
    ederror 15 "blocked"
  }
  template IN TXT text.test {
    match "^(.*)\\.text\\.test\\.$"
    answer "{{ .Name }} 5 IN TXT \\"{{ index .Match 1 }} {{ .Type }} {{ .Class }}\\""
  }
  template IN A alias.test {
    answer "{{ .Name }} 5 IN CNAME ${web}."
  }
  template IN AAAA {
    rcode NOERROR
  }
}`;

test('rewrites by pattern and templates, over UDP and TCP', { timeout: 120_000 }, async (t) => {
  const { settings, notes } = importCorefile(corefile);
  assert.deepEqual(
    notes.filter(({ result }) => result !== 'taken'),
    [],
  );
  const server = new DnsServer({
    zone,
    listen: [{ family: 'ipv4', address: '127.0.0.1', port: 0 }],
    upstreams: [],
    rewrites: settings.rewrites,
    templates: settings.templates ?? [],
    accessRules: settings.accessRules ?? [],
    workers: 1,
    clock: systemClock,
    random: systemRandom,
    log: () => {},
  });
  server.setSource('web', compileAll(makeService('shop/web', ['10.96.0.1']), [], { zone: zone.origin, ttlSeconds: 5 }));
  server.markSynced();
  await server.start();
  const [address] = server.addresses;
  const rows: readonly (readonly [name: string, type: 'A' | 'AAAA' | 'TXT' | 'MX' | 'SRV', expected: string[]])[] = [
    // Owners by a pattern; the question's own letters stay.
    ['web.shop.my.domain', 'A', ['NOERROR aa', 'an web.shop.my.domain 5 A 10.96.0.1']],
    ['WEB.shop.my.domain', 'A', ['NOERROR aa', 'an WEB.shop.my.domain 5 A 10.96.0.1']],
    ['none.shop.my.domain', 'A', ['NXDOMAIN aa', 'ns cluster.local 5 SOA ns.dns.cluster.local']],
    // Names in the data, too, and those of the addresses that go along.
    [
      'web.shop.srv.lan',
      'SRV',
      ['NOERROR aa', 'an web.shop.srv.lan 5 SRV 0 100 80 web.shop.srv.lan', 'ad web.shop.srv.lan 5 A 10.96.0.1'],
    ],
    [
      'valued.lan',
      'SRV',
      ['NOERROR aa', `an valued.lan 30 CNAME ${web}`, `an ${web} 5 SRV 0 100 80 shop.lan`, `ad ${web} 5 A 10.96.0.1`],
    ],
    ['plain-web.shop.lan', 'A', ['NOERROR aa', `an plain-web.shop.lan 30 CNAME ${web}`, `an ${web} 5 A 10.96.0.1`]],
    ['asked.lan', 'A', ['NOERROR aa', 'an asked.lan 5 A 10.96.0.1']],
    ['web.shop.short', 'A', ['NOERROR aa', 'an web.shop.short 5 A 10.96.0.1']],
    // What may not be asked for may not be had by another name.
    ['door.lan', 'A', ['REFUSED']],
    [
      'IP-10-1-2-3.ip.test',
      'A',
      [
        'NOERROR aa',
        'an IP-10-1-2-3.ip.test 60 A 10.1.2.3',
        'ns ip.test 60 NS ns.ip.test',
        'ad ns.ip.test 60 A 192.0.2.53',
      ],
    ],
    // A match that makes no record, none at all, and the next template.
    ['ip-10-1-2-300.ip.test', 'A', ['SERVFAIL']],
    ['other.ip.test', 'A', ['SERVFAIL']],
    ['x.more.ip.test', 'A', ['NOERROR aa', 'an x.more.ip.test 3600 A 192.0.2.2']],
    ['x.gone.test', 'MX', ['NXDOMAIN aa', 'ns gone.test 60 SOA ns.gone.test']],
    ['hello.text.test', 'TXT', ['NOERROR aa', 'an hello.text.test 5 TXT "hello TXT IN"']],
    // Bytes that mean something in a zone file stay in their place.
    ['a"b;c(.text.test', 'TXT', ['NOERROR aa', 'an a"b;c(.text.test 5 TXT "a\\"b;c( TXT IN"']],
    ['x.alias.test', 'A', ['NOERROR aa', `an x.alias.test 5 CNAME ${web}`, `an ${web} 5 A 10.96.0.1`]],
    ['any.where', 'AAAA', ['NOERROR aa']],
    ['any.where', 'A', ['SERVFAIL']],
    // Names of the cluster are not theirs.
    [web, 'AAAA', ['NOERROR aa', 'ns cluster.local 5 SOA ns.dns.cluster.local']],
  ];
  try {
    for (const [name, type, expected] of rows) {
      await t.test(`${name} ${type}`, async () => {
        assert.deepEqual(answerText(await askUdp(address!, encodeQuery(name, type))), expected);
        const [overTcp] = await askTcp(address!, [encodeQuery(name, type)]);
        assert.deepEqual(answerText(overTcp!), expected, 'over TCP');
      });
    }
  } finally {
    await server.stop();
  }
});

test('templates and rewrites that are not taken say why', () => {
  const rows: readonly (readonly [line: string, problem: RegExp])[] = [
    ['template CH TXT x.test', /only class IN/],
    ['template IN NONSENSE x.test', /not a type/],
    ['template IN A a..b', /not a zone/],
    ['template IN A x.test {\nmatch (?=a)\n}', /look-around/],
    ['template IN A x.test {\nanswer "{{ if .Name }} A 1.2.3.4"\n}', /not known: only names/],
    ['template IN A x.test {\nmatch (.*)\nanswer "{{ .Group.a }} 5 IN A 1.2.3.4"\n}', /no pattern has a group/],
    ['template IN A x.test {\nmatch (.*)\nanswer "{{ index .Match 2 }} 5 IN A 1.2.3.4"\n}', /no pattern has a group/],
    ['template IN A x.test {\nrcode MAYBE\n}', /not a response code/],
    ['template IN A x.test {\nfoo\n}', /foo is not known/],
    ['rewrite name regex (a)\\1 x', /back-references/],
    ['rewrite name regex (a) {2}.x', /has no group \{2\}/],
    ['rewrite name regex (a) {1}.x answer name ( x', /missing \)/],
    ['rewrite name exact a b other', /other is not known/],
    ['rewrite ttl a.test 5', /only names are rewritten: a TTL is/],
    ['rewrite edns0 local set 0xffee abcd', /only names are rewritten: options of a query/],
    ['rewrite edns0 nsid set', /options of a query/],
    ['rewrite edns0 subnet set 24 56', /options of a query/],
    ['rewrite class CH IN', /only class IN/],
    ['rewrite rcode a.test NXDOMAIN NOERROR', /only names are rewritten/],
    ['rewrite name exact a b answer value x', /answer value has no name/],
    ['rewrite name exact a b answer value ( x', /missing \)/],
    ['rewrite name exact a b answer ttl 5 6', /answer ttl is not known/],
    ['rewrite name a', /names no name/],
  ];
  for (const [line, problem] of rows) {
    const { settings, notes } = importCorefile(`.:53 {\n${line}\n}`);
    assert.equal(notes[0]?.result, 'ignored', line);
    assert.match(notes[0]!.detail, problem, line);
    assert.deepEqual([settings.rewrites, settings.templates], [[], undefined], line);
  }
});

test('an acl block with a mistake closes what it is about', () => {
  const rows: readonly (readonly [acl: string, zones: readonly string[]])[] = [
    ['acl x.test {\nblock net everybody\n}', ['x.test']],
    ['acl x.test y.test {\nallow\nforbid\n}', ['x.test', 'y.test']],
    ['acl x.test {\nallow type SOMETHING\n}', ['x.test']],
    ['acl x.test {\nallow net\n}', ['x.test']],
    ['acl a..b x.test {\nblock\n}', ['.']],
    ['acl {\nallow 10.0.0.0/8\n}', ['.']],
  ];
  for (const [acl, zones] of rows) {
    const { settings, notes } = importCorefile(`.:53 {\n${acl}\n}`);
    assert.deepEqual(
      settings.accessRules?.map(({ action, types, networks }) => [action, types, networks]),
      [['block', [], []]],
    );
    assert.equal(settings.accessRules?.[0]?.zones.length, zones.length, acl);
    assert.match(
      notes[0]!.detail,
      new RegExp(`^all queries for ${zones.join(', ').replaceAll('.', '\\.')} are refused instead: `),
    );
  }
});
