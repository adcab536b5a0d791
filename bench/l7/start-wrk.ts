import { execFile } from 'node:child_process';
import { promisify } from 'node:util';
import { readWrkReport, type WrkReport } from '../wrk-report.ts';

const run = promisify(execFile);

/** Loads one URL with 16 connections for some seconds. */
export async function startWrk(url: string, host: string, seconds: number): Promise<WrkReport> {
  const { stdout } = await run('wrk', ['-t1', '-c16', `-d${seconds}`, '--timeout', '10s', '-H', `Host: ${host}`, url]);
  return readWrkReport(stdout);
}
