import type { CompressionCoding } from '../../sys/compressor.ts';

const WEIGHT = /^[ \t]*q=(0(?:\.[0-9]{0,3})?|1(?:\.0{0,3})?)[ \t]*$/i;

/**
 * The coding for a client's Accept-Encoding (RFC 9110 12.5.3): the one with the highest weight, among equals the first
 * of `offered`. Undefined: none is wanted, or none more than `identity`. A weight that cannot be read is 0.
 */
export function acceptedCoding(
  field: string | undefined,
  offered: readonly CompressionCoding[],
): CompressionCoding | undefined {
  if (field === undefined || field === '') return undefined;
  const weights = new Map<string, number>();
  for (const member of field.toLowerCase().split(',')) {
    const semicolon = member.indexOf(';');
    const name = (semicolon < 0 ? member : member.slice(0, semicolon)).trim();
    if (name === '') continue;
    const weight = semicolon < 0 ? 1 : Number(WEIGHT.exec(member.slice(semicolon + 1))?.[1] ?? 0);
    // `x-gzip` is gzip (RFC 9110 8.4.1.3).
    weights.set(name === 'x-gzip' ? 'gzip' : name, weight);
  }
  const others = weights.get('*') ?? 0;
  let best: CompressionCoding | undefined;
  // Not named, identity is acceptable, and less wanted than whatever is named.
  let bestWeight = weights.get('identity') ?? 0;
  for (const coding of offered) {
    const weight = weights.get(coding) ?? others;
    if (weight > bestWeight || (best === undefined && weight > 0 && weight === bestWeight)) {
      best = coding;
      bestWeight = weight;
    }
  }
  return best;
}
