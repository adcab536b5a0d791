import { ipToBytes, parseCidr, parseIp } from '@fairlead/api';
import type { BgpPrefix, PathAttributes } from '../../wire/bgp/bgp-update.ts';
import type { BgpRoute, RouteAttributes } from '../program.ts';

/** Sent to peers of the same AS where nobody says otherwise. */
const defaultLocalPreference = 100;

/** A prefix text of a program as it goes into messages. */
export function parsePrefix(text: string): { readonly family: 4 | 6; readonly wire: BgpPrefix } {
  const cidr = parseCidr(text);
  if (cidr === undefined) throw new RangeError(`not a prefix: ${text}`);
  const address = ipToBytes({ family: cidr.family, value: cidr.network });
  return { family: cidr.family, wire: { address, length: cidr.prefix } };
}

/** Attributes as text: routes with the same text go into one message. */
export function attributesText({ localPreference, communities, largeCommunities }: RouteAttributes): string {
  return JSON.stringify([localPreference, communities, largeCommunities]);
}

/** The path attributes of a route towards a peer. */
export function pathOf(
  route: BgpRoute,
  nextHop: string,
  asns: { readonly localAsn: number; readonly peerAsn: number },
  fourByteAs: boolean,
): PathAttributes {
  const isInternal = asns.localAsn === asns.peerAsn;
  const ip = parseIp(nextHop);
  if (ip === undefined) throw new RangeError(`not an address: ${nextHop}`);
  return {
    nextHop: ipToBytes(ip),
    ownAsn: isInternal ? undefined : asns.localAsn,
    fourByteAs,
    localPreference: isInternal ? (route.localPreference ?? defaultLocalPreference) : undefined,
    communities: route.communities,
    largeCommunities: route.largeCommunities,
  };
}
