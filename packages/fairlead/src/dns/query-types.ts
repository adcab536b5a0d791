import { typeNumber, typeText } from '../wire/dns/zone-data.ts';

/** Types that records of a zone file do not have by name. */
const moreTypes: Readonly<Record<string, number>> = {
  KEY: 25,
  LOC: 29,
  OPT: 41,
  RRSIG: 46,
  NSEC: 47,
  NSEC3: 50,
  NSEC3PARAM: 51,
  CDS: 59,
  CDNSKEY: 60,
  OPENPGPKEY: 61,
  SVCB: 64,
  HTTPS: 65,
  TSIG: 250,
  IXFR: 251,
  AXFR: 252,
  ANY: 255,
  URI: 256,
};

const moreNames: ReadonlyMap<number, string> = new Map(Object.entries(moreTypes).map(([name, type]) => [type, name]));

/** Number of a type that a query can ask for; absent: no type that is known here. `ANY` is not among them. */
export function queryTypeNumber(text: string): number | undefined {
  const upper = text.toUpperCase();
  if (upper === 'ANY') return undefined;
  return Object.hasOwn(moreTypes, upper) ? moreTypes[upper] : typeNumber(upper);
}

/** Name of a type; `TYPE123` for one that has none here (RFC 3597 5). */
export function queryTypeText(type: number): string {
  return moreNames.get(type) ?? typeText(type);
}
