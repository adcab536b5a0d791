import { execFile } from 'node:child_process';
import { promisify } from 'node:util';

const run = promisify(execFile);

/** What a run of wrk counted. */
export interface WrkCount {
  readonly requests: number;
  /** Answers other than 2xx and 3xx, and connections that failed. */
  readonly failed: number;
}

/** Loads one URL with 16 connections for some seconds. */
export async function startWrk(url: string, host: string, seconds: number): Promise<WrkCount> {
  const { stdout } = await run('wrk', ['-t1', '-c16', `-d${seconds}`, '--timeout', '10s', '-H', `Host: ${host}`, url]);
  const socketErrors = /connect (\d+), read (\d+), write (\d+), timeout (\d+)/.exec(stdout)?.slice(1) ?? [];
  const refused = Number(/Non-2xx or 3xx responses: (\d+)/.exec(stdout)?.[1] ?? 0);
  return {
    requests: Number(/(\d+) requests in/.exec(stdout)?.[1] ?? 0),
    failed: refused + socketErrors.reduce((sum, count) => sum + Number(count), 0),
  };
}
