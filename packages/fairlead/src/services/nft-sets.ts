import type { NftSet } from '../wire/nft/table.ts';
import type { NftFamily } from '../wire/nft/transaction.ts';
import { egressSets } from './nft-egress.ts';
import { hostPortSets } from './nft-host-ports.ts';
import type { NftLayoutOptions } from './nft-layout.ts';
import {
  dispatchChains,
  dispatchClass,
  endpointMapName,
  lbClass,
  mapFor,
  preparedLbChains,
  protocols,
} from './nft-names.ts';

/** Those of the ranges that are of this family. */
export function ofFamily(cidrs: readonly string[], ip: NftFamily): string[] {
  return cidrs.filter((cidr) => cidr.includes(':') === (ip === 'ip6'));
}

function preparedClasses(): string[] {
  return Array.from({ length: preparedLbChains }, (_, index) => `${lbClass('lb', index + 1)} : goto lb-${index + 1}`);
}

/** All sets and maps of one family's table, before any Service. */
export function layoutSets(ip: NftFamily, options: NftLayoutOptions): NftSet[] {
  const address = ip === 'ip' ? 'ipv4_addr' : 'ipv6_addr';
  const frontend = `${address} . inet_proto . inet_service`;
  const endpointMaps = protocols.flatMap((protocol): NftSet[] => {
    const dport = `${protocol.toLowerCase()} dport`;
    const target = `${ip} daddr . ${dport}`;
    // The endpoint maps' keys end in an index; only `typeof` can express that.
    const index = 'numgen random mod 2';
    return [
      {
        kind: 'map',
        name: endpointMapName(protocol, 'address'),
        type: `typeof ${ip} daddr . ${dport} . ${index} : ${target}`,
      },
      {
        kind: 'map',
        name: endpointMapName(protocol, 'node-port'),
        type: `typeof ${dport} . ${index} : ${target}`,
      },
    ];
  });
  const verdictMap = (name: string, key: string): NftSet => ({ kind: 'map', name, type: `type ${key} : verdict` });
  const port = 'inet_proto . inet_service';
  const classMap = (name: string, key: string): NftSet => ({ kind: 'map', name, type: `type ${key} : classid` });
  return [
    {
      kind: 'set',
      name: 'pod-cidrs',
      type: `type ${address}`,
      flags: ['interval'],
      elements: ofFamily(options.podCidrs, ip),
    },
    {
      kind: 'set',
      name: 'service-cidrs',
      type: `type ${address}`,
      flags: ['interval'],
      elements: ofFamily(options.serviceCidrs, ip),
    },
    ...(options.nodePortCidrs === undefined
      ? []
      : [
          {
            kind: 'set',
            name: 'node-port-cidrs',
            type: `type ${address}`,
            flags: ['interval'],
            elements: ofFamily(options.nodePortCidrs, ip),
          } as const,
        ]),
    ...egressSets(ip, options.insideCidrs),
    { kind: 'set', name: 'cluster-ips', type: `type ${address}` },
    { kind: 'set', name: 'announced-ips', type: `type ${address}` },
    ...endpointMaps,
    {
      kind: 'map',
      name: 'classes',
      type: 'typeof meta priority : verdict',
      elements: [...preparedClasses(), ...dispatchChains.map((chain) => `${dispatchClass(chain)} : goto ${chain}`)],
    },
    // Apart, or chains of connections from outside would seem to lead to themselves.
    { kind: 'map', name: 'backend-classes', type: 'typeof meta priority : verdict', elements: preparedClasses() },
    ...['frontends', 'backends', 'local-backends'].map((name) => classMap(name, frontend)),
    { kind: 'set', name: 'refused', type: `type ${frontend}` },
    { kind: 'set', name: 'silent', type: `type ${frontend}` },
    ...['node-ports', 'port-backends', 'port-local-backends'].map((name) => classMap(name, port)),
    { kind: 'set', name: 'refused-ports', type: `type ${port}` },
    { kind: 'set', name: 'silent-ports', type: `type ${port}` },
    { kind: 'set', name: 'restricted', type: `type ${frontend}` },
    { kind: 'set', name: 'admitted', type: `type ${frontend} . ${address}`, flags: ['interval'] },
    { kind: 'set', name: 'denied', type: `type ${frontend} . ${address}`, flags: ['interval'] },
    { kind: 'set', name: 'guarded-ports', type: 'type inet_proto . inet_service' },
    { kind: 'set', name: 'restricted-ports', type: 'type inet_proto . inet_service' },
    { kind: 'set', name: 'admitted-ports', type: `type inet_proto . inet_service . ${address}`, flags: ['interval'] },
    { kind: 'set', name: 'denied-ports', type: `type inet_proto . inet_service . ${address}`, flags: ['interval'] },
    verdictMap('limited', frontend),
    ...rangeSets(ip, frontend, address),
    { kind: 'set', name: 'syn-proxied', type: `type ${frontend}` },
    { kind: 'set', name: 'syn-proxied-ports', type: 'type inet_proto . inet_service' },
    verdictMap('limited-ports', 'inet_proto . inet_service'),
    {
      kind: 'set',
      name: 'source-rates',
      type: `typeof ${ip} saddr . numgen inc mod 2`,
      flags: ['dynamic', 'timeout'],
      size: 1_000_000,
      timeout: '1h',
    },
    {
      kind: 'set',
      name: 'source-connections',
      type: `typeof ${ip} saddr . numgen inc mod 2`,
      flags: ['dynamic'],
      size: 1_000_000,
    },
    ...protocols.flatMap((protocol): NftSet[] => {
      const target = `${ip} daddr . ${protocol.toLowerCase()} dport`;
      const slot = 'numgen inc mod 2 . numgen random mod 2';
      return [
        { kind: 'map', name: mapFor('slot-tables', 'place', protocol), type: `typeof ${slot} : ${target}` },
        { kind: 'map', name: mapFor('slots', 'place', protocol), type: `typeof meta priority : ${target}` },
      ];
    }),
    ...hostPortSets(ip),
    { kind: 'set', name: 'hairpin', type: `type ${address} . ${address}` },
    {
      kind: 'map',
      name: 'affinity',
      // A hash is declared as what it is, a number: nft 1.0.6 cannot list a key declared by jhash.
      type: `typeof ${ip === 'ip' ? 'ip saddr' : 'numgen inc mod 2'} . numgen inc mod 2 : meta priority`,
      flags: ['dynamic', 'timeout'],
      size: 1_000_000,
    },
    { kind: 'map', name: 'affinity-slots', type: 'typeof numgen inc mod 2 . numgen random mod 2 : meta priority' },
  ];
}

/** Port ranges have their own sets, of intervals, so that single ports keep their hash look-up. */
function rangeSets(ip: NftFamily, frontend: string, address: string): NftSet[] {
  const intervals = (kind: 'map' | 'set', name: string, type: string): NftSet => {
    return { kind, name: `range-${name}`, type: `type ${type}`, flags: ['interval'] };
  };
  return [
    intervals('map', 'frontends', `${frontend} : classid`),
    intervals('map', 'backends', `${frontend} : classid`),
    intervals('map', 'local-backends', `${frontend} : classid`),
    intervals('set', 'refused', frontend),
    intervals('set', 'silent', frontend),
    intervals('set', 'guarded', frontend),
    intervals('set', 'restricted', frontend),
    intervals('set', 'admitted', `${frontend} . ${address}`),
    intervals('set', 'denied', `${frontend} . ${address}`),
    intervals('map', 'limited', `${frontend} : verdict`),
    { kind: 'map', name: 'range-endpoints', type: `typeof numgen inc mod 2 . numgen random mod 2 : ${ip} daddr` },
    { kind: 'map', name: 'range-slot-tables', type: `typeof numgen inc mod 2 . numgen random mod 2 : ${ip} daddr` },
    { kind: 'map', name: 'range-slots', type: `typeof meta priority : ${ip} daddr` },
  ];
}
