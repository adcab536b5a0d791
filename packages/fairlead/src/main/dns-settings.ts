import { readFileSync } from 'node:fs';
import { type CorefileNote, type CorefileSettings, importCorefile } from '../dns/corefile/import-corefile.ts';
import { parseUpstream } from '../dns/forward/upstream-address.ts';
import type { ListenAddress, Setting, SettingReader } from './settings.ts';

/** Settings of the agent's DNS server. */
export const dnsSettings: readonly Setting[] = [
  {
    name: 'dns-upstream',
    value: 'ADDR',
    description: 'where other names go (default: /etc/resolv.conf)',
    repeatable: true,
  },
  { name: 'dns-forward', value: 'DOMAIN=ADDR', description: 'upstream of a domain', repeatable: true },
  { name: 'dns-external-zone', value: 'ZONE', description: 'zone of Ingress hosts and load balancers' },
  { name: 'dns-tls-cert', value: 'FILE', description: 'certificate for DNS over TLS, port 853' },
  { name: 'dns-tls-key', value: 'FILE', description: 'its key' },
  { name: 'dns-https-listen', value: 'ADDR', description: 'address of DNS over HTTPS, with the same certificate' },
  { name: 'dns-log-every', value: 'N', description: 'log one of N queries' },
  { name: 'corefile', value: 'FILE', description: "takes over CoreDNS's configuration, and says what it took" },
];

/** Checked settings of the DNS server. */
export interface DnsRoleSettings {
  readonly upstreams: 'resolv.conf' | readonly string[];
  readonly forwardRules: Readonly<Record<string, readonly string[]>>;
  readonly externalZone?: string;
  /** Certificate and key, PEM. */
  readonly tls?: { readonly cert: string; readonly key: string };
  readonly httpsListen?: ListenAddress;
  readonly logEvery?: number;
  readonly corefile?: CorefileSettings;
  /** What became of the lines of the Corefile. */
  readonly corefileNotes: readonly CorefileNote[];
}

/** One of so many queries is logged when a Corefile says `log`. */
const corefileLogEvery = 100;

/** Reads the DNS settings; problems go to the reader. */
export function readDnsSettings(reader: SettingReader): DnsRoleSettings {
  const file = (name: string): string | undefined => {
    const path = reader.text(name);
    if (path === undefined) return undefined;
    try {
      return readFileSync(path, 'utf8');
    } catch (error) {
      reader.problems.push(`--${name} ${path}: ${(error as Error).message}`);
      return undefined;
    }
  };
  const cert = file('dns-tls-cert');
  const key = file('dns-tls-key');
  if ((reader.text('dns-tls-cert') === undefined) !== (reader.text('dns-tls-key') === undefined)) {
    reader.problems.push('--dns-tls-cert and --dns-tls-key belong together');
  }
  const hasHttps = reader.text('dns-https-listen') !== undefined;
  if (hasHttps && reader.text('dns-tls-cert') === undefined) {
    reader.problems.push('--dns-https-listen needs --dns-tls-cert and --dns-tls-key');
  }
  const corefileText = file('corefile');
  const imported = corefileText === undefined ? undefined : importCorefile(corefileText, process.env);
  const corefile = imported?.settings;
  const upstreams = reader.texts('dns-upstream');
  for (const text of upstreams) checkUpstream(reader, 'dns-upstream', text);
  const externalZone = reader.text('dns-external-zone') ?? corefile?.externalZone;
  const isLogged = reader.text('dns-log-every') !== undefined || corefile?.logQueries === true;
  return {
    upstreams: upstreams.length > 0 ? upstreams : (corefile?.upstreams ?? 'resolv.conf'),
    forwardRules: { ...corefile?.forwardRules, ...readForwardRules(reader) },
    ...(externalZone === undefined ? {} : { externalZone }),
    ...(cert === undefined || key === undefined ? {} : { tls: { cert, key } }),
    ...(hasHttps ? { httpsListen: reader.address('dns-https-listen', ':443') } : {}),
    ...(isLogged ? { logEvery: reader.integer('dns-log-every', corefileLogEvery, 1, 1_000_000) } : {}),
    ...(corefile === undefined ? {} : { corefile }),
    corefileNotes: imported?.notes ?? [],
  };
}

function readForwardRules(reader: SettingReader): Record<string, readonly string[]> {
  const rules: Record<string, string[]> = {};
  for (const text of reader.texts('dns-forward')) {
    const [, domain, upstream] = /^([^=]+)=(.+)$/.exec(text) ?? [];
    if (domain === undefined || upstream === undefined) {
      reader.problems.push(`--dns-forward ${text}: must be DOMAIN=ADDRESS[:PORT]`);
      continue;
    }
    checkUpstream(reader, 'dns-forward', upstream);
    rules[domain] = [...(rules[domain] ?? []), upstream];
  }
  return rules;
}

function checkUpstream(reader: SettingReader, name: string, text: string): void {
  if (parseUpstream(text) !== undefined) return;
  reader.problems.push(`--${name} ${text}: must be ADDRESS[:PORT] or tls://ADDRESS[:PORT][#NAME]`);
}
