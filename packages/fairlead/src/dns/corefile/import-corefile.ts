import { parseNetwork } from '../address-networks.ts';
import type { AnswerTemplate } from '../answer-templates.ts';
import type { HostsEntry } from '../compile-static.ts';
import { parseHosts } from '../compile-static.ts';
import { parseUpstream } from '../forward/upstream-address.ts';
import type { Secondary } from '../notify-secondaries.ts';
import { addressFamily, normalizeName } from '../owner-names.ts';
import type { RewriteRule } from '../rewrite-rules.ts';
import type { AccessRule } from '../server/access-list.ts';
import type { ZoneFileSettings } from '../zone-files.ts';
import { builtInDetail, ignoredDetail } from './built-in.ts';
import { importAccess } from './import-access.ts';
import { importRewrite } from './import-rewrite.ts';
import { importTemplate } from './import-template.ts';
import { type ImportedZoneFiles, importAuto, importFile } from './import-zone-files.ts';
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
  readonly templates?: readonly AnswerTemplate[];
  readonly externalZone?: string;
  readonly clustersetZone?: string;
  readonly hasZonalNames?: boolean;
  /** Who may transfer zones: addresses, networks or `*`. */
  readonly transferTo?: readonly string[];
  /** Secondaries among them that are told of new serials of zones of files. */
  readonly notify?: readonly Secondary[];
  readonly accessRules?: readonly AccessRule[];
  readonly zoneFiles?: ZoneFileSettings;
  readonly lameduckMs?: number;
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

/** A file that a Corefile names; absent: it cannot be read. */
type ReadFile = (path: string) => string | undefined;

/** Reads a Corefile and says, line by line, what was taken of it. A syntax error is the only note then. */
export function importCorefile(
  text: string,
  environment: Readonly<Record<string, string | undefined>> = {},
  readFile: ReadFile = () => undefined,
): ImportedCorefile {
  const parsed = parseCorefile(text, environment);
  const settings: Mutable<CorefileSettings> = { forwardRules: {}, hosts: [], rewrites: [] };
  if (!parsed.ok) {
    const { line, message } = parsed;
    return { settings, notes: [{ line, directive: 'Corefile', result: 'ignored', detail: message }] };
  }
  const notes = parsed.servers.flatMap((server) => importServer(server, settings, readFile));
  return { settings, notes: notes.sort((a, b) => a.line - b.line) };
}

function importServer(server: CorefileServer, settings: Mutable<CorefileSettings>, readFile: ReadFile): CorefileNote[] {
  if (server.addresses[0] === 'import') {
    return [{ line: server.line, directive: 'import', result: 'ignored', detail: importDetail(server.addresses[1]) }];
  }
  const zones = server.addresses.map(zoneOf).filter((zone) => zone !== undefined);
  const notes: CorefileNote[] = [];
  if (zones.length < server.addresses.length) {
    const detail = 'only plain DNS blocks; for TLS and HTTPS give a certificate with --dns-tls-cert';
    notes.push({ line: server.line, directive: server.addresses.join(' '), result: 'ignored', detail });
    if (zones.length === 0) return notes;
  }
  const view = server.directives.find(({ name }) => name === 'view');
  if (view !== undefined) {
    // What is meant for some clients must not become what all get.
    const detail = `all of the block is left out: it is for some clients only (view ${view.args.join(' ')})`;
    notes.push({ line: view.line, directive: 'view', result: 'ignored', detail });
    return notes;
  }
  const root = server.directives.find(({ name }) => name === 'root')?.args[0];
  for (const directive of server.directives) {
    const [result, detail] = importDirective(directive, { zones, root }, settings, readFile);
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

/** The server block of a directive. */
interface Block {
  readonly zones: readonly string[];
  /** Folder of relative paths. */
  readonly root: string | undefined;
}

function importDirective(
  directive: CorefileDirective,
  { zones, root }: Block,
  settings: Mutable<CorefileSettings>,
  readFile: ReadFile,
): Outcome {
  const own = builtInDetail(directive);
  if (own !== undefined) return ['built in', own];
  switch (directive.name) {
    case 'kubernetes':
      return importKubernetes(directive, settings);
    case 'forward':
      return importForward(directive, zones, settings);
    case 'hosts':
      return importHosts(directive, settings, readFile);
    case 'rewrite': {
      const rewrite = importRewrite(directive);
      if (!rewrite.ok) return ['ignored', rewrite.problem];
      const { rule, left } = rewrite;
      settings.rewrites = [...settings.rewrites, rule];
      return ['taken', `${rule.kind === 'exact' ? '' : `${rule.kind} `}${rule.from} is ${aliasText(rule)}${left}`];
    }
    case 'template': {
      const imported = importTemplate(directive, zones);
      if (!imported.ok) return ['ignored', imported.problem];
      settings.templates = [...(settings.templates ?? []), imported.template];
      return ['taken', `names of ${imported.template.zones.join(', ')} that are not the cluster's`];
    }
    case 'health':
      return importHealth(directive, settings);
    case 'transfer':
      return importTransfer(directive, settings);
    case 'multicluster':
      return importMulticluster(directive.args, settings);
    case 'acl': {
      const { rules, zones: closed, problem } = importAccess(directive, zones);
      settings.accessRules = [...(settings.accessRules ?? []), ...rules];
      if (problem === undefined) return ['taken', `${rules.length} rules`];
      return ['ignored', `all queries for ${closed.join(', ')} are refused instead: ${problem}`];
    }
    case 'file':
    case 'auto': {
      const place = { zones, root, clusterDomain: settings.clusterDomain ?? 'cluster.local' };
      return takeZoneFiles(
        directive.name === 'file' ? importFile(directive, place) : importAuto(directive, place),
        settings,
      );
    }
    case 'root':
      return root === undefined ? ['ignored', 'names no folder'] : ['taken', `relative paths lie in ${root}`];
    case 'import':
      return ['ignored', importDetail(directive.args[0])];
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
      return ['ignored', ignoredDetail(directive.name)];
  }
}

function aliasText({ to, owners }: RewriteRule): string {
  if (owners === undefined) return `an alias of ${to}`;
  return `answered as ${to}, ${owners === 'asked' ? 'under the name asked for' : `owners ${owners.from} as ${owners.to}`}`;
}

function takeZoneFiles(found: ImportedZoneFiles, settings: Mutable<CorefileSettings>): Outcome {
  if (!found.ok) return ['ignored', found.problem];
  const before = settings.zoneFiles ?? { files: [], directories: [] };
  settings.zoneFiles = {
    files: [...before.files, ...found.files],
    directories: [...before.directories, ...found.directories],
  };
  const taken = [
    ...found.files.map(({ origin, file }) => `zone ${origin} of ${file}`),
    ...found.directories.map(({ directory, prefix }) => `zones of ${directory}/${prefix}*`),
  ];
  const rest = found.left.length === 0 ? '' : `; not taken: ${found.left.join(', ')}`;
  return ['taken', `${taken.join(', ')}${rest}`];
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
    } else if (name === 'zonal') {
      settings.hasZonalNames = true;
      taken.push('zonal');
    } else if (name === 'multicluster') {
      const [, detail] = importMulticluster(args, settings);
      taken.push(detail);
    } else if (name === 'endpoint' || name === 'kubeconfig' || name === 'tls') {
      left.push(`${name} (--kubeconfig says where the API is)`);
    } else if (name === 'fallthrough') taken.push('fallthrough (reverse names always fall through)');
    else left.push(name);
  }
  return ['taken', `${taken.join(', ')}${left.length === 0 ? '' : `; not taken: ${left.join(', ')}`}`];
}

/** Lines of `forward` that are taken, or that say what is done in any case. */
const forwardLines: readonly string[] = ['tls_servername', 'max_concurrent', 'except', 'max_fails', 'failover'];

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
    const name = serverName === undefined ? '' : `#${serverName}`;
    const upstream = transport === 'dns' ? rest : `${transport}://${rest}${name}`;
    if (parseUpstream(upstream) === undefined) return ['ignored', `cannot forward to ${target}`];
    upstreams.push(upstream);
  }
  const isHost = targets.includes('/etc/resolv.conf');
  const left = directive.block.filter(({ name }) => !forwardLines.includes(name));
  const rest =
    left.length === 0 ? '' : `; not taken: ${left.map(({ name, args }) => [name, ...args].join(' ')).join(', ')}`;
  const except = directive.block.flatMap(({ name, args }) => (name === 'except' ? args.map(normalizeName) : []));
  const domains = normalizeName(from) === '' ? zones : [normalizeName(from)];
  for (const domain of domains) {
    if (domain === settings.clusterDomain || domain === 'cluster.local') {
      return ['ignored', `names of ${domain} are answered here, not forwarded`];
    }
    if (domain === '.' || domain === '') settings.upstreams = isHost ? 'resolv.conf' : upstreams;
    else if (isHost) return ['ignored', `/etc/resolv.conf for ${domain}: give addresses`];
    else settings.forwardRules = { ...settings.forwardRules, [domain]: upstreams };
  }
  // Nobody to ask: what is not for these upstreams must not get to others either.
  for (const domain of except) settings.forwardRules = { [domain]: [], ...settings.forwardRules };
  return [
    'taken',
    `${domains.join(', ')} to ${isHost ? '/etc/resolv.conf' : upstreams.join(', ')}${except.length === 0 ? '' : `, but nobody for ${except.join(', ')}`}${rest}`,
  ];
}

/** `hosts [FILE [ZONE...]] { ADDRESS NAME... }`: the file's entries, then the block's. */
function importHosts(directive: CorefileDirective, settings: Mutable<CorefileSettings>, readFile: ReadFile): Outcome {
  const [first] = directive.args;
  const file = first?.includes('/') === true ? first : undefined;
  const content = file === undefined ? '' : readFile(file);
  if (content === undefined) return ['ignored', `${file} cannot be read`];
  const text = directive.block.map(({ name, args }) => [name, ...args].join(' ')).join('\n');
  const entries = [...parseHosts(content), ...parseHosts(text)];
  settings.hosts = [...settings.hosts, ...entries];
  const zones = directive.args.slice(file === undefined ? 0 : 1).map((zone) => `zone ${zone}`);
  const options = directive.block.flatMap(({ name, args }) =>
    addressFamily(name) === undefined && name !== 'fallthrough' && name !== 'reload' ? [[name, ...args].join(' ')] : [],
  );
  const left = [...zones, ...options];
  const rest = left.length === 0 ? '' : `; not taken: ${left.join(', ')}`;
  return ['taken', `${entries.length} entries${file === undefined ? '' : ` of ${file}, as it is now`}${rest}`];
}

/** `lameduck 5s`: how long the server goes on when it is told to stop. */
function importHealth(directive: CorefileDirective, settings: Mutable<CorefileSettings>): Outcome {
  const value = directive.block.find(({ name }) => name === 'lameduck')?.args[0];
  const [, number = '', unit = ''] = /^(\d+(?:\.\d+)?)(ms|s|m)$/.exec(value ?? '') ?? [];
  if (number === '') return ['built in', 'the role has its own health endpoint'];
  settings.lameduckMs = Number(number) * ({ ms: 1, s: 1000, m: 60_000 }[unit] ?? 0);
  return ['taken', `lameduck ${value}: a leaving server waits so long for its successor`];
}

function importTransfer(directive: CorefileDirective, settings: Mutable<CorefileSettings>): Outcome {
  const targets = directive.block.flatMap(({ name, args }) => (name === 'to' ? args : []));
  const networks = targets.map((target) => secondaryOf(target)[0]?.address ?? target);
  const good = networks.filter((network) => parseNetwork(network) !== undefined);
  if (good.length === 0) return ['ignored', 'names no address to transfer to'];
  settings.transferTo = [...(settings.transferTo ?? []), ...good];
  const notify = targets.flatMap(secondaryOf);
  if (notify.length > 0) settings.notify = [...(settings.notify ?? []), ...notify];
  const bad = networks.filter((network) => !good.includes(network));
  const rest = bad.length === 0 ? '' : `; not taken: ${bad.join(', ')}`;
  return ['taken', `zones may be transferred to ${good.join(', ')}; of zones of files they are notified${rest}`];
}

/** An address, with a port or not; networks and `*` are nobody in particular. */
function secondaryOf(target: string): Secondary[] {
  const [, v4, v6, plain, port] =
    /^(?:dns:\/\/)?(?:(\d+\.\d+\.\d+\.\d+)|\[([0-9a-f:.]+)\]|([0-9a-f:.]+:[0-9a-f:.]*))(?::(\d{1,5}))?$/i.exec(
      target,
    ) ?? [];
  const address = v4 ?? v6 ?? plain;
  return address === undefined || parseNetwork(address) === undefined
    ? []
    : [{ address, port: port === undefined ? 53 : Number(port) }];
}

function importMulticluster(args: readonly string[], settings: Mutable<CorefileSettings>): Outcome {
  settings.clustersetZone = normalizeName(args[0] ?? 'clusterset.local');
  return ['taken', `multi-cluster zone ${settings.clustersetZone}`];
}

function importDetail(name: string | undefined): string {
  return `only snippets are imported, no files (${name ?? ''}): put their lines into the Corefile`;
}
