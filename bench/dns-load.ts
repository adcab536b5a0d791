import { execFileSync } from 'node:child_process';
import { fileURLToPath } from 'node:url';
import { measureStart, type Start } from './dns-start.ts';
import { printTable } from './table.ts';

/** Endpoints, and endpoints per Service. */
const sizes = [
  ['10000', '100'],
  ['250000', '100'],
  ['250000', '5000'],
] as const;

/** What dns-scale.ts measures; times in milliseconds. */
interface Load {
  readonly endpoints: number;
  readonly perService: number;
  readonly loadMs: number;
  readonly loadCpuMs: number;
  readonly longestTurnMs: number;
  readonly longestOwnTurnMs: number;
  readonly bytesPerEndpoint: number;
  readonly uncollectedBytesPerEndpoint: number;
  readonly arenaBytesPerEndpoint: number;
  readonly changeMedianMs: number;
  readonly changeMaxMs: number;
  readonly visibleMedianMs: number;
  readonly visibleMaxMs: number;
}

/** Load, memory and change time of the data plane, each in a process of its own, with what they may be. */
export async function printLoad(): Promise<void> {
  const entry = fileURLToPath(new URL('./dns-scale.ts', import.meta.url));
  const loads = sizes.map((size) => {
    const text = execFileSync(process.execPath, ['--expose-gc', entry, ...size], { encoding: 'utf8' });
    return JSON.parse(text) as Load;
  });
  const title = ({ endpoints, perService }: Load): string =>
    `${endpoints.toLocaleString('en')}, ${perService.toLocaleString('en')} per Service`;
  const rows: readonly (readonly [what: string, value: (load: Load) => number, target: string])[] = [
    ['load: time, ms', (load) => load.loadMs, ''],
    ['load: CPU, all threads, ms', (load) => load.loadCpuMs, ''],
    ['load: longest turn of the main thread, CPU ms', (load) => load.longestTurnMs, ''],
    ['the same without collections, ms', (load) => load.longestOwnTurnMs, ''],
    ['memory, bytes per endpoint', (load) => load.bytesPerEndpoint, '<= 1,024'],
    ['memory without a forced collection, bytes per endpoint', (load) => load.uncollectedBytesPerEndpoint, '<= 1,024'],
    ['of it the table, bytes per endpoint', (load) => load.arenaBytesPerEndpoint, ''],
    ['a change of an endpoint, median ms', (load) => load.changeMedianMs, ''],
    ['a change of an endpoint, worst ms', (load) => load.changeMaxMs, ''],
    ['until all workers answer with it, median ms', (load) => load.visibleMedianMs, '<= 50'],
    ['until all workers answer with it, worst ms', (load) => load.visibleMaxMs, '<= 50 on a quiet machine'],
  ];
  printTable(
    'DNS at scale: headless endpoints with hostnames, two named ports',
    ['', ...loads.map(title), 'target'],
    rows.map(([what, value, target]) => [what, ...loads.map(value), target]),
  );
  const starts: Start[] = [];
  for (const [endpoints, perService] of sizes) starts.push(await measureStart(Number(endpoints), Number(perService)));
  printTable(
    'DNS alone against an API server, from the start of its process to the first answer of a cluster name',
    ['', ...loads.map(title), 'target'],
    [
      ['time, ms', ...starts.map(({ startMs }) => startMs), '<= 2,000 on a quiet machine'],
      ['CPU, all threads, ms', ...starts.map(({ startCpuMs }) => startCpuMs), ''],
      ['resident memory then, MiB', ...starts.map((start) => start.residentBytes / 2 ** 20), ''],
    ],
  );
}
