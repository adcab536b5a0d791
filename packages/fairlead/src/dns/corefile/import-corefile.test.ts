import assert from 'node:assert/strict';
import { test } from 'node:test';
import { importCorefile } from './import-corefile.ts';

const kubeadm = `
(snip) {
    cache 30
}
.:53 {
    errors
    health {
       lameduck 5s
    }
    ready
    kubernetes {$DOMAIN} in-addr.arpa ip6.arpa {
       pods insecure
       fallthrough in-addr.arpa ip6.arpa
       ttl 30
       endpoint_pod_names
    }
    prometheus :9153
    hosts {
       192.0.2.1 printer.lan # the one upstairs
       fallthrough
    }
    rewrite name exact foo.example web.shop.svc.cluster.local
    rewrite stop name suffix .old.test. .new.test.
    rewrite type ANY HINFO
    forward . 10.0.0.53 [fd00::53]:5353 {
       max_concurrent 1000
       prefer_udp
    }
    import snip
    log
    template IN A foo
    dnstap tcp://10.0.0.1:6000
}
example.org:53, example.net {
    forward . tls://9.9.9.9 {
       tls_servername dns.quad9.net
    }
}
lab.test {
    forward . /etc/resolv.conf
}
tls://.:853 {
    forward . 1.1.1.1
}
`;

test('a Corefile becomes settings, and every line says what became of it', () => {
  const { settings, notes } = importCorefile(kubeadm, { DOMAIN: 'cluster.local' });
  assert.deepEqual(settings, {
    clusterDomain: 'cluster.local',
    ttlSeconds: 30,
    podRecords: 'verified',
    upstreams: ['10.0.0.53', '[fd00::53]:5353'],
    forwardRules: {
      'example.org': ['tls://9.9.9.9#dns.quad9.net'],
      'example.net': ['tls://9.9.9.9#dns.quad9.net'],
    },
    hosts: [{ address: '192.0.2.1', names: ['printer.lan'] }],
    templates: [
      {
        zones: ['foo'],
        type: 1,
        patterns: [],
        rcode: 0,
        answers: [],
        authority: [],
        additional: [],
        fallthrough: [],
      },
    ],
    rewrites: [
      { kind: 'exact', from: 'foo.example', to: 'web.shop.svc.cluster.local' },
      { kind: 'suffix', from: 'old.test', to: 'new.test' },
    ],
    lameduckMs: 5000,
    logQueries: true,
  });
  assert.deepEqual(
    notes
      .map(({ line, directive, result, detail }) => `${line} ${directive} ${result}: ${detail}`)
      .filter((note) => !note.includes('built in')),
    [
      '7 health taken: lameduck 5s: a leaving server waits so long for its successor',
      '11 kubernetes taken: cluster domain cluster.local, pods insecure as verified, fallthrough (reverse names always fall through), ttl 30; not taken: endpoint_pod_names',
      '18 hosts taken: 1 entries',
      '22 rewrite taken: foo.example is an alias of web.shop.svc.cluster.local',
      '23 rewrite taken: suffix old.test is an alias of new.test',
      '24 rewrite ignored: only names are rewritten: an answer to ANY is minimal anyway',
      '25 forward taken: . to 10.0.0.53, [fd00::53]:5353; not taken: prefer_udp',
      '30 log taken: a sample of the queries is logged',
      "31 template taken: names of foo that are not the cluster's",
      '32 dnstap ignored: a sample of the queries is logged with --dns-log-every',
      '35 forward taken: example.org, example.net to tls://9.9.9.9#dns.quad9.net',
      '40 forward ignored: /etc/resolv.conf for lab.test: give addresses',
      '42 tls://.:853 ignored: only plain DNS blocks; for TLS and HTTPS give a certificate with --dns-tls-cert',
    ],
  );
  assert.deepEqual(
    notes.filter(({ result }) => result === 'built in').map(({ directive }) => directive),
    ['cache', 'errors', 'ready', 'prometheus'],
  );
});

test('rules of access, zones of files, secondaries, views', () => {
  const { settings, notes } = importCorefile(`
.:53 {
    root /etc/zones
    acl {
        allow type A AAAA net 10.0.0.0/8
        drop
    }
    acl x.test {
        block net everybody
    }
    acl y.test {
        forbid
    }
    file db.example example.test. {
        reload 10s
        fallthrough
    }
    file db.cluster svc.cluster.local
    auto test {
        directory auto (.*)\\.zone {1}
    }
    auto test {
        directory auto ^zone\\.(.*)$ {1}
    }
    transfer {
        to 192.0.2.1 192.0.2.2:5353 [2001:db8::1]:53 10.0.0.0/8 *
    }
    rewrite name prefix old- new-
    rewrite stop name substring .lan. .home.
    rewrite name regex (.*) {1}.x
    rewrite ttl a.test 5
}
b.test {
    view inside {
        expr incidr(client_ip(), '10.0.0.0/8')
    }
    forward . 10.0.0.53
}
b.test {
    forward . 10.0.0.54
}
`);
  assert.deepEqual(
    notes.map(({ line, directive, result, detail }) => `${line} ${directive} ${result}: ${detail}`),
    [
      '3 root taken: relative paths lie in /etc/zones',
      '4 acl taken: 2 rules',
      '8 acl ignored: all queries for x.test are refused instead: everybody is not a network',
      '11 acl ignored: all queries for y.test are refused instead: forbid is not an action',
      '14 file taken: zone example.test of /etc/zones/db.example; not taken: fallthrough',
      '18 file ignored: names of svc.cluster.local come from the cluster',
      '19 auto ignored: file names must be PREFIX(.*), origins {1}',
      '22 auto taken: zones of /etc/zones/auto/zone.*',
      '25 transfer taken: zones may be transferred to 192.0.2.1, 192.0.2.2, 2001:db8::1, 10.0.0.0/8, *; addresses are notified',
      '28 rewrite taken: prefix old- is an alias of new-',
      '29 rewrite taken: substring .lan. is an alias of .home.',
      '30 rewrite taken: regex (.*) is an alias of {1}.x',
      '31 rewrite ignored: only names are rewritten: a TTL is what its record says',
      '34 view taken: clients of view inside get what this block has',
      '37 forward taken: b.test to 10.0.0.53',
      '40 forward taken: b.test to 10.0.0.54',
    ],
  );
  assert.deepEqual(settings.forwardRules, { 'b.test': ['10.0.0.54'] });
  assert.deepEqual(settings.zoneFiles, {
    files: [{ origin: 'example.test', file: '/etc/zones/db.example' }],
    directories: [{ directory: '/etc/zones/auto', prefix: 'zone.', within: ['test'] }],
  });
  assert.deepEqual(settings.notify, [
    { address: '192.0.2.1', port: 53 },
    { address: '192.0.2.2', port: 5353 },
    { address: '2001:db8::1', port: 53 },
  ]);
  const [root] = settings.accessRules![0]!.zones;
  assert.deepEqual(
    settings.accessRules!.map(({ action, types, networks }) => [action, types, networks.length]),
    [
      ['allow', [1, 28], 1],
      ['drop', [], 0],
      ['block', [], 0],
      ['block', [], 0],
    ],
  );
  assert.deepEqual([...root!], [0]);
});

test('syntax errors name their line', () => {
  for (const [text, line, message] of [
    ['. {\n  errors\n', 1, "'{' is never closed"],
    ['.\nerrors\n', 1, "expected '{' after ."],
  ] as const) {
    assert.deepEqual(importCorefile(text).notes, [{ line, directive: 'Corefile', result: 'ignored', detail: message }]);
  }
});

test('options of a line are taken, or it says that they are not', () => {
  const rows: readonly (readonly [line: string, note: RegExp])[] = [
    ['cache 30 {\nsuccess 5000 30\nprefetch 10 1m 10%\nserve_stale 1h\n}', /not taken: 30, success 5000 30$/],
    ['cache', /stale answers$/],
    ['errors {\nconsolidate 5m ".*"\n}', /not taken: consolidate 5m \.\*$/],
    ['loadbalance round_robin', /^built in: answers rotate$/],
    ['loadbalance weighted weights.txt', /not taken: weighted, weights\.txt$/],
    ['bufsize 1232', /bytes$/],
    ['bufsize 512', /not taken: 512$/],
    ['minimal', /^built in: .*minimal$/],
    ['any', /^built in/],
    ['nsid here', /^ignored: a server does not tell its name/],
    ['chaos v1 me', /^ignored: a server does not tell its version/],
    ['ready :8181', /^built in: .*not taken: :8181$/],
    ['loop', /^built in: a loop is probed for at start$/],
    ['log', /^taken: a sample/],
    [
      'hosts {\n192.0.2.1 a\nttl 60\nno_reverse\nreload 5s\nfallthrough\n}',
      /^taken: 1 entries; not taken: ttl 60, no_reverse$/,
    ],
    [
      'hosts /etc/more example.org {\n192.0.2.1 a\n}',
      /^taken: 2 entries of \/etc\/more.*not taken: zone example\.org$/,
    ],
    ['hosts /etc/none', /^ignored: \/etc\/none cannot be read/],
    ['forward . 10.0.0.1 {\npolicy sequential\nforce_tcp\nmax_fails 3\n}', /not taken: policy sequential, force_tcp$/],
    [
      'forward . 10.0.0.1 {\nexcept lan.test other.test\n}',
      /^taken: \. to 10\.0\.0\.1, but nobody for lan\.test, other\.test$/,
    ],
    ['constructor', /^ignored: no such function here/],
  ];
  for (const [line, note] of rows) {
    const readFile = (path: string): string | undefined => (path === '/etc/more' ? '192.0.2.2 b' : undefined);
    const { notes } = importCorefile(`.:53 {\n${line}\n}`, {}, readFile);
    assert.match(notes.map(({ result, detail }) => `${result}: ${detail}`).join('\n'), note, line);
  }
  const { settings } = importCorefile(
    '.:53 {\nforward . 10.0.0.1 {\nexcept lan.test\n}\n}\nlan.test {\nforward . 10.0.0.2\n}',
  );
  assert.deepEqual(settings.forwardRules, { 'lan.test': ['10.0.0.2'] }, 'a block of its own goes first');
});
