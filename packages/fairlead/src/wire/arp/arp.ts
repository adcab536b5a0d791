/** EtherType of ARP. */
export const ETHERTYPE_ARP = 0x0806;
/** An ARP packet for Ethernet and IPv4 with its Ethernet header, bytes. */
const ARP_FRAME_BYTES = 42;

/** Operations (RFC 826). */
export const ARP_REQUEST = 1;
export const ARP_REPLY = 2;

/** An ARP packet (RFC 826): hardware addresses have 6 bytes, protocol addresses are 32-bit numbers. */
export interface ArpPacket {
  readonly operation: number;
  readonly senderMac: Uint8Array;
  readonly senderIp: number;
  readonly targetMac: Uint8Array;
  readonly targetIp: number;
}

const broadcast = new Uint8Array(6).fill(0xff);
const nobody = new Uint8Array(6);

/**
 * Reads an Ethernet frame; `undefined` for anything but ARP for Ethernet and IPv4.
 *
 *     0 destination | 6 source | 12 ethertype | 14 htype 1 | 16 ptype 0x0800 | 18 hlen 6 | 19 plen 4
 *     20 operation | 22 sender mac | 28 sender ip | 32 target mac | 38 target ip
 */
export function readArp(frame: Uint8Array): ArpPacket | undefined {
  if (frame.length < ARP_FRAME_BYTES) return undefined;
  const view = new DataView(frame.buffer, frame.byteOffset, frame.length);
  if (view.getUint16(12) !== ETHERTYPE_ARP || view.getUint16(14) !== 1 || view.getUint16(16) !== 0x0800)
    return undefined;
  if (view.getUint16(18) !== 0x0604) return undefined;
  return {
    operation: view.getUint16(20),
    senderMac: frame.slice(22, 28),
    senderIp: view.getUint32(28),
    targetMac: frame.slice(32, 38),
    targetIp: view.getUint32(38),
  };
}

function writeArp(destination: Uint8Array, packet: ArpPacket): Uint8Array {
  const frame = new Uint8Array(ARP_FRAME_BYTES);
  const view = new DataView(frame.buffer);
  frame.set(destination, 0);
  frame.set(packet.senderMac, 6);
  view.setUint16(12, ETHERTYPE_ARP);
  view.setUint16(14, 1);
  view.setUint16(16, 0x0800);
  view.setUint16(18, 0x0604);
  view.setUint16(20, packet.operation);
  frame.set(packet.senderMac, 22);
  view.setUint32(28, packet.senderIp);
  frame.set(packet.targetMac, 32);
  view.setUint32(38, packet.targetIp);
  return frame;
}

/** The answer to a request: the asked address is at `mac`. */
export function arpReply(request: ArpPacket, mac: Uint8Array): Uint8Array {
  return writeArp(request.senderMac, {
    operation: ARP_REPLY,
    senderMac: mac,
    senderIp: request.targetIp,
    targetMac: request.senderMac,
    targetIp: request.senderIp,
  });
}

/** Tells everybody that an address is at `mac`: some listen to requests only, some to replies only (RFC 5227 3). */
export function arpAnnouncements(ip: number, mac: Uint8Array): Uint8Array[] {
  const fields = { senderMac: mac, senderIp: ip, targetIp: ip };
  return [
    writeArp(broadcast, { ...fields, operation: ARP_REQUEST, targetMac: nobody }),
    writeArp(broadcast, { ...fields, operation: ARP_REPLY, targetMac: broadcast }),
  ];
}

/** Asks who has an address, without claiming any (RFC 5227 2.1.1). */
export function arpProbe(ip: number, mac: Uint8Array): Uint8Array {
  return writeArp(broadcast, { operation: ARP_REQUEST, senderMac: mac, senderIp: 0, targetMac: nobody, targetIp: ip });
}
