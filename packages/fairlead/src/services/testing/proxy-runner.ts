import { type ChildProcess, spawn } from 'node:child_process';
import { createInterface } from 'node:readline';
import type { EndpointSlice, Pod, Service, Stored } from '@fairlead/api';
import { systemClock } from '../../sys/clock.ts';
import type { ProxyLine, ProxySeed } from './proxy-process.ts';

const deadlineMs = 60_000;

/** A service proxy that runs in a process and a network namespace of its own. */
export interface ProxyProcess {
  readonly child: ChildProcess;
  readonly lines: ProxyLine[];
  /** Replaces an object of the API that it watches; `null` deletes it. */
  change(
    kind: 'service' | 'slice' | 'pod',
    object: Stored<Service> | Stored<EndpointSlice> | Stored<Pod>,
    gone?: 'gone',
  ): void;
  /** Resolves when all changes so far are installed. */
  settled(): Promise<void>;
  /** Resolves when a line, past or future, is as wanted. */
  until(wanted: (line: ProxyLine) => boolean): Promise<void>;
  kill(signal: NodeJS.Signals): Promise<void>;
}

/** Starts proxies and ends those that a failed test left. */
export class ProxyRunner {
  readonly #inNode: readonly string[];
  readonly #processes = new Set<ProxyProcess>();

  /** `inNode`: words that run a program in the namespace. */
  constructor(inNode: readonly string[]) {
    this.#inNode = inNode;
  }

  start(seed: ProxySeed): ProxyProcess {
    const script = new URL('./proxy-process.ts', import.meta.url).pathname;
    const [program = '', ...words] = this.#inNode;
    const child = spawn(program, [...words, process.execPath, script], { stdio: ['pipe', 'pipe', 'inherit'] });
    const lines: ProxyLine[] = [];
    const waiting = new Set<() => void>();
    createInterface({ input: child.stdout }).on('line', (text) => {
      lines.push(JSON.parse(text) as ProxyLine);
      for (const look of waiting) look();
    });
    // A process that is killed early has not read all.
    child.stdin.on('error', () => undefined);
    child.stdin.write(`${JSON.stringify(seed)}\n`);
    const exited = new Promise<void>((resolve) => child.once('exit', () => resolve()));
    let asked = 0;
    const running: ProxyProcess = {
      child,
      lines,
      change: (kind, object, gone) => {
        child.stdin.write(`${JSON.stringify({ kind, object, gone: gone !== undefined })}\n`);
      },
      settled: () => {
        const id = ++asked;
        child.stdin.write(`${JSON.stringify({ settle: id })}\n`);
        return running.until((line) => 'settled' in line && line.settled === id);
      },
      until: (wanted) =>
        new Promise((resolve, reject) => {
          const cancel = systemClock.after(deadlineMs, () => reject(new Error(`not told: ${JSON.stringify(lines)}`)));
          const look = (): void => {
            if (!lines.some(wanted)) return;
            waiting.delete(look);
            cancel();
            resolve();
          };
          waiting.add(look);
          look();
        }),
      kill: async (signal) => {
        child.kill(signal);
        await exited;
        this.#processes.delete(running);
      },
    };
    this.#processes.add(running);
    return running;
  }

  async killAll(): Promise<void> {
    for (const running of this.#processes) await running.kill('SIGKILL');
  }
}
