/** Message types and groups of rtnetlink (linux/rtnetlink.h). */
export const RTM_NEWLINK = 16;
export const RTM_GETLINK = 18;
export const RTM_NEWADDR = 20;
export const RTM_GETADDR = 22;
export const RTNLGRP_LINK = 1;
export const RTNLGRP_IPV4_IFADDR = 5;
export const RTNLGRP_IPV6_IFADDR = 9;

const IFF_UP = 0x1;
const IFF_LOOPBACK = 0x8;
const IFF_POINTOPOINT = 0x10;
const IFF_NOARP = 0x80;
const IFF_LOWER_UP = 0x10000;
const ARPHRD_ETHER = 1;

/** A network interface as rtnetlink describes it. */
export interface LinkInfo {
  readonly index: number;
  readonly name: string;
  /** 6 bytes; empty for a link without Ethernet addresses. */
  readonly mac: Uint8Array;
  /** Bytes; 0 where the kernel did not say. */
  readonly mtu: number;
  /** Up, with a carrier. */
  readonly isUp: boolean;
  /** Ethernet with ARP, neither loopback nor point to point, and no port of a bridge or bond. */
  readonly isShared: boolean;
}

/** An address of an interface. */
export interface LinkAddress {
  readonly index: number;
  /** 4 or 16 bytes. */
  readonly address: Uint8Array;
  readonly prefix: number;
}

/** Attributes: length u16 | type u16 | value, padded to 4. */
function* attributes(payload: Buffer, start: number): Generator<readonly [type: number, value: Buffer]> {
  for (let at = start; at + 4 <= payload.length; ) {
    const length = payload.readUInt16LE(at);
    if (length < 4 || at + length > payload.length) return;
    yield [payload.readUInt16LE(at + 2) & 0x3fff, payload.subarray(at + 4, at + length)];
    at += (length + 3) & ~3;
  }
}

/** Body of a request for all links: struct ifinfomsg, family any. */
export const allLinks: Uint8Array = new Uint8Array(16);
/** Body of a request for all addresses: struct ifaddrmsg, family any. */
export const allAddresses: Uint8Array = new Uint8Array(8);

/** Reads an RTM_NEWLINK. struct ifinfomsg: family u8, pad u8, type u16, index i32, flags u32, change u32. */
export function readLink(payload: Buffer): LinkInfo | undefined {
  if (payload.length < 16) return undefined;
  const flags = payload.readUInt32LE(8);
  let name = '';
  let mac = new Uint8Array(0);
  let isPort = false;
  let mtu = 0;
  for (const [type, value] of attributes(payload, 16)) {
    if (type === 1 && value.length === 6) mac = Uint8Array.from(value);
    else if (type === 3) name = value.toString('utf8').replace(/\0.*$/, '');
    else if (type === 4 && value.length === 4) mtu = value.readUInt32LE(0);
    else if (type === 10 && value.length === 4 && value.readUInt32LE(0) !== 0) isPort = true;
  }
  return {
    index: payload.readInt32LE(4),
    name,
    mac,
    mtu,
    isUp: (flags & IFF_UP) !== 0 && (flags & IFF_LOWER_UP) !== 0,
    isShared:
      payload.readUInt16LE(2) === ARPHRD_ETHER &&
      mac.length === 6 &&
      !isPort &&
      (flags & (IFF_LOOPBACK | IFF_POINTOPOINT | IFF_NOARP)) === 0,
  };
}

/** Reads an RTM_NEWADDR. struct ifaddrmsg: family u8, prefix u8, flags u8, scope u8, index u32. */
export function readLinkAddress(payload: Buffer): LinkAddress | undefined {
  if (payload.length < 8) return undefined;
  let address: Uint8Array | undefined;
  for (const [type, value] of attributes(payload, 8)) {
    // The local address, where there is one, and not that of the peer.
    if (type === 2 || (type === 1 && address === undefined)) address = Uint8Array.from(value);
  }
  if (address === undefined || (address.length !== 4 && address.length !== 16)) return undefined;
  return { index: payload.readUInt32LE(4), prefix: payload[1] ?? 0, address };
}
