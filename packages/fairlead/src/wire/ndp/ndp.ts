/** EtherType of IPv6. */
export const ETHERTYPE_IPV6 = 0x86dd;
export const NEIGHBOR_SOLICITATION = 135;
export const NEIGHBOR_ADVERTISEMENT = 136;

const ethernetBytes = 14;
const ipBytes = 40;
const messageStart = ethernetBytes + ipBytes;
const protocolIcmpv6 = 58;
const sourceLinkLayerOption = 1;
const targetLinkLayerOption = 2;
const flagSolicited = 0x40;
const flagOverride = 0x20;
const unspecified = new Uint8Array(16);
const allNodes = Uint8Array.of(0xff, 0x02, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 1);

/** A neighbour solicitation or advertisement (RFC 4861 4.3, 4.4). Addresses have 16 bytes, link addresses 6. */
export interface NdpPacket {
  readonly type: typeof NEIGHBOR_SOLICITATION | typeof NEIGHBOR_ADVERTISEMENT;
  /** Ethernet source of the frame. */
  readonly frameSource: Uint8Array;
  readonly source: Uint8Array;
  readonly target: Uint8Array;
  /** Source (solicitation) or target (advertisement) link-layer address option. */
  readonly linkAddress: Uint8Array | undefined;
  /** The sender has no address yet: duplicate address detection (RFC 4862 5.4). */
  readonly isProbe: boolean;
}

function sum(bytes: Uint8Array, from: number, to: number, start: number): number {
  let total = start;
  for (let at = from; at < to; at += 2) total += ((bytes[at] ?? 0) << 8) | (at + 1 < to ? (bytes[at + 1] ?? 0) : 0);
  return total;
}

/** ICMPv6 checksum over the pseudo header (RFC 4443 2.3) of a frame; 0 when the one in the frame is right. */
function checksum(frame: Uint8Array, length: number): number {
  let total = sum(frame, ethernetBytes + 8, messageStart + length, length + protocolIcmpv6);
  while (total > 0xffff) total = (total & 0xffff) + (total >>> 16);
  return ~total & 0xffff;
}

/**
 * Reads an Ethernet frame; `undefined` for anything but a valid solicitation or advertisement (RFC 4861 7.1): hop
 * limit 255, so it comes from the link, checksum right, options of some length.
 *
 *     0 ethernet | 14 IPv6 | 54 type, code, checksum | 58 flags | 62 target | 78 options
 */
export function readNdp(frame: Uint8Array): NdpPacket | undefined {
  if (frame.length < messageStart + 24) return undefined;
  const view = new DataView(frame.buffer, frame.byteOffset, frame.length);
  if (view.getUint16(12) !== ETHERTYPE_IPV6 || frame[20] !== protocolIcmpv6 || frame[21] !== 255) return undefined;
  const type = frame[54];
  if ((type !== NEIGHBOR_SOLICITATION && type !== NEIGHBOR_ADVERTISEMENT) || frame[55] !== 0) return undefined;
  const length = view.getUint16(18);
  if (length < 24 || messageStart + length > frame.length || checksum(frame, length) !== 0) return undefined;
  const target = frame.slice(62, 78);
  if (target[0] === 0xff) return undefined;
  let linkAddress: Uint8Array | undefined;
  const wanted = type === NEIGHBOR_SOLICITATION ? sourceLinkLayerOption : targetLinkLayerOption;
  for (let at = 78; at < messageStart + length; ) {
    const size = (frame[at + 1] ?? 0) * 8;
    if (size === 0 || at + size > messageStart + length) return undefined;
    if (frame[at] === wanted && size === 8) linkAddress = frame.slice(at + 2, at + 8);
    at += size;
  }
  const source = frame.slice(22, 38);
  const isProbe = type === NEIGHBOR_SOLICITATION && source.every((byte) => byte === 0);
  if (isProbe && linkAddress !== undefined) return undefined;
  return { type, frameSource: frame.slice(6, 12), source, target, linkAddress, isProbe };
}

interface Message {
  readonly type: number;
  readonly toMac: Uint8Array;
  readonly fromMac: Uint8Array;
  readonly to: Uint8Array;
  readonly from: Uint8Array;
  readonly flags: number;
  readonly target: Uint8Array;
  /** Type of the option that carries `fromMac`; 0: none. */
  readonly option: number;
}

function writeMessage(message: Message): Uint8Array {
  const length = 24 + (message.option === 0 ? 0 : 8);
  const frame = new Uint8Array(messageStart + length);
  const view = new DataView(frame.buffer);
  frame.set(message.toMac, 0);
  frame.set(message.fromMac, 6);
  view.setUint16(12, ETHERTYPE_IPV6);
  frame[14] = 0x60;
  view.setUint16(18, length);
  frame[20] = protocolIcmpv6;
  frame[21] = 255;
  frame.set(message.from, 22);
  frame.set(message.to, 38);
  frame[54] = message.type;
  frame[58] = message.flags;
  frame.set(message.target, 62);
  if (message.option !== 0) {
    frame[78] = message.option;
    frame[79] = 1;
    frame.set(message.fromMac, 80);
  }
  view.setUint16(56, checksum(frame, length));
  return frame;
}

/** Ethernet group of a multicast address (RFC 2464 7). */
function multicastMac(address: Uint8Array): Uint8Array {
  return Uint8Array.of(0x33, 0x33, address[12]!, address[13]!, address[14]!, address[15]!);
}

/** The group in which an address is asked for: ff02::1:ff and its last three bytes (RFC 4291 2.7.1). */
export function solicitedNodeGroup(address: Uint8Array): Uint8Array {
  const group = Uint8Array.of(0xff, 0x02, 0, 0, 0, 0, 0, 0, 0, 0, 0, 1, 0xff, 0, 0, 0);
  group.set(address.subarray(13, 16), 13);
  return group;
}

/** The answer to a solicitation: its target is at `mac`. A prober has no address and is told with everybody. */
export function neighborAdvertisement(solicitation: NdpPacket, mac: Uint8Array): Uint8Array {
  const toAll = solicitation.isProbe;
  return writeMessage({
    type: NEIGHBOR_ADVERTISEMENT,
    toMac: toAll ? multicastMac(allNodes) : (solicitation.linkAddress ?? solicitation.frameSource),
    fromMac: mac,
    to: toAll ? allNodes : solicitation.source,
    from: solicitation.target,
    flags: flagOverride | (toAll ? 0 : flagSolicited),
    target: solicitation.target,
    option: targetLinkLayerOption,
  });
}

/** Tells everybody that an address is at `mac` (RFC 4861 7.2.6). */
export function unsolicitedAdvertisement(target: Uint8Array, mac: Uint8Array): Uint8Array {
  return writeMessage({
    type: NEIGHBOR_ADVERTISEMENT,
    toMac: multicastMac(allNodes),
    fromMac: mac,
    to: allNodes,
    from: target,
    flags: flagOverride,
    target,
    option: targetLinkLayerOption,
  });
}

/** Asks who has an address, without claiming any (RFC 4862 5.4.2). */
export function neighborProbe(target: Uint8Array, mac: Uint8Array): Uint8Array {
  const group = solicitedNodeGroup(target);
  return writeMessage({
    type: NEIGHBOR_SOLICITATION,
    toMac: multicastMac(group),
    fromMac: mac,
    to: group,
    from: unspecified,
    flags: 0,
    target,
    option: 0,
  });
}
