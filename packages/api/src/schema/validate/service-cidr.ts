import { formatCidr, formatIp, parseCidr, parseIp } from '../../ip.ts';
import { jsonEqual } from '../../own-property.ts';
import { type FieldCause, forbidden, invalid, required } from '../field-cause.ts';
import { checkDnsSubdomain, type JsonObject, objectIn, stringsIn, textIn } from './fields.ts';

/** Checks a ServiceCIDR: one range, or one of each family. */
export function validateServiceCidr(range: JsonObject, old: JsonObject | undefined): FieldCause[] {
  const cidrs = stringsIn(objectIn(range, 'spec'), 'cidrs');
  const field = 'spec.cidrs';
  if (old !== undefined) {
    const wrong = changeOfRanges(cidrs, stringsIn(objectIn(old, 'spec'), 'cidrs'), field);
    if (wrong.length > 0) return wrong;
  }
  if (cidrs.length === 0) return [required(field, 'at least one CIDR required')];
  if (cidrs.length > 2) return [invalid(field, cidrs, 'may only hold up to 2 values')];
  const causes: FieldCause[] = [];
  const families = new Set<number>();
  for (const [index, text] of cidrs.entries()) {
    const cidr = parseCidr(text);
    if (cidr === undefined) {
      causes.push(
        invalid(`${field}[${index}]`, text, 'must be a valid CIDR value, (e.g. 10.9.8.0/24 or 2001:db8::/64)'),
      );
    } else {
      if (formatCidr(cidr) !== text) {
        causes.push(invalid(`${field}[${index}]`, text, `must be in canonical form ("${formatCidr(cidr)}")`));
      }
      families.add(text.includes(':') ? 6 : 4);
    }
  }
  if (cidrs.length === 2 && families.size === 1) {
    causes.push(
      invalid(field, cidrs, 'may specify no more than one IP for each IP family, i.e 192.168.0.0/24 and 2001:db8::/64'),
    );
  }
  return causes;
}

/** Ranges never change, but a range of the other family may be added. */
function changeOfRanges(cidrs: readonly string[], before: readonly string[], field: string): FieldCause[] {
  const fixed = 'field is immutable';
  if (cidrs.length !== before.length && !(before.length === 1 && cidrs.length === 2)) {
    return [invalid(field, cidrs, fixed)];
  }
  return before.flatMap((cidr, index) =>
    cidr === cidrs[index] ? [] : [invalid(`${field}[${index}]`, cidrs[index] ?? '', fixed)],
  );
}

/** Complaints about the name of an IPAddress: the address in its canonical form. */
export function ipAddressNameErrors(name: string): string[] {
  const ip = parseIp(name);
  if (ip === undefined) return ['must be a valid IP address, (e.g. 10.9.8.7 or 2001:db8::ffff)'];
  return formatIp(ip) === name ? [] : [`must be in canonical form ("${formatIp(ip)}")`];
}

/** Checks an IPAddress; who holds it never changes. */
export function validateIpAddress(address: JsonObject, old: JsonObject | undefined): FieldCause[] {
  const spec = objectIn(address, 'spec');
  if (spec.parentRef === undefined) return [required('spec.parentRef')];
  const parent = objectIn(spec, 'parentRef');
  const group = textIn(parent, 'group');
  const causes = group === '' ? [] : checkDnsSubdomain(group, 'spec.parentRef.group');
  for (const name of ['resource', 'name']) {
    if (textIn(parent, name) === '') causes.push(required(`spec.parentRef.${name}`));
  }
  if (old !== undefined && !jsonEqual(spec.parentRef, objectIn(old, 'spec').parentRef)) {
    causes.push(forbidden('spec.parentRef', 'field is immutable'));
  }
  return causes;
}
