import assert from 'node:assert/strict';
import { test } from 'node:test';
import { type CorefileSettings, importCorefile } from './import-corefile.ts';

/** Configurations of the shape that installers write, in our own words. */
const rows: readonly (readonly [
  title: string,
  text: string,
  settings: Partial<CorefileSettings>,
  ignored: readonly string[],
])[] = [
  [
    'kubeadm',
    `.:53 {
      errors
      health { lameduck 5s }
      ready
      kubernetes cluster.local in-addr.arpa ip6.arpa {
        pods insecure
        fallthrough in-addr.arpa ip6.arpa
        ttl 30
      }
      prometheus :9153
      forward . /etc/resolv.conf { max_concurrent 1000 }
      cache 30 {
        disable success cluster.local
        disable denial cluster.local
      }
      loop
      reload
      loadbalance
    }`.replace(/\{ (\w+ \w+) \}/g, '{\n$1\n}'),
    {
      clusterDomain: 'cluster.local',
      ttlSeconds: 30,
      podRecords: 'verified',
      upstreams: 'resolv.conf',
      lameduckMs: 5000,
    },
    [],
  ],
  [
    'k3s: a file of nodes, and imports of files of the user',
    `.:53 {
      errors
      health
      ready
      kubernetes cluster.local in-addr.arpa ip6.arpa {
        pods insecure
        fallthrough in-addr.arpa ip6.arpa
      }
      hosts /etc/coredns/NodeHosts {
        ttl 60
        reload 15s
        fallthrough
      }
      prometheus :9153
      cache 30
      loop
      reload
      loadbalance
      import /etc/coredns/custom/*.override
      forward . /etc/resolv.conf
    }
    import /etc/coredns/custom/*.server`,
    {
      clusterDomain: 'cluster.local',
      hosts: [{ address: '192.0.2.11', names: ['node-1'] }],
      upstreams: 'resolv.conf',
    },
    ['import', 'import'],
  ],
  [
    'EKS',
    `.:53 {
      errors
      health {
        lameduck 5s
      }
      ready
      kubernetes cluster.local in-addr.arpa ip6.arpa {
        pods insecure
        fallthrough in-addr.arpa ip6.arpa
      }
      prometheus :9153
      forward . /etc/resolv.conf
      cache 30
      loop
      reload
      loadbalance
    }`,
    { clusterDomain: 'cluster.local', upstreams: 'resolv.conf', lameduckMs: 5000 },
    [],
  ],
  [
    'AKS: log, stub domains in a file of its own, imports',
    `.:53 {
      errors
      ready
      health {
        lameduck 5s
      }
      kubernetes cluster.local in-addr.arpa ip6.arpa {
        pods insecure
        fallthrough in-addr.arpa ip6.arpa
        ttl 30
      }
      prometheus :9153
      forward . /etc/resolv.conf
      cache 30
      loop
      reload
      loadbalance
      import custom/*.override
      template ANY ANY internal.cloudapp.net {
        match "^(?:[^.]+\\.){4,}internal\\.cloudapp\\.net\\.$"
        rcode NXDOMAIN
        fallthrough
      }
    }
    import custom/*.server
    corp.test:53 {
      errors
      cache 30
      forward . 10.0.0.10 10.0.0.11
    }`,
    {
      ttlSeconds: 30,
      upstreams: 'resolv.conf',
      forwardRules: { 'corp.test': ['10.0.0.10', '10.0.0.11'] },
      templates: [
        {
          zones: ['internal.cloudapp.net'],
          type: 'any',
          // A backslash in quotes is a backslash.
          patterns: ['^(?:[^.]+\\.){4,}internal\\.cloudapp\\.net\\.$'],
          rcode: 3,
          answers: [],
          authority: [],
          additional: [],
          fallthrough: ['.'],
        },
      ],
    },
    ['import', 'import'],
  ],
  [
    'GKE: the node cache with its zones',
    `cluster.local:53 {
      errors
      cache {
        success 9984 30
        denial 9984 5
      }
      reload
      loop
      bind 169.254.20.10 10.0.0.10
      health 169.254.20.10:8080
      forward . 10.0.0.11 {
        force_tcp
      }
      prometheus :9253
    }
    in-addr.arpa:53 {
      errors
      cache 30
      bind 169.254.20.10 10.0.0.10
      forward . 10.0.0.11
    }
    .:53 {
      errors
      cache 30
      bind 169.254.20.10 10.0.0.10
      forward . /etc/resolv.conf
      prometheus :9253
    }`,
    { upstreams: 'resolv.conf', forwardRules: { 'in-addr.arpa': ['10.0.0.11'] } },
    ['bind', 'forward', 'bind', 'bind'],
  ],
  [
    'by hand: zones for outside, other clusters and secondaries; secure upstreams',
    `. {
      kubernetes lab.local {
        zonal
        multicluster clusterset.local
        endpoint_pod_names
      }
      k8s_gateway apps.test
      transfer {
        to 192.0.2.1 192.0.2.2:53 nowhere
      }
      autopath @kubernetes
      forward . https://9.9.9.9 https://1.1.1.1/dns-query {
        tls_servername dns.test
      }
      acl {
        block
      }
      dnssec
    }`,
    {
      clusterDomain: 'lab.local',
      hasZonalNames: true,
      clustersetZone: 'clusterset.local',
      externalZone: 'apps.test',
      transferTo: ['192.0.2.1', '192.0.2.2'],
      accessRules: [{ action: 'block', zones: [Uint8Array.of(0)], types: [], networks: [] }],
      completesSearch: true,
      upstreams: ['https://9.9.9.9#dns.test', 'https://1.1.1.1/dns-query#dns.test'],
    },
    ['dnssec'],
  ],
];

for (const [title, text, expected, ignored] of rows) {
  test(title, () => {
    const readFile = (path: string): string | undefined =>
      path === '/etc/coredns/NodeHosts' ? '192.0.2.11 node-1\n' : undefined;
    const { settings, notes } = importCorefile(text, {}, readFile);
    for (const [key, value] of Object.entries(expected)) {
      assert.deepEqual(settings[key as keyof CorefileSettings], value, key);
    }
    assert.deepEqual(
      notes.filter(({ result }) => result === 'ignored').map(({ directive }) => directive),
      ignored,
    );
    // Every directive is spoken of, once, and in the order of the lines.
    const directives = text.split('\n').filter((line) => /^ {4,6}[a-z]/.test(line) && !/^ {4}\S.*\{$/.test(line));
    assert.ok(notes.length >= directives.length - 1, `${notes.length} of ${directives.length}`);
    assert.deepEqual(
      notes.map(({ line }) => line),
      notes.map(({ line }) => line).toSorted((a, b) => a - b),
    );
  });
}
