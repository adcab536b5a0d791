import { inVersion } from '../crd/equivalent-version.ts';
import type { RestContext } from '../rest/rest-context.ts';
import { type AdmissionAttributes, type MatchRules, matchesWrite } from './admission-attributes.ts';

/** Whether rules that name one version of a resource are about writes through its other versions too. */
export type MatchPolicy = 'Exact' | 'Equivalent';

/** `matchPolicy` as it is given; the default is `Equivalent`. */
export function matchPolicyOf(value: unknown): MatchPolicy {
  return value === 'Exact' ? 'Exact' : 'Equivalent';
}

/** True when rules are about a write, in the version it was made in or an equivalent one. */
export function isMatched(
  context: RestContext,
  match: MatchRules | undefined,
  policy: MatchPolicy,
  write: AdmissionAttributes,
): boolean {
  if (matchesWrite(context, match, write)) return true;
  if (policy === 'Exact') return false;
  return equivalents(context, write).some((other) => matchesWrite(context, match, other));
}

/**
 * A write as the rules see it: unchanged when they name its version, converted to a version they name, or
 * `undefined` when they are not about it.
 */
export async function matchedWrite(
  context: RestContext,
  match: MatchRules | undefined,
  policy: MatchPolicy,
  write: AdmissionAttributes,
): Promise<AdmissionAttributes | undefined> {
  if (matchesWrite(context, match, write)) return write;
  if (policy === 'Exact') return undefined;
  const other = equivalents(context, write).find((candidate) => matchesWrite(context, match, candidate));
  if (other === undefined) return undefined;
  const { object, old } = write;
  return {
    ...other,
    object: object === undefined ? undefined : await inVersion(write.resource, other.resource, object),
    old: old === undefined ? undefined : await inVersion(write.resource, other.resource, old),
  };
}

/** The same write in the other versions of its resource, not yet converted. */
function equivalents(context: RestContext, write: AdmissionAttributes): AdmissionAttributes[] {
  const requested = write.requested ?? write.resource;
  return context.served.otherVersions(write.resource).map((resource) => ({ ...write, resource, requested }));
}
