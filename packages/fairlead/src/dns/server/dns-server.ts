import { randomBytes } from 'node:crypto';
import type { Clock, Random } from '../../sys/clock.ts';
import type { Log, Running } from '../../sys/role.ts';
import { encodeSocketAddress, type SocketAddress } from '../../sys/socket-address.ts';
import type { DnsRecord } from '../../wire/dns/message.ts';
import { nameFromText } from '../../wire/dns/name.ts';
import { isSubnetValid, type ParsedQuery } from '../../wire/dns/query.ts';
import type { ForwardedAnswer } from '../forward/forward-cache.ts';
import {
  type ForwarderOptions,
  type ForwarderStats,
  type ForwardQuestion,
  sumForwarders,
} from '../forward/forwarder.ts';
import { OtherNames, type OtherNamesOptions, type ViewOptions } from '../other-names.ts';
import type { CompiledRecords, DnsProgram, OwnerName, ZoneFacts } from '../program.ts';
import { soaRecord } from '../record-data.ts';
import { type AskingClient, type ResolveContext, refreshQuery, resolveQuery } from '../resolve-query.ts';
import type { NotifyVerdict } from '../secondary-zones.ts';
import { ViewChooser } from '../views/view-chooser.ts';
import type { ViewPlan, ViewZone } from '../views/view-plan.ts';
import { ZoneBuilder } from '../zone-builder.ts';
import { type AddressPrefix, isInPrefixes } from './address-prefix.ts';
import { AnswerTable, type AnswerTableStats } from './answer-table.ts';
import { CertificateWatch } from './certificate-watch.ts';
import { ClientChoice } from './client-choice.ts';
import { type DnsCounters, sumCounters } from './counters.ts';
import type { EntryBlock } from './entry-block.ts';
import { ForeignTable } from './foreign-table.ts';
import { HttpsServer } from './https-server.ts';
import { answerNotify, isNotify } from './notify-reply.ts';
import { QueryAnswerer } from './query-answerer.ts';
import { QueryTap } from './query-tap.ts';
import { defaultRateLimits, type RateLimits } from './rate-limiter.ts';
import { addressLength, addressOffset, cookieBytes, ServerCookies } from './server-cookie.ts';
import { StreamAnswers } from './stream-answers.ts';
import { control } from './table-layout.ts';
import { TcpServer, type TlsFiles } from './tcp-server.ts';
import { openUdpService, type UdpService } from './udp-service.ts';
import { zoneTemplates } from './zone-template.ts';
import { ZoneTransfers } from './zone-transfer.ts';

/** What a server needs; addresses are bound by {@link DnsServer.start}. */
export interface DnsServerOptions extends OtherNamesOptions {
  readonly zone: ZoneFacts;
  /** Further zones that we have all names of, e.g. one for clients outside the cluster. */
  readonly otherZones?: readonly ZoneFacts[];
  /** UDP and TCP both; port 0 takes one port for both. */
  readonly listen: readonly SocketAddress[];
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
  /** Views of clients: which blocks of a zone are for whom, and what each view has. Default: none. */
  readonly views?: ServerViews | undefined;
  /** Told of a NOTIFY (RFC 1996) for a zone, from an address; says what becomes of it. Absent: none are taken. */
  readonly onNotify?: ((origin: OwnerName, from: string) => NotifyVerdict) | undefined;
  /** Told when the serial of our zones has grown, once they are complete. */
  readonly onSerial?: ((serial: number) => void) | undefined;
  /** Authorities of the upstreams' certificates, PEM. Default: those that Node knows. */
  readonly upstreamAuthorities?: string | undefined;
  /** Told of every exchange with an upstream. */
  readonly onExchanged?: ForwarderOptions['onExchanged'] | undefined;
  readonly clock: Clock;
  readonly random: Random;
  readonly log: Log;
}

/** Views of clients. */
export interface ServerViews {
  /** See `ViewPlan` in views/view-plan.ts. */
  readonly zones: readonly ViewZone[];
  /** View `n` is at `n - 1`. */
  readonly views: readonly ViewOptions[];
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

/** Time that queries in flight have at the end. */
const drainMaxMs = 500;

/** Most handed-off queries at once. */
const handOffLimit = 2000;

/** The server without Kubernetes: records in by source, answers out over UDP and TCP. */
export class DnsServer implements Running {
  readonly #options: DnsServerOptions;
  readonly #builder: ZoneBuilder;
  readonly #table: AnswerTable;
  /** The server's own, then those of the views by their numbers. */
  readonly #others: readonly OtherNames[];
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
  readonly #tap: QueryTap;
  readonly #certificates: CertificateWatch | undefined;
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
    const { clock, random, log, secure } = options;
    this.#tap = new QueryTap(this.#table.control, clock);
    this.#certificates =
      secure &&
      new CertificateWatch(secure, clock, log, (files) => {
        this.#tls?.replaceCertificate(files);
        this.#https?.replaceCertificate(files);
      });
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
    const plan = viewPlan(options.views);
    this.#streamAnswerer = new QueryAnswerer(this.#table.buffers, zones, {
      foreign: this.#foreign.buffers,
      cookies: this.#cookies,
      subnetSources: options.subnetSources ?? [],
      accessRules: options.accessRules,
      transferTo: options.transferTo ?? [],
      views: plan && new ViewChooser(plan),
      takesNotify: options.onNotify !== undefined,
    });
    this.#others = [options, ...(options.views?.views ?? [])].map(
      (others, view) =>
        new OtherNames(others, {
          clock,
          random,
          onAnswer: (question, answer, ttlSeconds) => this.#publish(view, question, answer, ttlSeconds),
          onExchanged: options.onExchanged,
          tlsAuthorities: options.upstreamAuthorities,
        }),
    );
  }

  /** Addresses served, with the ports the kernel chose. */
  get addresses(): readonly SocketAddress[] {
    return this.#udp?.addresses ?? [];
  }

  /** The installed program; a live view. */
  get program(): DnsProgram {
    return this.#builder.program;
  }

  /** The SOA records of our zones that are complete, with the serial of the moment. */
  get zoneSoas(): DnsRecord[] {
    const { zone, otherZones = [] } = this.#options;
    const others = otherZones.filter((other) => this.#syncedZones.has(other.origin));
    const complete = this.#isSynced ? [zone, ...others] : others;
    return complete.flatMap((facts) => {
      const name = nameFromText(facts.origin);
      return name === undefined ? [] : [soaRecord(name, facts, this.#serial, facts.negativeTtl)];
    });
  }

  get stats(): DnsServerStats {
    return {
      queries: sumCounters([...(this.#udp?.counters ?? []), this.#streamAnswerer.counters]),
      table: this.#table.stats,
      forwarder: sumForwarders(this.#others.map(({ forwarder }) => forwarder.stats)),
      tcpConnections: this.#tcp?.connections ?? 0,
      failedThreads: Math.max(0, (this.#udp?.starts ?? 0) - this.#options.workers),
      failedReloads: this.#certificates?.failures ?? 0,
      transfers: this.#transfers.finished,
      byProtocol: {
        udp: sumCounters(this.#udp?.counters ?? []),
        tcp: sumCounters([this.#streamAnswerer.counters]),
      },
    };
  }

  /** Tells of every query from now on, as lines of JSON, until the returned function is called. */
  tap(take: (lines: string, dropped?: number) => void): () => void {
    return this.#tap.start(take);
  }

  /** Replaces what one source contributes; visible to every worker when this returns. */
  setSource(source: string, records: CompiledRecords | EntryBlock | undefined): void {
    const changes = this.#builder.setSource(source, records);
    if (changes === 0 || !this.#isSynced) return;
    this.#table.setSerial(this.#nextSerial());
    this.#options.onSerial?.(this.#serial);
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
    this.#certificates?.start();
    for (const [view, { forwarder }] of this.#others.entries()) {
      void forwarder.probeLoop().then((isLooping) => {
        if (!isLooping) return;
        this.#options.log('error', 'DNS upstream forwards back to this server: nothing is forwarded', { view });
      });
    }
  }

  async #listen(): Promise<void> {
    const { listen, workers, log, clock, zone, secure, rateLimits = defaultRateLimits } = this.#options;
    const udp = await openUdpService({
      listen,
      workers,
      table: this.#table,
      foreign: this.#foreign,
      zones: zoneTemplates(zone, this.#options.otherZones),
      resolve: (message, peer, view) => this.#resolve(message, peer, 'udp', view),
      refresh: (message, view) => refreshQuery(message, this.#others[view]!.forwarder),
      cookieSecret: this.#cookieSecret,
      subnetSources: this.#options.subnetSources,
      accessRules: this.#options.accessRules,
      views: viewPlan(this.#options.views),
      takesNotify: this.#options.onNotify !== undefined,
      logEvery: this.#options.logEvery,
      tap: this.#tap,
      rateLimits: rateLimits === 'off' ? undefined : rateLimits,
      clock,
      log,
    });
    const answers = new StreamAnswers({
      answerer: this.#streamAnswerer,
      resolve: (message, peer, view) => this.#resolve(message, peer, 'tcp', view),
      transfers: this.#transfers,
      tap: this.#tap,
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
    this.#certificates?.stop();
    for (const stream of [this.#tcp, this.#tls, this.#https]) stream?.drain();
    await this.#udp?.drain();
    await new Promise<void>((resolve) => {
      const cancel = this.#options.clock.after(drainMaxMs, resolve);
      void Promise.all(this.#others.map(({ forwarder }) => forwarder.settled())).then(() => {
        cancel();
        resolve();
      });
    });
    for (const { forwarder } of this.#others) forwarder.stop();
    await Promise.all([this.#udp?.stop(), this.#tcp?.stop(), this.#tls?.stop(), this.#https?.stop()]);
  }

  /**
   * Gives an upstream's answer to the workers, unless it is only for those who ask for DNSSEC, or for a name that was
   * forwarded on the way of another one, and that is answered otherwise when a client asks for it.
   */
  #publish(view: number, question: ForwardQuestion, answer: ForwardedAnswer, ttlSeconds: number): void {
    if (question.dnssecOk || question.checkingDisabled || answer.extendedError !== undefined) return;
    const { name, type } = question;
    if (!this.#others[view]!.isForwarded(name, type)) return;
    const madeAt = Math.floor(this.#options.clock.now() / 1000);
    const { rcode, answers, authority } = answer;
    this.#foreign.publish({ name, type, view, rcode, answers, authority, ttlSeconds, madeAt });
  }

  async #resolve(
    message: Uint8Array,
    peer: SocketAddress,
    protocol: 'udp' | 'tcp',
    view: number,
  ): Promise<Uint8Array | undefined> {
    const { clock, onResolved, onNotify } = this.#options;
    if (onNotify !== undefined && isNotify(message))
      return answerNotify(message, (zone) => onNotify(zone, peer.address));
    const startMs = clock.monotonicMs();
    const answer = await resolveQuery(message, this.#context(peer, view), protocol === 'tcp' ? 65535 : undefined);
    if (answer !== undefined) onResolved?.(protocol, answer[3]! & 15, clock.monotonicMs() - startMs);
    return answer;
  }

  #context(peer: SocketAddress, view: number): ResolveContext {
    const others = this.#others[view]!;
    const { forwarder, rewrites, templates, fileZones, hasCluster } = others;
    const sockaddr = new Uint8Array(32);
    encodeSocketAddress(peer, sockaddr);
    return {
      fileZones,
      access: others.access && ((name, type) => others.actionFor(name, type, sockaddr)),
      program: others.program(this.#builder.program),
      hasZones: hasCluster,
      serial: this.#serial,
      turn: this.#turn++,
      forwarder,
      isSynced: this.#isSynced || !hasCluster,
      isOtherSynced: (origin) => this.#syncedZones.has(origin),
      rewrites,
      templates,
      searchClient: this.#options.completesSearch === true && hasCluster ? peer.address : undefined,
      clientOf: (message, query) => this.#clientOf(sockaddr, message, query),
      cookieFor: (message, query) => {
        const cookie = new Uint8Array(cookieBytes);
        const now = Math.floor(this.#options.clock.now() / 1000);
        this.#cookies.write(message, query, sockaddr, 0, now, cookie, 0);
        return cookie;
      },
    };
  }

  /** Who asks: the sender, or the subnet that a trusted sender tells of. */
  #clientOf(sockaddr: Uint8Array, message: Uint8Array, query: ParsedQuery): AskingClient {
    const choice = new ClientChoice();
    const from = addressOffset(sockaddr, 0);
    const isTrusted = isInPrefixes(this.#options.subnetSources ?? [], sockaddr, from, addressLength(sockaddr, 0));
    const isSubnet = query.subnetAt > 0 && isTrusted && isSubnetValid(message, query);
    if (isSubnet) choice.takeSubnet(message, query);
    else choice.takePeer(sockaddr, 0);
    return { choice, isSubnet };
  }

  /** Unix seconds, but always growing (RFC 1982 arithmetic is safe until 2106). */
  #nextSerial(): number {
    this.#serial = Math.max(this.#serial + 1, Math.floor(this.#options.clock.now() / 1000));
    return this.#serial;
  }
}

/** What threads must know of views. */
function viewPlan(given: ServerViews | undefined): ViewPlan | undefined {
  if (given === undefined) return undefined;
  const rights = given.views.map(({ hasCluster, accessRules = [] }) => ({ hasCluster, accessRules }));
  return { zones: given.zones, rights };
}
