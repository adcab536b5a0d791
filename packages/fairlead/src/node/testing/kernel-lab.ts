import { type ChildProcess, execFileSync, spawn } from 'node:child_process';
import { randomBytes } from 'node:crypto';
import { mkdtempSync, readdirSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import type { TestContext } from 'node:test';
import { systemProgram } from '../commands.ts';
import type { FixtureRequest } from './agent-fixture.ts';

const ip = systemProgram('ip');
const nsenter = systemProgram('nsenter');

/** Why kernel tests cannot run here; undefined when they can. */
export function kernelObstacle(): string | undefined {
  if (process.platform !== 'linux') return 'needs Linux';
  if (process.getuid?.() !== 0) return 'needs root';
  try {
    execFileSync(ip, ['-V'], { stdio: 'ignore' });
  } catch {
    return 'needs the ip program';
  }
  return undefined;
}

/** An outer network namespace that stands for the machine, with processes that run agents in it. */
export interface KernelLab {
  readonly instance: string;
  readonly dataDir: string;
  readonly netns: string;
  /** Starts a process in the lab's namespace, or in another one. */
  process(netns?: string): FixtureProcess;
  /** `ip` inside the lab. */
  ip(...args: string[]): string;
  /** Runs a program inside a network namespace. */
  run(netns: string, program: string, ...args: string[]): string;
  /** Processes in a network namespace. */
  pids(netns: string): number[];
  /** Names of this lab's system that are left anywhere: namespaces, /etc/netns, links. */
  leftovers(): string[];
}

/** One fixture process. */
export interface FixtureProcess {
  ask<T>(request: FixtureRequest): Promise<T>;
}

/** Makes a lab and removes it with the test. */
export function createKernelLab(context: TestContext): KernelLab {
  const instance = randomBytes(2).toString('hex');
  const netns = `fltest-${process.pid}-${instance}`;
  const dataDir = mkdtempSync(join(tmpdir(), 'fairlead-node-'));
  const children: ChildProcess[] = [];
  execFileSync(ip, ['netns', 'add', netns]);
  execFileSync(ip, ['-n', netns, 'link', 'set', 'lo', 'up']);
  const names = (folder: string): string[] => {
    try {
      return readdirSync(folder).filter((name) => name.startsWith(`fl-${instance}-`));
    } catch {
      return [];
    }
  };
  context.after(() => {
    for (const child of children) child.kill('SIGKILL');
    for (const name of [...names('/run/netns'), netns]) {
      for (const pid of lab.pids(name)) {
        try {
          process.kill(pid, 'SIGKILL');
        } catch {
          // Ended meanwhile.
        }
      }
      execFileSync(ip, ['netns', 'del', name]);
    }
    for (const name of names('/etc/netns')) rmSync(join('/etc/netns', name), { recursive: true, force: true });
    rmSync(dataDir, { recursive: true, force: true });
  });
  const lab: KernelLab = {
    instance,
    dataDir,
    netns,
    process(inside = netns) {
      const fixture = new URL('./agent-fixture.ts', import.meta.url).pathname;
      const child = spawn(nsenter, [`--net=/run/netns/${inside}`, process.execPath, fixture], {
        stdio: ['ignore', 'inherit', 'inherit', 'ipc'],
      });
      children.push(child);
      const waiting = new Map<number, { resolve: (value: never) => void; reject: (error: Error) => void }>();
      let next = 0;
      child.on('message', (message: { id: number; answer?: unknown; error?: string }) => {
        const pending = waiting.get(message.id);
        waiting.delete(message.id);
        if (message.error !== undefined) pending?.reject(new Error(message.error));
        else pending?.resolve(message.answer as never);
      });
      child.on('exit', (code, signal) => {
        for (const pending of waiting.values()) pending.reject(new Error(`the fixture ended: ${code ?? signal}`));
        waiting.clear();
      });
      return {
        ask<T>(request: FixtureRequest): Promise<T> {
          const id = next++;
          return new Promise<T>((resolve, reject) => {
            waiting.set(id, { resolve, reject });
            child.send({ id, request });
          });
        },
      };
    },
    ip: (...args) => execFileSync(ip, ['-n', netns, ...args], { encoding: 'utf8' }),
    run: (inside, program, ...args) =>
      execFileSync(nsenter, [`--net=/run/netns/${inside}`, program, ...args], { encoding: 'utf8', timeout: 20_000 }),
    pids: (inside) =>
      execFileSync(ip, ['netns', 'pids', inside], { encoding: 'utf8' })
        .split('\n')
        .map(Number)
        .filter((pid) => pid > 1)
        .sort((a, b) => a - b),
    leftovers() {
      const links = execFileSync(ip, ['-n', netns, '-o', 'link'], { encoding: 'utf8' });
      return [
        ...names('/run/netns'),
        ...names('/etc/netns').map((name) => `/etc/netns/${name}`),
        ...links
          .split('\n')
          .filter((line) => line !== '' && !/^\d+: lo:/.test(line))
          .map((line) => line.split(' ')[1]!),
      ];
    },
  };
  return lab;
}
