import { printTable } from '../../bench/table.ts';
import type { LoadKind } from './open-loop.ts';
import { cpuBetween, describeCpu, runLoad, startEnduranceRig } from './rig.ts';

/** Requests a second in all. */
const PER_SECOND = 20_000;
/** Less than this share of what was due, or requests sent later than this, and the trial says nothing of that rate. */
const LATE_MAX_MS = 50;

/**
 * Exactly {@link PER_SECOND} requests a second for `seconds`, plain and TLS, kept alive and not, while routes change,
 * endpoints come and go, certificates are swapped and workers are replaced. Problem: any failed request.
 */
export async function endureChanges(seconds: number): Promise<readonly string[]> {
  await using rig = await startEnduranceRig({ collecting: false, parted: false });
  const plain = { port: rig.port, tls: false };
  const tls = { port: rig.tlsPort, tls: true };
  /** By process: encryption must not make the others late. */
  const loads: readonly (readonly LoadKind[])[] = [
    [
      { name: 'HTTP, kept alive', ...plain, close: false, perSecond: 15_600 },
      { name: 'HTTP, a connection per request', ...plain, close: true, perSecond: 300 },
    ],
    [
      { name: 'HTTPS, kept alive', ...tls, close: false, perSecond: 4_000 },
      { name: 'HTTPS, a connection per request', ...tls, close: true, perSecond: 100 },
    ],
  ];
  await rig.ask('start-changes');
  const before = rig.cpuTimes();
  const reports = await Promise.all(loads.map((kinds) => runLoad(kinds, seconds)));
  const used = cpuBetween(before, rig.cpuTimes());
  const { changes } = await rig.ask('stop-changes');
  const results = reports.flatMap(({ kinds }) => kinds);
  const lateMs = Math.max(...reports.map(({ lateP99 }) => lateP99));
  const ms = (value: number): string => `${value.toFixed(value < 10 ? 1 : 0)} ms`;
  printTable(
    `${PER_SECOND.toLocaleString('en-US')} requests/s (open loop) for ${seconds} s while everything changes`,
    ['clients', 'requests', 'lost', 'p50', 'p99', 'p99.9', 'how lost'],
    results.map(({ name, requests, failed, p50, p99, p999, failures }) => [
      name,
      requests,
      failed,
      ms(p50),
      ms(p99),
      ms(p999),
      Object.entries(failures)
        .map(([how, count]) => `${count} ${how}`)
        .join(', '),
    ]),
  );
  const { routes, endpoints, certificates, workers } = changes;
  process.stdout.write(
    `changes: ${routes} of routes, ${endpoints} of endpoints, ${certificates} certificates swapped, ${workers} workers replaced and drained\n` +
      `times count from when a request was due; the clients themselves were late by ${ms(lateMs)} (p99)\n` +
      `CPU in ${seconds} s: ${describeCpu(used)}\n`,
  );
  const failed = results.reduce((sum, kind) => sum + kind.failed, 0);
  const problems = failed > 0 ? [`${failed} requests lost`] : [];
  for (const [what, times] of Object.entries(changes)) if (times === 0) problems.push(`${what} never changed`);
  if (lateMs > LATE_MAX_MS) {
    problems.push(`this machine is too busy for ${PER_SECOND.toLocaleString('en-US')} requests/s: they were sent late`);
  }
  return problems;
}
