import { type IpFamily, type ParsedCidr, parseCidr } from './cidr.ts';
import { joinPortRanges, type PortRange, parsePortRange } from './port-ranges.ts';
import type { SourceLimits } from './program.ts';

/** A value that is not understood; the rest is followed. */
export interface AnnotationProblem {
  /** E.g. `metadata.annotations[fairlead.dev/deny-sources]`. */
  readonly field: string;
  readonly message: string;
}

/** What annotations ask of the L4 proxy (docs/decisions/0003-l4-annotations.md). */
export interface L4Annotations {
  /** `default`: the user has not said. */
  readonly spread: 'default' | 'random' | 'source' | 'connection';
  /** By `pod/NAME`, `node/NAME`, `zone/NAME`. */
  readonly weights: ReadonlyMap<string, number>;
  /** By family; a family without an entry is not filtered. */
  readonly allowed: ReadonlyMap<IpFamily, readonly ParsedCidr[]>;
  readonly denied: ReadonlyMap<IpFamily, readonly ParsedCidr[]>;
  readonly limits: SourceLimits | undefined;
  /** Ports beside those of the spec. Disjoint. */
  readonly portRanges: readonly PortRange[];
  readonly drainSeconds: number | undefined;
  readonly synProxy: boolean;
  readonly directReturn: 'off' | 'mac' | 'vxlan' | 'ipip';
  /** Relay by the userspace proxy; a PROXY protocol header needs it. */
  readonly userspace: boolean;
  readonly proxyProtocol: 'v1' | 'v2' | undefined;
}

/** What every annotation of ours begins with. */
export const annotationPrefix = 'fairlead.dev/';
const prefix = annotationPrefix;
const mostRanges = 64;
const longestDrainSeconds = 86_400;
const heaviest = 1000;
const mostConnections = 1_000_000;
const families: readonly IpFamily[] = ['IPv4', 'IPv6'];

/** Whether something is asked for that not every kernel can do. */
export function needsKernelFeature(annotations: Readonly<Record<string, string>> | undefined): boolean {
  return (
    annotations?.[`${prefix}syn-proxy`] !== undefined || annotations?.[`${prefix}direct-server-return`] !== undefined
  );
}

function listOf(text: string): string[] {
  return text
    .split(',')
    .map((part) => part.trim())
    .filter((part) => part !== '');
}

/** Reads the annotations of a Service; what is wrong is added to `problems`. */
export function readL4Annotations(
  annotations: Readonly<Record<string, string>> | undefined,
  problems: AnnotationProblem[],
): L4Annotations {
  const wrong = (name: string, message: string): undefined => {
    problems.push({ field: `metadata.annotations[${prefix}${name}]`, message });
  };
  const value = (name: string): string | undefined => annotations?.[prefix + name]?.trim();

  const cidrs = (name: string): Map<IpFamily, ParsedCidr[]> => {
    const found = new Map<IpFamily, ParsedCidr[]>();
    for (const text of listOf(value(name) ?? '')) {
      const cidr = parseCidr(text.includes('/') ? text : `${text}/${text.includes(':') ? 128 : 32}`);
      if (cidr === undefined) wrong(name, `'${text}' is not an address or an address range`);
      else found.set(cidr.family, [...(found.get(cidr.family) ?? []), cidr]);
    }
    return found;
  };

  const spreadOf = (): L4Annotations['spread'] => {
    switch (value('load-balancing')) {
      case undefined:
        return 'default';
      case 'random':
        return 'random';
      case 'maglev':
        return 'connection';
      case 'source-hash':
        return 'source';
      default:
        wrong('load-balancing', `'${value('load-balancing')}' is none of random, maglev, source-hash`);
        return 'default';
    }
  };

  const weights = new Map<string, number>();
  for (const part of listOf(value('endpoint-weights') ?? '')) {
    const [, subject = '', digits = ''] = /^((?:pod|node|zone)\/\S+?)=(\d{1,4})$/.exec(part) ?? [];
    if (subject !== '' && Number(digits) <= heaviest) weights.set(subject, Number(digits));
    else
      wrong('endpoint-weights', `'${part}' is not pod/NAME=WEIGHT, node/… or zone/… with a weight of 0 to ${heaviest}`);
  }

  const connections = (): number | undefined => {
    const text = value('max-connections-per-source');
    if (text === undefined) return undefined;
    const count = /^\d+$/.test(text) ? Number(text) : 0;
    if (count >= 1 && count <= mostConnections) return count;
    return wrong('max-connections-per-source', `'${text}' is not a number from 1 to ${mostConnections}`);
  };

  const rate = (): SourceLimits['newConnections'] => {
    const text = value('new-connections-per-source');
    if (text === undefined) return undefined;
    const [, count = '', unit = '', burst = ''] =
      /^(\d{1,6})\/(second|minute|hour)(?:\s+burst\s+(\d{1,6}))?$/.exec(text) ?? [];
    if (Number(count) >= 1) {
      // As many as in one second, or 5: clients open a few at once.
      const fallback = Math.max(5, unit === 'second' ? Number(count) : 0);
      return {
        count: Number(count),
        per: unit as 'second',
        burst: burst === '' ? fallback : Math.max(1, Number(burst)),
      };
    }
    return wrong(
      'new-connections-per-source',
      `'${text}' is not COUNT/second, COUNT/minute or COUNT/hour [burst COUNT]`,
    );
  };

  const portRanges = (): readonly PortRange[] => {
    const texts = listOf(value('port-ranges') ?? '');
    if (texts.length > mostRanges) wrong('port-ranges', `more than ${mostRanges} ranges`);
    return joinPortRanges(
      texts.slice(0, mostRanges).flatMap((text) => {
        const ranges = parsePortRange(text);
        if (ranges === undefined)
          wrong('port-ranges', `'${text}' is not PORT-PORT[/TCP|UDP|SCTP], PORT[/…] or all[/…] with ports 1 to 65535`);
        return ranges ?? [];
      }),
    );
  };

  const drain = (): number | undefined => {
    const text = value('drain-seconds');
    if (text === undefined) return undefined;
    if (/^\d{1,5}$/.test(text) && Number(text) <= longestDrainSeconds) return Number(text);
    return wrong('drain-seconds', `'${text}' is not a number of seconds from 0 to ${longestDrainSeconds}`);
  };

  const switched = (name: string): boolean => {
    const text = value(name);
    if (text === undefined || text === 'off' || text === 'on') return text === 'on';
    wrong(name, `'${text}' is neither on nor off`);
    return false;
  };

  const directReturn = (): L4Annotations['directReturn'] => {
    const text = value('direct-server-return') ?? 'off';
    if (text === 'off' || text === 'mac' || text === 'vxlan' || text === 'ipip') return text;
    wrong('direct-server-return', `'${text}' is none of off, mac, vxlan, ipip`);
    return 'off';
  };
  const proxyProtocol = ((): 'v1' | 'v2' | undefined => {
    const text = value('proxy-protocol');
    if (text === undefined || text === 'v1' || text === 'v2') return text;
    return wrong('proxy-protocol', `'${text}' is neither v1 nor v2`);
  })();
  const mode = value('proxy-mode');
  if (mode !== undefined && mode !== 'kernel' && mode !== 'userspace') {
    wrong('proxy-mode', `'${mode}' is neither kernel nor userspace`);
  } else if (mode === 'kernel' && proxyProtocol !== undefined) {
    wrong('proxy-mode', 'fairlead.dev/proxy-protocol needs userspace');
  }

  const allowed = cidrs('allow-sources');
  // Nothing good in the list: nobody is admitted, rather than everybody.
  if ((value('allow-sources') ?? '') !== '' && allowed.size === 0)
    for (const family of families) allowed.set(family, []);
  const maxConnections = connections();
  const newConnections = rate();
  const limited = maxConnections !== undefined || newConnections !== undefined;
  return {
    spread: spreadOf(),
    weights,
    allowed,
    denied: cidrs('deny-sources'),
    portRanges: portRanges(),
    drainSeconds: drain(),
    synProxy: switched('syn-proxy'),
    directReturn: directReturn(),
    userspace: mode === 'userspace' || proxyProtocol !== undefined,
    proxyProtocol,
    limits: limited
      ? {
          ...(maxConnections === undefined ? {} : { maxConnections }),
          ...(newConnections === undefined ? {} : { newConnections }),
        }
      : undefined,
  };
}
