import { execFile } from 'node:child_process';

/** Runs a program; its output, or why it failed. */
export type RunProgram = (program: string, args: readonly string[], input?: string) => Promise<ProgramResult>;

/** `missing`: there is no such program. */
export type ProgramResult =
  | { readonly ok: true; readonly stdout: string }
  | { readonly ok: false; readonly missing: boolean; readonly message: string };

/** What was removed and what could not be, one line each. */
export interface KubeProxyCleanup {
  readonly removed: readonly string[];
  readonly left: readonly string[];
}

/** Chains that the kubelet makes, which are not kube-proxy's to remove. */
const kubeletChains = new Set(['KUBE-FIREWALL', 'KUBE-KUBELET-CANARY', 'KUBE-IPTABLES-HINT']);

const runProgram: RunProgram = (program, args, input) =>
  new Promise((resolve) => {
    const child = execFile(program, [...args], { maxBuffer: 2 ** 28 }, (error, stdout, stderr) => {
      if (error === null) resolve({ ok: true, stdout });
      else {
        const missing = (error as NodeJS.ErrnoException).code === 'ENOENT';
        resolve({ ok: false, missing, message: stderr.trim().split('\n')[0] || error.message });
      }
    });
    child.stdin?.on('error', () => undefined);
    child.stdin?.end(input ?? '');
  });

function isKubeProxyChain(name: string): boolean {
  return name.startsWith('KUBE-') && !kubeletChains.has(name);
}

/**
 * What `iptables-restore --noflush` needs to remove kube-proxy's chains, from what `iptables-save`
 * printed: first the rules elsewhere that lead to them, then their own rules, then the chains.
 * `undefined`: there are none.
 */
export function restoreWithoutKubeProxy(saved: string): string | undefined {
  const out: string[] = [];
  let chains: string[] = [];
  let jumps: string[] = [];
  const flush = (): void => {
    if (chains.length > 0) {
      const made = chains.map((chain) => `:${chain} - [0:0]`);
      out.push(table, ...made, ...jumps, ...chains.map((chain) => `-X ${chain}`), 'COMMIT');
    }
    chains = [];
    jumps = [];
  };
  let table = '';
  for (const line of saved.split('\n')) {
    if (line.startsWith('*')) table = line;
    else if (line.startsWith(':')) {
      const chain = line.slice(1).split(' ')[0] ?? '';
      if (isKubeProxyChain(chain)) chains.push(chain);
    } else if (line.startsWith('-A ')) {
      const from = line.split(' ')[1] ?? '';
      const to = / -[jg] (\S+)/.exec(line)?.[1] ?? '';
      if (isKubeProxyChain(to) && !isKubeProxyChain(from)) jumps.push(line.replace(/^-A /, '-D '));
    } else if (line === 'COMMIT') flush();
  }
  return out.length === 0 ? undefined : `${out.join('\n')}\n`;
}

/**
 * Removes what kube-proxy left on this machine, in each of its modes: its nftables tables, its chains in
 * iptables (both back ends), and the link of IPVS with its virtual servers and sets. What is not there
 * is not mentioned; what cannot be looked at for want of a program is named when there are signs of it.
 * Connections go on: tracking is not touched. The kubelet's own chains stay.
 */
export async function cleanUpKubeProxy(run: RunProgram = runProgram): Promise<KubeProxyCleanup> {
  const removed: string[] = [];
  const left: string[] = [];
  const tables = await run('nft', ['list', 'tables']);
  const tableLines = tables.ok ? tables.stdout.split('\n') : [];
  for (const line of tableLines) {
    const [, family = '', name = ''] = /^table (\S+) (kube-proxy)$/.exec(line.trim()) ?? [];
    if (name === '') continue;
    const deleted = await run('nft', ['delete', 'table', family, name]);
    if (deleted.ok) removed.push(`nftables table ${family} ${name}`);
    else left.push(`nftables table ${family} ${name}: ${deleted.message}`);
  }
  const seen = new Set<string>();
  for (const program of [
    'iptables-nft',
    'iptables-legacy',
    'ip6tables-nft',
    'ip6tables-legacy',
    'iptables',
    'ip6tables',
  ]) {
    const family = program.startsWith('ip6') ? 'ip6tables' : 'iptables';
    // The plain names are one of the two back ends; they matter where only they are installed.
    if (program === family && seen.has(family)) continue;
    const saved = await run(`${program}-save`, []);
    if (!saved.ok) continue;
    seen.add(family);
    const restore = restoreWithoutKubeProxy(saved.stdout);
    if (restore === undefined) continue;
    const done = await run(`${program}-restore`, ['--noflush'], restore);
    const count = restore.split('\n').filter((line) => line.startsWith('-X ')).length;
    if (done.ok) removed.push(`${count} chains of ${program}`);
    else left.push(`chains of ${program}: ${done.message}`);
  }
  if (!seen.has('iptables') && tableLines.some((line) => /^table ip6? (nat|filter|mangle)$/.test(line.trim()))) {
    left.push('chains of iptables: iptables-save is not installed (package iptables)');
  }
  const link = await run('ip', ['link', 'show', 'dev', 'kube-ipvs0']);
  if (link.ok) {
    const cleared = await run('ipvsadm', ['--clear']);
    if (cleared.ok) removed.push('virtual servers of IPVS');
    else left.push(`virtual servers of IPVS: ${cleared.missing ? 'ipvsadm is not installed' : cleared.message}`);
    const deleted = await run('ip', ['link', 'delete', 'kube-ipvs0']);
    if (deleted.ok) removed.push('link kube-ipvs0');
    else left.push(`link kube-ipvs0: ${deleted.message}`);
    const sets = await run('ipset', ['list', '-name']);
    for (const name of sets.ok ? sets.stdout.split('\n').filter((text) => text.startsWith('KUBE-')) : []) {
      const destroyed = await run('ipset', ['destroy', name]);
      if (destroyed.ok) removed.push(`set ${name}`);
      else left.push(`set ${name}: ${destroyed.message}`);
    }
  }
  return { removed, left };
}
