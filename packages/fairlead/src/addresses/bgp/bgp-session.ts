import type { Clock } from '../../sys/clock.ts';
import { afi, bgpErrorText, errorCode } from '../../wire/bgp/bgp-constants.ts';
import {
  type BgpMessage,
  BgpMessageError,
  type BgpOpen,
  BgpReader,
  writeKeepalive,
  writeNotification,
  writeOpen,
} from '../../wire/bgp/bgp-message.ts';
import { writeAnnouncements, writeEndOfRib, writeWithdrawals } from '../../wire/bgp/bgp-update.ts';
import type { BfdTimes } from '../bfd/bfd-machine.ts';
import type { BgpRoute } from '../program.ts';
import type { BgpEndpoint, BgpTransport, OpenTransport } from './bgp-transport.ts';
import { attributesText, parsePrefix, pathOf } from './route-encoding.ts';

/** States of RFC 4271 8.2.2, without Active: this speaker never listens. */
export type SessionState = 'Idle' | 'Connect' | 'OpenSent' | 'OpenConfirm' | 'Established';

/** Complete, checked configuration of a session. Times in milliseconds. */
export interface SessionConfig {
  readonly endpoint: BgpEndpoint;
  readonly localAsn: number;
  readonly peerAsn: number;
  readonly identifier: number;
  readonly holdTimeMs: number;
  readonly connectRetryMs: number;
  /** How long the peer keeps routes of a restarting agent; absent: not at all. */
  readonly gracefulRestartMs?: number;
  /** The peer is watched by BFD, too. */
  readonly bfd?: BfdTimes;
  /** Addresses of the node, for routes of the family that the session does not run over. */
  readonly nodeIps: readonly string[];
}

/** What a session needs, and whom it tells. */
export interface SessionOptions {
  readonly config: SessionConfig;
  readonly clock: Clock;
  readonly open: OpenTransport;
  /** `message` says why the session is not up, in words; empty when all is well. */
  onState(state: SessionState, message: string): void;
}

/** Time for a connection, and for the peer's OPEN (RFC 4271 suggests 4 minutes for the latter). */
const connectTimeoutMs = 10_000;
const openTimeoutMs = 30_000;

/** Subcode of a cessation because BFD says so (RFC 9384). */
const bfdDown = 10;

/** One announce-only BGP session: connects, keeps alive, and brings the peer's view to {@link setRoutes}. */
export class BgpSession {
  readonly #options: SessionOptions;
  #state: SessionState = 'Idle';
  #message = '';
  #transport: BgpTransport | undefined;
  #reader = new BgpReader();
  #peer: BgpOpen | undefined;
  #localAddress = '';
  #routes: ReadonlyMap<string, BgpRoute> = new Map();
  /** What the peer has been told: prefix → attributes as text. */
  readonly #sent = new Map<string, string>();
  #cancelTimer: () => void = () => {};
  #cancelKeepalive: () => void = () => {};
  #isFirst = true;
  #stopped = false;

  constructor(options: SessionOptions) {
    this.#options = options;
  }

  get state(): SessionState {
    return this.#state;
  }

  get message(): string {
    return this.#message;
  }

  /** Routes the peer has. */
  get announced(): number {
    return this.#sent.size;
  }

  start(): void {
    if (this.#stopped || this.#transport !== undefined) return;
    const { config, open } = this.#options;
    this.#reader = new BgpReader();
    this.#peer = undefined;
    this.#sent.clear();
    const opened = open(config.endpoint, {
      onConnected: (localAddress) => {
        this.#localAddress = localAddress;
        if (this.#state === 'Connect') this.#enter('OpenSent', this.#message);
        this.#after(openTimeoutMs, () => this.#fail(errorCode.holdTimer, 0, 'the peer did not send an OPEN'));
      },
      onBytes: (bytes) => this.#receive(bytes),
      onClosed: (reason) => this.#closed(this.#state === 'Connect' ? `cannot connect: ${reason}` : reason),
    });
    if (typeof opened === 'string') {
      this.#closed(`cannot connect: ${opened}`);
      return;
    }
    this.#transport = opened;
    this.#enter('Connect', this.#message);
    this.#after(connectTimeoutMs, () => {
      this.#drop();
      this.#closed('cannot connect: no answer (a wrong password looks like this too)');
    });
    const restart = config.gracefulRestartMs;
    opened.send(
      writeOpen({
        asn: config.localAsn,
        holdTime: Math.round(config.holdTimeMs / 1000),
        identifier: config.identifier,
        families: [afi.ipv4, afi.ipv6],
        fourByteAs: true,
        ...(restart === undefined
          ? {}
          : { gracefulRestart: { isRestarting: this.#isFirst, seconds: Math.round(restart / 1000), forwards: true } }),
      }),
    );
  }

  /** What the peer shall know; sent at once when the session is up. */
  setRoutes(routes: ReadonlyMap<string, BgpRoute>): void {
    this.#routes = routes;
    if (this.#state === 'Established') this.#synchronize();
  }

  /** Somebody else has noticed that the peer cannot be reached: ends the session and begins anew. */
  lost(reason: string): void {
    if (this.#stopped || this.#state === 'Idle' || this.#state === 'Connect') return;
    this.#fail(errorCode.cease, bfdDown, reason);
  }

  /** Ends the session; the peer withdraws the routes. */
  stop(reason: string): void {
    if (this.#stopped) return;
    this.#stopped = true;
    this.#cancelTimer();
    this.#cancelKeepalive();
    if (this.#state !== 'Connect' && this.#state !== 'Idle') {
      this.#transport?.send(writeNotification(errorCode.cease, 2, reason));
    }
    this.#drop();
    this.#state = 'Idle';
  }

  #after(delayMs: number, callback: () => void): void {
    this.#cancelTimer();
    this.#cancelTimer = this.#options.clock.after(delayMs, callback);
  }

  #enter(state: SessionState, message: string): void {
    if (this.#state === state && this.#message === message) return;
    this.#state = state;
    this.#message = message;
    this.#options.onState(state, message);
  }

  #drop(): void {
    this.#transport?.close();
    this.#transport = undefined;
    this.#sent.clear();
  }

  #closed(message: string): void {
    this.#transport = undefined;
    this.#sent.clear();
    this.#cancelKeepalive();
    if (this.#stopped) return;
    this.#enter('Idle', message);
    this.#after(this.#options.config.connectRetryMs, () => this.start());
  }

  /** Tells the peer of its error and begins anew. */
  #fail(code: number, subcode: number, message: string): void {
    this.#transport?.send(writeNotification(code, subcode));
    this.#drop();
    this.#closed(message);
  }

  #receive(bytes: Uint8Array): void {
    let messages: BgpMessage[];
    try {
      messages = this.#reader.push(bytes);
    } catch (error) {
      if (!(error instanceof BgpMessageError)) throw error;
      this.#fail(error.code, error.subcode, `the peer sent ${error.message}`);
      return;
    }
    for (const message of messages) {
      if (this.#transport === undefined) return;
      this.#handle(message);
    }
  }

  #handle(message: BgpMessage): void {
    if (message.kind === 'notification') {
      const { code, subcode, text } = message;
      this.#drop();
      this.#closed(`the peer says: ${bgpErrorText(code, subcode)}${text === '' ? '' : ` (${text})`}`);
      return;
    }
    // The first bytes of the peer may come before the kernel has told that ours are out.
    const state = this.#state === 'Connect' ? 'OpenSent' : this.#state;
    switch (state) {
      case 'OpenSent':
        if (message.kind === 'open') this.#accept(message.open);
        else this.#fail(errorCode.stateMachine, 1, `the peer sent ${message.kind} before its OPEN`);
        return;
      case 'OpenConfirm':
        if (message.kind === 'keepalive') this.#establish();
        else this.#fail(errorCode.stateMachine, 2, `the peer sent ${message.kind} instead of a KEEPALIVE`);
        return;
      case 'Established':
        if (message.kind === 'open') {
          this.#fail(errorCode.stateMachine, 3, 'the peer sent a second OPEN');
          return;
        }
        this.#restartHoldTimer();
        // Its routes are of no interest. A refresh asks for ours again (RFC 2918).
        if (message.kind === 'routeRefresh') {
          this.#sent.clear();
          this.#synchronize();
        }
        return;
      default:
        return;
    }
  }

  #holdTimeMs(): number {
    return Math.min(this.#options.config.holdTimeMs, (this.#peer?.holdTime ?? 0) * 1000);
  }

  #restartHoldTimer(): void {
    const holdMs = this.#holdTimeMs();
    if (holdMs > 0)
      this.#after(holdMs, () => this.#fail(errorCode.holdTimer, 0, 'hold timer expired: the peer is silent'));
    else this.#cancelTimer();
  }

  #accept(open: BgpOpen): void {
    const { config } = this.#options;
    if (open.asn !== config.peerAsn) {
      const text = `the peer is AS ${open.asn}, and spec.peerASN says ${config.peerAsn}`;
      this.#fail(errorCode.open, 2, text);
      return;
    }
    if (open.identifier === config.identifier && config.localAsn === config.peerAsn) {
      this.#fail(errorCode.open, 3, 'the peer has the same BGP identifier as this node');
      return;
    }
    this.#peer = open;
    this.#transport?.send(writeKeepalive());
    this.#restartHoldTimer();
    this.#enter('OpenConfirm', '');
  }

  #establish(): void {
    this.#isFirst = false;
    this.#restartHoldTimer();
    const everyMs = this.#holdTimeMs() / 3;
    const keepAlive = (): void => {
      this.#transport?.send(writeKeepalive());
      this.#cancelKeepalive = this.#options.clock.after(everyMs, keepAlive);
    };
    this.#cancelKeepalive();
    if (everyMs > 0) this.#cancelKeepalive = this.#options.clock.after(everyMs, keepAlive);
    this.#state = 'Established';
    this.#synchronize();
    for (const family of this.#peer?.families ?? []) this.#transport?.send(writeEndOfRib(family));
    this.#options.onState('Established', '');
  }

  /** The address that the peer reaches routes of a family by; `undefined`: none, or a family it does not speak. */
  #nextHop(family: 4 | 6): string | undefined {
    const spoken = this.#peer?.families.includes(family === 4 ? afi.ipv4 : afi.ipv6) === true;
    if (!spoken) return undefined;
    const isOf = (ip: string): boolean => ip !== '' && ip.includes(':') === (family === 6);
    return [this.#localAddress, ...this.#options.config.nodeIps].find(isOf);
  }

  /** Sends the difference between what the peer has and what it shall have. */
  #synchronize(): void {
    const { config } = this.#options;
    const wanted = new Map<string, { readonly route: BgpRoute; readonly text: string }>();
    for (const route of this.#routes.values()) {
      if (this.#nextHop(parsePrefix(route.prefix).family) === undefined) continue;
      wanted.set(route.prefix, { route, text: attributesText(route) });
    }
    for (const family of [4, 6] as const) {
      const nextHop = this.#nextHop(family);
      if (nextHop === undefined) continue;
      const gone = [...this.#sent.keys()].filter(
        (prefix) => parsePrefix(prefix).family === family && !wanted.has(prefix),
      );
      for (const prefix of gone) this.#sent.delete(prefix);
      const withdrawn = gone.map((prefix) => parsePrefix(prefix).wire);
      for (const message of writeWithdrawals(withdrawn, family === 4 ? afi.ipv4 : afi.ipv6))
        this.#transport?.send(message);
      const groups = new Map<string, BgpRoute[]>();
      for (const { route, text } of wanted.values()) {
        if (parsePrefix(route.prefix).family !== family || this.#sent.get(route.prefix) === text) continue;
        groups.set(text, [...(groups.get(text) ?? []), route]);
        this.#sent.set(route.prefix, text);
      }
      for (const routes of groups.values()) {
        const path = pathOf(routes[0]!, nextHop, config, this.#peer?.fourByteAs === true);
        const prefixes = routes.map(({ prefix }) => parsePrefix(prefix).wire);
        for (const message of writeAnnouncements(prefixes, path)) this.#transport?.send(message);
      }
    }
  }
}
