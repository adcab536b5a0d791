import { netlinkAttributes } from './attributes.ts';
import type { NftFamily } from './transaction.ts';

// linux/netfilter/nfnetlink.h and nf_tables.h
const subsystem = 10 << 8;
const NFT_MSG_NEWGEN = 15;
const tableAttribute = 1;
/** Bytes of `struct nfgenmsg`: family, version, resource id. */
const genericHeaderBytes = 4;
const NFPROTO_IPV4 = 2;
const NFPROTO_IPV6 = 10;

/** Group of notifications about changes of rules. */
export const nftNotificationGroup = 7;

/**
 * What nf_tables tells of a committed transaction: one message per changed object, then the new
 * generation. `family` is absent for the families that are not used here.
 */
export type NftNotification =
  | { readonly kind: 'changed'; readonly family: NftFamily | undefined; readonly table: string }
  | { readonly kind: 'committed' };

/** Decodes one notification; `undefined` for other subsystems and unknown forms. */
export function decodeNftNotification(type: number, payload: Buffer): NftNotification | undefined {
  if ((type & 0xff00) !== subsystem || payload.length < genericHeaderBytes) return undefined;
  if ((type & 0xff) === NFT_MSG_NEWGEN) return { kind: 'committed' };
  const family = payload[0] === NFPROTO_IPV4 ? 'ip' : payload[0] === NFPROTO_IPV6 ? 'ip6' : undefined;
  // The table's name is attribute 1 of every kind of object.
  for (const attribute of netlinkAttributes(payload.subarray(genericHeaderBytes))) {
    if (attribute.type !== tableAttribute) continue;
    return { kind: 'changed', family, table: attribute.value.toString('latin1').replace(/\0$/, '') };
  }
  return undefined;
}
