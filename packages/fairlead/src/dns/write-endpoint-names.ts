// Hot path of loading: one call per slice of the cluster.

import type { EndpointSlice } from '@fairlead/api';
import { headerBytes, rrType } from '../wire/dns/constants.ts';
import type { HeadlessSource } from './compile-headless.ts';
import { EndpointNames, nameRoomBytes, writeAddress, writeReverseName } from './endpoint-names.ts';
import { EndpointCursor } from './flat-endpoints.ts';
import type { EntryBlock } from './server/entry-block.ts';
import { setRotates } from './server/table-layout.ts';
import { flatEndpointsOf } from './slice-strip.ts';

const cursor = new EndpointCursor();
const names = new EndpointNames();
const name = new Uint8Array(nameRoomBytes);
const reverse = new Uint8Array(nameRoomBytes);
const address = new Uint8Array(16);

/**
 * Fills a block with the names of the endpoints of one slice, and the PTR records of those with a hostname. Slices of one
 * Service contribute apart, so that a change costs one slice. Names that come twice (endpoints with one hostname) are twice in the block.
 */
export function writeEndpointNames(
  source: HeadlessSource,
  slice: EndpointSlice,
  ttlSeconds: number,
  block: EntryBlock,
): void {
  block.clear();
  const parent = source.parentOf(slice);
  if (parent === undefined || !names.setParent(parent)) return;
  const servesAll = source.servesNotReady || source.policy.servesAllDown;
  const ttl = source.policy.ttlSeconds ?? ttlSeconds;
  cursor.start(flatEndpointsOf(slice));
  while (cursor.next()) {
    if (!cursor.isReady && !servesAll) continue;
    while (cursor.nextAddress()) {
      const addressBytes = writeAddress(cursor, address, 0);
      const nameLength = addressBytes === 0 ? -1 : names.write(cursor, name, 0);
      if (nameLength < 0) continue;
      block.begin(name, 0, nameLength, 1);
      putAddresses(block, address, 1, addressBytes, ttl);
      block.end();
      if (cursor.hostnameBytes <= 0 || source.lacksReverse === true) continue;
      block.begin(reverse, 0, writeReverseName(address, 0, addressBytes, reverse), 1);
      block.beginSet(rrType.PTR, 0);
      block.putPointer(headerBytes);
      block.putHead(rrType.PTR, ttl, nameLength);
      block.putBytes(name, 0, nameLength);
      block.endAnswers(1);
      block.endSet();
      block.end();
    }
  }
}

/** Puts a set of as many addresses of 4 or 16 bytes, one behind the other in `addresses`. */
export function putAddresses(
  block: EntryBlock,
  addresses: Uint8Array,
  count: number,
  addressBytes: number,
  ttl: number,
  flags = 0,
): void {
  const type = addressBytes === 4 ? rrType.A : rrType.AAAA;
  block.beginSet(type, setRotates | flags);
  for (let index = 0; index < count; index++) {
    block.putPointer(headerBytes);
    block.putHead(type, ttl, addressBytes);
    block.putBytes(addresses, index * addressBytes, addressBytes);
  }
  block.endAnswers(count);
  block.endSet();
}
