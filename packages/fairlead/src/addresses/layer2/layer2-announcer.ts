import type { ApiClient } from '@fairlead/client';
import { type Clock, machineMonotonicMs, type Random } from '../../sys/clock.ts';
import type { Log, Running } from '../../sys/role.ts';
import type { AddressMetrics } from '../address-metrics.ts';
import type { Layer2Target } from '../program.ts';
import { AddressElection } from './address-election.ts';
import { type Answerer, createAnswerer } from './answerer.ts';
import type { AnsweringEvent } from './answering-messages.ts';
import { type Interfaces, linksFor, readInterfaces, watchInterfaces } from './interfaces.ts';
import type { Layer2Link } from './layer2-responder.ts';

/** A thing about a Service's address that its users should hear of. */
export interface AddressNotice {
  readonly services: readonly string[];
  readonly type: 'Normal' | 'Warning';
  readonly reason: string;
  readonly message: string;
}

/** Options of {@link Layer2Announcer}. */
export interface Layer2Options {
  readonly client: ApiClient;
  readonly nodeName: string;
  readonly clock: Clock;
  readonly random: Random;
  readonly log: Log;
  readonly metrics: AddressMetrics;
  readonly onNotice: (notice: AddressNotice) => void;
}

/** Beyond this many Services, a refusal that concerns all of them is not told to each. */
const mostToldOfRefusal = 20;
/** Another host's claim, and a refusal of the server, are told once in this time, milliseconds. */
const conflictEveryMs = 60_000;

/** Targets → election → answering thread, over the interfaces there are. Starts nothing before the first target. */
export class Layer2Announcer implements Running {
  readonly #options: Layer2Options;
  readonly #answerer: Answerer;
  #election: AddressElection | undefined;
  #interfaceWatch: Running | undefined;
  #interfaces: Interfaces = { links: [], addresses: [] };
  #targets: ReadonlyMap<string, Layer2Target> = new Map();
  #nodeIps: readonly string[] = [];
  readonly #links = new Map<string, readonly Layer2Link[]>();
  readonly #conflicts = new Map<string, number>();
  #counted = { received: 0, answered: 0, sent: 0 };
  #refusedToldMs = Number.NEGATIVE_INFINITY;
  #stopped = false;

  constructor(options: Layer2Options) {
    this.#options = options;
    this.#answerer = createAnswerer(options.log, (event) => this.#onEvent(event));
  }

  /** Brings announcements to new targets. */
  async apply(targets: ReadonlyMap<string, Layer2Target>, nodeIps: readonly string[]): Promise<void> {
    this.#targets = targets;
    this.#nodeIps = nodeIps;
    if (targets.size === 0 && this.#election === undefined) return;
    if (this.#election === undefined) {
      const { client, nodeName: node, clock, random, log } = this.#options;
      this.#interfaceWatch = watchInterfaces(clock, log, () => void this.#reread());
      await this.#read();
      if (this.#stopped) return;
      this.#election = new AddressElection({
        client,
        node,
        clock,
        random,
        log,
        nowMs: machineMonotonicMs,
        onTake: (address, tookOver) => this.#take(address, tookOver),
        onLose: (address) => this.#answerer.withdraw(address),
        onExtend: (deadlineMs) => this.#answerer.extend(deadlineMs),
        onRefused: (message) => this.#refused(message),
      });
    }
    this.#arrange();
  }

  /** Addresses this node answers for. */
  held(): ReadonlySet<string> {
    return this.#election?.held() ?? new Set();
  }

  /** Brings the metrics up to date. */
  observe(): void {
    const { metrics } = this.#options;
    metrics.layer2(this.held().size, this.#links.size);
    const now = this.#answerer.counts();
    const before = this.#counted;
    metrics.frames(now.received - before.received, now.answered - before.answered, now.sent - before.sent);
    this.#counted = now;
  }

  async stop(): Promise<void> {
    this.#stopped = true;
    await this.#interfaceWatch?.stop();
    // Silence first, then the Leases: nobody may take over from one who still answers.
    await this.#answerer.stop();
    await this.#election?.stop();
  }

  async #read(): Promise<void> {
    const interfaces = await readInterfaces();
    if (typeof interfaces !== 'number') this.#interfaces = interfaces;
    else this.#options.log('error', 'the interfaces cannot be read', { errno: -interfaces });
  }

  async #reread(): Promise<void> {
    await this.#read();
    if (!this.#stopped) this.#arrange();
  }

  /** Which targets have a link that is up: only those are candidates. A cut link gives its addresses back at once. */
  #arrange(): void {
    this.#links.clear();
    for (const { address, interfaces } of this.#targets.values()) {
      const links = linksFor(address, interfaces, this.#interfaces, this.#nodeIps);
      if (links.length > 0) this.#links.set(address, links);
    }
    for (const address of this.held()) {
      const links = this.#links.get(address);
      if (links !== undefined) this.#answerer.announce(address, links);
    }
    this.#election?.setCandidates(new Set(this.#links.keys()));
  }

  #names(address: string): string {
    const indexes = new Set((this.#links.get(address) ?? []).map(({ index }) => index));
    return this.#interfaces.links
      .filter(({ index }) => indexes.has(index))
      .map(({ name }) => name)
      .join(', ');
  }

  #notify(address: string, type: AddressNotice['type'], reason: string, message: string): void {
    const services = this.#targets.get(address)?.services ?? [];
    if (services.length > 0) this.#options.onNotice({ services, type, reason, message });
  }

  #take(address: string, tookOver: boolean): void {
    const links = this.#links.get(address);
    if (links === undefined) return;
    this.#answerer.announce(address, links);
    if (!tookOver) return;
    this.#options.metrics.tookOver();
    const where = `${this.#options.nodeName} on ${this.#names(address)}`;
    this.#notify(address, 'Normal', 'AnnouncedOnLayer2', `${address} is answered for by node ${where}`);
  }

  /** Another node may have the rights and announce: it is for users of the Service to see that this one does not. */
  #refused(message: string): void {
    const { metrics, clock, nodeName } = this.#options;
    metrics.refused();
    if (clock.monotonicMs() - this.#refusedToldMs < conflictEveryMs) return;
    this.#refusedToldMs = clock.monotonicMs();
    const services = new Set([...this.#links.keys()].flatMap((address) => this.#targets.get(address)?.services ?? []));
    this.#options.onNotice({
      services: [...services].slice(0, mostToldOfRefusal),
      type: 'Warning',
      reason: 'AnnouncementForbidden',
      message: `node ${nodeName} has no right to announce: ${message}`,
    });
  }

  #onEvent(event: AnsweringEvent): void {
    const { log, metrics, clock } = this.#options;
    switch (event.kind) {
      case 'state':
        log(event.state === 'answering' ? 'info' : 'warn', 'announcement', {
          address: event.address,
          state: event.state,
        });
        return;
      case 'failed':
        log('error', 'cannot announce on a link', { link: event.link, what: event.what, errno: event.errno });
        return;
      case 'foreign': {
        metrics.conflict();
        const last = this.#conflicts.get(event.address) ?? Number.NEGATIVE_INFINITY;
        if (clock.monotonicMs() - last < conflictEveryMs) return;
        this.#conflicts.set(event.address, clock.monotonicMs());
        const text = `${event.address} is also claimed by the host with the link address ${event.mac}`;
        this.#notify(event.address, 'Warning', 'AddressConflict', text);
        return;
      }
      case 'stopped':
        return;
    }
  }
}
