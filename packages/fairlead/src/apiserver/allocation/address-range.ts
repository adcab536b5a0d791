import { type Cidr, cidrContains, cidrSize, formatIp, type IpAddress, parseCidr } from '@fairlead/api';
import type { Random } from '../../sys/clock.ts';

/** Numbers beyond this many of a range are never picked: an IPv6 range has more than anybody fills. */
const pickableMost = 2 ** 40;
/** Random tries before a range is searched from one end to the other. */
const randomTries = 64;

/** Size of the band that dynamic picks avoid: KEP-3070 (addresses), KEP-3668 (ports). */
function staticBand(size: number, divisor: number, most: number): number {
  return Math.min(Math.max(16, Math.floor(size / divisor)), most);
}

/** A range of numbers whose lower band is kept for explicit requests. */
export interface NumberRange {
  readonly first: number;
  readonly last: number;
  /** Length of the lower band; dynamic picks take it only when the rest is full. */
  readonly band: number;
}

/** Any free number of a range; `undefined` when it is full. */
export function pickNumber(
  range: NumberRange,
  isTaken: (value: number) => boolean,
  random: Random,
): number | undefined {
  const upper = range.first + Math.min(range.band, range.last - range.first + 1);
  return pickBetween(upper, range.last, isTaken, random) ?? pickBetween(range.first, upper - 1, isTaken, random);
}

function pickBetween(
  first: number,
  last: number,
  isTaken: (value: number) => boolean,
  random: Random,
): number | undefined {
  const size = last - first + 1;
  if (size <= 0) return undefined;
  let start = first;
  for (let attempt = 0; attempt < randomTries; attempt++) {
    start = first + Math.floor(random() * size);
    if (!isTaken(start)) return start;
  }
  // Nearly full: the first free number from the last try on, wrapping around.
  for (let step = 0; step < size; step++) {
    const value = first + ((start - first + step) % size);
    if (!isTaken(value)) return value;
  }
  return undefined;
}

/**
 * The usable addresses of a CIDR: all but the first of an IPv6 one, and neither the network nor the
 * broadcast address of an IPv4 one.
 */
export class AddressRange {
  readonly cidr: Cidr;
  readonly #offsets: NumberRange;

  constructor(cidr: Cidr) {
    this.cidr = cidr;
    const size = cidrSize(cidr);
    const usable = Number(size < BigInt(pickableMost) ? size : BigInt(pickableMost)) - (cidr.family === 4 ? 2 : 1);
    this.#offsets = { first: 1, last: usable, band: Math.min(staticBand(usable, 16, 256), Math.max(0, usable)) };
  }

  /** The first usable address as text. */
  get firstAddress(): string {
    return this.#textAt(1);
  }

  /** True for addresses that may be handed out. */
  has(ip: IpAddress): boolean {
    if (!cidrContains(this.cidr, ip) || ip.value === this.cidr.network) return false;
    return this.cidr.family === 6 || ip.value !== this.cidr.network + cidrSize(this.cidr) - 1n;
  }

  /** Any free address as canonical text; `undefined` when the range is full. */
  pick(isTaken: (address: string) => boolean, random: Random): string | undefined {
    const offset = pickNumber(this.#offsets, (value) => isTaken(this.#textAt(value)), random);
    return offset === undefined ? undefined : this.#textAt(offset);
  }

  #textAt(offset: number): string {
    return formatIp({ family: this.cidr.family, value: this.cidr.network + BigInt(offset) });
  }
}

/** Reads `10.96.0.0/16` or `fd00:96::/108`; `undefined` when it is no range. */
export function addressRange(text: string): AddressRange | undefined {
  const cidr = parseCidr(text);
  return cidr === undefined ? undefined : new AddressRange(cidr);
}

/** Reads node ports `30000-32767`. */
export function portRange(text: string): NumberRange | undefined {
  const match = /^([0-9]{1,5})-([0-9]{1,5})$/.exec(text);
  if (match === null) return undefined;
  const first = Number(match[1]);
  const last = Number(match[2]);
  if (first < 1 || last > 65535 || first > last) return undefined;
  const size = last - first + 1;
  return { first, last, band: size < 16 ? 0 : staticBand(size, 32, 128) };
}
