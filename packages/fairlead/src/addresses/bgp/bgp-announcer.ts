import { type Stored, secrets } from '@fairlead/api';
import { announcerNamespace, type BgpPeer, bgpPeers } from '@fairlead/api/fairlead-dev/types';
import { type ApiClient, isNotFound } from '@fairlead/client';
import type { Clock } from '../../sys/clock.ts';
import type { Log, Running } from '../../sys/role.ts';
import type { AddressMetrics } from '../address-metrics.ts';
import { type Bfd, type CreateBfd, createBfd } from '../bfd/bfd.ts';
import { type BfdEvent, hasFailed } from '../bfd/bfd-messages.ts';
import type { AddressNotice } from '../layer2/layer2-announcer.ts';
import type { BgpRoute } from '../program.ts';
import { BgpSession, type SessionState } from './bgp-session.ts';
import { type OpenTransport, openBgpTransport } from './bgp-transport.ts';
import { sessionConfig } from './peer-config.ts';

/** Options of {@link BgpAnnouncer}. */
export interface BgpOptions {
  readonly client: ApiClient;
  readonly nodeName: string;
  readonly clock: Clock;
  readonly log: Log;
  readonly metrics: AddressMetrics;
  readonly onNotice: (notice: AddressNotice) => void;
  readonly open?: OpenTransport;
  readonly createBfd?: CreateBfd;
}

interface PeerSession {
  readonly session: BgpSession | undefined;
  /** The configuration as text: another one is another session. */
  readonly text: string;
  /** Wrong in the peer's spec. */
  readonly problem: string;
  routes: ReadonlyMap<string, BgpRoute>;
  since: string;
  written: string;
  /** State of BFD, or why it is not there; absent: it is not asked for. */
  bfd?: string;
}

/** A session's state is written so long after a change: an attempt that fails at once changes it twice. */
const statusDelayMs = 300;
/** A missing or changed password is looked for again after this. */
const passwordEveryMs = 15_000;

/** One session per peer of this node; its state goes into the peer's status, as this node's entry. */
export class BgpAnnouncer implements Running {
  readonly #options: BgpOptions;
  readonly #peers = new Map<string, PeerSession>();
  readonly #timers = new Map<string, () => void>();
  readonly #writes = new Set<Promise<void>>();
  readonly #bfd: Bfd;
  #again: () => void = () => {};
  #last: (() => Promise<void>) | undefined;
  #stopped = false;

  constructor(options: BgpOptions) {
    this.#options = options;
    this.#bfd = (options.createBfd ?? createBfd)(options.log, (event) => this.#onBfd(event));
  }

  /** Brings sessions and routes to a new program. */
  async apply(
    routes: ReadonlyMap<string, ReadonlyMap<string, BgpRoute>>,
    peers: ReadonlyMap<string, Stored<BgpPeer>>,
    nodeIps: readonly string[],
  ): Promise<void> {
    this.#last = () => this.apply(routes, peers, nodeIps);
    for (const name of [...this.#peers.keys()])
      if (!routes.has(name)) this.#remove(name, 'the peer is not for this node');
    let waitsForPassword = false;
    for (const [name, own] of routes) {
      const peer = peers.get(name);
      if (peer === undefined) continue;
      const password = await this.#password(peer);
      if (this.#stopped) return;
      waitsForPassword ||= peer.spec.passwordSecretRef !== undefined;
      this.#ensure(name, peer, nodeIps, password, own);
    }
    this.#again();
    if (waitsForPassword) this.#again = this.#options.clock.after(passwordEveryMs, () => void this.#last?.());
  }

  /** Brings the metrics up to date. */
  observe(): void {
    for (const [name, { session, bfd }] of this.#peers) {
      if (bfd !== undefined) this.#options.metrics.bfd(name, bfd === 'Up');
      this.#options.metrics.session(name, session?.state === 'Established', session?.announced ?? 0);
    }
  }

  async stop(): Promise<void> {
    if (this.#stopped) return;
    this.#stopped = true;
    this.#again();
    for (const name of [...this.#peers.keys()]) this.#remove(name, 'the node agent stops');
    await Promise.all([this.#bfd.stop(), ...this.#writes]);
  }

  async #password(peer: Stored<BgpPeer>): Promise<{ readonly value?: string; readonly problem?: string }> {
    const name = peer.spec.passwordSecretRef?.name;
    if (name === undefined) return {};
    try {
      const secret = await this.#options.client.get(secrets, { namespace: announcerNamespace, name });
      const encoded = secret.data?.password;
      if (encoded === undefined) return { problem: `Secret ${announcerNamespace}/${name} has no key password` };
      return { value: Buffer.from(encoded as string, 'base64').toString('utf8') };
    } catch (error) {
      const why = isNotFound(error) ? 'is not there' : (error as Error).message;
      return { problem: `Secret ${announcerNamespace}/${name} ${why}` };
    }
  }

  #ensure(
    name: string,
    peer: Stored<BgpPeer>,
    nodeIps: readonly string[],
    password: { readonly value?: string; readonly problem?: string },
    routes: ReadonlyMap<string, BgpRoute>,
  ): void {
    const config = sessionConfig(peer, this.#options.nodeName, nodeIps, password.value);
    const problem = 'problem' in config ? config.problem : (password.problem ?? '');
    const text = JSON.stringify([config, problem]);
    let present = this.#peers.get(name);
    if (present?.text !== text) {
      this.#remove(name, 'the configuration has changed');
      const { clock, open = openBgpTransport } = this.#options;
      const session =
        'problem' in config || problem !== ''
          ? undefined
          : new BgpSession({ config, clock, open, onState: (state, message) => this.#onState(name, state, message) });
      present = { session, text, problem, routes: new Map(), since: this.#now(), written: '' };
      this.#peers.set(name, present);
      if (session !== undefined && 'bfd' in config && config.bfd !== undefined) {
        const { address, sourceAddress } = config.endpoint;
        const source = sourceAddress === undefined ? {} : { sourceAddress };
        present.bfd = 'Down';
        this.#bfd.watch(name, { address, ...source, times: config.bfd });
      }
      if (session === undefined) this.#scheduleStatus(name);
    }
    this.#tellServices(name, present, routes);
    present.routes = routes;
    present.session?.setRoutes(routes);
    if (present.session?.state === 'Established') this.#scheduleStatus(name);
    // An attempt under way goes on; the first one begins here.
    if (present.session?.state === 'Idle' && present.session.message === '') present.session.start();
  }

  #now(): string {
    return `${new Date(this.#options.clock.now()).toISOString().slice(0, 19)}Z`;
  }

  /** Events on the Services whose routes are new to a peer. */
  #tellServices(name: string, present: PeerSession, routes: ReadonlyMap<string, BgpRoute>): void {
    if (present.session?.state !== 'Established') return;
    for (const { prefix, services } of routes.values()) {
      if (!present.routes.has(prefix)) this.#tell(name, prefix, services);
    }
  }

  #tell(name: string, prefix: string, services: readonly string[]): void {
    const message = `${prefix} is announced to BGP peer ${name} by node ${this.#options.nodeName}`;
    this.#options.onNotice({ services, type: 'Normal', reason: 'AnnouncedByBGP', message });
  }

  #onState(name: string, state: SessionState, message: string): void {
    const present = this.#peers.get(name);
    if (present === undefined) return;
    present.since = this.#now();
    if (state === 'Established') {
      this.#options.log('info', 'BGP session is up', { peer: name });
      for (const { prefix, services } of present.routes.values()) this.#tell(name, prefix, services);
    } else if (state === 'Idle') {
      this.#options.metrics.sessionFailed(name);
      this.#options.log('warn', 'BGP session is not up', { peer: name, reason: message });
    }
    this.#scheduleStatus(name);
  }

  /** A link that fails ends the session, long before its hold time does; the peer does the same on its side. */
  #onBfd(event: BfdEvent): void {
    const present = this.#peers.get(event.name);
    if (present?.bfd === undefined) return;
    const before = present.bfd;
    present.bfd = event.kind === 'failed' ? event.message : event.state;
    if (event.kind === 'failed') this.#options.log('warn', 'a peer cannot be watched by BFD', event);
    else if (event.state !== before) this.#options.log('info', 'BFD', { ...event });
    if (hasFailed(before, event)) {
      present.session?.lost(
        `BFD says that the peer cannot be reached${event.kind === 'state' ? `: ${event.cause}` : ''}`,
      );
    }
    this.#scheduleStatus(event.name);
  }

  #remove(name: string, reason: string): void {
    const present = this.#peers.get(name);
    if (present === undefined) return;
    this.#peers.delete(name);
    present.session?.stop(reason);
    this.#bfd.unwatch(name);
    this.#options.metrics.forgetSession(name);
    this.#timers.get(name)?.();
    this.#write(name, []);
  }

  #scheduleStatus(name: string): void {
    if (this.#timers.has(name) || this.#stopped) return;
    const cancel = this.#options.clock.after(statusDelayMs, () => {
      this.#timers.delete(name);
      const present = this.#peers.get(name);
      if (present === undefined) return;
      const { session, problem, since } = present;
      const state = session?.state ?? 'Idle';
      // Between two attempts the state goes up and down; what counts is why it does not stay up.
      const shown = state === 'Established' || session?.message === '' ? state : 'Idle';
      const message = problem === '' ? (session?.message ?? '') : problem;
      const { nodeName } = this.#options;
      const bfd = present.bfd === undefined ? {} : { bfd: present.bfd };
      const entry = { node: nodeName, state: shown, message, announced: session?.announced ?? 0, since, ...bfd };
      const text = JSON.stringify({ ...entry, since: '' });
      if (text === present.written) return;
      present.written = text;
      this.#write(name, [entry]);
    });
    this.#timers.set(name, () => {
      cancel();
      this.#timers.delete(name);
    });
  }

  /** This node's entry of the status, or its removal: each node applies its own and nobody else's. */
  #write(name: string, sessions: readonly object[]): void {
    const { client, nodeName, log } = this.#options;
    const body = {
      apiVersion: `${bgpPeers.group}/${bgpPeers.version}`,
      kind: bgpPeers.kind,
      metadata: { name },
      status: { sessions },
    };
    const options = { fieldManager: `fairlead-bgp-${nodeName}`, force: true, subresource: 'status' };
    const write = client
      .patch(bgpPeers, { name }, 'apply', body, options)
      .then(
        () => undefined,
        (error: unknown) => {
          if (!isNotFound(error)) log('debug', 'cannot write the state of a session', { error: String(error) });
          const present = this.#peers.get(name);
          if (present !== undefined) present.written = '';
        },
      )
      .finally(() => this.#writes.delete(write));
    this.#writes.add(write);
  }
}
