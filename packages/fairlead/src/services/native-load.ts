import { setImmediate } from 'node:timers/promises';
import { errnoName } from '../sys/errno.ts';
import { NETLINK_NETFILTER, netlinkMessage, openNetlink } from '../sys/netlink.ts';
import { netlinkBatchMaxBytes, openNetlinkBatches } from '../sys/netlink-batch.ts';
import { ElementMessages, type NftField, type NftShape, type WriteAddress } from '../wire/nft/element-messages.ts';
import { getTableMessage, isDormantTable, tableRequest } from '../wire/nft/table-flags.ts';
import type { NftFamily } from '../wire/nft/transaction.ts';
import { parseIp } from './cidr.ts';
import { endpointMapName, mapFor, nftSecondTableName, nftTableName } from './nft-names.ts';
import type { ServiceProgram } from './program.ts';

/** The kernel cannot be filled this way; nft's text may still be taken. */
export class NativeLoadError extends Error {
  override readonly name: string = 'NativeLoadError';
}

/** Fills the sets of a table that takes no packets yet, without nft's text between. */
export interface NativeLoad {
  /** The one of our two tables that takes packets now. */
  liveTable(family: NftFamily): Promise<string | undefined>;
  /** A collector of elements of the sets that are filled this way. */
  elements(family: NftFamily, table: string): ElementMessages;
  /** Adds them, some ten thousand per transaction. Rejects with {@link NativeLoadError}; some may be there then. */
  fill(elements: ElementMessages): Promise<void>;
}

const place: readonly NftField[] = ['address', 'port'];
const frontend: readonly NftField[] = ['address', 'protocol', 'port'];
const nodePort: readonly NftField[] = ['protocol', 'port'];
const numbers: readonly NftField[] = ['number', 'number'];

/** Sets of nft-layout.ts that grow with the cluster, without intervals and verdicts. */
export const nativeShapes: ReadonlyMap<string, NftShape> = new Map<string, NftShape>([
  ...(['TCP', 'UDP', 'SCTP'] as const).flatMap((protocol): [string, NftShape][] => [
    [endpointMapName(protocol, 'address'), { key: [...place, 'number'], value: place }],
    [endpointMapName(protocol, 'node-port'), { key: ['port', 'number'], value: place }],
    [mapFor('slot-tables', 'place', protocol), { key: numbers, value: place }],
    [mapFor('slots', 'place', protocol), { key: ['number'], value: place }],
  ]),
  ...['frontends', 'backends', 'local-backends'].map((name): [string, NftShape] => [
    name,
    { key: frontend, value: ['number'] },
  ]),
  ...['node-ports', 'port-backends', 'port-local-backends'].map((name): [string, NftShape] => [
    name,
    { key: nodePort, value: ['number'] },
  ]),
  ['cluster-ips', { key: ['address'] }],
  ['hairpin', { key: ['address', 'address'] }],
  ['refused', { key: frontend }],
  ['silent', { key: frontend }],
  ['affinity-slots', { key: numbers, value: ['number'] }],
]);

const writeAddress: WriteAddress = (text, into, at) => {
  if (text.includes(':')) {
    const value = parseIp(text)?.value ?? 0n;
    into.writeBigUInt64BE(value >> 64n, at);
    into.writeBigUInt64BE(value & 0xffff_ffff_ffff_ffffn, at + 8);
    return;
  }
  // Canonical, as compile.ts has made it.
  let byte = 0;
  for (let index = 0; index < text.length; index++) {
    const code = text.charCodeAt(index);
    if (code === 0x2e) {
      into[at++] = byte;
      byte = 0;
    } else byte = byte * 10 + code - 0x30;
  }
  into[at] = byte;
};

/** Elements that a full load of these programs has in its endpoint maps, about: what decides how it is loaded. */
export function countEndpointElements(programs: Iterable<ServiceProgram>): number {
  let count = 0;
  for (const { ports } of programs) {
    for (const { clusterEndpoints, localEndpoints, vips, nodePort: port, clusterSlots, localSlots } of ports) {
      const places = clusterEndpoints.length + localEndpoints.length;
      count += places * (vips.length + (port === undefined ? 0 : 1));
      count += (clusterSlots?.places.length ?? 0) + (localSlots?.places.length ?? 0);
    }
  }
  return count;
}

const NLM_F_REQUEST = 1;

async function isLive(family: NftFamily, table: string): Promise<boolean> {
  const netlink = openNetlink(NETLINK_NETFILTER);
  if (typeof netlink === 'number') return false;
  try {
    let live = false;
    const request = netlinkMessage(getTableMessage, NLM_F_REQUEST, tableRequest(family, table));
    await netlink.request(request, (_, payload) => {
      live = !isDormantTable(payload);
    });
    return live;
  } finally {
    netlink.close();
  }
}

/** Loads through netlink sockets of this process, in its network namespace. */
export function createNativeLoad(): NativeLoad {
  return {
    liveTable: async (family) => {
      for (const table of [nftTableName, nftSecondTableName]) if (await isLive(family, table)) return table;
      return undefined;
    },
    elements: (family, table) => new ElementMessages(family, table, nativeShapes, writeAddress),
    fill: async (elements) => {
      const socket = openNetlinkBatches(NETLINK_NETFILTER);
      if (typeof socket === 'number') {
        throw new NativeLoadError(`netlink socket: ${errnoName(socket)}`);
      }
      try {
        for (const batch of elements.batches(netlinkBatchMaxBytes)) {
          const errno = socket.commit(batch);
          if (errno < 0) throw new NativeLoadError(`the kernel refuses elements: ${errnoName(errno)}`);
          // Each takes the kernel some 30 ms, in which nothing else is done here.
          await setImmediate();
        }
      } finally {
        socket.close();
      }
    },
  };
}
