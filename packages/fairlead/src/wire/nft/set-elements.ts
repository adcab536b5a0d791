import { netlinkAttribute, netlinkAttributes } from './attributes.ts';
import type { NftFamily } from './transaction.ts';

// linux/netfilter/nf_tables.h
const NFTA_SET_ELEM_LIST_TABLE = 1;
const NFTA_SET_ELEM_LIST_SET = 2;
const NFTA_SET_ELEM_LIST_ELEMENTS = 3;
const NFTA_SET_ELEM_KEY = 1;
const NFTA_SET_ELEM_DATA = 2;
const NFTA_SET_ELEM_TIMEOUT = 4;
const NFTA_SET_ELEM_EXPIRATION = 5;
const NFTA_DATA_VALUE = 1;
const genericHeaderBytes = 4;

/** Message type of a request for the elements of a set. */
export const getSetElementsMessage: number = (10 << 8) | 13;

/** One element as the kernel has it. `key` and `data` are views into the message. */
export interface NftSetElement {
  readonly key: Buffer;
  /** Empty for a set. */
  readonly data: Buffer;
  /** 0: none. */
  readonly timeoutMs: number;
  /** Until it expires. */
  readonly expiresMs: number;
}

/** Body of a request for all elements of a set or map. */
export function setElementsRequest(family: NftFamily, table: string, set: string): Buffer {
  return Buffer.concat([
    Buffer.from([family === 'ip' ? 2 : 10, 0, 0, 0]),
    netlinkAttribute(NFTA_SET_ELEM_LIST_TABLE, Buffer.from(`${table}\0`)),
    netlinkAttribute(NFTA_SET_ELEM_LIST_SET, Buffer.from(`${set}\0`)),
  ]);
}

function dataValue(data: Buffer): Buffer {
  for (const { type, value } of netlinkAttributes(data)) if (type === NFTA_DATA_VALUE) return value;
  return Buffer.alloc(0);
}

function decodeElement(bytes: Buffer): NftSetElement {
  let key: Buffer = Buffer.alloc(0);
  let data: Buffer = Buffer.alloc(0);
  let timeoutMs = 0;
  let expiresMs = 0;
  for (const { type, value } of netlinkAttributes(bytes)) {
    if (type === NFTA_SET_ELEM_KEY) key = dataValue(value);
    else if (type === NFTA_SET_ELEM_DATA) data = dataValue(value);
    else if (type === NFTA_SET_ELEM_TIMEOUT) timeoutMs = Number(value.readBigUInt64BE(0));
    else if (type === NFTA_SET_ELEM_EXPIRATION) expiresMs = Number(value.readBigUInt64BE(0));
  }
  return { key, data, timeoutMs, expiresMs };
}

/** The elements of one answer message. */
export function* decodeSetElements(payload: Buffer): Generator<NftSetElement> {
  for (const list of netlinkAttributes(payload.subarray(genericHeaderBytes))) {
    if (list.type !== NFTA_SET_ELEM_LIST_ELEMENTS) continue;
    for (const element of netlinkAttributes(list.value)) yield decodeElement(element.value);
  }
}
