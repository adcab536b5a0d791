import { existsSync, mkdirSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { dirname } from 'node:path';
import { familyOf } from '../machine-network.ts';
import { createPodIps } from './pod-ips.ts';

/** Addresses of one node's Pods: each Pod has one of every family of the node's ranges. */
export interface PodAddresses {
  /** The Pod bridge's addresses, in the order of the ranges. */
  readonly gateways: readonly string[];
  /** One address of each range, in their order. @throws SandboxError when a range is used up */
  allocate(): string[];
  /** Takes known addresses; false, taking none, unless they are one of each range, in order, and free. */
  claim(ips: readonly string[]): boolean;
  release(ips: readonly string[]): void;
  /** Forgets where allocation has come to. */
  forget(): void;
}

/**
 * Makes the pools of a node's `spec.podCIDRs`.
 * @param lastFile keeps the most recent addresses, so that a successor goes on after them
 */
export function createPodAddresses(podCidrs: readonly string[], lastFile: string): PodAddresses {
  const kept = existsSync(lastFile) ? readFileSync(lastFile, 'utf8').trim().split('\n') : [];
  const pools = podCidrs.map((cidr) =>
    createPodIps(
      cidr,
      kept.find((ip) => familyOf(ip) === familyOf(cidr)),
    ),
  );
  const release = (ips: readonly string[]): void => {
    for (const ip of ips) pools.find(({ gateway }) => familyOf(gateway) === familyOf(ip))?.release(ip);
  };
  return {
    gateways: pools.map(({ gateway }) => gateway),
    allocate() {
      const ips: string[] = [];
      try {
        for (const pool of pools) ips.push(pool.allocate());
      } catch (error) {
        release(ips);
        throw error;
      }
      mkdirSync(dirname(lastFile), { recursive: true });
      writeFileSync(lastFile, ips.join('\n'));
      return ips;
    },
    claim(ips) {
      const got: string[] = [];
      for (const [index, ip] of ips.entries()) if (pools[index]?.claim(ip) === true) got.push(ip);
      if (got.length === pools.length && ips.length === pools.length) return true;
      release(got);
      return false;
    },
    release,
    forget: () => rmSync(lastFile, { force: true }),
  };
}
