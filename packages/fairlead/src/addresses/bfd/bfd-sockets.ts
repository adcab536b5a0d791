import { createSocket, type RemoteInfo, type Socket } from 'node:dgram';
import { isIPv6 } from 'node:net';
import type { Random } from '../../sys/clock.ts';
import { EADDRINUSE, errnoName } from '../../sys/errno.ts';
import { AF_INET, AF_INET6, IPPROTO_IPV6, SOCK_DGRAM, SOCK_NONBLOCK } from '../../sys/linux-constants.ts';
import { attachFilter, type FilterInstruction } from '../../sys/packet-socket.ts';
import { bind, close, setSocketOption, socket } from '../../sys/socket.ts';
import { socketAddress } from '../../sys/socket-address.ts';
import { BFD_PORT } from '../../wire/bfd/bfd-packet.ts';

const IPV6_V6ONLY = 26;
/** What only a neighbour's packet has on arrival: every router on the way takes one off (RFC 5881 5). */
const fullTtl = 255;
/** SKF_NET_OFF: addresses from here on count from the IP header. */
const ipHeader = 0xfff0_0000;
/** Source ports of RFC 5881 4. */
const firstPort = 49_152;
const lastPort = 65_535;
const portAttempts = 20;

/** Takes packets with a time to live of 255 only. */
function ttlFilter(v6: boolean): readonly FilterInstruction[] {
  return [
    [0x30, 0, 0, ipHeader + (v6 ? 7 : 8)],
    [0x15, 0, 1, fullTtl],
    [0x06, 0, 0, 0xffff],
    [0x06, 0, 0, 0],
  ];
}

/** Receives control packets of neighbours, of one family, at all addresses. A text says why it cannot. */
export function openBfdReceiver(v6: boolean, onPacket: (bytes: Buffer, from: RemoteInfo) => void): Socket | string {
  const fd = socket(v6 ? AF_INET6 : AF_INET, SOCK_DGRAM | SOCK_NONBLOCK);
  if (fd < 0) return `socket: ${errnoName(fd)}`;
  const address = socketAddress(v6 ? '::' : '0.0.0.0', BFD_PORT);
  let result = v6 ? setSocketOption(fd, IPPROTO_IPV6, IPV6_V6ONLY, 1) : 0;
  // Before bind: nothing from further away is ever received.
  if (result >= 0) result = attachFilter(fd, ttlFilter(v6));
  if (result >= 0) result = address === undefined ? -EADDRINUSE : bind(fd, address);
  if (result < 0) {
    close(fd);
    return `UDP port ${BFD_PORT}: ${errnoName(result)}`;
  }
  const receiver = createSocket(v6 ? { type: 'udp6', ipv6Only: true } : { type: 'udp4' });
  receiver.on('message', onPacket).on('error', () => undefined);
  receiver.bind({ fd });
  return receiver;
}

/** Sends a session's packets from a port of its own. */
export interface BfdSender {
  send(bytes: Uint8Array): void;
  close(): void;
}

function bindOnce(sender: Socket, port: number, address: string | undefined): Promise<Error | undefined> {
  return new Promise((resolve) => {
    sender.once('error', resolve);
    sender.bind({ port, ...(address === undefined ? {} : { address }) }, () => {
      sender.removeListener('error', resolve);
      resolve(undefined);
    });
  });
}

/** What was sent before the end still leaves: the last packet says that the session ends on purpose. */
function drainingSender(socket: Socket, to: string): BfdSender {
  let leaving = 0;
  let closed = false;
  const endIfDone = (): void => {
    if (closed && leaving === 0) socket.close();
  };
  return {
    send: (bytes) => {
      if (closed) return;
      leaving++;
      // A packet that cannot leave is a lost one: that is what the peer's detection time is for.
      socket.send(bytes, BFD_PORT, to, () => {
        leaving--;
        endIfDone();
      });
    },
    close: () => {
      if (closed) return;
      closed = true;
      endIfDone();
    },
  };
}

/** A socket whose packets have the full time to live. A text says why there is none. */
export async function openBfdSender(
  to: string,
  sourceAddress: string | undefined,
  random: Random,
): Promise<BfdSender | string> {
  let problem = '';
  for (let attempt = 0; attempt < portAttempts; attempt++) {
    const sender = createSocket(isIPv6(to) ? 'udp6' : 'udp4');
    const port = firstPort + Math.floor(random() * (lastPort - firstPort + 1));
    const error = (await bindOnce(sender, port, sourceAddress)) as NodeJS.ErrnoException | undefined;
    if (error !== undefined) {
      sender.close();
      problem = error.code ?? error.message;
      // Another port may be free.
      if (problem === 'EADDRINUSE') continue;
      return `source address ${sourceAddress ?? 'of the kernel'}: ${problem}`;
    }
    sender.setTTL(fullTtl);
    sender.on('error', () => undefined);
    return drainingSender(sender, to);
  }
  return `no source port: ${problem}`;
}
