/** UDP port of control packets of sessions over one hop (RFC 5881 4). */
export const BFD_PORT = 3784;
/** Octets of a control packet without authentication (RFC 5880 4.1). */
const bfdPacketBytes = 24;

/** States by their number on the wire. */
export const bfdStates = ['AdminDown', 'Down', 'Init', 'Up'] as const;
/** State of a session as one side sees it. */
export type BfdState = (typeof bfdStates)[number];

/** Why a session went down last (RFC 5880 4.1). */
export const bfdDiagnostic = {
  none: 0,
  detectionTimeExpired: 1,
  neighborSignaledDown: 3,
  administrativelyDown: 7,
} as const;

/** A control packet without authentication. Intervals in microseconds. */
export interface BfdPacket {
  readonly diagnostic: number;
  readonly state: BfdState;
  /** The sender wants an answer with `final` to this packet. */
  readonly poll: boolean;
  readonly final: boolean;
  readonly controlPlaneIndependent: boolean;
  /** The sender wants no periodic packets while the session is up on both sides. */
  readonly demand: boolean;
  /** 1..255. */
  readonly detectMultiplier: number;
  /** The sender's number of the session; never 0. */
  readonly myDiscriminator: number;
  /** The receiver's number of the session; 0: not known yet. */
  readonly yourDiscriminator: number;
  readonly desiredMinTxUs: number;
  /** 0: the sender wants no periodic packets. */
  readonly requiredMinRxUs: number;
  /** 0: the sender takes no echo packets. */
  readonly requiredMinEchoRxUs: number;
}

const version = 1;
const pollBit = 0x20;
const finalBit = 0x10;
const independentBit = 0x08;
const authenticationBit = 0x04;
const demandBit = 0x02;
const multipointBit = 0x01;

/** The packet's {@link bfdPacketBytes} octets. */
export function writeBfdPacket(packet: BfdPacket): Uint8Array {
  const bytes = new Uint8Array(bfdPacketBytes);
  const view = new DataView(bytes.buffer);
  bytes[0] = (version << 5) | (packet.diagnostic & 0x1f);
  bytes[1] =
    (bfdStates.indexOf(packet.state) << 6) |
    (packet.poll ? pollBit : 0) |
    (packet.final ? finalBit : 0) |
    (packet.controlPlaneIndependent ? independentBit : 0) |
    (packet.demand ? demandBit : 0);
  bytes[2] = packet.detectMultiplier;
  bytes[3] = bfdPacketBytes;
  view.setUint32(4, packet.myDiscriminator);
  view.setUint32(8, packet.yourDiscriminator);
  view.setUint32(12, packet.desiredMinTxUs);
  view.setUint32(16, packet.requiredMinRxUs);
  view.setUint32(20, packet.requiredMinEchoRxUs);
  return bytes;
}

/**
 * Reads a datagram. `undefined`: it must be discarded (RFC 5880 6.8.6), be it malformed, of another version,
 * multipoint, or authenticated, which no session here is.
 */
export function readBfdPacket(bytes: Uint8Array): BfdPacket | undefined {
  const [first = 0, flags = 0, detectMultiplier = 0, length = 0] = bytes;
  if (first >> 5 !== version || length < bfdPacketBytes || length > bytes.length || detectMultiplier === 0) {
    return undefined;
  }
  const poll = (flags & pollBit) !== 0;
  const final = (flags & finalBit) !== 0;
  if ((flags & (authenticationBit | multipointBit)) !== 0 || (poll && final)) return undefined;
  const view = new DataView(bytes.buffer, bytes.byteOffset, bfdPacketBytes);
  const state = bfdStates[flags >> 6] ?? 'AdminDown';
  const myDiscriminator = view.getUint32(4);
  const yourDiscriminator = view.getUint32(8);
  if (myDiscriminator === 0) return undefined;
  if (yourDiscriminator === 0 && state !== 'Down' && state !== 'AdminDown') return undefined;
  return {
    diagnostic: first & 0x1f,
    state,
    poll,
    final,
    controlPlaneIndependent: (flags & independentBit) !== 0,
    demand: (flags & demandBit) !== 0,
    detectMultiplier,
    myDiscriminator,
    yourDiscriminator,
    desiredMinTxUs: view.getUint32(12),
    requiredMinRxUs: view.getUint32(16),
    requiredMinEchoRxUs: view.getUint32(20),
  };
}
