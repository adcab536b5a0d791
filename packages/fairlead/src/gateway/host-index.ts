// Hot path: one lookup per request, by hash of the host's bytes, without a string.
import { LOWER } from '../wire/http1/byte-class.ts';

interface Entry<V> {
  readonly name: Buffer;
  readonly value: V;
}

const FNV_OFFSET = 0x811c9dc5 | 0;
const FNV_PRIME = 0x01000193;

/**
 * Hostnames of one listener: exact ones, then `*.` suffixes (exactly one label more, as Ingress
 * has it), then `*`. The hash runs from the last byte to the first, so one pass yields the hash of
 * the whole name and of what follows its first label.
 */
export class HostIndex<V> {
  readonly #exact: Map<number, Entry<V>[]> = new Map();
  readonly #wildcard: Map<number, Entry<V>[]> = new Map();
  #any: V | undefined = undefined;

  /** Sets (or with undefined removes) the value of a lower-case hostname, `*.suffix` or `*`. */
  set(hostname: string, value: V | undefined): void {
    if (hostname === '*') {
      this.#any = value;
      return;
    }
    const wildcard = hostname.startsWith('*.');
    // The suffix keeps its dot, as find() sees it.
    const name = Buffer.from(wildcard ? hostname.slice(1) : hostname, 'latin1');
    const map = wildcard ? this.#wildcard : this.#exact;
    let hash = FNV_OFFSET;
    for (let i = name.length - 1; i >= 0; i--) hash = Math.imul(hash ^ name[i]!, FNV_PRIME);
    const others = (map.get(hash) ?? []).filter((entry) => !entry.name.equals(name));
    if (value !== undefined) others.push({ name, value });
    if (others.length > 0) map.set(hash, others);
    else map.delete(hash);
  }

  /** The value set for exactly this hostname, `*.suffix` or `*`. */
  get(hostname: string): V | undefined {
    if (hostname === '*') return this.#any;
    const wildcard = hostname.startsWith('*.');
    const name = Buffer.from(wildcard ? hostname.slice(1) : hostname, 'latin1');
    let hash = FNV_OFFSET;
    for (let i = name.length - 1; i >= 0; i--) hash = Math.imul(hash ^ name[i]!, FNV_PRIME);
    return (wildcard ? this.#wildcard : this.#exact).get(hash)?.find((entry) => entry.name.equals(name))?.value;
  }

  /** The value for any host. */
  get any(): V | undefined {
    return this.#any;
  }

  /** The value of the `*.suffix` for the host in `bytes[start, end)`. */
  findWildcard(bytes: Uint8Array, start: number, end: number): V | undefined {
    const dot = bytes.indexOf(46, start);
    if (dot <= start || dot >= end || this.#wildcard.size === 0) return undefined;
    let hash = FNV_OFFSET;
    for (let i = end - 1; i >= dot; i--) hash = Math.imul(hash ^ LOWER[bytes[i]!]!, FNV_PRIME);
    return lookUp(this.#wildcard.get(hash), bytes, dot, end);
  }

  /** The value for the host in `bytes[start, end)`, any case, without port: the most specific one. */
  find(bytes: Uint8Array, start: number, end: number): V | undefined {
    let hash = FNV_OFFSET;
    let suffixHash = 0;
    let suffixStart = -1;
    for (let i = end - 1; i >= start; i--) {
      const byte = LOWER[bytes[i]!]!;
      hash = Math.imul(hash ^ byte, FNV_PRIME);
      if (byte === 46) {
        suffixHash = hash;
        suffixStart = i;
      }
    }
    const exact = lookUp(this.#exact.get(hash), bytes, start, end);
    if (exact !== undefined) return exact;
    if (suffixStart > start && this.#wildcard.size > 0) {
      const wildcard = lookUp(this.#wildcard.get(suffixHash), bytes, suffixStart, end);
      if (wildcard !== undefined) return wildcard;
    }
    return this.#any;
  }
}

function lookUp<V>(entries: Entry<V>[] | undefined, bytes: Uint8Array, start: number, end: number): V | undefined {
  if (entries === undefined) return undefined;
  next: for (let k = 0; k < entries.length; k++) {
    const { name, value } = entries[k]!;
    if (name.length !== end - start) continue;
    for (let i = 0; i < name.length; i++) if (LOWER[bytes[start + i]!] !== name[i]) continue next;
    return value;
  }
  return undefined;
}
