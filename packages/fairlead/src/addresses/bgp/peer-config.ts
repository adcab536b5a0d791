import { createHash } from 'node:crypto';
import { parseIp, type Stored } from '@fairlead/api';
import type { BgpPeer } from '@fairlead/api/fairlead-dev/types';
import { BGP_PORT } from '../../wire/bgp/bgp-constants.ts';
import type { BfdTimes } from '../bfd/bfd-machine.ts';
import type { SessionConfig } from './bgp-session.ts';

const units: Readonly<Record<string, number>> = { ms: 1, s: 1000, m: 60_000, h: 3_600_000 };

/** `90s`, `1m30s`, `300ms`; the schema admits nothing else. */
function durationMs(text: string | undefined, fallbackMs: number): number {
  if (text === undefined) return fallbackMs;
  let total = 0;
  for (const [, count = '0', unit = 's'] of text.matchAll(/(\d+)(ms|[smh])/g))
    total += Number(count) * (units[unit] ?? 0);
  return total;
}

/** A BGP identifier: the node's IPv4 address, or a number from its name that is never 0. */
function identifierOf(nodeName: string, nodeIps: readonly string[]): number {
  const ipv4 = nodeIps.map((ip) => parseIp(ip)).find((ip) => ip?.family === 4);
  if (ipv4 !== undefined) return Number(ipv4.value);
  return createHash('sha256').update(nodeName).digest().readUInt32BE(0) | 1;
}

/** What may be between packets of BFD, milliseconds. */
const bfdBounds = { least: 10, most: 60_000 } as const;

function bfdTimes(bfd: NonNullable<BgpPeer['spec']['bfd']>): BfdTimes | { readonly problem: string } {
  const problems: string[] = [];
  const interval = (name: 'transmitInterval' | 'receiveInterval'): number => {
    const ms = durationMs(bfd[name], 300);
    if (ms < bfdBounds.least || ms > bfdBounds.most) {
      problems.push(`spec.bfd.${name}: ${bfd[name]} is not within ${bfdBounds.least}ms and ${bfdBounds.most / 1000}s`);
    }
    return ms;
  };
  const times = {
    transmitMs: interval('transmitInterval'),
    receiveMs: interval('receiveInterval'),
    detectMultiplier: bfd.detectMultiplier ?? 3,
  };
  return problems.length === 0 ? times : { problem: problems.join('; ') };
}

/** The configuration of a node's session with a peer, or what is wrong with the peer's spec. Pure. */
export function sessionConfig(
  peer: Stored<BgpPeer>,
  nodeName: string,
  nodeIps: readonly string[],
  password: string | undefined,
): SessionConfig | { readonly problem: string } {
  const { spec } = peer;
  if (parseIp(spec.address) === undefined) return { problem: `spec.address: '${spec.address}' is not an IP address` };
  const holdTimeMs = durationMs(spec.holdTime, 90_000);
  if (holdTimeMs !== 0 && (holdTimeMs < 3000 || holdTimeMs > 65_535_000)) {
    return { problem: `spec.holdTime: ${spec.holdTime} is not 0s, and not within 3s and 65535s` };
  }
  if (spec.multihop !== undefined && spec.ttlSecurity !== undefined) {
    return { problem: 'spec.multihop and spec.ttlSecurity exclude each other' };
  }
  const bfd = spec.bfd === undefined ? undefined : bfdTimes(spec.bfd);
  if (bfd !== undefined && 'problem' in bfd) return bfd;
  if (bfd !== undefined && spec.multihop !== undefined) {
    return { problem: 'spec.bfd watches a peer on the link: not together with spec.multihop' };
  }
  // Peers on the link: packets of others die on the way (RFC 4271 assumes it of external peers).
  const external = spec.localASN !== spec.peerASN;
  const ttl = spec.ttlSecurity !== undefined ? 255 : (spec.multihop ?? (external ? 1 : undefined));
  return {
    endpoint: {
      address: spec.address,
      port: spec.port ?? BGP_PORT,
      ...(spec.sourceAddress === undefined ? {} : { sourceAddress: spec.sourceAddress }),
      ...(ttl === undefined ? {} : { ttl }),
      ...(spec.ttlSecurity === undefined ? {} : { minimumTtl: 256 - spec.ttlSecurity }),
      ...(password === undefined ? {} : { password }),
    },
    localAsn: spec.localASN,
    peerAsn: spec.peerASN,
    identifier: identifierOf(nodeName, nodeIps),
    holdTimeMs,
    connectRetryMs: Math.max(1000, durationMs(spec.connectRetry, 10_000)),
    nodeIps,
    ...(bfd === undefined ? {} : { bfd }),
    ...(spec.gracefulRestart === undefined ? {} : { gracefulRestartMs: durationMs(spec.gracefulRestart, 0) }),
  };
}
