import { spawn } from 'node:child_process';
import { accessSync, constants, readFileSync } from 'node:fs';
import { delimiter, join } from 'node:path';

/** Why a program of the machine failed: its own words. */
class CommandError extends Error {
  override readonly name: string = 'CommandError';
}

/** Absolute path of a system program; also looks into the sbin folders. */
export function systemProgram(name: string): string {
  for (const folder of [...(process.env.PATH ?? '').split(delimiter), '/usr/sbin', '/sbin', '/usr/bin', '/bin']) {
    const file = join(folder, name);
    try {
      accessSync(file, constants.X_OK);
      return file;
    } catch {
      // Next folder.
    }
  }
  return name;
}

/** Runs a program with `input` on stdin; rejects with {@link CommandError} on a status other than 0. */
export function runCommand(program: string, args: readonly string[], input?: string): Promise<string> {
  return new Promise((resolve, reject) => {
    const child = spawn(program, args, { stdio: ['pipe', 'pipe', 'pipe'] });
    let stdout = '';
    let stderr = '';
    child.stdout.on('data', (chunk: Buffer) => {
      stdout += chunk.toString();
    });
    child.stderr.on('data', (chunk: Buffer) => {
      stderr += chunk.toString();
    });
    child.stdin.on('error', () => {});
    child.stdin.end(input ?? '');
    child.once('error', (cause) => reject(new CommandError(`${program}: ${cause.message}`, { cause })));
    child.once('close', (code) => {
      if (code === 0) return resolve(stdout);
      reject(new CommandError(`${program} ${args.join(' ')}: ${stderr.trim() || `status ${code}`}`));
    });
  });
}

const ip = systemProgram('ip');
const bridge = systemProgram('bridge');

/** Runs `ip` commands in one process, stopping at the first failure. `netns`: inside that namespace. */
export async function ipBatch(lines: readonly string[], netns?: string): Promise<void> {
  if (lines.length === 0) return;
  const inside = netns === undefined ? [] : ['-n', netns];
  await runCommand(ip, [...inside, '-batch', '-'], `${lines.join('\n')}\n`);
}

/** Like {@link ipBatch}, going on after failures: for clean-up of things that may be gone. */
export async function ipBatchForce(lines: readonly string[], netns?: string): Promise<void> {
  if (lines.length === 0) return;
  const inside = netns === undefined ? [] : ['-n', netns];
  await runCommand(ip, [...inside, '-force', '-batch', '-'], `${lines.join('\n')}\n`).catch(() => undefined);
}

/** Runs `bridge` commands in one process. */
export async function bridgeBatch(lines: readonly string[]): Promise<void> {
  if (lines.length > 0) await runCommand(bridge, ['-batch', '-'], `${lines.join('\n')}\n`);
}

/** `ip -json ARGS`, parsed; an empty answer is an empty list. */
export async function ipJson<T>(args: readonly string[]): Promise<T[]> {
  const text = await runCommand(ip, ['-json', ...args]);
  return text.trim() === '' ? [] : (JSON.parse(text) as T[]);
}

/**
 * True when this network namespace has a link of that name. Asks procfs: sysfs shows the namespace
 * in which it was mounted, which need not be ours.
 */
export function linkExists(name: string): boolean {
  return readFileSync('/proc/self/net/dev', 'utf8')
    .split('\n')
    .some((line) => line.trim().startsWith(`${name}:`));
}

/** The alias of a link, empty when it has none. */
export async function linkAlias(name: string): Promise<string> {
  const [link] = await ipJson<{ ifalias?: string }>(['link', 'show', 'dev', name]);
  return link?.ifalias ?? '';
}

/** Names of all links, or of those with a given prefix. */
export function linkNames(prefix = ''): string[] {
  const names = readFileSync('/proc/self/net/dev', 'utf8').matchAll(/^\s*([^:\s]+):/gm);
  return [...names].map((match) => match[1]!).filter((name) => name.startsWith(prefix));
}
