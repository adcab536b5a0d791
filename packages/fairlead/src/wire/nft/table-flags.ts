import { netlinkAttribute, netlinkAttributes } from './attributes.ts';
import type { NftFamily } from './transaction.ts';

// linux/netfilter/nf_tables.h
const NFTA_TABLE_NAME = 1;
const NFTA_TABLE_FLAGS = 2;
const NFT_TABLE_F_DORMANT = 1;
const genericHeaderBytes = 4;

/** Message type of a request for one table. */
export const getTableMessage: number = (10 << 8) | 1;

/** Body of a request for one table. */
export function tableRequest(family: NftFamily, table: string): Buffer {
  return Buffer.concat([
    Buffer.from([family === 'ip' ? 2 : 10, 0, 0, 0]),
    netlinkAttribute(NFTA_TABLE_NAME, Buffer.from(`${table}\0`)),
  ]);
}

/** Whether the table of an answer is dormant: its chains take no packets. */
export function isDormantTable(payload: Buffer): boolean {
  for (const { type, value } of netlinkAttributes(payload.subarray(genericHeaderBytes))) {
    if (type === NFTA_TABLE_FLAGS && value.length === 4) return (value.readUInt32BE(0) & NFT_TABLE_F_DORMANT) !== 0;
  }
  return false;
}
