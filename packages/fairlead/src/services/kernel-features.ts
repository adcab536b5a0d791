import { execFile } from 'node:child_process';
import { accessSync, constants } from 'node:fs';
import type { KernelFeature } from './compile.ts';
import { findIpipProblem } from './direct-return/ipip/ipip-problem.ts';
import { looseTrackingSetting } from './syn-proxy.ts';

/** Runs a program with this on its standard input; whether it succeeded. */
export type TryCommand = (program: string, args: readonly string[], input: string) => Promise<boolean>;

const tryCommand: TryCommand = (program, args, input) =>
  new Promise((resolve) => {
    const child = execFile(program, [...args], (error) => resolve(error === null));
    child.stdin?.on('error', () => undefined);
    child.stdin?.end(input);
  });

/** Rules that the kernel only takes when it has the feature. They are checked, not installed. */
const rules: readonly (readonly [feature: KernelFeature, text: string, missing: string])[] = [
  [
    'syn-proxy',
    'table ip fairlead-check {\n chain c {\n type filter hook forward priority 0;\n synproxy mss 1460 wscale 7\n }\n}\n',
    'nftables expression synproxy (kernel module nft_synproxy)',
  ],
  [
    'netdev-forward',
    'table netdev fairlead-check {\n chain c {\n type filter hook ingress device "lo" priority 0;\n fwd to "lo"\n }\n}\n',
    'nftables expression fwd (kernel module nft_fwd_netdev)',
  ],
];

/** Link types, tried by making one and removing it at once. */
const linkTypes: readonly (readonly [feature: KernelFeature, args: readonly string[]])[] = [
  ['vxlan', ['type', 'vxlan', 'id', '16000001', 'dstport', '0']],
];

function isWritable(path: string): boolean {
  try {
    accessSync(path, constants.W_OK);
    return true;
  } catch {
    return false;
  }
}

/**
 * What the kernel of this network namespace cannot do, each with the name of what is missing.
 * `nftCommand` as for the data plane. Takes some 50 ms: ask only when a Service needs to know.
 */
export async function findLackingFeatures(
  nftCommand: readonly string[] = ['nft'],
  attempt: TryCommand = tryCommand,
  ipipProblem: () => Promise<string | undefined> = findIpipProblem,
): Promise<ReadonlyMap<KernelFeature, string>> {
  const lacking = new Map<KernelFeature, string>();
  const [program = 'nft', ...words] = nftCommand;
  for (const [feature, text, missing] of rules) {
    if (!(await attempt(program, [...words, '--check', '-f', '-'], text))) lacking.set(feature, missing);
  }
  if (!lacking.has('syn-proxy') && !isWritable(looseTrackingSetting)) {
    lacking.set('syn-proxy', `right to change ${looseTrackingSetting.replace('/proc/sys/net/', '')}`);
  }
  for (const [feature, args] of linkTypes) {
    const name = `fl-try-${feature}`;
    if (await attempt('ip', ['link', 'add', name, ...args], '')) await attempt('ip', ['link', 'delete', name], '');
    else lacking.set(feature, `link type ${feature}`);
  }
  const problem = await ipipProblem();
  if (problem !== undefined) lacking.set('ipip', problem);
  return lacking;
}
