import { printTable } from '../../bench/table.ts';
import { awaitQuiet, mebibytes, runHttp2, runWrk, startEnduranceRig } from './rig.ts';

const STEP_SECONDS = 5;
/** HTTP/2 connections over TLS at a time, one request each, and how often in each step. */
const HTTP2_CONNECTIONS = 64;
const HTTP2_TIMES = 6;
/** Pooled connections to the endpoints stay, and are not a leak. */
const POOLED_MAX = 300;
/**
 * Growth from the second third of the connections to the last that still counts as noise of the allocator. Compared is
 * the least of each, since how much garbage there is at a look depends on the moment.
 */
const GROWTH_MAX_BYTES = 24 * 2 ** 20;

/**
 * Opens and closes `count` connections, a quarter of the load over TLS with full handshakes, some of it in HTTP/2. Problems: a failed
 * request, descriptors that stay, resident memory that goes on growing after the second third.
 */
export async function endureConnections(count: number): Promise<readonly string[]> {
  await using rig = await startEnduranceRig({ collecting: true, parted: false });
  const base = await rig.ask('sample');
  const rows: (string | number)[][] = [[0, 0, base.descriptors, mebibytes(base.residentBytes)]];
  let [total, failed] = [0, 0];
  /** Least resident bytes seen in the second and in the last third. */
  const least = [Infinity, Infinity, Infinity];
  let last = base;
  let printed = 0;
  while (total < count) {
    const loads = await Promise.all([
      runWrk(`http://127.0.0.1:${rig.port}/`, { seconds: STEP_SECONDS, connections: 48, close: true }),
      runWrk(`https://127.0.0.1:${rig.tlsPort}/`, { seconds: STEP_SECONDS, connections: 16, close: true }),
      runHttp2(`https://127.0.0.1:${rig.tlsPort}/`, HTTP2_CONNECTIONS, HTTP2_TIMES),
    ]);
    const done = loads.reduce((sum, load) => sum + load.requests, 0);
    if (done === 0) return ['no connection succeeded'];
    total += done;
    failed += loads.reduce((sum, load) => sum + load.failed, 0);
    last = await awaitQuiet(rig, base.descriptors + POOLED_MAX);
    const third = Math.min(2, Math.floor((3 * total) / count));
    least[third] = Math.min(least[third]!, last.residentBytes);
    if (total - printed >= count / 12 || total >= count) {
      printed = total;
      rows.push([total, failed, last.descriptors, mebibytes(last.residentBytes)]);
    }
  }
  printTable('Connections opened and closed', ['connections', 'failed', 'descriptors', 'RSS MiB'], rows);
  const problems: string[] = [];
  if (failed > 0) problems.push(`${failed} requests failed`);
  if (last.descriptors > base.descriptors + POOLED_MAX) {
    problems.push(`${last.descriptors - base.descriptors} descriptors stayed`);
  }
  const growth = least[2]! - least[1]!;
  if (growth > GROWTH_MAX_BYTES) problems.push(`memory grew by ${mebibytes(growth)} MiB after the second third`);
  return problems;
}
