import { listenQuic } from '../../reactor/quic-endpoint.ts';
import type { ListeningSocket } from '../../reactor/reactor.ts';
import type { SocketAddress } from '../../sys/socket-address.ts';
import { TlsContext } from '../../sys/tls-context.ts';
import { H3_INTERNAL_ERROR, H3_NO_ERROR } from '../../wire/http3/protocol.ts';
import type { ClientConnection } from '../client-connection.ts';
import type { WorkerGate } from '../connection-gate.ts';
import type { Http2Exchange } from '../http2-exchange.ts';
import type { ProxyCore } from '../proxy-core.ts';
import type { ServerCertificate } from '../server-certificates.ts';
import { Http3Session } from './http3-session.ts';

/** What a worker gives to an HTTP/3 listener. */
export interface Http3ListenerOptions {
  readonly core: ProxyCore;
  /** Bound UDP socket at the port of an HTTPS listener. */
  readonly fd: number;
  readonly gate: WorkerGate;
  /** Server names whose connections are relayed as they come have no HTTP/3. */
  readonly isRelayed: (serverName: string | undefined) => boolean;
  /** Makes the makers of clients of one connection. */
  readonly clientsOf: (
    peer: SocketAddress,
    certificate: () => ServerCertificate | undefined,
  ) => (carrier: Http2Exchange) => ClientConnection;
  readonly onHandshake: (isDone: boolean) => void;
}

/** An HTTP/3 listener of a worker. */
export interface Http3Listener extends ListeningSocket {
  /** Part of the worker's drain; called again and again. Returns how many connections are left. */
  drain(): number;
}

/**
 * Serves HTTP/3 (experimental: docs/decisions/0009-http3.md).
 * @throws Error where the engine has no QUIC.
 */
export function listenHttp3(options: Http3ListenerOptions): Http3Listener {
  const { core, gate } = options;
  const { certificates } = core.program;
  const sessions = new Set<Http3Session>();
  const find = (serverName: string | undefined): ServerCertificate | undefined => {
    const certificate = certificates.find(serverName);
    // Client certificates are not asked for here: such hosts are for TCP only.
    return certificate?.asksClient === true || options.isRelayed(serverName) ? undefined : certificate;
  };
  const endpoint = listenQuic(
    core.reactor,
    options.fd,
    (connection, peer) => {
      if (!gate.admit(peer, 0)) return undefined;
      let certificate: ServerCertificate | undefined;
      const newClient = options.clientsOf(peer, () => {
        certificate ??= find(connection.serverName);
        return certificate;
      });
      const session = new Http3Session(connection, {
        core,
        shared: core.http2,
        newClient,
        wake: () => endpoint.wake(),
        onEstablished: () => options.onHandshake(true),
        onGone: (gone, wasEstablished) => {
          sessions.delete(gone);
          gate.release(peer);
          if (!wasEstablished) options.onHandshake(false);
        },
      });
      sessions.add(session);
      return session;
    },
    {
      certificates: (serverName) => {
        const context = find(serverName)?.context;
        return context instanceof TlsContext ? context : undefined;
      },
      idleMs: core.times.clientIdleMs,
      codes: { none: H3_NO_ERROR, internal: H3_INTERNAL_ERROR },
    },
  );
  return {
    stop: () => endpoint.stop(),
    drain: () => {
      for (const session of sessions) session.drain();
      return sessions.size;
    },
  };
}
