import type { Reactor } from '../../reactor/reactor.ts';
import { openThreadReactor } from '../../reactor/thread-reactor.ts';
import { systemClock, systemRandom } from '../../sys/clock.ts';
import type { FromProxy, ProxyStart, ToProxy } from './messages.ts';
import { PortRuntime } from './port-runtime.ts';
import { TcpFrontend } from './tcp-frontend.ts';
import { UdpFrontend } from './udp-frontend.ts';

/** The thread of the userspace proxy: a reactor, the ports and their frontends. */
class ProxyThread {
  readonly #reactor: Reactor;
  readonly #metrics: Float64Array;
  readonly #send: (message: FromProxy) => void;
  readonly #ports = new Map<string, PortRuntime>();
  readonly #frontends = new Map<number, TcpFrontend | UdpFrontend>();

  constructor(reactor: Reactor, start: ProxyStart, send: (message: FromProxy) => void) {
    this.#reactor = reactor;
    this.#metrics = new Float64Array(start.metrics);
    this.#send = send;
  }

  receive(message: ToProxy): void {
    switch (message.type) {
      case 'port':
        this.#setPort(message);
        return;
      case 'open':
        this.#open(message);
        return;
      case 'close':
        this.#close(message);
        return;
      case 'stop':
        this.#reactor.stop();
    }
  }

  #setPort({ key, program }: Extract<ToProxy, { type: 'port' }>): void {
    const present = this.#ports.get(key);
    if (program === undefined) {
      this.#ports.delete(key);
      return;
    }
    if (present === undefined) {
      this.#ports.set(key, new PortRuntime(program, systemClock, systemRandom));
      return;
    }
    present.update(program);
    for (const frontend of this.#frontends.values()) if (frontend.port === present) frontend.review();
  }

  #open({ id, portKey, place, fd }: Extract<ToProxy, { type: 'open' }>): void {
    const port = this.#ports.get(portKey)!;
    const Frontend = port.program.protocol === 'UDP' ? UdpFrontend : TcpFrontend;
    this.#frontends.set(id, new Frontend(this.#reactor, fd, port, place, this.#metrics));
  }

  #close({ id, drop }: Extract<ToProxy, { type: 'close' }>): void {
    const frontend = this.#frontends.get(id);
    this.#frontends.delete(id);
    frontend?.close();
    if (drop) frontend?.drop();
    this.#send({ type: 'closed', id });
  }
}

let receive: (message: ToProxy) => void = () => {};
const thread = await openThreadReactor<ProxyStart, ToProxy, FromProxy>(
  (message) => receive(message),
  (send) => (level, message, fields) => send({ type: 'log', level, message, fields: fields ?? {} }),
);
const proxy = new ProxyThread(thread.reactor, thread.data, thread.send);
receive = (message) => proxy.receive(message);
await thread.run();
