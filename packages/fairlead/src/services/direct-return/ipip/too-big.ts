import {
  type BpfLine,
  compute,
  jump,
  jumpIf,
  label,
  leaveProgram,
  load,
  networkOrder,
  store,
} from '../../../sys/bpf-assembler.ts';
import type { PacketShape } from './packet-shape.ts';
import {
  askForRoute,
  clear,
  copyWords,
  cutPacket,
  findRoute,
  foldChecksum,
  headerChecksum,
  inPacket,
  makeRoom,
  plainHeader,
  readPacket,
  routeField,
  routeResult,
  sendByRoute,
  sumStack,
  writePacket,
} from './program-parts.ts';

/** Places on the stack that the program before this has used, and one of 136 bytes that is free. */
export interface TooBigStack {
  readonly innerAt: number;
  readonly routeAt: number;
  readonly outerAt: number;
  readonly messageAt: number;
}

const messageHeaderBytes = 8;
/** IPv6 guarantees that much; no sender goes below. */
const smallestIpv6 = 1280;

/** What the message is in each family: RFC 792 and RFC 1191, RFC 4443 §3.2. */
const messages = {
  IPv4: {
    protocol: 1,
    // "Destination unreachable", "fragmentation needed".
    type: 3,
    code: 4,
    /** A header with all options, and 8 bytes. */
    quotedBytes: 68,
    mtuAt: 6,
    pseudoHeaderBytes: 0,
  },
  IPv6: { protocol: 58, type: 2, code: 0, quotedBytes: 80, mtuAt: 4, pseudoHeaderBytes: 40 },
} as const;

/** The checksum of ICMPv6 also covers this: addresses, length, protocol (RFC 8200 §8.1). */
function pseudoHeader(at: number, innerAt: number, { family, addressBytes, sourceAt }: PacketShape): BpfLine[] {
  if (family === 'IPv4') return [];
  const { quotedBytes, protocol } = messages.IPv6;
  return [
    ...clear(at, 40),
    ...copyWords('r7', 0, at, addressBytes),
    ...copyWords('r10', innerAt + sourceAt, at + addressBytes, addressBytes),
    store('byte', 'r10', at + 2 * addressBytes + 3, messageHeaderBytes + quotedBytes),
    store('byte', 'r10', at + 2 * addressBytes + 7, protocol),
  ];
}

/**
 * Turns a packet that does not fit the way to its endpoint into the answer that says so, and sends it to the sender.
 * r7 leads to the node's own address; the answer to the look-up of the route has the link's size.
 */
export function tellTooBig(shape: PacketShape, { innerAt, routeAt, outerAt, messageAt }: TooBigStack): BpfLine[] {
  const { family, headerBytes, addressBytes, sourceAt, destinationAt } = shape;
  const { protocol, type, code, quotedBytes, mtuAt, pseudoHeaderBytes } = messages[family];
  const { header, body } = inPacket(shape);
  const icmpAt = messageAt + pseudoHeaderBytes;
  const length = messageHeaderBytes + quotedBytes;
  return [
    load('half', 'r9', 'r10', routeAt + routeField.length),
    compute('subtract', 'r9', headerBytes),
    ...(family === 'IPv4'
      ? []
      : [jumpIf('greater', 'r9', smallestIpv6, 'told-size'), compute('move', 'r9', smallestIpv6), label('told-size')]),
    ...cutPacket(header + quotedBytes, 'drop'),
    ...pseudoHeader(messageAt, innerAt, shape),
    ...clear(icmpAt, messageHeaderBytes),
    ...readPacket(header, icmpAt + messageHeaderBytes, quotedBytes, 'drop'),
    store('byte', 'r10', icmpAt, type),
    store('byte', 'r10', icmpAt + 1, code),
    networkOrder('r9', family === 'IPv4' ? 16 : 32),
    store(family === 'IPv4' ? 'half' : 'word', 'r10', icmpAt + mtuAt, 'r9'),
    ...sumStack(messageAt, pseudoHeaderBytes + length),
    ...foldChecksum('r0'),
    store('half', 'r10', icmpAt + 2, 'r0'),
    compute('move', 'r4', 0),
    ...makeRoom(headerBytes + messageHeaderBytes, 'drop'),
    compute('move', 'r1', shape.lengthCountsHeader ? headerBytes + length : length),
    ...plainHeader(outerAt, shape, protocol, 'r1'),
    ...copyWords('r7', 0, outerAt + sourceAt, addressBytes),
    ...copyWords('r10', innerAt + sourceAt, outerAt + destinationAt, addressBytes),
    ...(family === 'IPv4' ? headerChecksum(outerAt) : []),
    ...writePacket(outerAt, header, headerBytes, 'drop'),
    ...writePacket(icmpAt, body, messageHeaderBytes, 'drop'),
    ...askForRoute(routeAt, shape, protocol),
    ...copyWords('r10', outerAt + sourceAt, routeAt + routeField.source, addressBytes),
    ...copyWords('r10', outerAt + destinationAt, routeAt + routeField.destination, addressBytes),
    store('half', 'r10', routeAt + routeField.length, headerBytes + length),
    ...findRoute(routeAt),
    jumpIf('equal', 'r0', routeResult.found, 'tell'),
    jumpIf('equal', 'r0', routeResult.neighbourUnknown, 'tell'),
    jump('drop'),
    label('tell'),
    ...sendByRoute(routeAt),
    leaveProgram(),
  ];
}
