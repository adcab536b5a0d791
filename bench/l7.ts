import { parseArgs } from 'node:util';
import { measureLoad, type Sample } from './l7/load.ts';
import { startProxies } from './l7/proxies.ts';
import { L7_ROWS, type L7Bench, type L7Row } from './l7/rows.ts';
import { median, printTable } from './table.ts';

const DEFAULT_ROUNDS = 3;
const DEFAULT_SECONDS = 3;

/** Medians of one proxy in one row. */
export interface ProxyFigures {
  readonly name: string;
  readonly cpuUs: number;
  readonly perSecond: number;
  readonly p50Us: number;
  readonly p99Us: number;
  /** Over all rounds. */
  readonly errors: number;
}

/** Runs one row round by round, so that a change of the machine's mood meets all proxies. The first is ours. */
export async function measureRow(row: L7Row, rounds: number, seconds: number): Promise<readonly ProxyFigures[]> {
  await using set = await startProxies(row);
  for (const reason of set.skipped) process.stderr.write(`bench ${row.bench}: going on without ${reason}\n`);
  const samples = set.proxies.map((): Sample[] => []);
  const failures = new Map<string, string>();
  for (let round = 0; round < rounds; round++) {
    for (const [index, proxy] of set.proxies.entries()) {
      try {
        samples[index]!.push(await measureLoad(row, proxy, seconds, set.grpcRequest));
      } catch (error) {
        failures.set(proxy.name, (error as Error).message);
      }
    }
  }
  for (const [name, message] of failures) process.stderr.write(`bench ${row.bench}: ${name} failed: ${message}\n`);
  return set.proxies.map(({ name }, index) => {
    const of = (pick: (sample: Sample) => number): number => median(samples[index]!.map(pick));
    return {
      name,
      cpuUs: of((sample) => sample.cpuUs),
      perSecond: of((sample) => sample.perSecond),
      p50Us: of((sample) => sample.p50Us),
      p99Us: of((sample) => sample.p99Us),
      errors: samples[index]!.reduce((sum, sample) => sum + sample.errors, 0),
    };
  });
}

async function runRow(row: L7Row, rounds: number, seconds: number): Promise<void> {
  const figures = await measureRow(row, rounds, seconds);
  const nginxCpu = figures.find(({ name }) => name === 'nginx')?.cpuUs ?? Number.NaN;
  const clients = `${row.connections} connections${row.streams === undefined ? '' : ` x ${row.streams} streams`}`;
  printTable(
    `${row.name}: ${row.title}, ${row.bodyBytes.toLocaleString('en-US')}-byte body, ${clients} (median of ${rounds} x ${seconds} s)`,
    ['proxy', 'CPU us/request', 'vs nginx', 'requests/s', 'MiB/s', 'p50 us', 'p99 us', 'errors'],
    figures.map(({ name, cpuUs, perSecond, p50Us, p99Us, errors }) => [
      name,
      cpuUs,
      cpuUs / nginxCpu,
      Math.round(perSecond),
      Math.round((perSecond * row.bodyBytes) / 2 ** 20),
      Math.round(p50Us),
      Math.round(p99Us),
      errors,
    ]),
  );
}

/**
 * CPU time per proxied request beside nginx, HAProxy, Envoy and Caddy, in one run: one worker each, the same
 * upstream, the same rules. Arguments: `--row NAME` (again for more), `--all`, `--rounds`, `--seconds`.
 * Without a row: those that the budgets speak of.
 */
export async function runL7Bench(bench: L7Bench, args: readonly string[]): Promise<void> {
  const { values } = parseArgs({
    args: [...args],
    options: {
      row: { type: 'string', multiple: true, default: [] },
      all: { type: 'boolean', default: false },
      rounds: { type: 'string', default: `${DEFAULT_ROUNDS}` },
      seconds: { type: 'string', default: `${DEFAULT_SECONDS}` },
    },
  });
  const own = L7_ROWS.filter((row) => row.bench === bench);
  const unknown = values.row.filter((name) => !own.some((row) => row.name === name));
  if (unknown.length > 0) {
    throw new Error(`no row ${unknown.join(', ')}; there are ${own.map(({ name }) => name).join(', ')}`);
  }
  const rows = own.filter(({ name, main }) =>
    values.row.length > 0 ? values.row.includes(name) : values.all || main === true,
  );
  for (const row of rows) await runRow(row, Number(values.rounds), Number(values.seconds));
}
