import { parseNetwork } from '../address-networks.ts';
import type { Secondary } from '../notify-secondaries.ts';
import { normalizeName } from '../owner-names.ts';
import type { SecondarySource } from '../secondary-zones.ts';
import type { Block } from './corefile-settings.ts';
import type { CorefileDirective } from './parse-corefile.ts';

/** Zones of primaries, or why there are none. */
export type ImportedSecondary =
  | {
      readonly ok: true;
      readonly sources: readonly SecondarySource[];
      readonly left: readonly string[];
      /** What is taken, for the note. */
      readonly text: string;
    }
  | { readonly ok: false; readonly problem: string };

/** `secondary [ZONE...] { transfer from ADDRESS... }` */
export function importSecondary(directive: CorefileDirective, { zones, clusterDomain }: Block): ImportedSecondary {
  const origins = directive.args.length > 0 ? directive.args.map(normalizeName) : zones;
  const ours = origins.find(
    (zone) => clusterDomain !== undefined && (zone === clusterDomain || zone.endsWith(`.${clusterDomain}`)),
  );
  if (ours !== undefined) return { ok: false, problem: `names of ${ours} come from the cluster` };
  const targets = directive.block.flatMap(({ name, args }) =>
    name === 'transfer' && args[0] === 'from' ? args.slice(1) : [],
  );
  const bad = targets.find((target) => serverOf(target) === undefined);
  if (bad !== undefined) return { ok: false, problem: `${bad} is not an address to transfer from` };
  const primaries = targets.flatMap((target) => serverOf(target) ?? []);
  if (primaries.length === 0) return { ok: false, problem: 'names no address to transfer from' };
  const left = directive.block
    .filter(({ name, args }) => !(name === 'transfer' && args[0] === 'from') && name !== 'upstream')
    .map(({ name, args }) => [name, ...args].join(' '));
  const text = `${origins.join(', ')} of ${targets.join(', ')}`;
  return { ok: true, sources: origins.map((origin) => ({ origin, primaries })), left, text };
}

/** An address, with a port or not; absent: another thing, such as a network or `*`. */
export function serverOf(target: string): Secondary | undefined {
  const [, v4, v6, plain, port] =
    /^(?:dns:\/\/)?(?:(\d+\.\d+\.\d+\.\d+)|\[([0-9a-f:.]+)\]|([0-9a-f:.]+:[0-9a-f:.]*))(?::(\d{1,5}))?$/i.exec(
      target,
    ) ?? [];
  const address = v4 ?? v6 ?? plain;
  if (address === undefined || parseNetwork(address) === undefined) return undefined;
  return { address, port: port === undefined ? 53 : Number(port) };
}
