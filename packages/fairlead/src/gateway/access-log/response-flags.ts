import type { LocalReason } from '../local-response.ts';

/** What Envoy's users know these ends by; reasons that Envoy has no flag for have none. */
const FLAGS: Readonly<Partial<Record<LocalReason, string>>> = {
  'no-route': 'NR',
  'no-endpoint': 'UH',
  overflow: 'UO',
  'upstream-connect': 'UF',
  'upstream-timeout': 'UT',
  'upstream-reset': 'UC',
  'upstream-malformed': 'UPE',
  'request-timeout': 'DT',
  'client-reset': 'DC',
  'bad-request': 'DPE',
  'rate-limited': 'RL',
  fault: 'FI',
  'auth-denied': 'UAEX',
  'auth-failed': 'UAEX',
  unauthenticated: 'UAEX',
};
const OF_UPSTREAMS = new Set<LocalReason>([
  'upstream-connect',
  'upstream-timeout',
  'upstream-reset',
  'upstream-malformed',
]);

/**
 * The flags of an exchange, separated by commas; empty for one that went well: `UH` no endpoint, `UF` no connection to it, `UC`
 * connection broke, `UT` timeout, `UPE` answer malformed, `URX` retries used up, `UO` limit reached, `NR` no route, `DC`
 * client went away, `DT` request too slow, `DPE` request malformed, `RL` rate limit, `UAEX` not let in, `FI` fault made on purpose.
 */
export function responseFlags(reason: LocalReason | undefined, attempts: number): string {
  const flag = reason === undefined ? undefined : FLAGS[reason];
  if (flag === undefined) return '';
  return attempts > 1 && OF_UPSTREAMS.has(reason!) ? `${flag},URX` : flag;
}
