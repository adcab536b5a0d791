import { nameFromText } from '../../wire/dns/name.ts';
import { typeNumber } from '../../wire/dns/zone-data.ts';
import { parseNetwork } from '../address-networks.ts';
import { normalizeName } from '../owner-names.ts';
import type { AccessAction, AccessRule } from '../server/access-list.ts';
import type { CorefileDirective } from './parse-corefile.ts';

const actions: readonly AccessAction[] = ['allow', 'block', 'filter', 'drop'];
/** Types that records of a zone file do not have by name. */
const moreTypes: Readonly<Record<string, number>> = { SVCB: 64, HTTPS: 65, AXFR: 252, IXFR: 251 };

/** The rules of an `acl` block, or why it is none. Nothing is taken of a block with a mistake. */
export type ImportedAccess =
  | { readonly ok: true; readonly rules: readonly AccessRule[] }
  | { readonly ok: false; readonly problem: string };

/** `acl [ZONE...] { ACTION [type TYPE...] [net NETWORK...] }`; without zones those of the server block. */
export function importAccess(directive: CorefileDirective, blockZones: readonly string[]): ImportedAccess {
  const texts = directive.args.length > 0 ? directive.args.map(normalizeName) : blockZones;
  const zones: Uint8Array[] = [];
  for (const text of texts) {
    const zone = nameFromText(text === '' ? '.' : text);
    if (zone === undefined) return { ok: false, problem: `${text} is not a zone` };
    zones.push(zone);
  }
  const rules: AccessRule[] = [];
  for (const { name, args } of directive.block) {
    const action = actions.find((one) => one === name);
    if (action === undefined) return { ok: false, problem: `${name} is not an action` };
    const rule = importPolicy(action, args, zones);
    if (typeof rule === 'string') return { ok: false, problem: rule };
    rules.push(rule);
  }
  return { ok: true, rules };
}

/** One line of the block; a text says what is wrong. */
function importPolicy(
  action: AccessAction,
  args: readonly string[],
  zones: readonly Uint8Array[],
): AccessRule | string {
  const types: number[] = [];
  const networks: AccessRule['networks'][number][] = [];
  let section = '';
  let isAllTypes = false;
  for (const arg of args) {
    if (arg === 'type' || arg === 'net') section = arg;
    else if (section === 'type') {
      const upper = arg.toUpperCase();
      const type = moreTypes[upper] ?? typeNumber(upper);
      if (upper === 'ANY' || arg === '*') isAllTypes = true;
      else if (type === undefined) return `${arg} is not a type that is known here`;
      else types.push(type);
    } else if (section === 'net') {
      const found = parseNetwork(arg);
      if (found === undefined) return `${arg} is not a network`;
      networks.push(...found);
    } else return `${arg} is neither type nor net`;
  }
  if (section === 'type' && types.length === 0 && !isAllTypes) return 'type names none';
  if (section === 'net' && networks.length === 0) return 'net names none';
  return { action, zones, types: isAllTypes ? [] : types, networks };
}
