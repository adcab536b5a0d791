import { errnoName } from '../sys/errno.ts';
import { EPOLLIN } from '../sys/linux-constants.ts';
import { HANDSHAKING } from './connection-state.ts';
import type { EpollConnection } from './epoll-connection.ts';
import { PEEK_PAUSE_MS } from './peeked-input.ts';
import { HANDSHAKE_PAUSE, type TlsTransport } from './tls-transport.ts';

/**
 * Goes on with a connection's handshake as far as its input allows. True when it is done; otherwise the connection waits
 * for what is needed, or has failed. Its policy hears of the end either way.
 */
export function advanceHandshake(connection: EpollConnection, transport: TlsTransport): boolean {
  const { place, reactor } = connection;
  const result = transport.advance(connection.fd, reactor.input);
  if (result === 0) {
    if (transport.passthrough === undefined) transport.policy?.onEstablished(transport.session!.isResumed);
    return true;
  }
  if (result === HANDSHAKE_PAUSE) {
    connection.watched(place.set(0));
    reactor.after(PEEK_PAUSE_MS, () => {
      if (connection.state === HANDSHAKING) connection.watched(place.set(EPOLLIN));
    });
  } else if (result > 0) connection.watched(place.set(result));
  else {
    transport.policy?.onFailed(transport.failure === '' ? errnoName(result) : transport.failure);
    connection.fail(result);
  }
  return false;
}
