import { createSocket } from 'node:dgram';
import { createServer } from 'node:net';
import { negativeErrno } from '../reactor/node-errors.ts';
import type { RouteListener } from '../routing/route-table.ts';
import { sharesPorts } from '../sys/engine-kind.ts';
import { socketAddress } from '../sys/socket-address.ts';
import { badListener, listenError } from './listener-error.ts';
import type { ListenerOpener } from './listener-opener.ts';

/**
 * For workers on node:net, which open their sockets themselves: finds out whether the address can be had,
 * and which port, by binding it for a moment. A worker that dies loses what waits in its accept queue.
 */
export const openListenerPlaces: ListenerOpener = async (listener, workers) => {
  const { address } = listener;
  if (socketAddress(address, listener.port) === undefined) throw badListener(listener);
  const port = await (listener.protocol === 'udp' ? probeUdp(listener) : probeTcp(listener));
  const place = { address, port, isShared: sharesPorts };
  return { listener, port, sockets: new Array(workers).fill(place), quicSockets: [], close() {} };
};

function probeTcp(listener: RouteListener): Promise<number> {
  return new Promise((resolve, reject) => {
    const { address: host, port } = listener;
    const server = createServer();
    server.on('error', (error) => reject(listenError(listener, negativeErrno(error))));
    server.listen({ host, port, exclusive: true, ipv6Only: host !== '::' }, () => {
      const bound = server.address();
      server.close(() => resolve(bound === null || typeof bound === 'string' ? port : bound.port));
    });
  });
}

function probeUdp(listener: RouteListener): Promise<number> {
  return new Promise((resolve, reject) => {
    const { address, port } = listener;
    const isIpv6 = address.includes(':');
    const socket = createSocket({ type: isIpv6 ? 'udp6' : 'udp4', ipv6Only: isIpv6 && address !== '::' });
    socket.on('error', (error) => {
      socket.close();
      reject(listenError(listener, negativeErrno(error)));
    });
    socket.bind({ address, port, exclusive: true }, () => {
      const bound = socket.address().port;
      socket.close(() => resolve(bound));
    });
  });
}
