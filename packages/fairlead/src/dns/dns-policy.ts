import type { ObjectMeta } from '@fairlead/api';

/** What a Service's annotations `fairlead.dev/dns-*` say about its answers. */
export interface DnsPolicy {
  /** `dns-ttl`: seconds. */
  readonly ttlSeconds?: number;
  /** `dns-max-endpoints`: most addresses in an answer; which ones changes from answer to answer. */
  readonly maxEndpoints?: number;
  /** `dns-weights`: how often an endpoint comes first, by hostname, address or `zone:NAME`; others weigh 1. */
  readonly weights?: ReadonlyMap<string, number>;
  /** `dns-zone-preference: prefer`: endpoints in the node's own zone, if there are any. */
  readonly prefersZone: boolean;
  /** `dns-sticky: client-subnet`: clients of one network (/24, /56) get the same endpoint first while it lasts. */
  readonly isSticky: boolean;
  /** `dns-subnet-preference: 24` or `24,64`: endpoints that share so many bits with the client's address come first. */
  readonly preferredPrefix?: { readonly v4?: number; readonly v6?: number };
  /** `dns-all-down: serve`: when no endpoint is ready, all of them instead of none. */
  readonly servesAllDown: boolean;
}

/** A mistake in an annotation, which then counts as absent. */
export interface PolicyProblem {
  readonly field: string;
  readonly message: string;
}

const prefix = 'fairlead.dev/dns-';
const known: ReadonlySet<string> = new Set([
  'ttl',
  'max-endpoints',
  'weights',
  'zone-preference',
  'all-down',
  'sticky',
  'subnet-preference',
]);
const noPolicy: DnsPolicy = { prefersZone: false, servesAllDown: false, isSticky: false };
const maxWeight = 100;

/** Reads the annotations of a Service (or an import of one), and what is wrong with them. */
export function readDnsPolicy(service: { readonly metadata?: ObjectMeta | undefined }): {
  readonly policy: DnsPolicy;
  readonly problems: readonly PolicyProblem[];
} {
  const annotations = service.metadata?.annotations;
  const names = annotations === undefined ? [] : Object.keys(annotations).filter((name) => name.startsWith(prefix));
  if (annotations === undefined || names.length === 0) return { policy: noPolicy, problems: [] };
  const problems: PolicyProblem[] = [];
  const complain = (name: string, message: string): void => {
    problems.push({ field: `metadata.annotations[${prefix}${name}]`, message });
  };
  const text = (name: string): string | undefined => annotations[`${prefix}${name}`]?.trim();
  const integer = (name: string, from: number, to: number): number | undefined => {
    const value = text(name);
    if (value === undefined) return undefined;
    if (/^\d{1,6}$/.test(value) && Number(value) >= from && Number(value) <= to) return Number(value);
    complain(name, `must be a whole number from ${from} to ${to}`);
    return undefined;
  };
  const isChosen = (name: string, word: string): boolean => {
    const value = text(name);
    if (value !== undefined && value !== word && value !== 'off') complain(name, `must be '${word}' or 'off'`);
    return value === word;
  };
  for (const name of names) {
    const short = name.slice(prefix.length);
    if (!known.has(short)) complain(short, `unknown; there are ${[...known].join(', ')}`);
  }
  const ttlSeconds = integer('ttl', 0, 3600);
  const maxEndpoints = integer('max-endpoints', 1, 1000);
  const weights = readWeights(text('weights'), (message) => complain('weights', message));
  const preferredPrefix = readPrefix(text('subnet-preference'), (message) => complain('subnet-preference', message));
  const policy: DnsPolicy = {
    ...(ttlSeconds === undefined ? {} : { ttlSeconds }),
    ...(maxEndpoints === undefined ? {} : { maxEndpoints }),
    ...(weights === undefined ? {} : { weights }),
    prefersZone: isChosen('zone-preference', 'prefer'),
    servesAllDown: isChosen('all-down', 'serve'),
    isSticky: isChosen('sticky', 'client-subnet'),
    ...(preferredPrefix === undefined ? {} : { preferredPrefix }),
  };
  return { policy, problems };
}

/** `web-0=10, zone:eu-1a=3, 10.244.0.9=0`. */
function readWeights(
  text: string | undefined,
  complain: (message: string) => void,
): ReadonlyMap<string, number> | undefined {
  if (text === undefined) return undefined;
  const weights = new Map<string, number>();
  for (const part of text.split(',').map((piece) => piece.trim())) {
    const [, key, weight] = /^([^=\s]+)\s*=\s*(\d{1,3})$/.exec(part) ?? [];
    if (key === undefined || Number(weight) > maxWeight) {
      complain(`'${part}' must be NAME=WEIGHT with a weight from 0 to ${maxWeight}`);
      return undefined;
    }
    weights.set(key.toLowerCase(), Number(weight));
  }
  return weights;
}

/** `24` for IPv4, `24,64` for both families, `,64` for IPv6 alone. */
function readPrefix(
  text: string | undefined,
  complain: (message: string) => void,
): DnsPolicy['preferredPrefix'] | undefined {
  if (text === undefined || text === 'off') return undefined;
  const [, v4 = '', v6 = ''] = /^(\d{0,2})(?:\s*,\s*(\d{1,3}))?$/.exec(text) ?? [];
  const isGood = (value: string, most: number): boolean =>
    value === '' || (Number(value) >= 1 && Number(value) <= most);
  if (`${v4}${v6}` === '' || !isGood(v4, 32) || !isGood(v6, 128)) {
    complain("must be 'off' or lengths of prefixes: IPv4's from 1 to 32, after a comma IPv6's from 1 to 128");
    return undefined;
  }
  return { ...(v4 === '' ? {} : { v4: Number(v4) }), ...(v6 === '' ? {} : { v6: Number(v6) }) };
}
