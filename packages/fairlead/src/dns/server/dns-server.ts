import { randomBytes } from 'node:crypto';
import { createSecureContext } from 'node:tls';
import type { Clock, Random } from '../../sys/clock.ts';
import type { Log, Running } from '../../sys/role.ts';
import { encodeSocketAddress, type SocketAddress } from '../../sys/socket-address.ts';
import { foldName, type WireName } from '../../wire/dns/name.ts';
import { isSubnetValid, type ParsedQuery } from '../../wire/dns/query.ts';
import { type AnswerTemplate, AnswerTemplates } from '../answer-templates.ts';
import type { ForwardedAnswer } from '../forward/forward-cache.ts';
import {
  Forwarder,
  type ForwarderOptions,
  type ForwarderStats,
  type ForwardQuestion,
  type ForwardRule,
} from '../forward/forwarder.ts';
import type { Upstream } from '../forward/upstream-exchange.ts';
import type { CompiledRecords, DnsProgram, OwnerName, ZoneFacts } from '../program.ts';
import { type AskingClient, type ResolveContext, refreshQuery, resolveQuery } from '../resolve-query.ts';
import { type RewriteRule, RewriteRules } from '../rewrite-rules.ts';
import { ZoneBuilder } from '../zone-builder.ts';
import type { ZoneFiles } from '../zone-files.ts';
import { type AccessAction, AccessList, type AccessRule } from './access-list.ts';
import { type AddressPrefix, isInPrefixes } from './address-prefix.ts';
import { AnswerTable, type AnswerTableStats } from './answer-table.ts';
import { ClientChoice } from './client-choice.ts';
import { type DnsCounters, sumCounters } from './counters.ts';
import { ForeignTable } from './foreign-table.ts';
import { HttpsServer } from './https-server.ts';
import { QueryAnswerer } from './query-answerer.ts';
import { defaultRateLimits, type RateLimits } from './rate-limiter.ts';
import { addressLength, addressOffset, cookieBytes, ServerCookies } from './server-cookie.ts';
import { StreamAnswers } from './stream-answers.ts';
import { control } from './table-layout.ts';
import { TcpServer, type TlsFiles } from './tcp-server.ts';
import { openUdpService, type UdpService } from './udp-service.ts';
import { zoneTemplates } from './zone-template.ts';
import { ZoneTransfers } from './zone-transfer.ts';

/** What a server needs; addresses are bound by {@link DnsServer.start}. */
export interface DnsServerOptions {
  readonly zone: ZoneFacts;
  /** Further zones that we have all names of, e.g. one for clients outside the cluster. */
  readonly otherZones?: readonly ZoneFacts[];
  /** Aliases for names outside our zones. */
  readonly rewrites?: readonly RewriteRule[];
  /** Answers made of names outside our zones. */
  readonly templates?: readonly AnswerTemplate[];
  /** UDP and TCP both; port 0 takes one port for both. */
  readonly listen: readonly SocketAddress[];
  readonly upstreams: readonly Upstream[];
  /** Domains with upstreams of their own. */
  readonly forwardRules?: readonly ForwardRule[];
  readonly workers: number;
  /** DNS over TLS and over HTTPS, where they listen; absent: neither. */
  readonly secure?: SecureListeners | undefined;
  /** Ends a Pod's walk along its search list at its first query. Needs the records of Pods. */
  readonly completesSearch?: boolean;
  /** Told of every query that the table could not answer. */
  readonly onResolved?: ((protocol: 'udp' | 'tcp', code: number, durationMs: number) => void) | undefined;
  /** Logs one of so many UDP queries; absent: none. */
  readonly logEvery?: number | undefined;
  /** Response rate limiting of sources outside private networks. Default: on. */
  readonly rateLimits?: RateLimits | 'off';
  /** Senders whose client subnet option (RFC 7871) is believed. Default: none. */
  readonly subnetSources?: readonly AddressPrefix[];
  /** Clients that may have whole zones (AXFR, IXFR). Default: none. */
  readonly transferTo?: readonly AddressPrefix[];
  /** Who may ask for what. Default: all for everything. */
  readonly accessRules?: readonly AccessRule[];
  /** Zones of files, for names that are not in the others. */
  readonly fileZones?: Pick<ZoneFiles, 'find' | 'get'> | undefined;
  /** Authorities of the upstreams' certificates, PEM. Default: those that Node knows. */
  readonly upstreamAuthorities?: string | undefined;
  /** Told of every exchange with an upstream. */
  readonly onExchanged?: ForwarderOptions['onExchanged'] | undefined;
  readonly clock: Clock;
  readonly random: Random;
  readonly log: Log;
}

/** Encrypted listeners and their certificate. */
export interface SecureListeners {
  readonly files: TlsFiles;
  /** Reads the files again, for renewed certificates; absent: they never change. */
  readonly readFiles?: () => TlsFiles;
  readonly tls: readonly SocketAddress[];
  readonly https: readonly SocketAddress[];
}

/** Numbers of a running server. */
export interface DnsServerStats {
  readonly queries: DnsCounters;
  readonly table: AnswerTableStats;
  readonly forwarder: ForwarderStats;
  readonly tcpConnections: number;
  /** UDP threads that ended by themselves. */
  readonly failedThreads: number;
  /** Renewed certificates that could not be used. */
  readonly failedReloads: number;
  /** Whole zones that were sent. */
  readonly transfers: number;
  /** Counts of the workers, and of TCP, TLS and HTTPS together. */
  readonly byProtocol: { readonly udp: DnsCounters; readonly tcp: DnsCounters };
}

/** How often the files of a certificate are looked at. */
const certificateCheckMs = 5000;
/** Time that queries in flight have at the end. */
const drainMaxMs = 500;

/** Most handed-off queries at once. */
const handOffLimit = 2000;

/** The server without Kubernetes: records in by source, answers out over UDP and TCP. */
export class DnsServer implements Running {
  readonly #options: DnsServerOptions;
  readonly #builder: ZoneBuilder;
  readonly #table: AnswerTable;
  readonly #forwarder: Forwarder;
  readonly #foreign: ForeignTable;
  readonly #streamAnswerer: QueryAnswerer;
  readonly #cookieSecret: Uint8Array = randomBytes(16);
  readonly #cookies: ServerCookies = new ServerCookies(this.#cookieSecret);
  #udp: UdpService | undefined;
  #tcp: TcpServer | undefined;
  #tls: TcpServer | undefined;
  #https: HttpsServer | undefined;
  #isSynced = false;
  /** Origins of the other zones that are complete. */
  readonly #syncedZones: Set<string> = new Set();
  readonly #transfers: ZoneTransfers;
  readonly #access: AccessList | undefined;
  readonly #rewrites: RewriteRules;
  readonly #templates: AnswerTemplates;
  #certificate: TlsFiles | undefined;
  #failedReloads = 0;
  #cancelCheck: (() => void) | undefined;
  #serial = 0;
  /** Queries that the table could not answer, for rotation. */
  #turn = 0;
  #stopped: Promise<void> | undefined;

  constructor(options: DnsServerOptions) {
    this.#options = options;
    this.#table = new AnswerTable(options.workers, (buffers) => {
      this.#udp?.replaceBuffers(buffers);
      this.#streamAnswerer.replace(buffers);
    });
    this.#certificate = options.secure?.files;
    this.#rewrites = new RewriteRules(options.rewrites ?? []);
    this.#templates = new AnswerTemplates(options.templates ?? []);
    const { accessRules = [] } = options;
    this.#access = accessRules.length === 0 ? undefined : new AccessList(accessRules);
    this.#transfers = new ZoneTransfers(() => ({
      program: this.#builder.program,
      serial: this.#serial,
      isComplete: (origin) => (origin === options.zone.origin ? this.#isSynced : this.#syncedZones.has(origin)),
      fileZone: (origin) => options.fileZones?.get(origin),
    }));
    this.#builder = new ZoneBuilder(options.zone, this.#table, options.otherZones);
    this.#table.control[control.handOffLimit] = handOffLimit;
    this.#table.control[control.completesSearch] = options.completesSearch === true ? 1 : 0;
    this.#foreign = new ForeignTable(this.#table.control, options.workers);
    const zones = zoneTemplates(options.zone, options.otherZones);
    this.#streamAnswerer = new QueryAnswerer(this.#table.buffers, zones, {
      foreign: this.#foreign.buffers,
      cookies: this.#cookies,
      subnetSources: options.subnetSources ?? [],
      accessRules: options.accessRules,
      transferTo: options.transferTo ?? [],
    });
    const { upstreams, clock, random } = options;
    this.#forwarder = new Forwarder({
      upstreams,
      rules: options.forwardRules ?? [],
      clock,
      random,
      onAnswer: (question, answer, ttlSeconds) => this.#publish(question, answer, ttlSeconds),
      onExchanged: options.onExchanged,
      tlsAuthorities: options.upstreamAuthorities,
    });
  }

  /** Addresses served, with the ports the kernel chose. */
  get addresses(): readonly SocketAddress[] {
    return this.#udp?.addresses ?? [];
  }

  /** The installed program; a live view. */
  get program(): DnsProgram {
    return this.#builder.program;
  }

  get stats(): DnsServerStats {
    return {
      queries: sumCounters([...(this.#udp?.counters ?? []), this.#streamAnswerer.counters]),
      table: this.#table.stats,
      forwarder: this.#forwarder.stats,
      tcpConnections: this.#tcp?.connections ?? 0,
      failedThreads: Math.max(0, (this.#udp?.starts ?? 0) - this.#options.workers),
      failedReloads: this.#failedReloads,
      transfers: this.#transfers.finished,
      byProtocol: {
        udp: sumCounters(this.#udp?.counters ?? []),
        tcp: sumCounters([this.#streamAnswerer.counters]),
      },
    };
  }

  /** Replaces what one source contributes; visible to every worker when this returns. */
  setSource(source: string, records: CompiledRecords | undefined): void {
    const changes = this.#builder.setSource(source, records);
    if (changes > 0 && this.#isSynced) this.#table.setSerial(this.#nextSerial());
  }

  /** The program is complete: from now on names that are not there do not exist. */
  markSynced(): void {
    this.#isSynced = true;
    this.#table.markSynced(this.#nextSerial());
  }

  /** The same for one of the other zones, which may be complete later or never. */
  markOtherSynced(origin: OwnerName): void {
    const index = (this.#options.otherZones ?? []).findIndex((zone) => zone.origin === origin);
    if (index < 0) return;
    this.#table.markSynced(this.#nextSerial(), index + 1);
    this.#syncedZones.add(origin);
  }

  /** @throws DnsError when an address cannot be had. */
  async start(): Promise<void> {
    const isPortFree = this.#options.listen.some(({ port }) => port === 0);
    for (let attempt = 1; ; attempt++) {
      try {
        await this.#listen();
        break;
      } catch (error) {
        // The UDP port that the kernel chose may be taken on TCP: choose again.
        if (!isPortFree || attempt === 10) throw error;
      }
    }
    this.#udp?.start();
    this.#scheduleCheck();
    void this.#forwarder.probeLoop().then((isLooping) => {
      if (isLooping) this.#options.log('error', 'DNS upstream forwards back to this server: nothing is forwarded');
    });
  }

  async #listen(): Promise<void> {
    const { listen, workers, log, clock, zone, secure, rateLimits = defaultRateLimits } = this.#options;
    const udp = await openUdpService({
      listen,
      workers,
      table: this.#table,
      foreign: this.#foreign,
      zones: zoneTemplates(zone, this.#options.otherZones),
      resolve: (message, peer) => this.#resolve(message, peer, 'udp'),
      refresh: (message) => refreshQuery(message, this.#forwarder),
      cookieSecret: this.#cookieSecret,
      subnetSources: this.#options.subnetSources,
      accessRules: this.#options.accessRules,
      logEvery: this.#options.logEvery,
      rateLimits: rateLimits === 'off' ? undefined : rateLimits,
      clock,
      log,
    });
    const answers = new StreamAnswers({
      answerer: this.#streamAnswerer,
      resolve: (message, peer) => this.#resolve(message, peer, 'tcp'),
      transfers: this.#transfers,
      clock,
    });
    const tcp = new TcpServer({ listen: udp.addresses, answers, clock, log });
    const tls = secure && new TcpServer({ listen: secure.tls, answers, tls: secure.files, clock, log });
    const https = secure && new HttpsServer({ listen: secure.https, answers, tls: secure.files, clock, log });
    try {
      await Promise.all([tcp.start(), tls?.start(), https?.start()]);
    } catch (error) {
      await Promise.all([udp.stop(), tcp.stop(), tls?.stop(), https?.stop()]);
      throw error;
    }
    this.#udp = udp;
    this.#tcp = tcp;
    this.#tls = tls;
    this.#https = https;
  }

  /** Addresses of the encrypted listeners, with the ports the kernel chose. */
  get secureAddresses(): { readonly tls: readonly SocketAddress[]; readonly https: readonly SocketAddress[] } {
    return { tls: this.#tls?.addresses ?? [], https: this.#https?.addresses ?? [] };
  }

  stop(): Promise<void> {
    this.#stopped ??= this.#stop();
    return this.#stopped;
  }

  async #stop(): Promise<void> {
    this.#cancelCheck?.();
    for (const stream of [this.#tcp, this.#tls, this.#https]) stream?.drain();
    await this.#udp?.drain();
    await new Promise<void>((resolve) => {
      const cancel = this.#options.clock.after(drainMaxMs, resolve);
      void this.#forwarder.settled().then(() => {
        cancel();
        resolve();
      });
    });
    this.#forwarder.stop();
    await Promise.all([this.#udp?.stop(), this.#tcp?.stop(), this.#tls?.stop(), this.#https?.stop()]);
  }

  #scheduleCheck(): void {
    const { secure, clock } = this.#options;
    if (secure?.readFiles === undefined || this.#stopped !== undefined) return;
    this.#cancelCheck = clock.after(certificateCheckMs, () => {
      this.#checkCertificate();
      this.#scheduleCheck();
    });
  }

  /** Takes over a renewed certificate. One that does not load, or half of a pair, changes nothing. */
  #checkCertificate(): void {
    const { secure, log } = this.#options;
    try {
      const files = secure?.readFiles?.();
      if (files === undefined || this.#certificate === undefined) return;
      if (files.cert === this.#certificate.cert && files.key === this.#certificate.key) return;
      this.#certificate = files;
      createSecureContext({ cert: files.cert, key: files.key });
      this.#tls?.replaceCertificate(files);
      this.#https?.replaceCertificate(files);
      log('info', 'DNS over TLS has a new certificate');
    } catch (error) {
      this.#failedReloads++;
      log('warn', 'DNS over TLS keeps its certificate: the new one cannot be used', {
        error: (error as Error).message,
      });
    }
  }

  /** Gives an upstream's answer to the workers, unless it is only for those who ask for DNSSEC. */
  #publish(question: ForwardQuestion, answer: ForwardedAnswer, ttlSeconds: number): void {
    if (question.dnssecOk || question.checkingDisabled || answer.extendedError !== undefined) return;
    const madeAt = Math.floor(this.#options.clock.now() / 1000);
    const { rcode, answers, authority } = answer;
    this.#foreign.publish({ name: question.name, type: question.type, rcode, answers, authority, ttlSeconds, madeAt });
  }

  async #resolve(message: Uint8Array, peer: SocketAddress, protocol: 'udp' | 'tcp'): Promise<Uint8Array | undefined> {
    const { clock, onResolved } = this.#options;
    const startMs = clock.monotonicMs();
    const answer = await resolveQuery(message, this.#context(peer), protocol === 'tcp' ? 65535 : undefined);
    if (answer !== undefined) onResolved?.(protocol, answer[3]! & 15, clock.monotonicMs() - startMs);
    return answer;
  }

  #context(peer: SocketAddress): ResolveContext {
    const { program } = this.#builder;
    const { fileZones } = this.#options;
    return {
      fileZones,
      access: this.#access && ((name, type) => this.#actionFor(peer, name, type)),
      program,
      serial: this.#serial,
      turn: this.#turn++,
      forwarder: this.#forwarder,
      isSynced: this.#isSynced,
      isOtherSynced: (origin) => this.#syncedZones.has(origin),
      rewrites: this.#rewrites,
      templates: this.#templates,
      searchClient: this.#options.completesSearch === true ? peer.address : undefined,
      clientOf: (message, query) => this.#clientOf(peer, message, query),
      cookieFor: (message, query) => {
        const sockaddr = new Uint8Array(32);
        encodeSocketAddress(peer, sockaddr);
        const cookie = new Uint8Array(cookieBytes);
        const now = Math.floor(this.#options.clock.now() / 1000);
        this.#cookies.write(message, query, sockaddr, 0, now, cookie, 0);
        return cookie;
      },
    };
  }

  /** Who asks: the sender, or the subnet that a trusted sender tells of. */
  #clientOf(peer: SocketAddress, message: Uint8Array, query: ParsedQuery): AskingClient {
    const sockaddr = new Uint8Array(32);
    encodeSocketAddress(peer, sockaddr);
    const choice = new ClientChoice();
    const from = addressOffset(sockaddr, 0);
    const isTrusted = isInPrefixes(this.#options.subnetSources ?? [], sockaddr, from, addressLength(sockaddr, 0));
    const isSubnet = query.subnetAt > 0 && isTrusted && isSubnetValid(message, query);
    if (isSubnet) choice.takeSubnet(message, query);
    else choice.takePeer(sockaddr, 0);
    return { choice, isSubnet };
  }

  #actionFor(peer: SocketAddress, name: WireName, type: number): AccessAction {
    const sockaddr = new Uint8Array(32);
    encodeSocketAddress(peer, sockaddr);
    return this.#access?.check(foldName(name), name.length, type, sockaddr, 0) ?? 'allow';
  }

  /** Unix seconds, but always growing (RFC 1982 arithmetic is safe until 2106). */
  #nextSerial(): number {
    this.#serial = Math.max(this.#serial + 1, Math.floor(this.#options.clock.now() / 1000));
    return this.#serial;
  }
}
