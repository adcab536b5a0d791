import type { HostsEntry, RewriteRule } from '../compile-static.ts';
import { parseHosts } from '../compile-static.ts';
import { addressFamily, normalizeName } from '../owner-names.ts';
import { type CorefileDirective, type CorefileServer, parseCorefile } from './parse-corefile.ts';

/** What a Corefile says, as options of `startDns`. Absent: it says nothing about it. */
export interface CorefileSettings {
  readonly clusterDomain?: string;
  readonly ttlSeconds?: number;
  readonly podRecords?: 'disabled' | 'verified';
  readonly upstreams?: 'resolv.conf' | readonly string[];
  readonly forwardRules: Readonly<Record<string, readonly string[]>>;
  readonly hosts: readonly HostsEntry[];
  readonly rewrites: readonly RewriteRule[];
  readonly externalZone?: string;
  readonly logQueries?: boolean;
  readonly completesSearch?: boolean;
}

/** What became of one line. */
export interface CorefileNote {
  readonly line: number;
  readonly directive: string;
  /** `taken`, `built in` (Fairlead does it in any case), or `ignored`. */
  readonly result: 'taken' | 'built in' | 'ignored';
  readonly detail: string;
}

/** Result of {@link importCorefile}. */
export interface ImportedCorefile {
  readonly settings: CorefileSettings;
  readonly notes: readonly CorefileNote[];
}

type Mutable<T> = { -readonly [K in keyof T]: T[K] };

/** Plugins whose job the server does anyway. */
const builtIn: Readonly<Record<string, string>> = {
  errors: 'errors are logged',
  health: 'the role has its own health endpoint',
  ready: 'the role has its own readiness endpoint',
  prometheus: 'metrics have the same names, on the metrics address of the role',
  loop: 'a loop is probed for at start',
  reload: 'a Corefile is read at start only',
  loadbalance: 'answers rotate',
  bufsize: 'answers over UDP are at most 1232 bytes',
  any: 'ANY gets a minimal answer',
  minimal: 'negative answers are minimal',
  multisocket: 'one socket per worker',
  shed: 'queues are bounded and drop early',
  nsid: 'off',
  cancel: 'every forwarded query has a deadline',
};

/** Reads a Corefile and says, line by line, what was taken of it. A syntax error is the only note then. */
export function importCorefile(
  text: string,
  environment: Readonly<Record<string, string | undefined>> = {},
): ImportedCorefile {
  const parsed = parseCorefile(text, environment);
  const settings: Mutable<CorefileSettings> = { forwardRules: {}, hosts: [], rewrites: [] };
  if (!parsed.ok) {
    const { line, message } = parsed;
    return { settings, notes: [{ line, directive: 'Corefile', result: 'ignored', detail: message }] };
  }
  const notes = parsed.servers.flatMap((server) => importServer(server, settings));
  return { settings, notes: notes.sort((a, b) => a.line - b.line) };
}

function importServer(server: CorefileServer, settings: Mutable<CorefileSettings>): CorefileNote[] {
  const zones = server.addresses.map(zoneOf).filter((zone) => zone !== undefined);
  const notes: CorefileNote[] = [];
  if (zones.length < server.addresses.length) {
    const detail = 'only plain DNS blocks; for TLS and HTTPS give a certificate with --dns-tls-cert';
    notes.push({ line: server.line, directive: server.addresses.join(' '), result: 'ignored', detail });
    if (zones.length === 0) return notes;
  }
  for (const directive of server.directives) {
    const [result, detail] = importDirective(directive, zones, settings);
    notes.push({ line: directive.line, directive: directive.name, result, detail });
  }
  return notes;
}

/** Zone of a server address: `.` for `.:53`, `example.org` for `dns://example.org:53`; absent: another transport. */
function zoneOf(address: string): string | undefined {
  const [, transport, rest = ''] = /^(?:([a-z]+):\/\/)?(.*)$/.exec(address) ?? [];
  if (transport !== undefined && transport !== 'dns') return undefined;
  const zone = normalizeName(rest.replace(/:\d+$/, ''));
  return zone === '' ? '.' : zone;
}

type Outcome = readonly [result: CorefileNote['result'], detail: string];

function importDirective(
  directive: CorefileDirective,
  zones: readonly string[],
  settings: Mutable<CorefileSettings>,
): Outcome {
  const own = builtIn[directive.name];
  if (own !== undefined) return ['built in', own];
  switch (directive.name) {
    case 'kubernetes':
      return importKubernetes(directive, settings);
    case 'forward':
      return importForward(directive, zones, settings);
    case 'cache':
      return ['built in', 'forwarded answers are cached by their TTL, at most 3600 s, with prefetch and stale answers'];
    case 'hosts':
      return importHosts(directive, settings);
    case 'rewrite':
      return importRewrite(directive, settings);
    case 'k8s_external':
    case 'k8s_gateway':
      if (directive.args[0] === undefined) return ['ignored', 'names no zone'];
      settings.externalZone = normalizeName(directive.args[0]);
      return ['taken', `external zone ${settings.externalZone}`];
    case 'autopath':
      settings.completesSearch = true;
      return ['taken', 'searches of Pods are completed'];
    case 'log':
      settings.logQueries = true;
      return ['taken', 'a sample of the queries is logged'];
    default:
      return ['ignored', 'no such function here'];
  }
}

function importKubernetes(directive: CorefileDirective, settings: Mutable<CorefileSettings>): Outcome {
  const zones = directive.args.map(normalizeName).filter((zone) => !zone.endsWith('.arpa'));
  const [zone] = zones;
  if (zone !== undefined) settings.clusterDomain = zone;
  const taken = [`cluster domain ${zone ?? 'unchanged'}`];
  const left = zones.slice(1).map((other) => `zone ${other}`);
  for (const { name, args } of directive.block) {
    const [value = ''] = args;
    if (name === 'ttl' && /^\d{1,4}$/.test(value) && Number(value) <= 3600) {
      settings.ttlSeconds = Number(value);
      taken.push(`ttl ${value}`);
    } else if (name === 'pods') {
      // Names that only echo an address can be had for any address, so they prove nothing.
      settings.podRecords = value === 'disabled' ? 'disabled' : 'verified';
      taken.push(`pods ${value}${value === 'insecure' ? ' as verified' : ''}`);
    } else if (name === 'fallthrough') taken.push('fallthrough (reverse names always fall through)');
    else left.push(name);
  }
  return ['taken', `${taken.join(', ')}${left.length === 0 ? '' : `; not taken: ${left.join(', ')}`}`];
}

function importForward(
  directive: CorefileDirective,
  zones: readonly string[],
  settings: Mutable<CorefileSettings>,
): Outcome {
  const [from = '.', ...targets] = directive.args;
  const serverName = directive.block.find(({ name }) => name === 'tls_servername')?.args[0];
  const upstreams: string[] = [];
  for (const target of targets) {
    if (target === '/etc/resolv.conf') continue;
    const [, transport = 'dns', rest = ''] = /^(?:([a-z]+):\/\/)?(.*)$/.exec(target) ?? [];
    const address = rest.replace(/^\[(.*)\](?::\d+)?$/, '$1').replace(/^([^:]+):\d+$/, '$1');
    if (!['dns', 'tls'].includes(transport) || addressFamily(address) === undefined) {
      return ['ignored', `cannot forward to ${target}`];
    }
    upstreams.push(transport === 'dns' ? rest : `tls://${rest}${serverName === undefined ? '' : `#${serverName}`}`);
  }
  const isHost = targets.includes('/etc/resolv.conf');
  const left = directive.block.filter(({ name }) => name !== 'tls_servername' && name !== 'max_concurrent');
  const rest = left.length === 0 ? '' : `; not taken: ${left.map(({ name }) => name).join(', ')}`;
  const domains = normalizeName(from) === '' ? zones : [normalizeName(from)];
  for (const domain of domains) {
    if (domain === '.' || domain === '') settings.upstreams = isHost ? 'resolv.conf' : upstreams;
    else if (isHost) return ['ignored', `/etc/resolv.conf for ${domain}: give addresses`];
    else settings.forwardRules = { ...settings.forwardRules, [domain]: upstreams };
  }
  return ['taken', `${domains.join(', ')} to ${isHost ? '/etc/resolv.conf' : upstreams.join(', ')}${rest}`];
}

function importHosts(directive: CorefileDirective, settings: Mutable<CorefileSettings>): Outcome {
  const [file] = directive.args;
  if (file?.includes('/')) return ['ignored', `hosts files are not read (${file}): write the entries into the block`];
  const text = directive.block.map(({ name, args }) => [name, ...args].join(' ')).join('\n');
  const entries = parseHosts(text);
  settings.hosts = [...settings.hosts, ...entries];
  return ['taken', `${entries.length} entries`];
}

function importRewrite(directive: CorefileDirective, settings: Mutable<CorefileSettings>): Outcome {
  const args = directive.args.filter((arg) => arg !== 'stop' && arg !== 'continue');
  const [field, kind, ...rest] = args[0] === 'name' ? args : [args[0]];
  if (field !== 'name') return ['ignored', 'only names are rewritten'];
  const isKind = kind === 'exact' || kind === 'suffix';
  const [from, to] = isKind ? rest : [kind, ...rest];
  if (from === undefined || to === undefined || kind === 'regex' || kind === 'prefix' || kind === 'substring') {
    return ['ignored', 'only exact names and suffixes are rewritten'];
  }
  const clean = (name: string): string => normalizeName(name).replace(/^\./, '');
  const rule: RewriteRule = { kind: kind === 'suffix' ? 'suffix' : 'exact', from: clean(from), to: clean(to) };
  settings.rewrites = [...settings.rewrites, rule];
  return ['taken', `${rule.from} is an alias of ${rule.to}`];
}
