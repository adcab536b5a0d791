import { isIP } from 'node:net';
import type { Machine, Mode } from './cluster-options.ts';
import type { Setting, SettingReader } from './settings.ts';

/** The address ranges of a system. */
export interface AddressRanges {
  /** Ranges of cluster IPs: one, or one of each family joined by a comma, the preferred family first. */
  readonly serviceCidr: string;
  /** Ranges of Pod IPs, in the same form. */
  readonly podCidr: string;
}

type Family = 4 | 6;

/** Settings of the address ranges. */
export const rangeSettings: readonly Setting[] = [
  {
    name: 'ip-family',
    value: 'FAMILY',
    description: 'ipv4 (default), ipv6 or dual: families of the ranges below that are not given',
  },
  {
    name: 'service-cidr',
    value: 'CIDR[,CIDR]',
    description: 'cluster IPs, one range per family, preferred first (default 10.96.0.0/16, fd00:10:96::/112)',
  },
  {
    name: 'pod-cidr',
    value: 'CIDR[,CIDR]',
    description: 'Pod IPs, the same families (default 10.244.0.0/16, fd00:10:244::/56; userspace 127.244.0.0/16)',
  },
];

const askedFamilies: Readonly<Record<'ipv4' | 'ipv6' | 'dual', readonly Family[]>> = {
  ipv4: [4],
  ipv6: [6],
  dual: [4, 6],
};
const defaults = {
  services: { 4: '10.96.0.0/16', 6: 'fd00:10:96::/112' },
  pods: { 4: '10.244.0.0/16', 6: 'fd00:10:244::/56' },
} as const;
const loopbackDefaults = {
  services: { ...defaults.services, 4: '127.96.0.0/16' },
  pods: { ...defaults.pods, 4: '127.244.0.0/16' },
} as const;

/** Families of a range or of two, in their order; nothing for what is no range. */
function familiesOf(ranges: string): readonly Family[] {
  return ranges.split(',').flatMap((range) => {
    const family = isIP(range.trim().split('/')[0] ?? '');
    return family === 4 || family === 6 ? [family] : [];
  });
}

/** What of the machine decides which families Pods can have. */
export type PodsOn = Pick<Machine, 'ipv6Obstacle'>;

/**
 * Reads the address ranges; reports problems to the reader.
 * @param pods the machine that Pods of these ranges shall run on; absent: the role makes none
 */
export function readRanges(reader: SettingReader, mode: Mode, pods?: PodsOn): AddressRanges {
  const given = reader.text('service-cidr') ?? reader.text('pod-cidr');
  const asked = reader.text('ip-family');
  const choice = reader.oneOf('ip-family', ['ipv4', 'ipv6', 'dual'], 'ipv4');
  const families = asked === undefined && given !== undefined ? familiesOf(given) : askedFamilies[choice];
  const { services, pods: podRanges } = mode === 'kernel' ? defaults : loopbackDefaults;
  const byFamily = (ranges: Readonly<Record<Family, string>>): string =>
    (families.length === 0 ? ([4] as const) : families).map((family) => ranges[family]).join(',');
  const before = reader.problems.length;
  const options: AddressRanges = {
    serviceCidr: reader.cidrOfEachFamily('service-cidr', byFamily(services), [12, 28], [64, 124]),
    podCidr: reader.cidrOfEachFamily('pod-cidr', byFamily(podRanges), [8, 22], [32, 62]),
  };
  if (pods !== undefined && reader.problems.length === before) {
    reader.problems.push(...podProblems(options, asked === undefined ? undefined : families, mode, pods));
  }
  return options;
}

/** Why Pods cannot have addresses of these families. */
function podProblems(
  { serviceCidr, podCidr }: AddressRanges,
  asked: readonly Family[] | undefined,
  mode: Mode,
  { ipv6Obstacle }: PodsOn,
): string[] {
  const [services, pods] = [familiesOf(serviceCidr), familiesOf(podCidr)];
  if (services.join() !== pods.join()) {
    return [`--pod-cidr ${podCidr}: must have the families of --service-cidr ${serviceCidr}, in the same order`];
  }
  if (asked !== undefined && [...asked].sort().join() !== [...services].sort().join()) {
    return [`--ip-family: the ranges ${serviceCidr} and ${podCidr} have other families`];
  }
  if (!services.includes(6)) return [];
  if (mode === 'userspace') {
    return [
      `--pod-cidr ${podCidr}: userspace mode has no IPv6: its Pods share the loopback, which has one address of it`,
    ];
  }
  return ipv6Obstacle === undefined ? [] : [`--pod-cidr ${podCidr}: IPv6 ${ipv6Obstacle}`];
}
