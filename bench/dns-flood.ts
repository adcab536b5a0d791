/**
 * A well-behaved client beside a flood: latency of the client's queries and memory of the server, before, during
 * and after. The flood is nonsense, names that do not exist, names of others, and answers; at a bounded rate, from
 * many ports of many loopback addresses, each as if it were another source. Client, flood and server share the machine: what the
 * flood takes of it by itself is seen when the same flood goes to a process that reads and drops it.
 */
import { createSocket, type Socket } from 'node:dgram';
import { once } from 'node:events';
import { setTimeout as sleep } from 'node:timers/promises';
import { isMainThread, parentPort, Worker } from 'node:worker_threads';
import { encodeQuery } from '../packages/fairlead/src/dns/dns-fixtures.ts';
import { startFairlead, startSink } from './dns-peers.ts';
import { residentBytes } from './process-cpu.ts';
import { printTable, quantile } from './table.ts';

/** Flood packets per second, sent in bursts of one millisecond. */
const floodPerSecond = 30_000;
const phaseSeconds = 4;
const sources = 200;

async function openSources(): Promise<Socket[]> {
  return Promise.all(
    Array.from({ length: sources }, async (_, index) => {
      const socket = createSocket('udp4').bind(0, `127.9.${index >> 4}.${(index & 15) + 1}`);
      await once(socket, 'listening');
      socket.on('error', () => {});
      return socket;
    }),
  );
}

/** One packet of the flood. */
function floodPacket(number: number): Uint8Array {
  switch (number % 5) {
    case 0:
      return crypto.getRandomValues(new Uint8Array(12 + (number % 60)));
    case 1:
      return encodeQuery(`${number}.default.svc.cluster.local`, 'A', { edns: 4096 });
    case 2:
      return encodeQuery(`${number}.example.org`, 'AAAA');
    case 3:
      return encodeQuery('svc1.default.svc.cluster.local', 'A', { flags: 0x8000 });
    default:
      return encodeQuery('svc1.default.svc.cluster.local', 'A').subarray(0, 12 + (number % 30));
  }
}

/** Asks one after the other, each from a port of its own; microseconds of each, Infinity for a lost one. */
async function behave(port: number, untilMs: number): Promise<number[]> {
  const times: number[] = [];
  for (let number = 0; performance.now() < untilMs; number++) {
    const socket = createSocket('udp4');
    const start = performance.now();
    const answer = once(socket, 'message', { signal: AbortSignal.timeout(1000) });
    socket.send(encodeQuery(`svc${number % 1000}.default.svc.cluster.local`, 'A'), port, '127.0.0.1');
    times.push(await answer.then(() => (performance.now() - start) * 1000).catch(() => Number.POSITIVE_INFINITY));
    socket.close();
    await sleep(2);
  }
  return times;
}

/** `npm run bench -- dns --flood`. */
export async function runFlood(): Promise<void> {
  const server = await startFairlead(1);
  const sink = await startSink();
  const flood = new Worker(new URL(import.meta.url));
  /** Floods a port; resolves to the packets sent. */
  const floodFor = async (milliseconds: number, port: number): Promise<number> => {
    flood.postMessage({ milliseconds, port });
    const [sent] = (await once(flood, 'message')) as [number];
    return sent;
  };
  const rows: (string | number)[][] = [];
  try {
    await once(flood, 'message');
    await behave(server.port, performance.now() + 1000);
    const phases: readonly (readonly [phase: string, flooded: number | undefined])[] = [
      ['before', undefined],
      ['flood to another process, which drops it', sink.port],
      ['flood to the server', server.port],
      ['flood to the server, second half', server.port],
      ['after', undefined],
    ];
    for (const [phase, flooded] of phases) {
      const phaseMs = phaseSeconds * 1000;
      const flooding = flooded === undefined ? Promise.resolve(0) : floodFor(phaseMs, flooded);
      const times = await behave(server.port, performance.now() + phaseMs);
      const rate = Math.round((await flooding) / phaseSeconds);
      const lost = times.filter((time) => time === Number.POSITIVE_INFINITY).length;
      const megabytes = residentBytes(server.process.pid!) / 2 ** 20;
      rows.push([phase, rate, times.length, quantile(times, 0.5), quantile(times, 0.99), lost, megabytes]);
    }
  } finally {
    await flood.terminate();
    sink.process.kill('SIGKILL');
    server.process.kill();
    if (server.process.exitCode === null) await once(server.process, 'exit');
  }
  printTable(
    'A well-behaved client beside a flood',
    ['phase', 'flood/s', 'queries', 'p50 us', 'p99 us', 'lost', 'RSS MiB'],
    rows,
  );
  const [quiet, beside, , during, after] = rows;
  const [p50, p99, memory] = [3, 4, 6] as const;
  const ratio = (a: (string | number)[] | undefined, b: (string | number)[] | undefined, of: number): number =>
    Number(a?.[of]) / Number(b?.[of]);
  printTable(
    'Ratios',
    ['of', 'ratio', 'target'],
    [
      ['p50, flood to the server : to another process', ratio(during, beside, p50), '<= 2'],
      ['p99, flood to the server : to another process', ratio(during, beside, p99), '<= 2'],
      ['p99, flood to the server : before', ratio(during, quiet, p99), ''],
      ['memory after : before', ratio(after, quiet, memory), 'about 1'],
    ],
  );
}

/** The thread that floods: a number of milliseconds in, how many packets it sent out. */
async function floodThread(): Promise<void> {
  const sockets = await openSources();
  let number = 0;
  parentPort!.on('message', async ({ milliseconds, port }: { milliseconds: number; port: number }) => {
    const before = number;
    const endMs = performance.now() + milliseconds;
    while (performance.now() < endMs) {
      for (let burst = 0; burst < floodPerSecond / 1000; burst++, number++) {
        sockets[number % sources]!.send(floodPacket(number), port, '127.0.0.1');
      }
      await sleep(1);
    }
    parentPort!.postMessage(number - before);
  });
  parentPort!.postMessage(0);
}

if (!isMainThread) await floodThread();
