import { fullestBin, fullestUnderZipf, maglevFigures, subsetChurn, subsetSpread } from './balance/counting.ts';
import { pastTheKnee, retryAmplification, throttledToAccepted } from './balance/overload.ts';
import { pastSaturation } from './balance/shared-machines.ts';
import { withinASecond } from './balance/stuck-server.ts';
import { printTable } from './table.ts';

const SEED = 20_260_101;
const percent = (share: number, digits = 0): string => `${(share * 100).toFixed(digits)} %`;
const spread = ({ least, most }: { readonly least: number; readonly most: number }): string =>
  `${percent(least)} .. ${percent(most)}`;

/** Published experiments of balancing, simulated with our algorithms: what was published beside what we get. */
export async function runBalanceBench(): Promise<void> {
  const bins = 100_000;
  const figures = maglevFigures(650);
  const rows: [string, string, string, string][] = [
    [
      'answered within 1 s, 1 of 11 stuck (Linkerd 2016)',
      'round robin',
      '95 %',
      percent(withinASecond('round-robin', SEED), 1),
    ],
    ['', 'least loaded', '99 %', percent(withinASecond('least-request', SEED), 1)],
    ['', 'peak EWMA', '99.9 %', percent(withinASecond('peak-ewma', SEED), 2)],
    [
      'clients per backend, 300 x 300 (SRE book)',
      'random, 90 each',
      '63 % .. 121 %',
      spread(subsetSpread('random', 90, SEED)),
    ],
    ['', 'rounds, 10 each', '100 % .. 100 %', spread(subsetSpread('rounds', 10, SEED))],
    ['', 'rendezvous, 90 each', '-', spread(subsetSpread('rendezvous', 90, SEED))],
    [
      'entries changed per client when a backend goes',
      'rounds, 10 each',
      'many',
      subsetChurn('rounds', 10).mean.toFixed(1),
    ],
    ['', 'rendezvous (gRFC A68)', 'at most 1', `at most ${subsetChurn('rendezvous', 10).most}`],
    [
      'fullest of 100,000 bins (Mitzenmacher)',
      'random',
      `~ ${(Math.log(bins) / Math.log(Math.log(bins))).toFixed(1)} + O(1)`,
      `${fullestBin('random', bins, SEED)}`,
    ],
    [
      '',
      'best of two',
      `${(Math.log(Math.log(bins)) / Math.LN2).toFixed(1)} + O(1)`,
      `${fullestBin('least-request', bins, SEED)}`,
    ],
    ['Maglev, 650 endpoints, 65,537 slots', 'imbalance', 'at most 1 %', percent(figures.imbalance, 2)],
    ['', 'others moved by a removal', 'small', percent(figures.disruption, 2)],
    ['fullest endpoint under Zipf keys', 'ring', 'unbounded', percent(fullestUnderZipf(undefined, SEED))],
    ['', 'ring, bound 1.25', 'at most 125 %', percent(fullestUnderZipf(1.25, SEED))],
    [
      'requests at the bottom of 3 failing layers, 4 tries',
      'no budget',
      '64 x',
      `${retryAmplification(3, undefined, SEED).toFixed(1)} x`,
    ],
    ['', 'budget 10 %', '1.1 x per layer', `${(retryAmplification(3, 0.1, SEED) ** (1 / 3)).toFixed(2)} x per layer`],
    [
      'client throttling, K = 2, 10 x overload',
      'sent to accepted',
      '2 x',
      `${throttledToAccepted(1000, SEED).toFixed(2)} x`,
    ],
  ];
  printTable(
    'Balancing: published figures and ours',
    [
      { title: 'experiment', align: 'left' },
      { title: 'algorithm', align: 'left' },
      { title: 'published', align: 'right' },
      { title: 'ours', align: 'right' },
    ],
    rows,
  );

  const loads = [0.75, 1, 1.27, 1.74];
  printTable(
    'Past saturation, shared machines (Prequal, NSDI 2024: weighted round robin breaks past 1.0, Prequal holds): p99 ms, failed',
    ['load of the allocation', ...loads.map((load) => ({ title: load.toFixed(2), align: 'right' as const }))],
    (['round-robin', 'least-request', 'prequal'] as const).map((kind) => [
      kind,
      ...loads.map((load) => {
        const { p99Ms, failed } = pastSaturation(kind, load, SEED);
        return `${Math.round(p99Ms).toLocaleString('en-US')} ms, ${percent(failed, 1)}`;
      }),
    ]),
  );

  const knees = [0.5, 0.9, 1.5, 3];
  printTable(
    'Adaptive concurrency (published: latency stays flat past the knee while rejects grow): p99 ms, rejected, goodput',
    ['load of the capacity', ...knees.map((load) => ({ title: load.toFixed(2), align: 'right' as const }))],
    [false, true].map((isLimited) => [
      isLimited ? 'gradient' : 'no limit',
      ...knees.map((load) => {
        const { p99Ms, rejected, goodput } = pastTheKnee(load, isLimited, SEED);
        return `${Math.round(p99Ms).toLocaleString('en-US')} ms, ${percent(rejected)}, ${percent(goodput)}`;
      }),
    ]),
  );
}
