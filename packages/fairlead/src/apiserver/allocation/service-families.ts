import { type FieldCause, invalid } from '@fairlead/api/schema/field-cause';
import { parseLegacyIp } from '@fairlead/api/schema/validate/addresses';
import { validateClusterIps } from '@fairlead/api/schema/validate/service-cluster-ips';
import { isHeadless, needsClusterIp, type ServiceForm } from './service-form.ts';
import { familyName, type IpFamily } from './service-ranges.ts';

/**
 * Completes `ipFamilyPolicy` and `ipFamilies` (KEP-563). Changes `spec`. Cases, in order: no cluster IP;
 * a PreferDualStack Service whose addresses do not change keeps them, whatever the cluster has become;
 * headless without a selector (endpoints of either family are its user's matter); everything else.
 * @param configured families of the cluster, the default first
 * @returns mistakes; the real server reports them before any others
 */
export function completeFamilies(
  spec: ServiceForm,
  old: ServiceForm | undefined,
  configured: readonly IpFamily[],
): FieldCause[] {
  if (!needsClusterIp(spec) || keepsPreferredAddresses(spec, old)) return [];
  const forUsersEndpoints = isHeadless(spec) && Object.keys(spec.selector ?? {}).length === 0;
  // Never from one stack to two or back without a word: an update without a policy means the one from before.
  spec.ipFamilyPolicy ??= old?.ipFamilyPolicy ?? (forUsersEndpoints ? 'RequireDualStack' : 'SingleStack');
  const early = validateClusterIps(spec);
  if (early.length > 0) return early;
  const causes = [...(old === undefined ? [] : downgrade(spec, old)), ...singleStackCauses(spec)];
  const families = [...(spec.ipFamilies ?? [])];
  const ips = spec.clusterIPs ?? [];
  for (const [index, text] of isHeadless(spec) ? [] : ips.entries()) {
    const ip = parseLegacyIp(text);
    if (ip === undefined || index < families.length) continue;
    const family = familyName(ip);
    if (configured.includes(family)) families.push(family);
    else causes.push(invalid(`spec.clusterIPs[${index}]`, ips, `${family} is not configured on this cluster`));
  }
  if (causes.length > 0) return causes;
  if (!forUsersEndpoints) {
    causes.push(...unconfiguredCauses(spec.ipFamilyPolicy, families, configured));
    if (causes.length > 0) return causes;
  }
  if (families.length === 0) families.push(configured[0]!);
  const mayHaveTwo = forUsersEndpoints || configured.length === 2;
  if (spec.ipFamilyPolicy !== 'SingleStack' && families.length === 1 && mayHaveTwo) families.push(other(families[0]!));
  spec.ipFamilies = families;
  return [];
}

/**
 * SingleStack with everything else unchanged takes away the second address and family; to take them away without
 * saying so is a mistake. Changes `spec`.
 */
function downgrade(spec: ServiceForm, old: ServiceForm): FieldCause[] {
  if (spec.ipFamilyPolicy === 'SingleStack') {
    if (same(spec.clusterIPs, old.clusterIPs)) spec.clusterIPs = spec.clusterIPs?.slice(0, 1);
    if (same(spec.ipFamilies, old.ipFamilies)) spec.ipFamilies = spec.ipFamilies?.slice(0, 1);
    return [];
  }
  const causes: FieldCause[] = [];
  for (const [what, now, before] of [
    ['cluster IP', spec.clusterIPs, old.clusterIPs],
    ['IP family', spec.ipFamilies, old.ipFamilies],
  ] as const) {
    const reduced = before?.length === 2 && now?.length === 1 && now[0] === before[0];
    const text = `must be 'SingleStack' to release the secondary ${what}`;
    if (reduced) causes.push(invalid('spec.ipFamilyPolicy', spec.ipFamilyPolicy, text));
  }
  return causes;
}

/** What a Service asks for that the cluster does not have. */
function unconfiguredCauses(
  policy: string,
  families: readonly string[],
  configured: readonly IpFamily[],
): FieldCause[] {
  const causes: FieldCause[] = [];
  if (policy === 'RequireDualStack' && configured.length < 2) {
    const text = 'this cluster is not configured for dual-stack services';
    causes.push(invalid('spec.ipFamilyPolicy', policy, text));
  }
  for (const [index, family] of families.entries()) {
    if (configured.includes(family as IpFamily)) continue;
    causes.push(invalid(`spec.ipFamilies[${index}]`, family, 'not configured on this cluster'));
  }
  return causes;
}

/** Two of something need a policy that allows two. */
function singleStackCauses(spec: ServiceForm): FieldCause[] {
  if (spec.ipFamilyPolicy !== 'SingleStack') return [];
  const causes: FieldCause[] = [];
  for (const [what, list] of [
    ['cluster IPs', spec.clusterIPs],
    ['IP families', spec.ipFamilies],
  ] as const) {
    const text = `must be 'RequireDualStack' or 'PreferDualStack' when multiple ${what} are specified`;
    if (list?.length === 2) causes.push(invalid('spec.ipFamilyPolicy', 'SingleStack', text));
  }
  return causes;
}

function keepsPreferredAddresses(spec: ServiceForm, old: ServiceForm | undefined): boolean {
  return (
    old !== undefined &&
    needsClusterIp(old) &&
    spec.ipFamilyPolicy === 'PreferDualStack' &&
    old.ipFamilyPolicy === 'PreferDualStack' &&
    same(spec.clusterIPs, old.clusterIPs) &&
    same(spec.ipFamilies, old.ipFamilies)
  );
}

function other(family: string): IpFamily {
  return family === 'IPv4' ? 'IPv6' : 'IPv4';
}

function same(left: readonly string[] | undefined, right: readonly string[] | undefined): boolean {
  return JSON.stringify(left ?? []) === JSON.stringify(right ?? []);
}
