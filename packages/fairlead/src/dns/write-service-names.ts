// Hot path of loading: one call per headless Service of the cluster, and one with each change of it.

import type { EndpointSlice } from '@fairlead/api';
import { headerBytes, nameMaxBytes, rrType } from '../wire/dns/constants.ts';
import { foldName, nameFromText } from '../wire/dns/name.ts';
import { maxSrvPairs, type NamedPort } from './compile-backends.ts';
import { type HeadlessSource, maxAddresses, slicePorts } from './compile-headless.ts';
import type { DnsPolicy } from './dns-policy.ts';
import { EndpointRows } from './endpoint-rows.ts';
import { EntryBlock } from './server/entry-block.ts';
import { answerLimitBytes } from './server/prebuild.ts';
import { setIsCut, setRotates } from './server/table-layout.ts';
import { flatEndpointsOf } from './slice-strip.ts';

/** What the records depend on besides the objects. */
interface WriteOptions {
  readonly ttlSeconds: number;
  readonly hasZonalNames?: boolean;
}

/** Name of a port's SRV records, and which ports of each list they are for. */
interface PortName {
  readonly name: Uint8Array;
  readonly key: string;
}

/** Bytes of an SRV record before its target, and of a glue record behind its owner: RFC 2782, RFC 1035. */
const srvHeadBytes = 18;
const glueBytes = 26;
/** Offsets that a compression pointer can have. */
const pointerMaxOffset = 0x3fff;

/**
 * Writes the records of a headless Service at its own name and its ports' names as {@link compileHeadlessSteps} makes
 * them, without making objects of them: for Services without rules of their own, which are almost all.
 */
export class ServiceNamesWriter {
  readonly #block = new EntryBlock();
  readonly #rows = new EndpointRows(maxAddresses);
  /** By row: offset of its name in the message that is being written; 0: none that a pointer reaches. */
  readonly #targetAt = new Int32Array(maxAddresses * 2);

  /**
   * In steps of a slice or an answer. The block is valid until the next call; absent: this Service takes the plain way.
   */
  *write(
    source: HeadlessSource,
    slices: readonly EndpointSlice[],
    options: WriteOptions,
  ): Generator<void, EntryBlock | undefined, undefined> {
    const owner = nameFromText(source.owner);
    if (owner === undefined || !isPlain(source.policy) || options.hasZonalNames === true) return undefined;
    const lists = yield* this.#collect(source, slices);
    if (lists === undefined) return undefined;
    const block = this.#block;
    block.clear();
    if (this.#rows.count === 0) return block;
    const ttl = source.policy.ttlSeconds ?? options.ttlSeconds;
    this.#writeOwner(foldName(owner), lists, ttl);
    for (const { name, key } of portNames(lists, source.owner)) {
      yield;
      const meant = lists.map((list) => list.filter((port) => keyOf(port) === key));
      block.begin(name, 0, name.length, 1);
      this.#putServices(meant, this.#pairs(meant), ttl);
      block.end();
    }
    return block.hasRepeats ? undefined : block;
  }

  /** Fills the rows. Returns the lists of ports that they refer to; absent: rows cannot say it. */
  *#collect(
    source: HeadlessSource,
    slices: readonly EndpointSlice[],
  ): Generator<void, readonly (readonly NamedPort[])[] | undefined, undefined> {
    const rows = this.#rows;
    rows.clear();
    const lists: (readonly NamedPort[])[] = [];
    const isUsed: boolean[] = [];
    const ordered =
      slices.length === 1
        ? slices
        : [...slices].sort((a, b) => ((a.metadata?.name ?? '') < (b.metadata?.name ?? '') ? -1 : 1));
    for (const slice of ordered) {
      const parent = source.parentOf(slice);
      if (parent === undefined) continue;
      const ports = slicePorts(slice);
      let list = lists.findIndex((known) => areSamePorts(known, ports));
      if (list < 0) list = lists.push(ports) - 1;
      const before = rows.count;
      if (!rows.add(flatEndpointsOf(slice), parent, list, source.servesNotReady)) return undefined;
      // Ports that no served endpoint has do not exist.
      if (rows.count === before && list === lists.length - 1 && !isUsed[list]) lists.pop();
      else isUsed[list] = true;
      if (rows.isFull) break;
      yield;
    }
    return lists;
  }

  #writeOwner(owner: Uint8Array, lists: readonly (readonly NamedPort[])[], ttl: number): void {
    const block = this.#block;
    const { v4, v6 } = this.#rows;
    const pairs = this.#pairs(lists);
    block.begin(owner, 0, owner.length, (v4 > 0 ? 1 : 0) + (v6 > 0 ? 1 : 0) + (pairs > 0 ? 1 : 0));
    if (v4 > 0) this.#putAddresses(4, rrType.A, ttl);
    if (v6 > 0) this.#putAddresses(16, rrType.AAAA, ttl);
    if (pairs > 0) this.#putServices(lists, pairs, ttl);
    block.end();
  }

  #putAddresses(size: number, type: number, ttl: number): void {
    const block = this.#block;
    const { count, addresses, addressBytes } = this.#rows;
    block.beginSet(type, setRotates);
    let answers = 0;
    let flags = 0;
    for (let row = 0; row < count; row++) {
      if (addressBytes[row] !== size) continue;
      if (block.messageAt + 12 + size > answerLimitBytes) {
        flags = setIsCut;
        break;
      }
      block.putPointer(headerBytes);
      block.putHead(type, ttl, size);
      block.putBytes(addresses, row * 16, size);
      answers++;
    }
    block.endAnswers(answers, flags);
    block.endSet();
  }

  /** Pairs of an address and a port of its list. */
  #pairs(lists: readonly (readonly NamedPort[])[]): number {
    const { count, list } = this.#rows;
    let pairs = 0;
    for (let row = 0; row < count && pairs < maxSrvPairs; row++) pairs += lists[list[row]!]!.length;
    return Math.min(pairs, maxSrvPairs);
  }

  /** One SRV record per endpoint's name and port number, then the addresses: see srvSet of compile-backends.ts. */
  #putServices(lists: readonly (readonly NamedPort[])[], pairs: number, ttl: number): void {
    const block = this.#block;
    const rows = this.#rows;
    const targetAt = this.#targetAt;
    const weight = Math.max(1, Math.floor(100 / pairs));
    block.beginSet(rrType.SRV, 0);
    let answers = 0;
    let flags = 0;
    let left = pairs;
    let rowsEnd = 0;
    for (let row = 0; left > 0; row++) {
      const ports = lists[rows.list[row]!]!;
      rowsEnd = row + 1;
      targetAt[row] = 0;
      const isFirst = rows.firstOfName[row] === row;
      for (let index = 0; index < ports.length && left > 0; index++) {
        left--;
        const { port } = ports[index]!;
        if (!isFirst || flags !== 0 || ports.findIndex((one) => one.port === port) < index) continue;
        if (block.messageAt + srvHeadBytes + nameMaxBytes > answerLimitBytes) {
          flags = setIsCut;
          continue;
        }
        const length = rows.nameBytes[row]!;
        block.putPointer(headerBytes);
        block.putHead(rrType.SRV, ttl, 6 + length);
        block.put16(0);
        block.put16(weight);
        block.put16(port);
        if (targetAt[row] === 0 && block.messageAt <= pointerMaxOffset) targetAt[row] = block.messageAt;
        block.putBytes(rows.names, rows.nameAt[row]!, length);
        answers++;
      }
    }
    block.endAnswers(answers, flags);
    block.endSet(this.#putGlue(lists, rowsEnd, ttl));
  }

  /** Addresses of rows that have a port. Returns how many there was room for. */
  #putGlue(lists: readonly (readonly NamedPort[])[], rowsEnd: number, ttl: number): number {
    const block = this.#block;
    const rows = this.#rows;
    let additionals = 0;
    for (let row = 0; row < rowsEnd; row++) {
      if (lists[rows.list[row]!]!.length === 0) continue;
      if (block.messageAt + glueBytes + nameMaxBytes > answerLimitBytes) break;
      const target = this.#targetAt[rows.firstOfName[row]!]!;
      const size = rows.addressBytes[row]!;
      if (target > 0) block.putPointer(target);
      else block.putBytes(rows.names, rows.nameAt[row]!, rows.nameBytes[row]!);
      block.putHead(size === 4 ? rrType.A : rrType.AAAA, ttl, size);
      block.putBytes(rows.addresses, row * 16, size);
      additionals++;
    }
    return additionals;
  }
}

/** Whether a Service has no rules but a TTL. */
function isPlain(policy: DnsPolicy): boolean {
  const { maxEndpoints, weights, preferredPrefix, prefersZone, isSticky, servesAllDown } = policy;
  const hasRules = maxEndpoints !== undefined || weights !== undefined || preferredPrefix !== undefined;
  return !hasRules && !prefersZone && !isSticky && !servesAllDown;
}

function areSamePorts(a: readonly NamedPort[], b: readonly NamedPort[]): boolean {
  return (
    a.length === b.length &&
    a.every((port, index) => {
      const other = b[index]!;
      return port.name === other.name && port.protocol === other.protocol && port.port === other.port;
    })
  );
}

function keyOf({ name, protocol }: NamedPort): string {
  return `${name} ${protocol}`;
}

/** `_port._proto` names of all named ports. What is no name is left out. */
function portNames(lists: readonly (readonly NamedPort[])[], owner: string): PortName[] {
  const found = new Map<string, PortName>();
  for (const port of lists.flat()) {
    const key = keyOf(port);
    if (port.name === '' || found.has(key)) continue;
    const name = nameFromText(`_${port.name}._${port.protocol}.${owner}`.toLowerCase());
    if (name !== undefined) found.set(key, { key, name });
  }
  return [...found.values()];
}
