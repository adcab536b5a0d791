/** Record and query types (IANA DNS parameters) that the server gives a meaning to; all others pass as numbers. */
export const rrType = {
  A: 1,
  NS: 2,
  CNAME: 5,
  SOA: 6,
  PTR: 12,
  HINFO: 13,
  MX: 15,
  TXT: 16,
  AAAA: 28,
  SRV: 33,
  DNAME: 39,
  OPT: 41,
  SVCB: 64,
  HTTPS: 65,
  TSIG: 250,
  IXFR: 251,
  AXFR: 252,
  ANY: 255,
} as const;

/** Classes (RFC 1035 3.2.4). */
export const rrClass = { IN: 1, CH: 3, ANY: 255 } as const;

/** Response codes; values above 15 need an OPT record (RFC 6891 6.1.3). */
export const rcode = {
  NOERROR: 0,
  FORMERR: 1,
  SERVFAIL: 2,
  NXDOMAIN: 3,
  NOTIMP: 4,
  REFUSED: 5,
  NOTAUTH: 9,
  BADVERS: 16,
  BADCOOKIE: 23,
} as const;

/** Bits of the third and fourth header byte, as one 16-bit word (RFC 1035 4.1.1, RFC 4035 3.2). */
export const headerFlag = {
  QR: 0x8000,
  AA: 0x0400,
  TC: 0x0200,
  RD: 0x0100,
  RA: 0x0080,
  AD: 0x0020,
  CD: 0x0010,
} as const;

/** Length of the message header in bytes. */
export const headerBytes = 12;
/** Largest name on the wire, with its root label (RFC 1035 2.3.4). */
export const nameMaxBytes = 255;
/** Largest label. */
export const labelMaxBytes = 63;
/** Largest UDP payload we announce and send (DNS flag day 2020): fits any path without fragments. */
export const udpPayloadBytes = 1232;
/** Largest UDP answer to a query without OPT (RFC 1035 4.2.1). */
export const udpClassicBytes = 512;
/** Length of an OPT record without options. */
export const optBytes = 11;

/** EDNS option codes that have a meaning here. */
export const ednsOption = { clientSubnet: 8, cookie: 10, keepalive: 11, padding: 12, extendedError: 15 } as const;

/** Info codes of extended errors (RFC 8914 4). */
export const extendedError = {
  staleAnswer: 3,
  notReady: 14,
  blocked: 15,
  filtered: 17,
  prohibited: 18,
  notAuthoritative: 20,
  notSupported: 21,
  noReachableAuthority: 22,
  networkError: 23,
} as const;
