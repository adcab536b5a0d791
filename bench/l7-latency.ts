import { execFile } from 'node:child_process';
import { mkdtempSync, readFileSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { promisify } from 'node:util';
import { measureLoad } from './l7/load.ts';
import { startProxies } from './l7/proxies.ts';
import { L7_ROWS } from './l7/rows.ts';
import { median, printTable, quantile } from './table.ts';

const run = promisify(execFile);
const ROUNDS = 5;
const SECONDS = 4;
const CLIENTS = 32;
/** Requests of each round that are not counted: connections, pools and code are still cold. */
const WARM_UP_SHARE = 0.25;

/** Microseconds that each request took, at `perSecond` requests in all, whatever the answers take. */
async function latencies(port: number, perSecond: number, log: string): Promise<number[]> {
  const rps = Math.max(1, Math.round(perSecond / CLIENTS));
  const shape = ['--h1', '-t1', `-c${CLIENTS}`, '-m1', `--rps=${rps}`, `-n${rps * CLIENTS * SECONDS}`];
  rmSync(log, { force: true });
  await run('h2load', [
    ...shape,
    `--log-file=${log}`,
    '-H',
    ':authority: shop.example',
    `http://127.0.0.1:${port}/api/1`,
  ]);
  const lines = readFileSync(log, 'utf8').trimEnd().split('\n');
  const all = lines.map((line) => line.split('\t')).filter(([, status]) => status === '200');
  return all.slice(Math.floor(all.length * WARM_UP_SHARE)).map(([, , micros]) => Number(micros));
}

/**
 * What a proxy adds to the time of a small request, at half of the rate that our gateway reaches here: the quantiles of
 * requests through the proxy less those of requests to the upstream itself.
 */
export async function runLatencyBench(): Promise<void> {
  const row = L7_ROWS.find(({ name }) => name === 'small')!;
  const folder = mkdtempSync(join(tmpdir(), 'l7-latency-'));
  try {
    await using set = await startProxies(row);
    for (const reason of set.skipped) process.stderr.write(`bench l7-latency: going on without ${reason}\n`);
    const { perSecond } = await measureLoad(row, set.proxies[0]!, 2, set.grpcRequest);
    const rate = perSecond / 2;
    const targets = [{ name: 'upstream alone', port: set.upstreamPort }, ...set.proxies];
    const p50 = targets.map((): number[] => []);
    const p99 = targets.map((): number[] => []);
    for (let round = 0; round < ROUNDS; round++) {
      for (const [index, { port }] of targets.entries()) {
        const micros = await latencies(port, rate, join(folder, 'log'));
        p50[index]!.push(quantile(micros, 0.5));
        p99[index]!.push(quantile(micros, 0.99));
      }
    }
    const added = (values: readonly number[][], index: number): number =>
      Math.round(median(values[index]!) - median(values[0]!));
    printTable(
      `HTTP/1.1, ${Math.round(rate).toLocaleString('en-US')} requests/s over ${CLIENTS} connections (median of ${ROUNDS} x ${SECONDS} s)`,
      ['', 'p50 us', 'p99 us', 'added p50 us', 'added p99 us'],
      targets.map(({ name }, index) => [
        name,
        Math.round(median(p50[index]!)),
        Math.round(median(p99[index]!)),
        index === 0 ? '-' : added(p50, index),
        index === 0 ? '-' : added(p99, index),
      ]),
    );
  } finally {
    rmSync(folder, { recursive: true, force: true });
  }
}
