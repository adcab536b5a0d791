import { netlinkAttributes } from '../wire/nft/attributes.ts';
import { formatIp } from './cidr.ts';
import type { ConntrackFlow } from './conntrack.ts';
import type { Protocol } from './program.ts';

// linux/netfilter/nfnetlink.h and nfnetlink_conntrack.h
const subsystem = 1 << 8;
/** Message types of the conntrack subsystem. */
export const conntrackMessage: { readonly new: number; readonly get: number; readonly delete: number } = {
  new: subsystem | 0,
  get: subsystem | 1,
  delete: subsystem | 2,
};
const CTA_TUPLE_ORIG = 1;
const CTA_TUPLE_REPLY = 2;
const CTA_ID = 12;
const CTA_ZONE = 18;
const CTA_TUPLE_IP = 1;
const CTA_TUPLE_PROTO = 2;
const CTA_IP_V4_SRC = 1;
const CTA_IP_V4_DST = 2;
const CTA_IP_V6_SRC = 3;
const CTA_IP_V6_DST = 4;
const CTA_PROTO_NUM = 1;
const CTA_PROTO_SRC_PORT = 2;
const CTA_PROTO_DST_PORT = 3;

const protocolNames: ReadonlyMap<number, Protocol> = new Map([
  [6, 'TCP'],
  [17, 'UDP'],
  [132, 'SCTP'],
]);

/** Bytes of `struct nfgenmsg`: family, version, resource id. */
const genericHeaderBytes = 4;

interface Tuple {
  source: string;
  destination: string;
  protocol: number;
  sourcePort: number;
  destinationPort: number;
}

function addressText(bytes: Buffer): string {
  const family = bytes.length === 4 ? 'IPv4' : 'IPv6';
  return formatIp({ family, value: BigInt(`0x${bytes.toString('hex')}`) });
}

function decodeTuple(bytes: Buffer): Tuple {
  const tuple: Tuple = { source: '', destination: '', protocol: 0, sourcePort: 0, destinationPort: 0 };
  for (const part of netlinkAttributes(bytes)) {
    if (part.type === CTA_TUPLE_IP) {
      for (const { type, value } of netlinkAttributes(part.value)) {
        if (type === CTA_IP_V4_SRC || type === CTA_IP_V6_SRC) tuple.source = addressText(value);
        else if (type === CTA_IP_V4_DST || type === CTA_IP_V6_DST) tuple.destination = addressText(value);
      }
    } else if (part.type === CTA_TUPLE_PROTO) {
      for (const { type, value } of netlinkAttributes(part.value)) {
        if (type === CTA_PROTO_NUM) tuple.protocol = value.readUInt8(0);
        else if (type === CTA_PROTO_SRC_PORT) tuple.sourcePort = value.readUInt16BE(0);
        else if (type === CTA_PROTO_DST_PORT) tuple.destinationPort = value.readUInt16BE(0);
      }
    }
  }
  return tuple;
}

/** Body of a request for all entries of a family (AF_INET 2, AF_INET6 10). */
export function conntrackDumpBody(family: 'IPv4' | 'IPv6'): Buffer {
  return Buffer.from([family === 'IPv4' ? 2 : 10, 0, 0, 0]);
}

/** Decodes one entry; `undefined` when no Service can have its protocol. Copies what it keeps. */
export function decodeConntrackEntry(payload: Buffer): ConntrackFlow | undefined {
  let original: Tuple | undefined;
  let reply: Tuple | undefined;
  const identity: Buffer[] = [payload.subarray(0, genericHeaderBytes)];
  for (const { type, value, whole } of netlinkAttributes(payload.subarray(genericHeaderBytes))) {
    if (type === CTA_TUPLE_ORIG) original = decodeTuple(value);
    else if (type === CTA_TUPLE_REPLY) reply = decodeTuple(value);
    if (type === CTA_TUPLE_ORIG || type === CTA_ID || type === CTA_ZONE) identity.push(whole);
  }
  const protocol = original === undefined ? undefined : protocolNames.get(original.protocol);
  if (original === undefined || reply === undefined || protocol === undefined) return undefined;
  return {
    protocol,
    source: { ip: original.source, port: original.sourcePort },
    destination: { ip: original.destination, port: original.destinationPort },
    replySource: { ip: reply.source, port: reply.sourcePort },
    // The kernel deletes exactly this entry: tuple, zone and id must all match.
    identity: Buffer.concat(identity),
  };
}
