import assert from 'node:assert/strict';
import { readFileSync } from 'node:fs';
import { test } from 'node:test';
import { type CorefileNote, importCorefile } from './import-corefile.ts';

/** Plugins of the default build of CoreDNS 1.14, in its order. */
const plugins = [
  ...[
    'root',
    'metadata',
    'geoip',
    'cancel',
    'tls',
    'quic',
    'grpc_server',
    'https',
    'https3',
    'timeouts',
    'multisocket',
  ],
  ...['reload', 'nsid', 'bufsize', 'bind', 'debug', 'trace', 'ready', 'health', 'pprof', 'prometheus', 'errors', 'log'],
  ...['dnstap', 'local', 'dns64', 'acl', 'any', 'chaos', 'loadbalance', 'tsig', 'cache', 'rewrite', 'header', 'dnssec'],
  ...['autopath', 'minimal', 'template', 'transfer', 'hosts', 'route53', 'azure', 'clouddns', 'k8s_external'],
  ...['kubernetes', 'file', 'auto', 'secondary', 'etcd', 'loop', 'forward', 'grpc', 'erratic', 'whoami', 'on', 'sign'],
  ...['view', 'nomad'],
];

/** A directive of a plugin: what it must have, lines of its block that are taken, and texts that are told as not taken. */
interface Sample {
  readonly line: string;
  readonly taken: readonly string[];
  /** Lines of the block; those with a `*` in front are arguments of the line instead. */
  readonly left: readonly string[];
}

const samples: Readonly<Record<string, Sample>> = {
  root: { line: 'root /etc/zones', taken: [], left: [] },
  timeouts: { line: 'timeouts', taken: [], left: ['read 1s', 'write 1s', 'idle 1s'] },
  ready: { line: 'ready', taken: [], left: ['* :8181', 'monitor continuously'] },
  health: { line: 'health', taken: ['lameduck 5s'], left: ['* :8080'] },
  errors: { line: 'errors', taken: [], left: ['consolidate 5m .*', 'stacktrace'] },
  log: { line: 'log', taken: [], left: ['* example.org', 'class denial'] },
  acl: {
    line: 'acl',
    taken: ['allow type A net 10.0.0.0/8', 'block type *', 'filter net 192.0.2.1', 'drop'],
    left: [],
  },
  loadbalance: { line: 'loadbalance', taken: ['* round_robin'], left: ['* weighted', 'prefer 10.0.0.0/8'] },
  cache: {
    line: 'cache',
    taken: ['prefetch 10', 'serve_stale 1h'],
    left: ['* 30', 'success 5000 30', 'denial 500 5', 'servfail 5s', 'disable denial x.test', 'keepttl'],
  },
  rewrite: {
    line: 'rewrite stop name exact a.test b.test',
    taken: ['answer auto', 'answer name (.*) {1}', 'answer value (.*) {1}'],
    left: [],
  },
  header: { line: 'header', taken: [], left: ['response set aa', 'query clear rd'] },
  autopath: { line: 'autopath', taken: ['* @kubernetes'], left: ['* /etc/resolv.conf'] },
  template: {
    line: 'template IN A x.test',
    taken: ['match .*', 'answer "{{ .Name }} 5 IN A 192.0.2.1"', 'rcode NOERROR', 'ederror 15', 'fallthrough'],
    left: [],
  },
  transfer: { line: 'transfer', taken: ['to 192.0.2.1'], left: ['* x.test'] },
  hosts: {
    line: 'hosts',
    taken: ['192.0.2.1 a.test', 'reload 5s', 'fallthrough'],
    left: ['* x.test', 'ttl 60', 'no_reverse'],
  },
  k8s_external: {
    line: 'k8s_external a.test',
    taken: [],
    left: ['* b.test', 'apex dns', 'ttl 5', 'headless', 'fallthrough'],
  },
  kubernetes: {
    line: 'kubernetes',
    taken: ['ttl 30', 'pods verified', 'zonal', 'multicluster clusterset.test', 'fallthrough in-addr.arpa'],
    left: [
      ...['* a.test b.test', 'endpoint_pod_names', 'namespaces a', 'namespace_labels a=b', 'labels a=b', 'noendpoints'],
      ...['ignore empty_service', 'endpoint https://a', 'kubeconfig a', 'tls a b c', 'apiserver_qps 5'],
      'startup_timeout 5s',
    ],
  },
  file: { line: 'file db.x x.test', taken: ['reload 5s'], left: ['fallthrough'] },
  auto: { line: 'auto', taken: ['directory /etc/zones db\\.(.*) {1}', 'reload 5s'], left: [] },
  secondary: { line: 'secondary x.test', taken: ['transfer from 192.0.2.1'], left: ['catalog', 'fallthrough'] },
  forward: {
    line: 'forward . 192.0.2.1',
    taken: ['except x.test', 'tls_servername a.test', 'max_concurrent 5', 'max_fails 2', 'failover SERVFAIL'],
    left: [
      ...['force_tcp', 'prefer_udp', 'expire 5s', 'max_connect_attempts 3', 'tls a b c', 'policy sequential'],
      ...['health_check 5s', 'next NXDOMAIN', 'failfast_all_unhealthy_upstreams'],
    ],
  },
  view: { line: 'view one', taken: ["expr name() == 'a.'"], left: [] },
  multisocket: { line: 'multisocket', taken: [], left: ['* 4'] },
  bufsize: { line: 'bufsize', taken: ['* 1232'], left: ['* 512'] },
  cancel: { line: 'cancel', taken: [], left: ['* 1s'] },
  metadata: { line: 'metadata', taken: [], left: ['* x.test'] },
};

/** A directive with arguments and a block. */
function directiveOf({ line }: Sample, options: readonly string[]): string {
  const args = options.filter((option) => option.startsWith('* ')).map((option) => option.slice(2));
  const block = options.filter((option) => !option.startsWith('* '));
  return `${[line, ...args].join(' ')}${block.length === 0 ? '' : ` {\n${block.join('\n')}\n}`}`;
}

function noteOf(directive: string): CorefileNote {
  const { notes } = importCorefile(`.:53 {\n${directive}\n}`);
  assert.equal(notes.length, 1, JSON.stringify(notes));
  return notes[0]!;
}

/** The table of docs/coredns.md: state, and what its last column says, by plugin. */
function readTable(): ReadonlyMap<string, readonly [state: string, left: string]> {
  const text = readFileSync(new URL('../../../../../docs/coredns.md', import.meta.url), 'utf8');
  const rows = [...text.matchAll(/^\| `(\w+)` \| ([a-z ]+) \|.*\|([^|]*)\|$/gm)];
  return new Map(rows.map(([, plugin = '', state = '', left = '']) => [plugin, [state, left]]));
}

test('every plugin of the default build has its row, and it is what the importer does', () => {
  const table = readTable();
  assert.deepEqual([...table.keys()], plugins);
  const results: Readonly<Record<string, string>> = {
    taken: 'taken',
    partly: 'taken',
    'built in': 'built in',
    not: 'ignored',
  };
  for (const plugin of plugins) {
    const [state = '', left = ''] = table.get(plugin) ?? [];
    const sample = samples[plugin] ?? { line: plugin, taken: [], left: [] };
    const { result, detail } = noteOf(directiveOf(sample, sample.taken));
    assert.equal(result, results[state], `${plugin}: ${detail}`);
    assert.doesNotMatch(detail, /not taken|no such function/, plugin);
    for (const option of sample.left) {
      const note = noteOf(directiveOf(sample, [...sample.taken, option]));
      const [word = ''] = option.replace('* ', '').split(' ');
      const told = option.startsWith('* ') ? option.split(' ').at(-1)! : word;
      assert.match(note.detail, new RegExp(`not taken: .*${told.replace(/\W/g, '\\$&')}`), `${plugin} ${option}`);
      if (!option.startsWith('* ') && plugin !== 'header')
        assert.ok(left.includes(`\`${word}\``), `${plugin}: ${word}`);
    }
    const named = [...left.matchAll(/`([a-z_0-9]+)`/g)].map(([, word = '']) => word);
    const words = sample.left.map((option) => option.replace('* ', '').split(' ')[0]);
    if (plugin !== 'rewrite')
      assert.deepEqual(
        named.filter((word) => !words.includes(word)),
        [],
        plugin,
      );
    assert.ok(state !== 'partly' || left.trim() !== '', `${plugin}: partly, but all of it`);
  }
});
