import type { TlsAcceptPolicy, TlsChoice } from '../reactor/tls-transport.ts';
import type { RouteCertificate } from '../routing/route-table.ts';
import type { Log } from '../sys/role.ts';
import type { AlpnProtocol } from '../sys/tls-alpn.ts';
import type { TlsIdentity } from '../sys/tls-context.ts';
import { type AnyTlsContext, tlsContexts } from '../sys/tls-contexts.ts';
import type { TlsSettings } from '../sys/tls-settings.ts';
import type { ClientHello } from '../wire/tls-client-hello/client-hello.ts';
import { HostIndex } from './host-index.ts';

/** Protocols the gateway speaks over TLS. */
export type OfferedProtocols = readonly AlpnProtocol[];

/** A certificate as the worker uses it. Replaced as a whole; connections go on with the context they have. */
export interface ServerCertificate {
  /** Key in the route table; undefined for the default certificate. */
  readonly key: string | undefined;
  /** Undefined refuses every handshake: the hosts ask for client certificates that nobody can check. */
  readonly context: AnyTlsContext | undefined;
  readonly asksClient: boolean;
  readonly hosts: readonly string[];
}

/** Certificates of one worker by host name. */
export class ServerCertificates {
  readonly #byHost: HostIndex<ServerCertificate> = new HostIndex();
  readonly #byKey: Map<string, ServerCertificate> = new Map();
  #default: ServerCertificate | undefined = undefined;
  #settings: TlsSettings = {};
  /** Hosts whose clients must show a certificate exist: plain requests need a look too. */
  #askingHosts = 0;

  /**
   * What clients are shown that ask for no host with a certificate of its own.
   * @param settings what every certificate offers unless it has settings of its own. Default: as they are.
   * @throws Error if the PEM or the settings cannot be used.
   */
  setDefault(identity: TlsIdentity, settings: TlsSettings = this.#settings): void {
    this.#settings = settings;
    const before = this.#default;
    this.#default = compile({ key: '', hosts: [], ...identity }, undefined, settings);
    before?.context?.free();
  }

  /** Frees all of them. */
  free(): void {
    this.install([...this.#byKey.keys()].map((key) => [key, undefined]));
    this.#default?.context?.free();
    this.#default = undefined;
  }

  /** The same later on. It was checked before it came; what is shown stays where it fails all the same. */
  replaceDefault(identity: TlsIdentity, log: Log): void {
    try {
      this.setDefault(identity);
    } catch (error) {
      log('error', 'default certificate refused', { error: (error as Error).message });
    }
  }

  /** The OCSP response that a certificate's next handshakes staple; undefined: none. */
  setStaple(key: string, response: Uint8Array | undefined): void {
    this.#byKey.get(key)?.context?.setStaple?.(response);
  }

  /**
   * Prepares certificates without installing anything.
   * @throws Error for PEM that cannot be used.
   */
  compile(entries: readonly (readonly [string, RouteCertificate | undefined])[]): readonly PreparedCertificate[] {
    return entries.map(([key, entry]) => [key, entry === undefined ? undefined : compile(entry, key, this.#settings)]);
  }

  install(prepared: readonly PreparedCertificate[]): void {
    // Removals first, by identity: a host may move from one certificate to another.
    for (const [key] of prepared) {
      const before = this.#byKey.get(key);
      if (before === undefined) continue;
      for (const host of before.hosts) if (this.#byHost.get(host) === before) this.#byHost.set(host, undefined);
      // Sessions hold on to what they use of the context.
      before.context?.free();
      this.#byKey.delete(key);
      if (before.asksClient) this.#askingHosts--;
    }
    for (const [key, certificate] of prepared) {
      if (certificate === undefined) continue;
      this.#byKey.set(key, certificate);
      for (const host of certificate.hosts) this.#byHost.set(host, certificate);
      if (certificate.asksClient) this.#askingHosts++;
    }
  }

  /** Exact name, then the wildcard of one label, then the certificate for any name, then the default. */
  find(serverName: string | undefined): ServerCertificate | undefined {
    if (serverName === undefined) return this.#byHost.get('*') ?? this.#default;
    const name = Buffer.from(serverName, 'latin1');
    return this.#byHost.find(name, 0, name.length) ?? this.#default;
  }

  /** The certificate of {@link find}, and our protocol. */
  choose(hello: ClientHello, offered: OfferedProtocols): TlsChoice | undefined {
    const certificate = this.find(hello.serverName);
    if (certificate?.context === undefined) return undefined;
    return { context: certificate.context, alpn: chooseProtocol(hello.alpn, offered), note: certificate };
  }

  /**
   * Whether a request for the host in `bytes[start, end)` came over a connection that was not made
   * for it (RFC 9110 15.5.20): it asks for a client certificate that this connection did not check,
   * or both names have certificates, but different ones. `used` is the connection's certificate.
   */
  isMisdirected(used: ServerCertificate | undefined, bytes: Uint8Array, start: number, end: number): boolean {
    if (used === undefined && this.#askingHosts === 0) return false;
    const wanted = this.#byHost.find(bytes, start, end);
    if (wanted === undefined || wanted.key === used?.key) return false;
    return wanted.asksClient || used?.key !== undefined;
  }
}

type PreparedCertificate = readonly [key: string, certificate: ServerCertificate | undefined];

function compile(entry: RouteCertificate, key: string | undefined, defaults: TlsSettings): ServerCertificate {
  const { hosts, clientAuth } = entry;
  if (clientAuth === 'refuse') return { key, context: undefined, asksClient: true, hosts };
  const result = tlsContexts.server({
    identity: entry,
    ...(clientAuth === undefined ? {} : { clientAuth }),
    settings: { ...defaults, ...entry.settings },
  });
  if (!result.ok) throw new Error(`certificate ${key ?? 'default'}: ${result.problem}`);
  return { key, context: result.context, asksClient: clientAuth !== undefined, hosts };
}

/** Our order decides (RFC 7301 3.2). Without an offer nothing is agreed, and HTTP/1.1 is spoken. */
function chooseProtocol(wanted: readonly string[], offered: OfferedProtocols): TlsChoice['alpn'] {
  if (wanted.length === 0) return 'none';
  return offered.find((protocol) => wanted.includes(protocol)) ?? 'refused';
}

/** The acceptance rules of an HTTPS listener. */
export function tlsPolicy(
  certificates: ServerCertificates,
  offered: OfferedProtocols,
  handshakeMs: number,
  count: { established(isResumed: boolean): void; failed(reason: string): void },
): TlsAcceptPolicy {
  return {
    choose: (hello) => certificates.choose(hello, offered),
    handshakeMs,
    onEstablished: (isResumed) => count.established(isResumed),
    onFailed: (reason) => count.failed(reason),
  };
}
