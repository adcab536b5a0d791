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
      '23 rewrite taken: old.test is an alias of new.test',
      '24 rewrite ignored: only names are rewritten',
      '25 forward taken: . to 10.0.0.53, [fd00::53]:5353; not taken: prefer_udp',
      '30 log taken: a sample of the queries is logged',
      '31 template ignored: no such function here',
      '34 forward taken: example.org, example.net to tls://9.9.9.9#dns.quad9.net',
      '39 forward ignored: /etc/resolv.conf for lab.test: give addresses',
      '41 tls://.:853 ignored: only plain DNS blocks; for TLS and HTTPS give a certificate with --dns-tls-cert',
    ],
  );
  assert.deepEqual(
    notes.filter(({ result }) => result === 'built in').map(({ directive }) => directive),
    ['cache', 'errors', 'ready', 'prometheus'],
  );
});

test('syntax errors name their line', () => {
  for (const [text, line, message] of [
    ['. {\n  errors\n', 1, "'{' is never closed"],
    ['.\nerrors\n', 1, "expected '{' after ."],
  ] as const) {
    assert.deepEqual(importCorefile(text).notes, [{ line, directive: 'Corefile', result: 'ignored', detail: message }]);
  }
});
