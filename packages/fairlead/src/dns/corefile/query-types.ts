import { typeNumber } from '../../wire/dns/zone-data.ts';

/** Types that records of a zone file do not have by name. */
const moreTypes: Readonly<Record<string, number>> = { SVCB: 64, HTTPS: 65, IXFR: 251, AXFR: 252 };

/** Number of a type that a query can ask for; absent: no type that is known here. */
export function queryTypeNumber(text: string): number | undefined {
  const upper = text.toUpperCase();
  return Object.hasOwn(moreTypes, upper) ? moreTypes[upper] : typeNumber(upper);
}
