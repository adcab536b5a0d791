import { type ChildProcess, execFile, spawn } from 'node:child_process';
import { accessSync, constants, existsSync, mkdtempSync, readFileSync, realpathSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { dirname, join } from 'node:path';
import { setTimeout as sleep } from 'node:timers/promises';
import { fileURLToPath } from 'node:url';
import { promisify } from 'node:util';

const run = promisify(execFile);
const program = fileURLToPath(new URL('../packages/fairlead/bin/fairlead.mjs', import.meta.url));
let counter = 0;

/** What a command printed and how it ended. */
export interface Outcome {
  readonly status: number;
  readonly stdout: string;
  readonly stderr: string;
}

/** Finds a program, so that a test can be skipped by name when it is missing. */
export function findProgram(name: string): string | undefined {
  for (const folder of [...(process.env.PATH ?? '').split(':'), '/usr/sbin', '/sbin', '/usr/bin', '/bin']) {
    try {
      accessSync(join(folder, name), constants.X_OK);
      return join(folder, name);
    } catch {
      // Not here; try the next folder.
    }
  }
  return undefined;
}

/** `kubectl.VERSION` on PATH, or beside the kubectl that PATH leads to. */
export function findKubectl(version: string): string | undefined {
  const found = findProgram(`kubectl.${version}`);
  const plain = findProgram('kubectl');
  if (found !== undefined || plain === undefined) return found;
  const sibling = join(dirname(realpathSync(plain)), `kubectl.${version}`);
  return existsSync(sibling) ? sibling : undefined;
}

/** Why kernel tests cannot run here; `false` when they can. The value of `skip` in a test. */
export function kernelSkip(...programs: readonly string[]): string | false {
  if (process.platform !== 'linux' || process.getuid?.() !== 0) return 'needs root on Linux';
  const missing = ['ip', 'nft', ...programs].filter((name) => findProgram(name) === undefined);
  return missing.length > 0 ? `needs ${missing.join(', ')}` : false;
}

/** Runs a command to its end; never throws for a failing one. */
export async function command(
  file: string,
  args: readonly string[],
  options: { input?: string; env?: NodeJS.ProcessEnv } = {},
): Promise<Outcome> {
  const running = run(file, [...args], { timeout: 120_000, maxBuffer: 1 << 26, env: options.env ?? process.env });
  if (options.input !== undefined) running.child.stdin?.end(options.input);
  try {
    const { stdout, stderr } = await running;
    return { status: 0, stdout, stderr };
  } catch (error) {
    const failed = error as { code?: number | string; stdout?: string; stderr?: string; message: string };
    const status = typeof failed.code === 'number' ? failed.code : 1;
    return { status, stdout: failed.stdout ?? '', stderr: failed.stderr || failed.message };
  }
}

/** Polls until the condition gives something; fails with `what` after the deadline. */
export async function eventually<T>(
  what: string,
  condition: () => Promise<T | undefined | false>,
  deadlineMs = 60_000,
): Promise<T> {
  const end = performance.now() + deadlineMs;
  for (;;) {
    const value = await condition();
    if (value !== undefined && value !== false) return value;
    if (performance.now() > end) throw new Error(`not within ${deadlineMs} ms: ${what}`);
    await sleep(20);
  }
}

/** A Fairlead system on a machine of its own: a network namespace. */
export interface TestSystem {
  readonly dataDir: string;
  readonly kubeconfig: string;
  readonly machine: string;
  /** Milliseconds from the start of the process to the line `ready`. */
  readonly readyMs: number;
  readonly process: ChildProcess;
  output(): string;
  /** Runs a command on the machine. */
  exec(...args: readonly string[]): Promise<Outcome>;
  /** Runs kubectl on the machine; throws when it fails. */
  kubectl(...args: readonly string[]): Promise<string>;
  apply(manifest: string): Promise<string>;
  /** Process id of a role, from the status page. */
  pidOf(role: string): Promise<number>;
  /** Stops with SIGTERM; resolves to the exit status. Removes nothing itself. */
  stop(): Promise<number>;
  /** Stops, then removes the machine and the data. */
  dispose(): Promise<void>;
}

/** How a system of a test starts. */
export interface TestSystemOptions {
  readonly args?: readonly string[];
  /** Used again instead of a new one. */
  readonly dataDir?: string;
  readonly machine?: string;
}

/** Makes a machine: a network namespace with loopback and an outside address. */
export async function createMachine(): Promise<string> {
  const name = `fltest-${process.pid}-${counter++}`;
  for (const args of [
    ['netns', 'add', name],
    ['-n', name, 'link', 'set', 'lo', 'up'],
    ['-n', name, 'link', 'add', 'eth0', 'type', 'bridge'],
    ['-n', name, 'addr', 'add', '192.0.2.10/24', 'dev', 'eth0'],
    ['-n', name, 'link', 'set', 'eth0', 'up'],
  ]) {
    const done = await command('ip', args);
    if (done.status !== 0) throw new Error(`ip ${args.join(' ')}: ${done.stderr}`);
  }
  return name;
}

/** Takes away what {@link createMachine} made. Never throws: it runs when a test has failed, too. */
export async function removeMachine(name: string): Promise<void> {
  await command('ip', ['netns', 'delete', name]);
}

/** Starts `fairlead up` on a machine of its own and waits for `ready`. */
export async function startSystem(options: TestSystemOptions = {}): Promise<TestSystem> {
  const machine = options.machine ?? (await createMachine());
  const dataDir = options.dataDir ?? mkdtempSync(join(tmpdir(), 'fairlead-e2e-'));
  const kubeconfig = join(dataDir, 'kubeconfig');
  const onMachine = ['netns', 'exec', machine];
  const began = performance.now();
  const child = spawn(
    'ip',
    [...onMachine, process.execPath, program, 'up', '--data-dir', dataDir, ...(options.args ?? [])],
    {
      stdio: ['ignore', 'pipe', 'pipe'],
    },
  );
  let text = '';
  const exited = new Promise<number>((resolve) => child.on('exit', (code) => resolve(code ?? -1)));
  const dispose = async (): Promise<void> => {
    if (child.exitCode === null && child.signalCode === null) {
      child.kill('SIGTERM');
      const timer = setTimeout(() => child.kill('SIGKILL'), 60_000);
      await exited;
      clearTimeout(timer);
    }
    await removeMachine(machine);
    rmSync(dataDir, { recursive: true, force: true });
  };
  let readyMs = 0;
  try {
    await new Promise<void>((resolve, reject) => {
      const timer = setTimeout(() => reject(new Error(`not ready:\n${text}`)), 120_000);
      const read = (chunk: Buffer): void => {
        text += chunk.toString();
        if (readyMs === 0 && /^ready$/m.test(text)) {
          readyMs = performance.now() - began;
          clearTimeout(timer);
          resolve();
        }
      };
      child.stdout.on('data', read);
      child.stderr.on('data', read);
      child.on('exit', (code) => {
        clearTimeout(timer);
        reject(new Error(`ended with ${code} before it was ready:\n${text}`));
      });
    });
  } catch (error) {
    await dispose();
    throw error;
  }
  // `ip netns exec` gave the system a mount namespace of its own, where its Pods' namespaces are bound: enter both.
  const inside = ['--target', `${child.pid}`, '--net', '--mount', '--'];
  const exec = (...args: readonly string[]): Promise<Outcome> => command('nsenter', [...inside, ...args]);
  const kubectlWith = async (args: readonly string[], input?: string): Promise<string> => {
    const done = await command('nsenter', [...inside, 'kubectl', '--kubeconfig', kubeconfig, ...args], {
      ...(input === undefined ? {} : { input }),
      // The client's discovery cache belongs to this system.
      env: { ...process.env, KUBECACHEDIR: join(dataDir, 'kubectl-cache') },
    });
    if (done.status !== 0) throw new Error(`kubectl ${args.join(' ')}: ${done.stderr}\n${text}`);
    return done.stdout;
  };
  return {
    dataDir,
    kubeconfig,
    machine,
    readyMs,
    process: child,
    output: () => text,
    exec,
    kubectl: (...args) => kubectlWith(args),
    apply: (manifest) => kubectlWith(['apply', '-f', '-'], manifest),
    async pidOf(role) {
      const { stdout } = await exec('curl', '-s', 'http://127.0.0.1:7070/');
      const pid = new RegExp(`^${role}\\s+\\S+\\s+(\\d+)`, 'm').exec(stdout)?.[1];
      if (pid === undefined) throw new Error(`no role ${role} in:\n${stdout}`);
      return Number(pid);
    },
    async stop() {
      child.kill('SIGTERM');
      return exited;
    },
    dispose,
  };
}

/** Names of the network namespaces of this machine that begin with a prefix. */
export async function namespacesWith(prefix: string): Promise<string[]> {
  const { stdout } = await command('ip', ['netns', 'list']);
  return stdout
    .split('\n')
    .map((line) => line.split(' ')[0] ?? '')
    .filter((name) => name.startsWith(prefix));
}

/** Processes whose command line holds a text; used to prove that nothing is left. */
export async function processesWith(text: string): Promise<string[]> {
  const { stdout } = await command('ps', ['-eo', 'pid,args', '-ww']);
  return stdout.split('\n').filter((line) => line.includes(text) && !line.includes('ps -eo'));
}

/** Reads a file of examples/. */
export function example(name: string): string {
  return readFileSync(new URL(`../examples/${name}`, import.meta.url), 'utf8');
}
