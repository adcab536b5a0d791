import { readFileSync } from 'node:fs';
import { parseNetwork } from '../dns/address-networks.ts';
import type { CorefileNote, CorefileSettings, importCorefile } from '../dns/corefile/import-corefile.ts';
import { parseUpstream } from '../dns/forward/upstream-address.ts';
import type { TlsFiles } from '../dns/server/tcp-server.ts';
import { corefileSetting } from './corefile-setting.ts';
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
  { name: 'dns-clusterset-zone', value: 'ZONE', description: 'zone of imported Services, e.g. clusterset.local' },
  { name: 'dns-zonal-names', description: 'names of headless Services by topology zone' },
  {
    name: 'dns-transfer-to',
    value: 'NET',
    description: 'networks that may transfer zones (AXFR, IXFR)',
    repeatable: true,
  },
  {
    name: 'dns-trust-subnet',
    value: 'NET',
    description: 'networks whose EDNS client subnet is believed',
    repeatable: true,
  },
  { name: 'dns-upstream-ca', value: 'FILE', description: 'authorities of upstreams over TLS and HTTPS' },
  { name: 'dns-lameduck', value: 'DURATION', description: 'how long a leaving server waits for its successor (0s)' },
  { name: 'dns-tls-cert', value: 'FILE', description: 'certificate for DNS over TLS, port 853' },
  { name: 'dns-tls-key', value: 'FILE', description: 'its key' },
  { name: 'dns-https-listen', value: 'ADDR', description: 'address of DNS over HTTPS, with the same certificate' },
  { name: 'dns-log-every', value: 'N', description: 'log one of N queries' },
  corefileSetting,
];

/** Checked settings of the DNS server. */
export interface DnsRoleSettings {
  readonly upstreams: 'resolv.conf' | readonly string[];
  readonly forwardRules: Readonly<Record<string, readonly string[]>>;
  readonly externalZone?: string;
  readonly clustersetZone?: string;
  readonly hasZonalNames: boolean;
  readonly transferTo: readonly string[];
  readonly subnetSources: readonly string[];
  /** Authorities of upstreams, PEM. */
  readonly upstreamAuthorities?: string;
  readonly lameduckMs: number;
  /** Certificate and key, PEM. */
  readonly tls?: TlsFiles;
  /** Reads them again. */
  readonly readTls?: () => TlsFiles;
  readonly httpsListen?: ListenAddress;
  readonly logEvery?: number;
  readonly corefile?: CorefileSettings;
  /** What became of the lines of the Corefile. */
  readonly corefileNotes: readonly CorefileNote[];
}

/** Reads a Corefile: loaded where one is given, since it is some twenty modules. */
export type CorefileImporter = typeof importCorefile;

/** One of so many queries is logged when a Corefile says `log`. */
const corefileLogEvery = 100;

/** Reads the DNS settings; problems go to the reader. */
export function readDnsSettings(reader: SettingReader, importCorefile?: CorefileImporter): DnsRoleSettings {
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
  if (corefileText !== undefined && importCorefile === undefined) throw new Error('nothing to read the Corefile with');
  const imported =
    corefileText === undefined ? undefined : importCorefile?.(corefileText, process.env, readOptionalFile);
  const corefile = imported?.settings;
  const upstreams = reader.texts('dns-upstream');
  for (const text of upstreams) checkUpstream(reader, 'dns-upstream', text);
  const externalZone = reader.text('dns-external-zone') ?? corefile?.externalZone;
  const clustersetZone = reader.text('dns-clusterset-zone') ?? corefile?.clustersetZone;
  const upstreamAuthorities = file('dns-upstream-ca');
  const transferTo = readNetworks(reader, 'dns-transfer-to');
  const certFile = reader.text('dns-tls-cert') ?? '';
  const keyFile = reader.text('dns-tls-key') ?? '';
  const isLogged = reader.text('dns-log-every') !== undefined || corefile?.logQueries === true;
  return {
    upstreams: upstreams.length > 0 ? upstreams : (corefile?.upstreams ?? 'resolv.conf'),
    forwardRules: { ...corefile?.forwardRules, ...readForwardRules(reader) },
    ...(externalZone === undefined ? {} : { externalZone }),
    ...(clustersetZone === undefined ? {} : { clustersetZone }),
    hasZonalNames: reader.switched('dns-zonal-names') || corefile?.hasZonalNames === true,
    transferTo: transferTo.length > 0 ? transferTo : (corefile?.transferTo ?? []),
    subnetSources: readNetworks(reader, 'dns-trust-subnet'),
    ...(upstreamAuthorities === undefined ? {} : { upstreamAuthorities }),
    lameduckMs: reader.duration('dns-lameduck', corefile?.lameduckMs ?? 0),
    ...(cert === undefined || key === undefined
      ? {}
      : {
          tls: { cert, key },
          readTls: () => ({ cert: readFileSync(certFile, 'utf8'), key: readFileSync(keyFile, 'utf8') }),
        }),
    ...(hasHttps ? { httpsListen: reader.address('dns-https-listen', ':443') } : {}),
    ...(isLogged ? { logEvery: reader.integer('dns-log-every', corefileLogEvery, 1, 1_000_000) } : {}),
    ...(corefile === undefined ? {} : { corefile }),
    corefileNotes: imported?.notes ?? [],
  };
}

/** A file that a Corefile names; absent: it cannot be read. */
function readOptionalFile(path: string): string | undefined {
  try {
    return readFileSync(path, 'utf8');
  } catch {
    return undefined;
  }
}

/** Addresses and networks; what is neither is a problem. */
function readNetworks(reader: SettingReader, name: string): readonly string[] {
  return reader.texts(name).filter((text) => {
    if (parseNetwork(text) !== undefined) return true;
    reader.problems.push(`--${name} ${text}: must be an address, a network such as 10.0.0.0/8, or *`);
    return false;
  });
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
  reader.problems.push(
    `--${name} ${text}: must be ADDRESS[:PORT], tls://ADDRESS[:PORT][#NAME] or https://ADDRESS[:PORT][/PATH][#NAME]`,
  );
}
