import { EAGAIN } from '../sys/errno.ts';
import { MSG_PEEK, SO_RCVLOWAT, SOL_SOCKET } from '../sys/linux-constants.ts';
import { close, recv, setSocketOption } from '../sys/socket.ts';
import { type SocketAddress, socketAddress } from '../sys/socket-address.ts';
import {
  PROXY_HEADER_MAX_BYTES,
  type ProxyEnd,
  type ProxyHeader,
  parseProxyHeader,
} from '../wire/proxy-protocol/proxy-header.ts';
import type { EpollReactor, Watcher } from './epoll-reactor.ts';
import { isInputOver, PEEK_PAUSE_MS } from './peeked-input.ts';
import type { ProxiedConnection, ProxyAcceptPolicy } from './reactor.ts';

/**
 * An accepted socket whose first bytes must be a PROXY protocol header. They are looked at (MSG_PEEK) until
 * the header is whole; then exactly that much is taken, and what follows is as if the client had
 * connected itself: clear text or a TLS handshake.
 */
export class ProxyPreface implements Watcher {
  readonly #reactor: EpollReactor;
  readonly #fd: number;
  readonly #peer: SocketAddress;
  readonly #policy: ProxyAcceptPolicy;
  readonly #accepted: (peer: SocketAddress, proxied: ProxiedConnection) => void;
  #watched = -1;
  #lowWater = 1;
  #cancelDeadline: (() => void) | undefined = undefined;
  #cancelPause: (() => void) | undefined = undefined;

  constructor(
    reactor: EpollReactor,
    fd: number,
    peer: SocketAddress,
    policy: ProxyAcceptPolicy,
    accepted: (peer: SocketAddress, proxied: ProxiedConnection) => void,
  ) {
    this.#reactor = reactor;
    this.#fd = fd;
    this.#peer = peer;
    this.#policy = policy;
    this.#accepted = accepted;
    reactor.ledger.opened(fd);
  }

  /** Takes the header if it is there already, as it usually is, or waits for it. */
  start(): void {
    if (this.#look()) return;
    this.#watched = this.#reactor.watch(this.#fd, this);
    if (this.#watched < 0) this.#refuse('not watched');
    else this.#cancelDeadline = this.#reactor.after(this.#policy.headerMs, () => this.#refuse('timeout'));
  }

  onReadable(): void {
    this.#look();
  }

  /** True when it is decided what becomes of the connection. */
  #look(): boolean {
    const { input } = this.#reactor;
    const length = recv(this.#fd, input, 0, PROXY_HEADER_MAX_BYTES, MSG_PEEK);
    if (length === -EAGAIN) return false;
    if (length <= 0) return this.#refuse('ended');
    const result = parseProxyHeader(input.bytes.subarray(0, length));
    switch (result.type) {
      case 'malformed':
        return this.#refuse(result.reason);
      case 'incomplete':
        // What was only looked at keeps the socket readable: let epoll wait for more than that.
        if (result.needBytes === this.#lowWater) {
          if (isInputOver(this.#fd)) return this.#refuse('ended within the header');
          this.#pause();
          return false;
        }
        this.#lowWater = result.needBytes;
        setSocketOption(this.#fd, SOL_SOCKET, SO_RCVLOWAT, result.needBytes);
        return false;
      case 'header':
        recv(this.#fd, input, 0, result.lengthBytes);
        if (this.#lowWater > 1) setSocketOption(this.#fd, SOL_SOCKET, SO_RCVLOWAT, 1);
        this.#pass(result.header);
        return true;
    }
  }

  /** Looks away for a moment: what is there stays readable, and is too little. */
  #pause(): void {
    if (this.#watched < 0) return;
    this.#reactor.unwatch(this.#fd, this.#watched);
    this.#watched = -1;
    this.#cancelPause = this.#reactor.after(PEEK_PAUSE_MS, () => {
      this.#watched = this.#reactor.watch(this.#fd, this);
      if (this.#watched < 0) this.#refuse('not watched');
    });
  }

  #pass(header: ProxyHeader): void {
    this.#letGo();
    const source = addressOf(header.source);
    this.#accepted(source ?? this.#peer, {
      proxy: this.#peer,
      destination: source === undefined ? undefined : addressOf(header.destination),
      fields: header.fields,
    });
  }

  #refuse(reason: string): true {
    this.#policy.onFailed(reason);
    this.stop();
    return true;
  }

  #letGo(): void {
    this.#cancelDeadline?.();
    this.#cancelPause?.();
    if (this.#watched >= 0) this.#reactor.unwatch(this.#fd, this.#watched);
    this.#watched = -1;
  }

  stop(): void {
    this.#letGo();
    this.#reactor.ledger.closed(this.#fd);
    close(this.#fd);
  }
}

function addressOf(end: ProxyEnd | undefined): SocketAddress | undefined {
  return end === undefined ? undefined : socketAddress(end.address, end.port);
}
