import { engine } from '../../sys/engine-kind.ts';
import type { Running } from '../../sys/role.ts';
import type { SocketAddress } from '../../sys/socket-address.ts';
import type { TableBuffers } from './table-layout.ts';
import type { UdpServerOptions } from './udp-server.ts';

/** The UDP side of a server, whatever it stands on. */
export interface UdpService extends Running {
  /** One per thread; see counters.ts. */
  readonly counters: readonly Float64Array[];
  /** Bound addresses, with the ports the kernel chose. */
  readonly addresses: readonly SocketAddress[];
  /** Threads started since the beginning; more than there are to be means that some failed. */
  readonly starts: number;
  /** Begins to answer. */
  start(): void;
  /** Passes grown table buffers on. */
  replaceBuffers(buffers: TableBuffers): void;
  /** Answers what has arrived; what is being looked up may still be answered until {@link stop}. */
  drain(): Promise<void>;
}

/**
 * Opens the sockets: worker threads on recvmmsg(2) where FFI can be had, else node:dgram in this thread, which takes
 * two to three times the CPU per query.
 *
 * @throws DnsError `listen` when an address cannot be had.
 */
export async function openUdpService(options: UdpServerOptions): Promise<UdpService> {
  if (engine.kind === 'epoll') {
    const { UdpServer } = await import('./udp-server.ts');
    return new UdpServer(options);
  }
  const { NodeUdpServer } = await import('./node-udp-server.ts');
  return NodeUdpServer.open(options);
}
