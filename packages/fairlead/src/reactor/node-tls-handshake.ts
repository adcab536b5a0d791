import type { Socket } from 'node:net';
import type { TLSSocket } from 'node:tls';
import { ECONNRESET, EPROTO } from '../sys/errno.ts';
import { NodeClientContext, NodeServerContext } from '../sys/node-tls-context.ts';
import { parseClientHello } from '../wire/tls-client-hello/client-hello.ts';
import type { NodeConnection } from './node-connection.ts';
import { readPreface } from './node-preface.ts';
import type { NodeReactor } from './node-reactor.ts';
import type { Acceptor } from './reactor.ts';
import type { TlsAcceptPolicy, TlsChoice, TlsConnectOptions, TlsState } from './tls-transport.ts';

function stateOf(socket: TLSSocket, serverName: string | undefined, choice: unknown): TlsState {
  const alpn = socket.alpnProtocol;
  return {
    serverName,
    alpn: alpn === 'h2' || alpn === 'http/1.1' ? alpn : undefined,
    choice,
    failure: '',
    peerCertificate: () => socket.getPeerX509Certificate()?.raw,
  };
}

/**
 * Shakes hands with a client: its ClientHello is looked at, the policy chooses, node:tls does the rest.
 * `accepted` gets the stream that carries the bytes, or, when the policy passes the connection on as it
 * came, the raw one and who takes it.
 */
export function acceptTls(
  reactor: NodeReactor,
  connection: NodeConnection,
  raw: Socket,
  policy: TlsAcceptPolicy,
  accepted: (stream: Socket, tls: TlsState | undefined, instead: Acceptor | undefined) => void,
): void {
  const fail = (reason: string, errno: number): void => {
    if (!connection.isOpen) return;
    policy.onFailed(reason);
    connection.fail(errno);
  };
  connection.onHandshakeTimeout = () => policy.onFailed('timeout');
  connection.setDeadline(reactor.nowMs + policy.handshakeMs);

  const shakeHands = (choice: TlsChoice, serverName: string | undefined): void => {
    if (!(choice.context instanceof NodeServerContext)) throw new TypeError('a TLS context of another engine');
    choice.context.accept(raw, choice.alpn, (socket, problem) =>
      reactor.turn(connection, () => {
        if (socket === undefined) fail(problem, -EPROTO);
        else if (!connection.isOpen) socket.destroy();
        else {
          policy.onEstablished(socket.isSessionReused());
          accepted(socket, stateOf(socket, serverName, choice.note), undefined);
        }
      }),
    );
  };

  readPreface(
    reactor,
    connection,
    raw,
    (bytes) => {
      const result = parseClientHello(bytes);
      if (result.type === 'incomplete') return undefined;
      if (result.type === 'malformed') {
        fail(result.reason, -EPROTO);
        return undefined;
      }
      const choice = policy.choose(result.hello);
      if (choice === undefined) {
        fail('no certificate', -EPROTO);
        return undefined;
      }
      const next =
        'accept' in choice
          ? () => accepted(raw, undefined, choice.accept)
          : () => shakeHands(choice, result.hello.serverName);
      return { takenBytes: 0, next };
    },
    () => fail('ended within the ClientHello', -ECONNRESET),
  );
}

/** Shakes hands with an upstream on a socket that is connected. */
export function connectTls(connection: NodeConnection, raw: Socket, options: TlsConnectOptions): void {
  if (!(options.context instanceof NodeClientContext)) throw new TypeError('a TLS context of another engine');
  connection.secure(options.context.connect(raw, options), (socket) => stateOf(socket, undefined, undefined));
}
