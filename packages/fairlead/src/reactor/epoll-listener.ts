// Hot path: one accept4 per new connection.
import { EAGAIN, ECONNABORTED, EINTR } from '../sys/errno.ts';
import { SOCK_NONBLOCK } from '../sys/linux-constants.ts';
import { accept4, close, lastAcceptedAddress } from '../sys/socket.ts';
import type { SocketAddress } from '../sys/socket-address.ts';
import type { EpollReactor, Watcher } from './epoll-reactor.ts';
import { ProxyPreface } from './proxy-preface.ts';
import type { AcceptOptions, Acceptor, ListeningSocket, ProxyAcceptPolicy } from './reactor.ts';

/** Most connections accepted from one listener per event, so that a flood does not starve the others. */
const ACCEPTS_PER_EVENT = 64;
/** More than wait in the accept queue of a listener that stops. */
const BACKLOG_MAX = 65_536;
/** Pause after the process or the system ran out of descriptors or memory. */
const ACCEPT_PAUSE_MS = 100;

/** One listening socket; the descriptor belongs to whoever opened it. */
export class EpollListener implements ListeningSocket, Watcher {
  readonly #reactor: EpollReactor;
  readonly #fd: number;
  readonly #accept: Acceptor;
  readonly #options: AcceptOptions;
  /** Undefined while accepting pauses. */
  #watched: number | undefined = undefined;
  #cancelPause: (() => void) | undefined = undefined;
  /** Connections to accept at the next event: as many as lately came at a time. To look for one more costs a system call. */
  #expected = 1;

  constructor(reactor: EpollReactor, fd: number, accept: Acceptor, options: AcceptOptions) {
    this.#options = options;
    this.#reactor = reactor;
    this.#fd = fd;
    this.#accept = accept;
  }

  start(): void {
    const watched = this.#reactor.watch(this.#fd, this);
    if (watched >= 0) this.#watched = watched;
    else this.#startLater();
  }

  #startLater(): void {
    this.#cancelPause = this.#reactor.after(ACCEPT_PAUSE_MS, () => {
      this.#cancelPause = undefined;
      this.start();
    });
  }

  onReadable(): void {
    const expected = this.#expected;
    const count = this.#takeUpTo(expected);
    this.#expected = count < expected ? Math.max(1, count) : Math.min(expected * 2, ACCEPTS_PER_EVENT);
  }

  /** Accepts at most so many connections; returns how many there were. */
  #takeUpTo(most: number): number {
    const { proxied } = this.#options;
    for (let i = 0; i < most; i++) {
      if (this.#watched === undefined) return i;
      const fd = accept4(this.#fd, SOCK_NONBLOCK);
      if (fd === -EAGAIN) return i;
      if (fd === -ECONNABORTED || fd === -EINTR) continue;
      if (fd < 0) {
        this.#pause();
        return i;
      }
      const peer = lastAcceptedAddress();
      if (peer === undefined) close(fd);
      else if (proxied?.trusts(peer) !== true) this.#reactor.accepted(fd, peer, this.#accept, this.#options);
      else this.#acceptProxied(fd, peer, proxied);
    }
    return most;
  }

  #acceptProxied(fd: number, proxy: SocketAddress, policy: ProxyAcceptPolicy): void {
    const preface = new ProxyPreface(this.#reactor, fd, proxy, policy, (peer, proxied) =>
      this.#reactor.accepted(fd, peer, this.#accept, this.#options, proxied),
    );
    preface.start();
  }

  /** Out of descriptors or memory: level-triggered readiness would spin. */
  #pause(): void {
    this.#release();
    this.#startLater();
  }

  #release(): void {
    if (this.#watched !== undefined) this.#reactor.unwatch(this.#fd, this.#watched);
    this.#watched = undefined;
  }

  stop(): void {
    this.#cancelPause?.();
    // What the kernel already accepted for us would be reset with the socket.
    this.#takeUpTo(BACKLOG_MAX);
    this.#release();
  }
}
