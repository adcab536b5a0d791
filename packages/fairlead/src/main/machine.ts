import { accessSync, constants, existsSync } from 'node:fs';
import { homedir } from 'node:os';
import { delimiter, join } from 'node:path';
import type { Machine } from './cluster-options.ts';

/** Finds a program on PATH, or in the system folders that a user's PATH may leave out. */
export function findProgram(name: string): string | undefined {
  const folders = [...(process.env.PATH ?? '').split(delimiter), '/usr/sbin', '/sbin', '/usr/bin', '/bin'];
  for (const folder of folders) {
    if (folder === '') continue;
    const file = join(folder, name);
    try {
      accessSync(file, constants.X_OK);
      return file;
    } catch {
      // Not here; try the next folder.
    }
  }
  return undefined;
}

/** Linux capability numbers that kernel mode needs. */
const neededCapabilities = { CAP_NET_ADMIN: 12n, CAP_SYS_ADMIN: 21n } as const;

function missingCapability(statusText: string): string | undefined {
  const effective = BigInt(`0x${/^CapEff:\s*([0-9a-f]+)$/m.exec(statusText)?.[1] ?? '0'}`);
  return Object.entries(neededCapabilities).find(([, bit]) => ((effective >> bit) & 1n) === 0n)?.[0];
}

/** Reads what of this machine decides defaults. `readFile` reads `/proc/self/status`. */
export function probeMachine(readFile: (path: string) => string): Machine {
  const isRoot = process.getuid?.() === 0;
  // Linux makes the file together with its IPv6.
  const hasIpv6 = process.platform !== 'linux' || existsSync('/proc/net/if_inet6');
  const base = { isRoot, home: homedir(), ...(hasIpv6 ? {} : { ipv6Obstacle: 'is not in this kernel' }) };
  if (process.platform !== 'linux') return { ...base, kernelModeObstacle: 'needs Linux' };
  const missing = ['nft', 'ip'].filter((name) => findProgram(name) === undefined);
  const capability = missingCapability(readFile('/proc/self/status'));
  if (capability !== undefined) {
    const why = isRoot ? `needs the capability ${capability}` : 'needs root';
    return { ...base, kernelModeObstacle: why };
  }
  if (missing.length > 0)
    return {
      ...base,
      kernelModeObstacle: `needs the program${missing.length > 1 ? 's' : ''} ${missing.join(' and ')}`,
    };
  return base;
}
