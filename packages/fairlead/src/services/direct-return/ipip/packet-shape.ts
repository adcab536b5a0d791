import type { IpFamily } from '../../cidr.ts';

/** Bytes of an Ethernet header, which every packet at a filter begins with. */
export const linkHeaderBytes = 14;

/** Where the fields of an IP header are, in bytes, and how the kernel names the family. */
export interface PacketShape {
  readonly family: IpFamily;
  /** AF_INET, AF_INET6. */
  readonly addressFamily: number;
  /** ETH_P_IP, ETH_P_IPV6. */
  readonly etherType: number;
  /** Without options; others are not looked at. */
  readonly headerBytes: number;
  readonly addressBytes: number;
  readonly sourceAt: number;
  readonly destinationAt: number;
  /** Of the whole packet with IPv4, of what follows the header with IPv6. */
  readonly lengthAt: number;
  readonly lengthCountsHeader: boolean;
  /** Protocol or next header. */
  readonly protocolAt: number;
  /** Time to live or hop limit. */
  readonly hopsAt: number;
  /** Protocol number of a packet of this family inside another: RFC 2003, RFC 2473. */
  readonly insideProtocol: number;
  /** BPF_F_ADJ_ROOM_ENCAP_L3_IPV4, _IPV6. */
  readonly wrapFlag: number;
}

/** Both families. */
export const packetShapes: Readonly<Record<IpFamily, PacketShape>> = {
  IPv4: {
    family: 'IPv4',
    addressFamily: 2,
    etherType: 0x0800,
    headerBytes: 20,
    addressBytes: 4,
    sourceAt: 12,
    destinationAt: 16,
    lengthAt: 2,
    lengthCountsHeader: true,
    protocolAt: 9,
    hopsAt: 8,
    insideProtocol: 4,
    wrapFlag: 2,
  },
  IPv6: {
    family: 'IPv6',
    addressFamily: 10,
    etherType: 0x86dd,
    headerBytes: 40,
    addressBytes: 16,
    sourceAt: 8,
    destinationAt: 24,
    lengthAt: 4,
    lengthCountsHeader: false,
    protocolAt: 6,
    hopsAt: 7,
    insideProtocol: 41,
    wrapFlag: 4,
  },
};
