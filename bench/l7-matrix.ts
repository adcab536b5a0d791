import { parseArgs } from 'node:util';
import { L7_ROWS, type L7Row, type L7Target } from './l7/rows.ts';
import { measureRow, type ProxyFigures } from './l7.ts';
import { printTable } from './table.ts';

const DEFAULT_ROUNDS = 3;
const DEFAULT_SECONDS = 3;
const PEERS = ['nginx', 'haproxy', 'envoy', 'caddy'] as const;

/** Our share of a peer's figure; NaN where the peer is not there, or failed. */
function shareOf(figures: readonly ProxyFigures[], peer: string, pick: (each: ProxyFigures) => number): number {
  const other = figures.find(({ name }) => name === peer);
  return other === undefined ? Number.NaN : pick(figures[0]!) / pick(other);
}

/** What a row misses of its target: `nginx 1.12 > 1`; empty when all that could be compared is within. */
function missed(figures: readonly ProxyFigures[], target: L7Target): string {
  const missing: string[] = [];
  for (const peer of ['nginx', 'haproxy', 'envoy'] as const) {
    const most = target[peer];
    const share = shareOf(figures, peer, ({ cpuUs }) => cpuUs);
    if (most !== undefined && share > most) missing.push(`${peer} ${share.toFixed(2)} > ${most}`);
  }
  const least = target.throughputMin;
  const throughput = shareOf(figures, 'nginx', ({ perSecond }) => perSecond);
  if (least !== undefined && throughput < least) missing.push(`throughput ${throughput.toFixed(2)} < ${least}`);
  return missing.join(', ');
}

function summaryOf(row: L7Row, figures: readonly ProxyFigures[]): readonly (string | number)[] {
  const errors = figures[0]!.errors;
  const problems = [missed(figures, row.target ?? {}), errors > 0 ? `${errors} errors` : ''].filter(
    (each) => each !== '',
  );
  const verdict = row.target === undefined ? 'no target' : 'within its target';
  return [
    row.name,
    row.title,
    row.bodyBytes,
    row.connections * (row.streams ?? 1),
    figures[0]!.cpuUs,
    ...PEERS.map((peer) => shareOf(figures, peer, ({ cpuUs }) => cpuUs)),
    shareOf(figures, 'nginx', ({ perSecond }) => perSecond),
    problems.length === 0 ? verdict : problems.join('; '),
  ];
}

/**
 * All rows of the gateway's benchmarks in one table: our CPU per request, its ratio to each peer's, our requests/s as a
 * share of nginx's, and whether the row keeps to its target. Arguments: `--row NAME` (again for more), `--rounds`, `--seconds`.
 */
export async function runMatrixBench(args: readonly string[]): Promise<void> {
  const { values } = parseArgs({
    args: [...args],
    options: {
      row: { type: 'string', multiple: true, default: [] },
      rounds: { type: 'string', default: `${DEFAULT_ROUNDS}` },
      seconds: { type: 'string', default: `${DEFAULT_SECONDS}` },
    },
  });
  const unknown = values.row.filter((name) => !L7_ROWS.some((row) => row.name === name));
  if (unknown.length > 0) throw new Error(`no row ${unknown.join(', ')}`);
  const rows = L7_ROWS.filter(({ name }) => values.row.length === 0 || values.row.includes(name));
  const table: (readonly (string | number)[])[] = [];
  for (const row of rows) {
    process.stderr.write(`bench l7-matrix: ${row.name} (${table.length + 1} of ${rows.length})\n`);
    table.push(summaryOf(row, await measureRow(row, Number(values.rounds), Number(values.seconds))));
  }
  printTable(
    `CPU per request, ours as a share of each peer's (median of ${values.rounds} x ${values.seconds} s)`,
    ['row', '', 'body', 'in flight', 'CPU us', 'nginx', 'HAProxy', 'Envoy', 'Caddy', 'requests/s of nginx', 'verdict'],
    table,
  );
}
