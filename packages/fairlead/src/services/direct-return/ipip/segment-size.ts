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
import { isPlain, isWhole, vipsMap } from './decapsulation.ts';
import type { PacketShape } from './packet-shape.ts';
import { filterResult, inPacket, lookUp, mendChecksum, packet, readPacket, writePacket } from './program-parts.ts';

const headerAt = -40;
const tcpAt = -80;
const tcp = 6;
const synFlag = 2;
const optionsAt = 20;
const segmentSizeOption = 0x0402;

/**
 * Lowers the segment size that endpoints announce in handshakes from addresses of Services, by what the outer header
 * takes: clients' segments then fit the way to the endpoint without being told. The option is looked for where
 * stacks put it: first (RFC 9293 §3.2 leaves the order open); without it, messages about the size do the same.
 */
export function segmentSizeProgram(shape: PacketShape): BpfLine[] {
  const { headerBytes, sourceAt, protocolAt } = shape;
  const { header, body } = inPacket(shape);
  return [
    compute('move', packet, 'r1'),
    ...readPacket(header, headerAt, headerBytes, 'other'),
    ...isPlain(shape, headerAt, 'other'),
    load('byte', 'r1', 'r10', headerAt + protocolAt),
    jumpIf('unequal', 'r1', tcp, 'other'),
    ...isWhole(shape, headerAt, 'other'),
    ...lookUp(vipsMap, headerAt + sourceAt, 'other'),
    ...readPacket(body, tcpAt, optionsAt + 4, 'other'),
    load('byte', 'r1', 'r10', tcpAt + 13),
    jumpIf('anyBit', 'r1', synFlag, 'handshake'),
    jump('other'),
    label('handshake'),
    load('half', 'r1', 'r10', tcpAt + optionsAt),
    jumpIf('unequal', 'r1', segmentSizeOption, 'other'),
    load('half', 'r3', 'r10', tcpAt + optionsAt + 2),
    compute('move', 'r4', 'r3'),
    networkOrder('r4', 16),
    jumpIf('less', 'r4', 2 * headerBytes, 'other'),
    compute('subtract', 'r4', headerBytes),
    networkOrder('r4', 16),
    store('half', 'r10', tcpAt + optionsAt + 2, 'r4'),
    ...mendChecksum('transport', body + 16, 'drop'),
    ...writePacket(tcpAt + optionsAt + 2, body + optionsAt + 2, 2, 'drop'),
    label('other'),
    compute('move', 'r0', filterResult.goOn),
    leaveProgram(),
    label('drop'),
    compute('move', 'r0', filterResult.drop),
    leaveProgram(),
  ];
}
