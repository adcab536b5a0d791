import { type ChildProcess, execFile, execFileSync, spawn } from 'node:child_process';
import { mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { createInterface } from 'node:readline';
import { promisify } from 'node:util';
import { systemClock } from '../../sys/clock.ts';
import type { AnswererCommand } from './answerer-process.ts';
import type { SpeakerCommand, SpeakerState } from './bgp-speaker.ts';

const run = promisify(execFile);

/** Why tests with routers cannot run here; `false` when they can. */
export function routerSkip(...programs: readonly string[]): string | false {
  if (process.platform !== 'linux' || process.getuid?.() !== 0) return 'needs root on Linux';
  for (const program of ['ip', ...programs]) {
    try {
      execFileSync('sh', ['-c', `PATH=$PATH:/usr/sbin:/sbin; command -v ${program}`], { stdio: 'ignore' });
    } catch {
      return `needs the program '${program}'`;
    }
  }
  return false;
}

/** A BGP speaker of ours in a namespace of its own. */
export interface TestSpeaker {
  readonly process: ChildProcess;
  say(command: SpeakerCommand): void;
  /** All states so far. */
  readonly states: readonly SpeakerState[];
}

/** An answering thread in a namespace of its own. */
export interface TestAnswerer {
  readonly process: ChildProcess;
  say(command: AnswererCommand): void;
  /** `ADDRESS STATE`, so far. */
  readonly events: readonly string[];
}

/**
 * A router and nodes, each a namespace, on one bridge.
 *
 *     router 192.0.2.1/24, 2001:db8::1/64   br0 ── veth ── eth0 192.0.2.11, 2001:db8::11   node 1
 *                                            └─── veth ── eth0 192.0.2.12, 2001:db8::12   node 2
 */
export class RouterLab {
  readonly directory: string = mkdtempSync(join(tmpdir(), 'fairlead-router-'));
  readonly #prefix: string;
  readonly #processes: ChildProcess[] = [];
  readonly #count: number;

  constructor(name: string, count: number) {
    this.#prefix = `fl${name}-${process.pid}`;
    this.#count = count;
    const router = this.namespace('r');
    const lines = [
      `ip netns add ${router}`,
      `ip -n ${router} link set lo up`,
      `ip netns exec ${router} sysctl -qw net.ipv4.conf.all.rp_filter=0 net.ipv4.fib_multipath_hash_policy=1`,
      `ip -n ${router} link add br0 type bridge`,
      `ip -n ${router} addr add 192.0.2.1/24 dev br0; ip -n ${router} addr add 2001:db8::1/64 dev br0 nodad`,
      `ip -n ${router} link set br0 up`,
    ];
    for (let n = 1; n <= count; n++) {
      const node = this.namespace(n);
      lines.push(
        `ip netns add ${node}; ip -n ${node} link set lo up`,
        `ip link add v${n} netns ${router} type veth peer name eth0 netns ${node}`,
        `ip -n ${router} link set v${n} master br0 up`,
        `ip -n ${node} addr add 192.0.2.${10 + n}/24 dev eth0; ip -n ${node} addr add 2001:db8::${10 + n}/64 dev eth0 nodad`,
        `ip -n ${node} link set eth0 up`,
      );
    }
    try {
      execFileSync('sh', ['-ec', lines.join('\n')]);
    } catch (error) {
      this.#removeNamespaces();
      throw error;
    }
  }

  /** Name of a node's namespace, or of the router's (`r`). */
  namespace(which: number | 'r'): string {
    return `${this.#prefix}-${which}`;
  }

  /** Runs a program in a namespace; its output, also of one that fails. */
  async exec(which: number | 'r', command: string): Promise<string> {
    try {
      const { stdout } = await run('ip', [
        'netns',
        'exec',
        this.namespace(which),
        'sh',
        '-c',
        `PATH=$PATH:/usr/sbin; ${command}`,
      ]);
      return stdout;
    } catch (error) {
      return String((error as { stdout?: string }).stdout ?? error);
    }
  }

  /** Starts a program in a namespace; it is killed with the lab. */
  spawn(which: number | 'r', command: readonly string[]): ChildProcess {
    const child = spawn('ip', ['netns', 'exec', this.namespace(which), ...command], {
      stdio: ['pipe', 'pipe', 'inherit'],
      env: { ...process.env, PATH: `${process.env.PATH}:/usr/sbin` },
    });
    this.#processes.push(child);
    return child;
  }

  /** Nothing gets to a node or leaves it any more, or again, while its link stays up. Needs nft. */
  async cut(which: number, isCut: boolean): Promise<void> {
    const chains = ['input', 'output'].map(
      (hook) => `add chain inet cut ${hook} { type filter hook ${hook} priority -300; policy drop; }`,
    );
    const text = isCut ? ['add table inet cut', ...chains].join('; ') : 'delete table inet cut';
    await this.exec(which, `nft '${text}'`);
  }

  file(name: string, text: string): string {
    const path = join(this.directory, name);
    writeFileSync(path, text);
    return path;
  }

  speaker(which: number): TestSpeaker {
    const script = new URL('./bgp-speaker.ts', import.meta.url).pathname;
    const child = this.spawn(which, [process.execPath, script]);
    const states: SpeakerState[] = [];
    createInterface({ input: child.stdout! }).on('line', (line) => states.push(JSON.parse(line) as SpeakerState));
    return { process: child, states, say: (command) => void child.stdin?.write(`${JSON.stringify(command)}\n`) };
  }

  /** The answering thread in a process of its own, on a node's `eth0`. */
  answerer(which: number): TestAnswerer {
    const script = new URL('./answerer-process.ts', import.meta.url).pathname;
    const child = this.spawn(which, [process.execPath, script]);
    const events: string[] = [];
    createInterface({ input: child.stdout! }).on('line', (line) => events.push(line));
    return { process: child, events, say: (command) => void child.stdin?.write(`${JSON.stringify(command)}\n`) };
  }

  async remove(): Promise<void> {
    await Promise.all(
      this.#processes.map(async (child) => {
        if (child.exitCode !== null || child.signalCode !== null) return;
        const ended = new Promise((resolve) => child.once('exit', resolve));
        child.kill('SIGKILL');
        await ended;
      }),
    );
    this.#removeNamespaces();
    rmSync(this.directory, { recursive: true, force: true });
  }

  #removeNamespaces(): void {
    for (const which of ['r', ...Array.from({ length: this.#count }, (_, n) => n + 1)] as const) {
      try {
        execFileSync('ip', ['netns', 'delete', this.namespace(which as number | 'r')], { stdio: 'ignore' });
      } catch {
        // It was never made.
      }
    }
  }
}

/** Looks again and again until a text fulfils a condition; the last text in the error otherwise. */
export async function until(
  what: string,
  look: () => Promise<string>,
  holds: (text: string) => boolean,
): Promise<string> {
  const deadline = systemClock.monotonicMs() + 60_000;
  for (;;) {
    const text = await look();
    if (holds(text)) return text;
    if (systemClock.monotonicMs() > deadline) throw new Error(`never: ${what}; the last was:\n${text}`);
    await systemClock.sleep(50);
  }
}
