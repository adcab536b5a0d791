import { type BpfLine, compute, jump, jumpIf, label, leaveProgram, load, store } from '../../../sys/bpf-assembler.ts';
import type { PacketShape } from './packet-shape.ts';
import {
  filterResult,
  inPacket,
  keepSegmentSize,
  lookUp,
  makeRoom,
  mendChecksum,
  packet,
  readPacket,
  writePacket,
} from './program-parts.ts';

/** The map of addresses that wrap packets. */
export const sendersMap = 'senders';
/** The map of addresses that wrapped packets may be for. */
export const vipsMap = 'vips';

const outerAt = -40;
const innerAt = -80;
const congestionBits = 3;

/** Header without options, of a packet of this family. */
export function isPlain({ family }: PacketShape, at: number, orElse: string): BpfLine[] {
  const first = load('byte', 'r1', 'r10', at);
  return family === 'IPv4'
    ? [first, jumpIf('unequal', 'r1', 0x45, orElse)]
    : [first, compute('shiftRight', 'r1', 4), jumpIf('unequal', 'r1', 6, orElse)];
}

/** The whole packet, not a part of one: what is left out here is reassembled by nobody. */
export function isWhole({ family }: PacketShape, at: number, orElse: string): BpfLine[] {
  // 0x3fff in the network's order: more fragments, and the offset. With IPv6 the protocol would be another.
  return family === 'IPv4' ? [load('half', 'r1', 'r10', at + 6), jumpIf('anyBit', 'r1', 0xff3f, orElse)] : [];
}

/** Where the two congestion bits are: the byte, and how far they are shifted in it (RFC 3168, RFC 8200 §7). */
function congestionPlace({ family }: PacketShape): { readonly byte: number; readonly shift: number } {
  return family === 'IPv4' ? { byte: 1, shift: 0 } : { byte: 1, shift: 4 };
}

/** What routers on the way have said of congestion goes into the inner header, or ends the packet (RFC 6040 §4.2). */
function takeOverCongestion(shape: PacketShape): BpfLine[] {
  const { byte, shift } = congestionPlace(shape);
  const mask = congestionBits << shift;
  const { body } = inPacket(shape);
  const mark =
    shape.family === 'IPv4'
      ? [
          // The byte is the high one of its 16 bits on a little-endian machine.
          load('half', 'r3', 'r10', innerAt),
          compute('move', 'r4', 'r3'),
          compute('or', 'r4', mask << 8),
          store('half', 'r10', innerAt, 'r4'),
          ...mendChecksum('header', body + 10, 'drop'),
        ]
      : [
          load('byte', 'r1', 'r10', innerAt + byte),
          compute('or', 'r1', mask),
          store('byte', 'r10', innerAt + byte, 'r1'),
        ];
  return [
    load('byte', 'r1', 'r10', outerAt + byte),
    compute('and', 'r1', mask),
    jumpIf('unequal', 'r1', mask, 'unwrap'),
    load('byte', 'r1', 'r10', innerAt + byte),
    jumpIf('anyBit', 'r1', mask, 'mark'),
    jump('drop'),
    label('mark'),
    ...mark,
    ...writePacket(innerAt, body, 2, 'drop'),
    label('unwrap'),
  ];
}

/**
 * Unwraps packets as they arrive at an endpoint: those from known nodes, for addresses of Services, and no others,
 * so that nobody brings packets past the rules of nodes. What is not unwrapped goes on as it is.
 */
export function decapsulationProgram(shape: PacketShape): BpfLine[] {
  const { headerBytes, sourceAt, destinationAt, protocolAt, insideProtocol } = shape;
  const { header, body } = inPacket(shape);
  return [
    compute('move', packet, 'r1'),
    ...readPacket(header, outerAt, headerBytes, 'other'),
    ...isPlain(shape, outerAt, 'other'),
    load('byte', 'r1', 'r10', outerAt + protocolAt),
    jumpIf('unequal', 'r1', insideProtocol, 'other'),
    ...isWhole(shape, outerAt, 'other'),
    ...lookUp(sendersMap, outerAt + sourceAt, 'other'),
    ...readPacket(body, innerAt, headerBytes, 'other'),
    load('byte', 'r1', 'r10', innerAt),
    compute('shiftRight', 'r1', 4),
    jumpIf('unequal', 'r1', shape.family === 'IPv4' ? 4 : 6, 'other'),
    ...lookUp(vipsMap, innerAt + destinationAt, 'other'),
    ...takeOverCongestion(shape),
    compute('move', 'r4', keepSegmentSize),
    ...makeRoom(-headerBytes, 'drop'),
    label('other'),
    compute('move', 'r0', filterResult.goOn),
    leaveProgram(),
    label('drop'),
    compute('move', 'r0', filterResult.drop),
    leaveProgram(),
  ];
}
