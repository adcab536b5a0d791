import type { Protocol } from './program.ts';

/** Ports `from` to `to`, both included, of one protocol. */
export interface PortRange {
  readonly protocol: Protocol;
  readonly from: number;
  readonly to: number;
}

/** Port numbers end here. */
const lastPort = 65535;
const protocols: readonly Protocol[] = ['TCP', 'UDP', 'SCTP'];

/**
 * Reads one entry of a list of ranges: `8000-8999/TCP`, `53/UDP`, `all`, `all/TCP`. Without a protocol
 * a range is TCP, and `all` means all three. `undefined`: not understood.
 */
export function parsePortRange(text: string): readonly PortRange[] | undefined {
  const [, ports = '', first = '', last = first, name] =
    /^(all|(\d{1,5})(?:-(\d{1,5}))?)(?:\/(TCP|UDP|SCTP))?$/i.exec(text) ?? [];
  const protocol = name?.toUpperCase() as Protocol | undefined;
  if (ports === '') return undefined;
  if (ports.toLowerCase() === 'all') {
    const all = protocol === undefined ? protocols : [protocol];
    return all.map((each) => ({ protocol: each, from: 1, to: lastPort }));
  }
  const [from, to] = [Number(first), Number(last)];
  if (from < 1 || to > lastPort || from > to) return undefined;
  return [{ protocol: protocol ?? 'TCP', from, to }];
}

/** The same ports as disjoint ranges in ascending order, neighbours joined, protocol by protocol. */
export function joinPortRanges(ranges: readonly PortRange[]): readonly PortRange[] {
  const joined: PortRange[] = [];
  for (const protocol of protocols) {
    const own = ranges.filter((range) => range.protocol === protocol).sort((a, b) => a.from - b.from);
    let last: PortRange | undefined;
    for (const range of own) {
      if (last !== undefined && range.from <= last.to + 1) {
        last = { ...last, to: Math.max(last.to, range.to) };
        joined[joined.length - 1] = last;
      } else {
        last = range;
        joined.push(range);
      }
    }
  }
  return joined;
}

/** Disjoint ranges without single ports. */
export function withoutPorts(
  ranges: readonly PortRange[],
  ports: readonly { readonly protocol: Protocol; readonly port: number }[],
): readonly PortRange[] {
  let left = ranges;
  for (const { protocol, port } of ports) {
    left = left.flatMap((range) => {
      if (range.protocol !== protocol || port < range.from || port > range.to) return [range];
      return [
        { ...range, to: port - 1 },
        { ...range, from: port + 1 },
      ].filter(({ from, to }) => from <= to);
    });
  }
  return left;
}
