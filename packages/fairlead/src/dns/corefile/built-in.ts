import type { CorefileDirective } from './parse-corefile.ts';

/** A plugin whose job the server does anyway: how, and which of its settings change nothing by being left out. */
interface BuiltIn {
  readonly detail: string;
  /** Lines of its block that say what is done here in any case. */
  readonly same?: readonly string[];
  /** Whether arguments say what is done here in any case. */
  readonly sameArgs?: RegExp;
}

/** Plugins whose job the server does anyway. */
const builtIn: Readonly<Record<string, BuiltIn>> = {
  errors: { detail: 'errors are logged' },
  ready: { detail: 'the role has its own readiness endpoint' },
  prometheus: { detail: 'metrics have the same names, on the metrics address of the role', sameArgs: /.*/ },
  cache: {
    detail: 'forwarded answers are cached by their TTL, at most 3600 s, with prefetch and stale answers',
    same: ['prefetch', 'serve_stale'],
  },
  loop: { detail: 'a loop is probed for at start' },
  reload: { detail: 'a Corefile is read at start only', sameArgs: /.*/ },
  loadbalance: { detail: 'answers rotate', sameArgs: /^round_robin$/ },
  bufsize: { detail: 'answers over UDP are at most 1232 bytes', sameArgs: /^1232$/ },
  any: { detail: 'ANY gets a minimal answer' },
  minimal: { detail: 'negative answers are minimal' },
  multisocket: { detail: 'one socket per worker' },
  shed: { detail: 'queues are bounded and drop early' },
  cancel: { detail: 'every forwarded query has a deadline' },
  timeouts: { detail: 'idle connections are closed after 10 s' },
  header: { detail: 'flags are as the protocol has them' },
  metadata: { detail: 'nothing needs it' },
  debug: { detail: 'the log level is a setting of the role' },
};

/** What takes its place, for plugins that are often in a Corefile and that have no counterpart in one here. */
const elsewhere: Readonly<Record<string, string>> = {
  geoip: 'addresses are not looked up in a database',
  quic: 'there is no DNS over QUIC',
  grpc_server: 'there is no DNS over gRPC',
  https: 'DNS over HTTPS is given with --dns-https-listen',
  https3: 'there is no DNS over HTTP/3',
  local: 'names of this machine are asked of nobody else only if hosts has them',
  dns64: 'addresses are not translated',
  tsig: 'messages are not signed: transfers are allowed by address',
  dnssec: 'zones are not signed',
  sign: 'zones are not signed',
  route53: 'clouds have servers of their own: forward to them',
  azure: 'clouds have servers of their own: forward to them',
  clouddns: 'clouds have servers of their own: forward to them',
  grpc: 'upstreams are asked over UDP, TCP, TLS and HTTPS',
  erratic: 'it is for tests of clients',
  whoami: 'it is for tests',
  on: 'no commands are run at start or stop',
  bind: 'addresses are given with --dns-listen',
  tls: 'certificates are given with --dns-tls-cert and --dns-tls-key',
  pprof: 'Node has its own inspector',
  trace: 'there are no traces of single queries',
  dnstap: 'a sample of the queries is logged with --dns-log-every',
  nomad: 'other registries become Services by controllers',
  etcd: 'other registries become Services by controllers',
  nsid: 'a server does not tell its name',
  chaos: 'a server does not tell its version: class CH is REFUSED',
};

/** What the server does anyway for a directive, with the settings that it does not take; absent: nothing. */
export function builtInDetail({ name, args, block }: CorefileDirective): string | undefined {
  if (!Object.hasOwn(builtIn, name)) return undefined;
  const { detail, same = [], sameArgs } = builtIn[name]!;
  const left = [
    ...args.filter((arg) => sameArgs?.test(arg) !== true),
    ...block.flatMap((line) => (same.includes(line.name) ? [] : [[line.name, ...line.args].join(' ')])),
  ];
  return `${detail}${left.length === 0 ? '' : `; not taken: ${left.join(', ')}`}`;
}

/** Why a directive has no counterpart. */
export function ignoredDetail(name: string): string {
  return Object.hasOwn(elsewhere, name) ? elsewhere[name]! : 'no such function here';
}
