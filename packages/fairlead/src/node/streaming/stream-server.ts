import type { IncomingMessage } from 'node:http';
import type { Duplex } from 'node:stream';
import { createWebSocketStream, type WebSocket, WebSocketServer } from 'ws';
import type { Clock } from '../../sys/clock.ts';
import type { ContainerCommand } from '../runtime/command.ts';
import { runExecSession } from './exec-session.ts';
import { PORT_FORWARD_PROTOCOL, type PortForwardTarget, servePortForward, TUNNEL_PROTOCOL } from './port-forward.ts';
import { type RemoteStreams, type StreamRequest, streamRequest } from './remote-streams.ts';
import { EXEC_SPDY_PROTOCOLS, spdyStreams } from './spdy-streams.ts';
import { PORTS_PROTOCOL, serveWebsocketPorts } from './websocket-ports.ts';
import { EXEC_WEBSOCKET_PROTOCOLS, websocketStreams } from './websocket-streams.ts';

/** Why a session is refused, for the client; becomes an HTTP answer. */
export interface Refusal {
  readonly code: 400 | 403 | 404 | 500;
  readonly message: string;
}

/** What the server asks of the node. */
export interface StreamTargets {
  exec(
    namespace: string,
    pod: string,
    container: string,
    command: readonly string[],
  ): Promise<ContainerCommand | Refusal>;
  /** Joins a running container's own streams until the client or the container ends. */
  attach(
    namespace: string,
    pod: string,
    container: string,
    request: StreamRequest,
  ): ((streams: RemoteStreams) => Promise<void>) | Refusal;
  portForward(namespace: string, pod: string): PortForwardTarget | Refusal;
}

/** Takes the upgrade requests of a node's server. */
export interface StreamServer {
  /** A request with `Upgrade`; authorized. */
  upgrade(request: IncomingMessage, socket: Duplex, head: Buffer): void;
  /** Ends all sessions. */
  stop(): void;
}

const SPDY = 'SPDY/3.1';
/** A channel number is one byte, and each port has two. */
const MOST_PORTS = 127;
/** Longest message of a WebSocket client, in bytes. */
const MESSAGE_MAX_BYTES = 4 * 1024 * 1024;

/**
 * Serves `exec/NAMESPACE/POD/CONTAINER?command=…`, `attach/NAMESPACE/POD/CONTAINER` and
 * `portForward/NAMESPACE/POD` by WebSocket and by SPDY.
 */
export function createStreamServer(targets: StreamTargets, clock: Clock): StreamServer {
  const open = new Set<Duplex>();
  /** What each request's path allows: the same name means different things for exec and port-forward. */
  const chosen = new WeakMap<IncomingMessage, readonly string[]>();
  const websockets = new WebSocketServer({
    noServer: true,
    clientTracking: false,
    maxPayload: MESSAGE_MAX_BYTES,
    perMessageDeflate: false,
    handleProtocols: (offered, request) => chosen.get(request)?.find((protocol) => offered.has(protocol)) ?? false,
  });
  /** The name of tunnels has a slash, which is no name of a protocol for the library: it never sees it. */
  const tunnels = new WeakSet<IncomingMessage>();
  websockets.on('headers', (lines, request) => {
    if (tunnels.has(request)) lines.push(`Sec-WebSocket-Protocol: ${TUNNEL_PROTOCOL}`);
  });

  const handle = async (request: IncomingMessage, socket: Duplex, head: Buffer): Promise<void> => {
    const url = new URL(request.url ?? '/', 'http://node');
    const [, what, ...names] = url.pathname.split('/').map(decodeURIComponent);
    const [namespace = '', pod = '', container = ''] = names;
    const isSpdy = (request.headers.upgrade ?? '').toLowerCase() === SPDY.toLowerCase();
    const offered = splitList(request.headers[isSpdy ? 'x-stream-protocol-version' : 'sec-websocket-protocol']);
    const byWebsocket = (protocols: readonly string[]): Promise<WebSocket> => {
      chosen.set(request, protocols);
      if (protocols.includes(TUNNEL_PROTOCOL)) {
        tunnels.add(request);
        delete request.headers['sec-websocket-protocol'];
      }
      return new Promise((resolve) => websockets.handleUpgrade(request, socket, head, resolve));
    };
    const bySpdy = (protocol: string): Duplex => {
      socket.write(
        `HTTP/1.1 101 Switching Protocols\r\nConnection: Upgrade\r\nUpgrade: ${SPDY}\r\n` +
          `X-Stream-Protocol-Version: ${protocol}\r\n\r\n`,
      );
      if (head.length > 0) socket.unshift(head);
      return socket;
    };
    if (what === 'portForward' && names.length === 2) {
      const known = isSpdy ? [PORT_FORWARD_PROTOCOL] : [TUNNEL_PROTOCOL, PORTS_PROTOCOL];
      const protocol = known.find((candidate) => offered.includes(candidate));
      if (protocol === undefined) return refuse(socket, noProtocol(offered, known));
      const target = targets.portForward(namespace, pod);
      if ('message' in target) return refuse(socket, target);
      if (protocol === PORTS_PROTOCOL) {
        const ports = parsePorts(url.searchParams);
        if (ports === undefined) return refuse(socket, { code: 400, message: 'query parameter "ports" is required' });
        serveWebsocketPorts(await byWebsocket([protocol]), target, ports, `${pod}_${namespace}`);
        return;
      }
      const transport = isSpdy
        ? bySpdy(protocol)
        : createWebSocketStream(await byWebsocket([protocol]), { readableObjectMode: false });
      servePortForward(transport, target, `${pod}_${namespace}`);
      return;
    }
    if ((what !== 'exec' && what !== 'attach') || names.length !== 3) {
      return refuse(socket, { code: 404, message: 'not found' });
    }
    const wanted = streamRequest(url.searchParams);
    if (!wanted.stdin && !wanted.stdout && !wanted.stderr) {
      return refuse(socket, { code: 400, message: 'you must specify at least 1 of stdin, stdout, stderr' });
    }
    const known: readonly string[] = isSpdy ? EXEC_SPDY_PROTOCOLS : EXEC_WEBSOCKET_PROTOCOLS;
    const protocol = known.find((candidate) => offered.includes(candidate));
    if (protocol === undefined) return refuse(socket, noProtocol(offered, known));
    let session: (streams: RemoteStreams) => Promise<void>;
    if (what === 'exec') {
      const command = await targets.exec(namespace, pod, container, url.searchParams.getAll('command'));
      if ('message' in command) return refuse(socket, command);
      session = (streams) => runExecSession(streams, wanted, command, clock);
    } else {
      const attached = targets.attach(namespace, pod, container, wanted);
      if (typeof attached !== 'function') return refuse(socket, attached);
      session = attached;
    }
    const streams = isSpdy
      ? await spdyStreams(bySpdy(protocol), wanted, protocol, clock)
      : websocketStreams(await byWebsocket([protocol]), wanted);
    if (streams !== undefined) await session(streams);
  };

  return {
    upgrade(request, socket, head) {
      open.add(socket);
      socket.on('error', () => socket.destroy());
      socket.once('close', () => open.delete(socket));
      handle(request, socket, head).catch(() => socket.destroy());
    },
    stop() {
      for (const socket of open) socket.destroy();
    },
  };
}

function splitList(header: string | readonly string[] | undefined): string[] {
  return String(header ?? '')
    .split(',')
    .map((part) => part.trim())
    .filter((part) => part !== '');
}

function noProtocol(offered: readonly string[], known: readonly string[]): Refusal {
  const message = `unable to negotiate protocol: client supports [${offered.join(' ')}], server supports [${known.join(' ')}]`;
  return { code: 403, message };
}

function refuse(socket: Duplex, { code, message }: Refusal): void {
  const body = `${message}\n`;
  socket.end(
    `HTTP/1.1 ${code} Refused\r\nContent-Type: text/plain; charset=utf-8\r\n` +
      `Content-Length: ${Buffer.byteLength(body)}\r\nConnection: close\r\n\r\n${body}`,
  );
}

/** `ports=80&ports=443` or `ports=80,443`; undefined without any or with one that is none. */
function parsePorts(query: URLSearchParams): readonly number[] | undefined {
  const ports = query
    .getAll('ports')
    .flatMap((text) => text.split(','))
    .map(Number);
  const good = ports.every((port) => Number.isInteger(port) && port >= 1 && port <= 65_535);
  return good && ports.length > 0 && ports.length <= MOST_PORTS ? ports : undefined;
}
