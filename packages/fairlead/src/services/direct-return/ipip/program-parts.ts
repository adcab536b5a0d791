import {
  type BpfLine,
  callFunction,
  compute,
  jumpIf,
  load,
  mapAddress,
  networkOrder,
  store,
} from '../../../sys/bpf-assembler.ts';
import { linkHeaderBytes, type PacketShape } from './packet-shape.ts';

// Helpers of the kernel, enum bpf_func_id in linux/bpf.h.
const mapLookup = 1;
const storeBytes = 9;
const changeChecksum = 10;
const changeInnerChecksum = 11;
const loadBytes = 26;
const checksumDifference = 28;
const changeTail = 38;
const adjustRoom = 50;
const routeLookup = 69;
const redirectToNeighbour = 152;

/** BPF_ADJ_ROOM_MAC: room directly behind the link header. */
const behindLinkHeader = 1;
const recomputeChecksum = 1;
/** TCP offloads keep the size of their segments. */
export const keepSegmentSize = 1;

/** Fields of `struct __sk_buff`. */
export const packetField = { interfaceIndex: 40, segmentSize: 176 } as const;

/** Fields of `struct bpf_fib_lookup`; before the look-up `length` is the packet's, afterwards it is the link's. */
export const routeField = {
  family: 0,
  protocol: 1,
  length: 6,
  interfaceIndex: 8,
  source: 16,
  destination: 32,
} as const;
const routeBytes = 64;

/** Results of a look-up of a route, BPF_FIB_LKUP_RET_*; the second: the neighbour has to be asked for. */
export const routeResult = { found: 0, neighbourUnknown: 7, tooBig: 8 } as const;

/** Results of a filter, TC_ACT_*. */
export const filterResult = { goOn: -1, drop: 2 } as const;

/** The packet, in all programs here. */
export const packet = 'r6';

/** `register` becomes the address of a place on the stack. */
function stackAddress(register: 'r2' | 'r3' | 'r4' | 'r1', at: number): BpfLine[] {
  return [compute('move', register, 'r10'), compute('add', register, at)];
}

/** Bytes of the packet to the stack; at `orElse` if it has not so many. */
export function readPacket(from: number, to: number, length: number, orElse: string): BpfLine[] {
  return [
    compute('move', 'r1', packet),
    compute('move', 'r2', from),
    ...stackAddress('r3', to),
    compute('move', 'r4', length),
    callFunction(loadBytes),
    jumpIf('unequal', 'r0', 0, orElse),
  ];
}

/** Bytes of the stack into the packet. */
export function writePacket(from: number, to: number, length: number, orElse: string): BpfLine[] {
  return [
    compute('move', 'r1', packet),
    compute('move', 'r2', to),
    ...stackAddress('r3', from),
    compute('move', 'r4', length),
    compute('move', 'r5', recomputeChecksum),
    callFunction(storeBytes),
    jumpIf('unequal', 'r0', 0, orElse),
  ];
}

/** r0 becomes the address of the value for the key on the stack; at `orElse` without one. */
export function lookUp(map: string, keyAt: number, orElse: string): BpfLine[] {
  return [
    mapAddress('r1', map),
    ...stackAddress('r2', keyAt),
    callFunction(mapLookup),
    jumpIf('equal', 'r0', 0, orElse),
  ];
}

/** A multiple of four bytes, at the address in a register, to the stack. */
export function copyWords(base: 'r7' | 'r10', from: number, to: number, length: number): BpfLine[] {
  return Array.from({ length: length / 4 }, (_, word) => [
    load('word', 'r1', base, from + 4 * word),
    store('word', 'r10', to + 4 * word, 'r1'),
  ]).flat();
}

/** A multiple of eight bytes of the stack become 0. */
export function clear(at: number, length: number): BpfLine[] {
  return Array.from({ length: length / 8 }, (_, index) => store('double', 'r10', at + 8 * index, 0));
}

/** The Internet checksum (RFC 1071) of the sum in a register. */
export function foldChecksum(sum: 'r0' | 'r1'): BpfLine[] {
  const fold = [
    compute('move', 'r2', sum),
    compute('shiftRight', 'r2', 16),
    compute('and', sum, 0xffff),
    compute('add', sum, 'r2'),
  ];
  // Each leaves a carry of at most one bit less; a sum has 32 bits at first.
  return [...fold, ...fold, ...fold, compute('xor', sum, 0xffff)];
}

/** Writes the checksum of an IPv4 header on the stack, whose field is 0 so far. */
export function headerChecksum(at: number): BpfLine[] {
  const words = Array.from({ length: 10 }, (_, index) => [
    load('half', 'r2', 'r10', at + 2 * index),
    compute('add', 'r1', 'r2'),
  ]).flat();
  return [compute('move', 'r1', 0), ...words, ...foldChecksum('r1'), store('half', 'r10', at + 10, 'r1')];
}

/** r0 becomes the sum of a multiple of four bytes on the stack. */
export function sumStack(at: number, length: number): BpfLine[] {
  return [
    compute('move', 'r1', 0),
    compute('move', 'r2', 0),
    ...stackAddress('r3', at),
    compute('move', 'r4', length),
    compute('move', 'r5', 0),
    callFunction(checksumDifference),
  ];
}

/** The 16-bit field at `field` of the packet changes from r3 to r4: so does the checksum at `at`. */
export function mendChecksum(of: 'header' | 'transport', at: number, orElse: string): BpfLine[] {
  return [
    compute('move', 'r1', packet),
    compute('move', 'r2', at),
    compute('move', 'r5', 2),
    callFunction(of === 'header' ? changeChecksum : changeInnerChecksum),
    jumpIf('unequal', 'r0', 0, orElse),
  ];
}

/** Room for so many bytes before the IP header; negative: takes them away. r4 has the flags. */
export function makeRoom(length: number, orElse: string): BpfLine[] {
  return [
    compute('move', 'r1', packet),
    compute('move', 'r2', length),
    compute('move', 'r3', behindLinkHeader),
    callFunction(adjustRoom),
    jumpIf('unequal', 'r0', 0, orElse),
  ];
}

/** Cuts the packet, with its link header, to so many bytes. */
export function cutPacket(length: number, orElse: string): BpfLine[] {
  return [
    compute('move', 'r1', packet),
    compute('move', 'r2', length),
    compute('move', 'r3', 0),
    callFunction(changeTail),
    jumpIf('unequal', 'r0', 0, orElse),
  ];
}

/** r0 becomes how the look-up of the route on the stack ended (`routeResult`). As if the packet had come over its link. */
export function findRoute(at: number): BpfLine[] {
  return [
    compute('move', 'r1', packet),
    ...stackAddress('r2', at),
    compute('move', 'r3', routeBytes),
    compute('move', 'r4', 0),
    callFunction(routeLookup),
  ];
}

/** Sends the packet over the link of the route that was found; r0 becomes the filter's result. */
export function sendByRoute(at: number): BpfLine[] {
  return [
    load('word', 'r1', 'r10', at + routeField.interfaceIndex),
    compute('move', 'r2', 0),
    compute('move', 'r3', 0),
    compute('move', 'r4', 0),
    callFunction(redirectToNeighbour),
  ];
}

/** The question for a route, on the stack, but for its addresses and length. */
export function askForRoute(at: number, { addressFamily }: PacketShape, protocol: number): BpfLine[] {
  return [
    ...clear(at, routeBytes),
    store('byte', 'r10', at + routeField.family, addressFamily),
    store('byte', 'r10', at + routeField.protocol, protocol),
    load('word', 'r1', packet, packetField.interfaceIndex),
    store('word', 'r10', at + routeField.interfaceIndex, 'r1'),
  ];
}

/**
 * An IP header on the stack, without addresses and checksum: DF, never fragmented, so its identification is 0
 * (RFC 6864). `length`: register with the length field's value; it is lost.
 */
export function plainHeader(
  at: number,
  { family, lengthAt, protocolAt, hopsAt }: PacketShape,
  protocol: number,
  length: 'r9' | 'r1',
): BpfLine[] {
  const hops = 64;
  return [
    ...clear(at, family === 'IPv4' ? 24 : 40),
    store('byte', 'r10', at, family === 'IPv4' ? 0x45 : 0x60),
    networkOrder(length, 16),
    store('half', 'r10', at + lengthAt, length),
    // 0x4000 in the network's order.
    ...(family === 'IPv4' ? [store('half', 'r10', at + 6, 0x0040)] : []),
    store('byte', 'r10', at + hopsAt, hops),
    store('byte', 'r10', at + protocolAt, protocol),
  ];
}

/** Where the IP header is in the packet, and what follows it. */
export function inPacket(shape: PacketShape): { readonly header: number; readonly body: number } {
  return { header: linkHeaderBytes, body: linkHeaderBytes + shape.headerBytes };
}
