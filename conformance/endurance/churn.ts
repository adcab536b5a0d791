import { printTable } from '../../bench/table.ts';
import { cpuBetween, describeCpu, runWrk, startEnduranceRig } from './rig.ts';

/** What is asked for; how near a machine comes depends on its cores, which clients and endpoints share. */
const WANTED_PER_SECOND = 20_000;

/**
 * As many requests as the machine gives for `seconds`, plain and TLS, kept alive and not, while routes change,
 * endpoints come and go, certificates are swapped and workers are replaced. Problem: any failed request.
 */
export async function endureChanges(seconds: number): Promise<readonly string[]> {
  await using rig = await startEnduranceRig({ collecting: false, parted: false });
  const plain = `http://127.0.0.1:${rig.port}/`;
  const tls = `https://127.0.0.1:${rig.tlsPort}/`;
  await rig.ask('start-changes');
  const loads: readonly [name: string, url: string, connections: number, close: boolean][] = [
    ['HTTP, kept alive', plain, 64, false],
    ['HTTPS, kept alive', tls, 32, false],
    ['HTTP, a connection per request', plain, 8, true],
    ['HTTPS, a connection per request', tls, 4, true],
  ];
  const before = rig.cpuTimes();
  const results = await Promise.all(
    loads.map(([, url, connections, close]) => runWrk(url, { seconds, connections, close })),
  );
  const used = cpuBetween(before, rig.cpuTimes());
  const { changes } = await rig.ask('stop-changes');
  printTable(
    `Requests during changes: ${Object.entries(changes)
      .map(([what, times]) => `${what} ${times} times`)
      .join(', ')}`,
    ['clients', 'requests', 'requests/s', 'failed', 'p99', 'failures'],
    results.map(({ requests, failed, p99, kinds }, index) => [
      loads[index]![0],
      requests,
      Math.round(requests / seconds),
      failed,
      p99,
      kinds,
    ]),
  );
  const perSecond = Math.round(results.reduce((sum, result) => sum + result.requests, 0) / seconds);
  process.stdout.write(
    `${perSecond.toLocaleString('en-US')} requests/s in all (wanted ${WANTED_PER_SECOND.toLocaleString('en-US')}); CPU: ${describeCpu(used)}\n`,
  );
  const failed = results.reduce((sum, result) => sum + result.failed, 0);
  const problems = failed > 0 ? [`${failed} requests failed`] : [];
  for (const [what, times] of Object.entries(changes)) if (times === 0) problems.push(`${what} never changed`);
  return problems;
}
