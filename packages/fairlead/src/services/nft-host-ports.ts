import type { NftChain, NftSet } from '../wire/nft/table.ts';
import type { NftFamily } from '../wire/nft/transaction.ts';
import { anyHostAddress } from './host-ports.ts';
import { protocols } from './nft-names.ts';
import type { Protocol } from './program.ts';

/** Shared element that stands for the chains of host ports, which exist while a Pod has any. */
export const hostPortChains = 'chains|host-ports';

/** Name of the map of a protocol's host ports: of those on one address, or of those on all of the node's. */
function hostPortMapName(protocol: Protocol, on: 'one' | 'any'): string {
  return `${on === 'one' ? 'host-ports' : 'any-host-ports'}-${protocol.toLowerCase()}`;
}

/** The element of a host port: which map, and its key there. `ip`: the node's address, or that of all. */
export function hostPortElement(protocol: Protocol, ip: string, port: number): { readonly map: string; key: string } {
  return Object.values(anyHostAddress).includes(ip)
    ? { map: hostPortMapName(protocol, 'any'), key: `${port}` }
    : { map: hostPortMapName(protocol, 'one'), key: `${ip} . ${port}` };
}

/** Maps from host ports to the places in Pods that they lead to. */
export function hostPortSets(ip: NftFamily): NftSet[] {
  return protocols.flatMap((protocol): NftSet[] => {
    const dport = `${protocol.toLowerCase()} dport`;
    const place = `${ip} daddr . ${dport}`;
    return [
      { kind: 'map', name: hostPortMapName(protocol, 'one'), type: `typeof ${place} : ${place}` },
      { kind: 'map', name: hostPortMapName(protocol, 'any'), type: `typeof ${dport} : ${place}` },
    ];
  });
}

/**
 * The hooked chains of host ports: after those of Services, so that what a Service translates stays a Service's.
 *
 * Only on addresses of this machine, whatever address a Pod asks for; never on loopback, where listeners serve
 * (localhost-ports.ts).
 */
export function hostPortLayout(ip: NftFamily): readonly NftChain[] {
  const loopback = ip === 'ip' ? '127.0.0.0/8' : '::1';
  const rules = [
    `fib daddr type != local return`,
    `${ip} daddr ${loopback} return`,
    ...protocols.flatMap((protocol) => {
      const dport = `${protocol.toLowerCase()} dport`;
      return [
        `dnat ${ip} to ${ip} daddr . ${dport} map @${hostPortMapName(protocol, 'one')}`,
        `dnat ${ip} to ${dport} map @${hostPortMapName(protocol, 'any')}`,
      ];
    }),
  ];
  return (['prerouting', 'output'] as const).map((hook) => ({
    name: `host-ports-${hook}`,
    hook: `type nat hook ${hook} priority -90`,
    rules,
  }));
}
