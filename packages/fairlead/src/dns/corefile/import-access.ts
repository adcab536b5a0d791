import { nameFromText } from '../../wire/dns/name.ts';
import { parseNetwork } from '../address-networks.ts';
import { normalizeName } from '../owner-names.ts';
import { queryTypeNumber } from '../query-types.ts';
import type { AccessAction, AccessRule } from '../server/access-list.ts';
import type { CorefileDirective } from './parse-corefile.ts';

const actions: readonly AccessAction[] = ['allow', 'block', 'filter', 'drop'];
/** The rules of an `acl` block. With a `problem` they are one rule that refuses all of its zones. */
export interface ImportedAccess {
  readonly rules: readonly AccessRule[];
  readonly zones: readonly string[];
  readonly problem?: string;
}

/**
 * `acl [ZONE...] { ACTION [type TYPE...] [net NETWORK...] }`; without zones those of the server block. A block with a
 * mistake closes what it is about, for everybody: what it was to keep out must not come in by a slip of the pen.
 */
export function importAccess(directive: CorefileDirective, blockZones: readonly string[]): ImportedAccess {
  const texts = directive.args.map((text) => normalizeName(text) || '.');
  const isZone = (text: string): boolean => nameFromText(text) !== undefined;
  const good = texts.filter(isZone);
  const named = good.length > 0 ? good : blockZones;
  const bad = texts.find((text) => !isZone(text));
  // Of a zone that cannot be read nobody knows what it is: then all of the block.
  const zones = bad === undefined ? named : blockZones;
  const wire = zones.flatMap((zone) => nameFromText(zone) ?? []);
  const closed = (problem: string): ImportedAccess => ({
    rules: [{ action: 'block', zones: wire, types: [], networks: [] }],
    zones,
    problem,
  });
  if (bad !== undefined) return closed(`${bad} is not a zone`);
  const rules: AccessRule[] = [];
  for (const { name, args } of directive.block) {
    const action = actions.find((one) => one === name);
    if (action === undefined) return closed(`${name} is not an action`);
    const rule = importPolicy(action, args, wire);
    if (typeof rule === 'string') return closed(rule);
    rules.push(rule);
  }
  return { rules, zones };
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
      const type = queryTypeNumber(upper);
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
