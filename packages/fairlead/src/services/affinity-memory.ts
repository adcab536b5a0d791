import { NETLINK_NETFILTER, netlinkMessage, openNetlink } from '../sys/netlink.ts';
import { decodeSetElements, getSetElementsMessage, setElementsRequest } from '../wire/nft/set-elements.ts';
import type { NftFamily } from '../wire/nft/transaction.ts';
import { formatIp } from './cidr.ts';
import { nftTableName } from './nft-names.ts';

/** A client that the kernel remembers for session affinity. */
export interface RememberedClient {
  /** Address text; in IPv6 the number that is the address's hash. */
  readonly client: string;
  /** Number of the Service port's endpoint set. */
  readonly id: number;
  /** Number of the endpoint. */
  readonly slot: number;
  readonly timeoutMs: number;
  readonly expiresMs: number;
}

const NLM_F_REQUEST = 1;
const NLM_F_DUMP = 0x300;
/** More would make taking over slow; the others are balanced anew. */
const mostRestored = 100_000;

/**
 * Reads the affinity map of the table that is there now, so that a table that replaces it can go on
 * with it. No such table, or no right to read it: nothing.
 */
export async function readAffinityMemory(
  family: NftFamily,
  table: string = nftTableName,
): Promise<readonly RememberedClient[]> {
  const netlink = openNetlink(NETLINK_NETFILTER);
  if (typeof netlink === 'number') return [];
  const found: RememberedClient[] = [];
  try {
    const request = netlinkMessage(
      getSetElementsMessage,
      NLM_F_REQUEST | NLM_F_DUMP,
      setElementsRequest(family, table, 'affinity'),
    );
    const errno = await netlink.request(request, (_, payload) => {
      if (found.length >= mostRestored) return;
      for (const { key, data, timeoutMs, expiresMs } of decodeSetElements(payload)) {
        // An older layout's map has other keys; a client about to be forgotten is not worth it.
        if (key.length !== 8 || data.length !== 4 || expiresMs < 1) continue;
        const client =
          family === 'ip'
            ? formatIp({ family: 'IPv4', value: BigInt(key.readUInt32BE(0)) })
            : String(key.readUInt32LE(0));
        found.push({
          client,
          id: key.readUInt32LE(4),
          slot: data.readUInt32LE(0),
          timeoutMs,
          // Just renewed, it is rounded up beyond the timeout.
          expiresMs: Math.min(expiresMs, timeoutMs),
        });
      }
    });
    return errno < 0 ? [] : found;
  } finally {
    netlink.close();
  }
}
