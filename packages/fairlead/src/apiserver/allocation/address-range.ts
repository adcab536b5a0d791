import { parseIpv4 } from '@fairlead/api';
import type { Random } from '../../sys/clock.ts';

/** Why an explicit address or port cannot be had. */
export type TakeFailure = 'taken' | 'outside';

/** Size of the band that dynamic picks avoid: KEP-3070 (addresses), KEP-3668 (ports). */
export function staticBand(size: number, divisor: number, most: number): number {
  return Math.min(Math.max(16, Math.floor(size / divisor)), most);
}

/**
 * A range of numbers handed out once each.
 *
 * The lower band is kept for explicit requests: dynamic picks take it only when the rest is full.
 */
export class NumberRange {
  readonly first: number;
  readonly last: number;
  readonly #band: number;
  readonly #taken = new Set<number>();
  readonly #random: Random;

  constructor(first: number, last: number, band: number, random: Random) {
    this.first = first;
    this.last = last;
    this.#band = Math.min(band, last - first + 1);
    this.#random = random;
  }

  get size(): number {
    return this.last - this.first + 1;
  }

  get free(): number {
    return this.size - this.#taken.size;
  }

  has(value: number): boolean {
    return this.#taken.has(value);
  }

  /** Takes one number, or tells why not. */
  take(value: number): TakeFailure | undefined {
    if (value < this.first || value > this.last) return 'outside';
    if (this.#taken.has(value)) return 'taken';
    this.#taken.add(value);
    return undefined;
  }

  /** Takes any free number; `undefined` when the range is full. */
  takeAny(): number | undefined {
    if (this.free <= 0) return undefined;
    const upper = this.first + this.#band;
    const found = this.#probe(upper, this.last) ?? this.#probe(this.first, upper - 1);
    if (found !== undefined) this.#taken.add(found);
    return found;
  }

  giveBack(value: number): void {
    this.#taken.delete(value);
  }

  /** The first free number from a random start on, wrapping around. */
  #probe(first: number, last: number): number | undefined {
    const size = last - first + 1;
    if (size <= 0) return undefined;
    const start = Math.floor(this.#random() * size);
    for (let step = 0; step < size; step++) {
      const value = first + ((start + step) % size);
      if (!this.#taken.has(value)) return value;
    }
    return undefined;
  }
}

/** The usable addresses of an IPv4 CIDR: without network and broadcast address. */
export function cidrRange(cidr: string, random: Random): NumberRange | undefined {
  const [address = '', bits = ''] = cidr.split('/');
  const base = parseIpv4(address);
  if (base === undefined || !/^[0-9]{1,2}$/.test(bits)) return undefined;
  const length = Number(bits);
  if (length < 8 || length > 28) return undefined;
  const total = 2 ** (32 - length);
  const network = Math.floor(base / total) * total;
  const usable = total - 2;
  return new NumberRange(network + 1, network + usable, staticBand(usable, 16, 256), random);
}

/** Node ports `30000-32767`. */
export function portRange(text: string, random: Random): NumberRange | undefined {
  const match = /^([0-9]{1,5})-([0-9]{1,5})$/.exec(text);
  if (match === null) return undefined;
  const first = Number(match[1]);
  const last = Number(match[2]);
  if (first < 1 || last > 65535 || first > last) return undefined;
  const size = last - first + 1;
  return new NumberRange(first, last, size < 16 ? 0 : staticBand(size, 32, 128), random);
}
