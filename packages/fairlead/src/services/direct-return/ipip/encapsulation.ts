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
import { linkHeaderBytes, type PacketShape } from './packet-shape.ts';
import {
  askForRoute,
  copyWords,
  filterResult,
  findRoute,
  headerChecksum,
  inPacket,
  keepSegmentSize,
  lookUp,
  makeRoom,
  mendChecksum,
  packet,
  packetField,
  plainHeader,
  readPacket,
  routeField,
  routeResult,
  sendByRoute,
  writePacket,
} from './program-parts.ts';
import { tellTooBig } from './too-big.ts';

/** The map of endpoints: link address, filled up with zeros, → source and destination of the outer header. */
export const endpointsMap = 'endpoints';
export const endpointKeyBytes = 8;

const udp = 17;

/** Places on the stack. */
const keyAt = -8;
const routeAt = -72;
/** The packet's own header. */
const innerAt = -112;
/** The header that goes before it. */
const outerAt = -152;
const messageAt = -288;

/** The hop that this node is counts down in the inner header (RFC 2003 §3.1, RFC 2473 §3.1). */
function countDown({ family, hopsAt }: PacketShape): BpfLine[] {
  const at = innerAt + hopsAt;
  const spent = [load('byte', 'r1', 'r10', at), jumpIf('less', 'r1', 2, 'drop')];
  if (family === 'IPv6') {
    return [
      ...spent,
      compute('subtract', 'r1', 1),
      store('byte', 'r10', at, 'r1'),
      ...writePacket(at, linkHeaderBytes + hopsAt, 1, 'drop'),
    ];
  }
  // The field is the low byte of its 16 bits on a little-endian machine.
  return [
    ...spent,
    load('half', 'r3', 'r10', at),
    compute('move', 'r4', 'r3'),
    compute('subtract', 'r4', 1),
    store('half', 'r10', at, 'r4'),
    ...mendChecksum('header', linkHeaderBytes + 10, 'drop'),
    ...writePacket(at, linkHeaderBytes + hopsAt, 2, 'drop'),
  ];
}

/** The outer header on the stack. r9 has the inner header's length field; r7 leads to the addresses. */
function outerHeader(shape: PacketShape): BpfLine[] {
  const { family, addressBytes, sourceAt, headerBytes, insideProtocol } = shape;
  return [
    compute('add', 'r9', headerBytes),
    ...plainHeader(outerAt, shape, insideProtocol, 'r9'),
    // Traffic class with its congestion bits (RFC 6040 §4.1), and with IPv6 the flow label.
    ...(family === 'IPv4'
      ? [load('byte', 'r1', 'r10', innerAt + 1), store('byte', 'r10', outerAt + 1, 'r1')]
      : copyWords('r10', innerAt, outerAt, 4)),
    ...copyWords('r7', 0, outerAt + sourceAt, 2 * addressBytes),
    ...(family === 'IPv4' ? headerChecksum(outerAt) : []),
  ];
}

/**
 * Wraps packets that leave over the link of this filter, and sends them on by the route to the endpoint.
 *
 * ```
 * link address ─ endpoints ─▶ outer addresses ─ route ─▶ link
 *                    └ unknown: dropped      └ too big for the link: the sender is told
 * ```
 *
 * The segments of TCP offloads shrink by what the outer header takes; no outer packet is ever fragmented.
 */
export function encapsulationProgram(shape: PacketShape): BpfLine[] {
  const { headerBytes, addressBytes, lengthAt, lengthCountsHeader, protocolAt, insideProtocol, wrapFlag } = shape;
  const { header } = inPacket(shape);
  return [
    compute('move', packet, 'r1'),
    store('double', 'r10', keyAt, 0),
    ...readPacket(0, keyAt, 6, 'drop'),
    ...lookUp(endpointsMap, keyAt, 'drop'),
    compute('move', 'r7', 'r0'),
    ...readPacket(header, innerAt, headerBytes, 'drop'),
    ...askForRoute(routeAt, shape, insideProtocol),
    ...copyWords('r7', 0, routeAt + routeField.source, addressBytes),
    ...copyWords('r7', addressBytes, routeAt + routeField.destination, addressBytes),
    load('half', 'r9', 'r10', innerAt + lengthAt),
    networkOrder('r9', 16),
    // Segments of an offload are made small enough below.
    load('word', 'r1', packet, packetField.segmentSize),
    jumpIf('unequal', 'r1', 0, 'find'),
    compute('move', 'r1', 'r9'),
    compute('add', 'r1', lengthCountsHeader ? headerBytes : 2 * headerBytes),
    store('half', 'r10', routeAt + routeField.length, 'r1'),
    label('find'),
    ...findRoute(routeAt),
    jumpIf('equal', 'r0', routeResult.found, 'wrap'),
    jumpIf('equal', 'r0', routeResult.neighbourUnknown, 'wrap'),
    jumpIf('equal', 'r0', routeResult.tooBig, 'too-big'),
    jump('drop'),
    label('wrap'),
    ...countDown(shape),
    compute('move', 'r4', wrapFlag),
    load('byte', 'r1', 'r10', innerAt + protocolAt),
    jumpIf('unequal', 'r1', udp, 'room'),
    // Each segment of an offload of UDP is a datagram of its own.
    compute('or', 'r4', keepSegmentSize),
    label('room'),
    ...makeRoom(headerBytes, 'drop'),
    ...outerHeader(shape),
    ...writePacket(outerAt, header, headerBytes, 'drop'),
    ...sendByRoute(routeAt),
    leaveProgram(),
    label('too-big'),
    ...tellTooBig(shape, { innerAt, routeAt, outerAt, messageAt }),
    label('drop'),
    compute('move', 'r0', filterResult.drop),
    leaveProgram(),
  ];
}
