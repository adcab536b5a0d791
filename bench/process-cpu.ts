import { execFileSync } from 'node:child_process';
import { readdirSync, readFileSync } from 'node:fs';

/** CPU time that a process has used, summed over its threads (also ended ones), in microseconds. */
export interface CpuTime {
  readonly userUs: number;
  readonly systemUs: number;
  readonly totalUs: number;
}

/** Kernel clock ticks per second; 100 on every Linux that matters, asked once all the same. */
const ticksPerSecond = Number(execFileSync('getconf', ['CLK_TCK'], { encoding: 'utf8' })) || 100;

/** Fields of /proc/PID/stat after the command name, which may itself hold spaces and brackets (proc(5)). */
function statFields(pid: number): string[] {
  const stat = readFileSync(`/proc/${pid}/stat`, 'latin1');
  return stat.slice(stat.lastIndexOf(')') + 2).split(' ');
}

/**
 * CPU time of one process with all its threads, without its children: utime and stime of
 * /proc/PID/stat (fields 14 and 15). Resolution is one tick (10 ms): measure over seconds.
 */
export function processCpu(pid: number): CpuTime {
  const fields = statFields(pid);
  const userUs = (Number(fields[11]) * 1e6) / ticksPerSecond;
  const systemUs = (Number(fields[12]) * 1e6) / ticksPerSecond;
  return { userUs, systemUs, totalUs: userUs + systemUs };
}

/**
 * CPU nanoseconds that the scheduler accounted to the live threads of a process: exact, but it
 * loses threads that ended, so use it when the thread count is steady (/proc/PID/task/TID/schedstat).
 * Falls back to {@link processCpu} on kernels without CONFIG_SCHED_INFO.
 */
export function processCpuUs(pid: number): number {
  let nanoseconds = 0;
  try {
    for (const tid of readdirSync(`/proc/${pid}/task`)) {
      nanoseconds += Number(readFileSync(`/proc/${pid}/task/${tid}/schedstat`, 'latin1').split(' ')[0]);
    }
  } catch {
    return processCpu(pid).totalUs;
  }
  return nanoseconds / 1000;
}

/**
 * CPU seconds of a process by the names of its threads, alike ones summed: of Node's, `MainThread`, `WorkerThread` for
 * each `Worker`, `V8Worker` for compiling and collecting garbage. Threads that have ended are `ended`.
 */
export function threadSeconds(pid: number): Readonly<Record<string, number>> {
  const seconds: Record<string, number> = {};
  let living = 0;
  for (const tid of readdirSync(`/proc/${pid}/task`)) {
    try {
      const stat = readFileSync(`/proc/${pid}/task/${tid}/stat`, 'latin1');
      const name = stat.slice(stat.indexOf('(') + 1, stat.lastIndexOf(')'));
      const fields = stat.slice(stat.lastIndexOf(')') + 2).split(' ');
      const used = (Number(fields[11]) + Number(fields[12])) / ticksPerSecond;
      seconds[name] = (seconds[name] ?? 0) + used;
      living += used;
    } catch {
      // Ended between readdir and read.
    }
  }
  seconds.ended = Math.max(0, processCpu(pid).totalUs / 1e6 - living);
  return seconds;
}

/** The process itself and all its living descendants (for example nginx: master and workers). */
export function processTree(root: number): number[] {
  const children = new Map<number, number[]>();
  for (const entry of readdirSync('/proc')) {
    const pid = Number(entry);
    if (!Number.isInteger(pid)) continue;
    try {
      const parent = Number(statFields(pid)[1]);
      children.set(parent, [...(children.get(parent) ?? []), pid]);
    } catch {
      // Gone between readdir and read.
    }
  }
  const tree = [root];
  for (const pid of tree) tree.push(...(children.get(pid) ?? []));
  return tree;
}

/** Exact CPU microseconds of a process and all its living descendants. */
export function treeCpuUs(root: number): number {
  return processTree(root).reduce((sum, pid) => sum + processCpuUs(pid), 0);
}

/** Resident memory of a process in bytes (VmRSS). */
export function residentBytes(pid: number): number {
  const kibibytes = /^VmRSS:\s+(\d+) kB/m.exec(readFileSync(`/proc/${pid}/status`, 'latin1'))?.[1];
  return Number(kibibytes ?? 0) * 1024;
}

/** CPU microseconds that a process tree used while `work` ran, with the work's own result. */
export async function measureCpu<T>(
  root: number,
  work: () => Promise<T>,
): Promise<{ readonly cpuUs: number; readonly result: T }> {
  const before = treeCpuUs(root);
  const result = await work();
  return { cpuUs: treeCpuUs(root) - before, result };
}
