import { printTable } from '../../bench/table.ts';
import type { LoadKind, LoadReport } from './open-loop.ts';
import {
  CHANGE_KINDS,
  type ChangeKind,
  type CpuTimes,
  cpuBetween,
  describeCpu,
  type EnduranceRig,
  type GatewaySample,
  runLoad,
  startEnduranceRig,
} from './rig.ts';

/** Requests a second in all, unless fewer are wanted. */
const PER_SECOND = 20_000;
/** Requests sent later than this, and the trial says nothing of that rate. */
const LATE_MAX_MS = 50;
/** Until the code of the gateway and of the clients is compiled. */
const WARM_UP_SECONDS = 5;
/** Without changes, to compare with. */
const STILL_SECONDS = 10;

/** What a stretch of the load was like. */
interface Stretch {
  readonly reports: readonly LoadReport[];
  readonly used: CpuTimes;
  readonly before: GatewaySample;
  readonly after: GatewaySample;
  readonly requests: number;
  /** Of the gateway. */
  readonly microsecondsPerRequest: number;
}

/**
 * Exactly `perSecond` requests a second, plain and TLS, kept alive and not: first while nothing changes, then for
 * `seconds` while routes change, endpoints come and go, certificates are swapped and workers are replaced, or only some
 * of these. Problem: any failed request.
 */
export async function endureChanges(
  seconds: number,
  kinds: readonly ChangeKind[] = CHANGE_KINDS,
  perSecond: number = PER_SECOND,
): Promise<readonly string[]> {
  await using rig = await startEnduranceRig({ collecting: false, parted: false });
  const rate = `${perSecond.toLocaleString('en-US')} requests/s`;
  const loads = loadsOf(rig, perSecond / PER_SECOND);
  await Promise.all(loads.map((load) => runLoad(load, WARM_UP_SECONDS)));
  const still = await runStretch(rig, loads, STILL_SECONDS);
  await rig.ask({ change: kinds });
  const changing = await runStretch(rig, loads, seconds);
  const { changes } = await rig.ask('stop-changes');
  const results = changing.reports.flatMap((report) => report.kinds);
  const lateMs = lateness(changing);
  const extraSeconds = changing.used.gateway - (still.microsecondsPerRequest * changing.requests) / 1e6;
  printTable(
    `${rate} (open loop) for ${seconds} s while ${kinds.join(', ')} change`,
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
  printTable(
    'The gateway, per request',
    ['', 'CPU us', 'by thread', 'connections to endpoints', 'handshakes', 'clients late (p99)'],
    [rowOf('nothing changes', still), rowOf('while it changes', changing)],
  );
  const { routes, endpoints, certificates, workers } = changes;
  process.stdout.write(
    `changes: ${routes} of routes, ${endpoints} of endpoints, ${certificates} certificates swapped, ${workers} workers replaced and drained\n` +
      `times count from when a request was due; the clients themselves were late by ${ms(lateMs)} (p99)\n` +
      `a request costs ${(changing.microsecondsPerRequest / still.microsecondsPerRequest).toFixed(2)} times what it costs while nothing changes; ` +
      `all changes together ${extraSeconds.toFixed(2)} s of CPU\n` +
      `CPU in ${seconds} s: ${describeCpu(changing.used)}\n`,
  );
  const failed = results.reduce((sum, kind) => sum + kind.failed, 0);
  const problems = failed > 0 ? [`${failed} requests lost`] : [];
  for (const kind of kinds) if (changes[kind] === 0) problems.push(`${kind} never changed`);
  if (lateMs > LATE_MAX_MS) {
    problems.push(`this machine is too busy for ${rate}: they were sent late`);
  }
  return problems;
}

/** By process: encryption must not make the others late. */
function loadsOf(rig: EnduranceRig, share: number): readonly (readonly LoadKind[])[] {
  const plain = { port: rig.port, tls: false };
  const tls = { port: rig.tlsPort, tls: true };
  return [
    [
      { name: 'HTTP, kept alive', ...plain, close: false, perSecond: 15_600 * share },
      { name: 'HTTP, a connection per request', ...plain, close: true, perSecond: 300 * share },
    ],
    [
      { name: 'HTTPS, kept alive', ...tls, close: false, perSecond: 4_000 * share },
      { name: 'HTTPS, a connection per request', ...tls, close: true, perSecond: 100 * share },
    ],
  ];
}

async function runStretch(
  rig: EnduranceRig,
  loads: readonly (readonly LoadKind[])[],
  seconds: number,
): Promise<Stretch> {
  const before = await rig.ask('sample');
  const cpu = rig.cpuTimes();
  const reports = await Promise.all(loads.map((load) => runLoad(load, seconds)));
  const used = cpuBetween(cpu, rig.cpuTimes());
  const after = await rig.ask('sample');
  const requests = reports.flatMap(({ kinds }) => kinds).reduce((sum, kind) => sum + kind.requests, 0);
  return { reports, used, before, after, requests, microsecondsPerRequest: (used.gateway * 1e6) / requests };
}

function rowOf(name: string, stretch: Stretch): readonly (string | number)[] {
  const { before, after, requests, microsecondsPerRequest } = stretch;
  const threads = Object.entries(after.threads)
    .map(([thread, used]) => [thread, ((used - (before.threads[thread] ?? 0)) * 1e6) / requests] as const)
    .filter(([, microseconds]) => Math.abs(microseconds) >= 0.1)
    .map(([thread, microseconds]) => `${thread} ${microseconds.toFixed(1)}`)
    .join(', ');
  return [
    name,
    microsecondsPerRequest,
    threads,
    (after.upstreamConnects - before.upstreamConnects) / requests,
    (after.handshakes - before.handshakes) / requests,
    ms(lateness(stretch)),
  ];
}

const lateness = ({ reports }: Stretch): number => Math.max(...reports.map(({ lateP99 }) => lateP99));

const ms = (value: number): string => `${value.toFixed(value < 10 ? 1 : 0)} ms`;
