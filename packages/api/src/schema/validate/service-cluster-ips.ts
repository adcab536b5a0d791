import { duplicate, type FieldCause, invalid, notSupported, required } from '../field-cause.ts';
import { checkLegacyIp, parseLegacyIp } from './addresses.ts';
import { type JsonObject, stringsIn, textIn } from './fields.ts';

const FIELD = 'spec.clusterIPs';

/** Checks `clusterIP`, `clusterIPs`, `ipFamilies` and `ipFamilyPolicy` together. */
export function validateClusterIps(spec: JsonObject): FieldCause[] {
  const causes: FieldCause[] = [];
  const first = textIn(spec, 'clusterIP');
  const ips = stringsIn(spec, 'clusterIPs');
  const families = stringsIn(spec, 'ipFamilies');
  if (first === '') {
    if (ips.length > 0) causes.push(invalid(FIELD, ips, 'must be empty when `clusterIP` is not specified'));
  } else if (ips.length === 0) {
    causes.push(required(FIELD));
  } else if (ips[0] !== first) {
    causes.push(invalid(FIELD, ips, 'first value must match `clusterIP`'));
  }
  for (const [index, family] of families.entries()) {
    const field = `spec.ipFamilies[${index}]`;
    if (family !== 'IPv4' && family !== 'IPv6') causes.push(notSupported(field, family, ['IPv4', 'IPv6']));
    if (families.indexOf(family) < index) causes.push(duplicate(field, family));
  }
  const policies = ['PreferDualStack', 'RequireDualStack', 'SingleStack'];
  if (spec.ipFamilyPolicy !== undefined && !policies.includes(String(spec.ipFamilyPolicy))) {
    causes.push(notSupported('spec.ipFamilyPolicy', spec.ipFamilyPolicy, policies));
  }
  const malformed: FieldCause[] = [];
  for (const [index, ip] of ips.entries()) {
    if (index === 0 && ip === 'None') {
      if (ips.length > 1) malformed.push(invalid(FIELD, ips, "'None' must be the first and only value"));
    } else {
      malformed.push(...checkLegacyIp(ip, `${FIELD}[${index}]`));
    }
  }
  causes.push(...malformed);
  if (ips.length > 2) causes.push(invalid(FIELD, ips, 'may only hold up to 2 values'));
  if (malformed.length > 0) return causes;
  const actual = ips.map((ip) => `IPv${parseLegacyIp(ip)?.family}`);
  if (ips.length > 1 && actual[0] === actual[1]) {
    causes.push(invalid(FIELD, ips, 'may specify no more than one IP for each IP family'));
  }
  if (first === 'None') return causes;
  for (const [index, ip] of ips.entries()) {
    const family = families[index];
    if ((family !== 'IPv4' && family !== 'IPv6') || family === actual[index]) continue;
    causes.push(
      invalid(`${FIELD}[${index}]`, ip, `expected an ${family} value as indicated by \`ipFamilies[${index}]\``),
    );
  }
  return causes;
}
