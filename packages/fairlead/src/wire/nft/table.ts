/** A set or map as declared inside a table. */
export interface NftSet {
  readonly kind: 'set' | 'map';
  readonly name: string;
  /** `type …` or `typeof …`, with `: value type` for a map. */
  readonly type: string;
  readonly flags?: readonly string[];
  /** Most elements; needed where packets add them. */
  readonly size?: number;
  /** How long elements stay that packets add, e.g. `1m`. */
  readonly timeout?: string;
  readonly elements?: readonly string[];
}

/** A chain; `hook` makes it a base chain. */
export interface NftChain {
  readonly name: string;
  /** E.g. `type nat hook prerouting priority -100`. */
  readonly hook?: string;
  readonly rules: readonly string[];
}

/** The declared part of a table, in order of declaration. */
export interface NftTable {
  readonly sets: readonly NftSet[];
  /** A chain must come after those its rules jump to. */
  readonly chains: readonly NftChain[];
}

function setText(set: NftSet): string {
  const lines = [`  ${set.kind} ${set.name} {`, `    ${set.type};`];
  if (set.flags !== undefined && set.flags.length > 0) lines.push(`    flags ${set.flags.join(',')};`);
  if (set.size !== undefined) lines.push(`    size ${set.size};`);
  if (set.timeout !== undefined) lines.push(`    timeout ${set.timeout};`);
  if (set.elements !== undefined && set.elements.length > 0)
    lines.push(`    elements = { ${set.elements.join(', ')} }`);
  lines.push('  }');
  return lines.join('\n');
}

function chainText(chain: NftChain): string {
  const lines = [`  chain ${chain.name} {`];
  if (chain.hook !== undefined) lines.push(`    ${chain.hook};`);
  for (const rule of chain.rules) lines.push(`    ${rule}`);
  lines.push('  }');
  return lines.join('\n');
}

/** Text of a table's declarations, as stands between the braces of `table … { }`. */
export function nftTableBody(table: NftTable): string {
  const parts = [...table.sets.map(setText), ...table.chains.map(chainText)];
  return parts.map((part) => `${part}\n`).join('');
}
