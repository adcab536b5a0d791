import { readFileSync } from 'node:fs';
import { connect, type Socket } from 'node:net';
import { printTable } from '../../bench/table.ts';
import type { WrkReport } from '../../bench/wrk-report.ts';
import {
  awaitQuiet,
  BIG_BYTES,
  CLIENT_CORE,
  type CpuTimes,
  cpuBetween,
  describeCpu,
  type EnduranceGateway,
  type GatewaySample,
  mebibytes,
  runWrk,
  startEnduranceRig,
} from './rig.ts';

const SECONDS = 10;
/** Resident bytes of the gateway for each slow client: buffers are bounded. */
const CLIENT_MAX_BYTES = 64 * 1024;
/** Idle connections to endpoints that may stay: 256 for each of 4 endpoints in each of 2 workers, and a few others. */
const POOLED_MAX = 4 * 256 * 2 + 64;
const BODY_BYTES = 100_000;
/** Of the gateway, for everything but slow clients. */
const SPARE_DESCRIPTORS = 500;

/** Most descriptors of a process started here; Node raises its own limit to this. */
function openFilesMax(): number {
  const [, hard] = /^Max open files\s+\d+\s+(\d+)/m.exec(readFileSync('/proc/self/limits', 'utf8')) ?? [];
  return Number(hard ?? 1024);
}

/** A client that asks for much and reads next to nothing, or that announces much and sends next to nothing. */
function openSlowClient(port: number, kind: 'reader' | 'writer'): Promise<Socket> {
  return new Promise((resolve, reject) => {
    const socket = connect({ port, host: '127.0.0.1' });
    socket.once('connect', () => {
      if (kind === 'reader') socket.write('GET /big HTTP/1.1\r\nHost: shop.example\r\n\r\n');
      else socket.write(`POST /upload HTTP/1.1\r\nHost: shop.example\r\nContent-Length: ${BODY_BYTES}\r\n\r\n`);
      socket.off('error', reject);
      // What becomes of it later is the gateway's business.
      socket.on('error', () => undefined);
      // Without a listener nothing is read.
      socket.pause();
      resolve(socket);
    });
    socket.once('error', reject);
  });
}

/** What a trial of one gateway saw. */
interface SlowTrial {
  readonly base: GatewaySample;
  readonly during: GatewaySample;
  readonly after: GatewaySample;
  /** The client that behaves, without the slow ones and beside them. */
  readonly alone: WrkReport;
  readonly beside: WrkReport;
  /** At the same time, one that asks an endpoint itself: what the core of clients and endpoints makes of it. */
  readonly direct: WrkReport;
  readonly used: CpuTimes;
  /** Slow clients that were still connected at the end. */
  readonly open: number;
}

async function trySlowClients(proxy: EnduranceGateway, count: number): Promise<SlowTrial> {
  await using rig = await startEnduranceRig({ collecting: false, parted: true, proxy });
  const url = `http://127.0.0.1:${rig.port}/`;
  const shape = { seconds: SECONDS, connections: 8, close: false };
  const alone = await runWrk(url, shape);
  const base = await rig.ask('sample');
  const clients: Socket[] = [];
  for (let opened = 0; opened < count; opened += 100) {
    const batch = Array.from({ length: Math.min(100, count - opened) }, (_, index) =>
      openSlowClient(rig.port, index % 2 === 0 ? 'reader' : 'writer'),
    );
    clients.push(...(await Promise.all(batch)));
  }
  let isOver = false;
  const trickle = (async () => {
    for (let at = 0; !isOver; at = (at + 1) % clients.length) {
      const client = clients[at]!;
      if (at % 2 === 0) client.read(64);
      else if (!client.destroyed) client.write('x');
      if (at % 100 === 0) await new Promise((resolve) => setTimeout(resolve, 10));
    }
  })();
  const before = rig.cpuTimes();
  const directUrl = `http://127.0.0.1:${rig.endpointPort}/`;
  const [beside, direct] = await Promise.all([runWrk(url, shape), runWrk(directUrl, { ...shape, connections: 1 })]);
  const used = cpuBetween(before, rig.cpuTimes());
  const during = await rig.ask('sample');
  isOver = true;
  await trickle;
  const open = clients.filter((client) => !client.destroyed).length;
  for (const client of clients) client.destroy();
  const after = await awaitQuiet(rig, base.descriptors + POOLED_MAX);
  return { base, during, after, alone, beside, direct, used, open };
}

/**
 * `wanted` slow clients, readers and writers by halves, beside a client that behaves; then the same before nginx in the
 * gateway's place. Problems: a failed request of that client, memory beyond {@link CLIENT_MAX_BYTES} a client,
 * descriptors that stay when they are gone.
 */
export async function endureSlowClients(wanted: number): Promise<readonly string[]> {
  // In the gateway each has two descriptors, and what fails for want of them says nothing of slowness.
  const count = Math.min(wanted, Math.floor((openFilesMax() - SPARE_DESCRIPTORS) / 2));
  if (count < wanted) process.stdout.write(`slow: only ${count} clients: more files cannot be open here (ulimit -n)\n`);
  const own = await trySlowClients('fairlead', count);
  const peer = await trySlowClients('nginx', count);
  const cores = CLIENT_CORE.length === 0 ? 'one core for all' : 'the last core for clients and endpoints';
  printTable(
    `${count} slow clients (answers of ${BIG_BYTES / 1024} KiB)`,
    [
      'gateway',
      'when',
      'still connected',
      'descriptors',
      'RSS MiB',
      'requests of the other client',
      'failed',
      'p99',
      'p99 without gateway',
    ],
    [...rowsOf('fairlead', own), ...rowsOf('nginx', peer)],
  );
  for (const [name, { used }] of [
    ['fairlead', own],
    ['nginx', peer],
  ] as const) {
    process.stdout.write(`beside them, CPU in ${SECONDS} s (${cores}), ${name}: ${describeCpu(used)}\n`);
  }
  return problemsOf(own, count);
}

function rowsOf(name: EnduranceGateway, trial: SlowTrial): readonly (readonly (string | number)[])[] {
  const { base, during, after, alone, beside, direct, open } = trial;
  return [
    [name, 'before', 0, base.descriptors, mebibytes(base.residentBytes), alone.requests, alone.failed, alone.p99, '-'],
    [
      name,
      'beside',
      open,
      during.descriptors,
      mebibytes(during.residentBytes),
      beside.requests,
      beside.failed,
      beside.p99,
      direct.p99,
    ],
    [name, 'after', 0, after.descriptors, mebibytes(after.residentBytes), '-', '-', '-', '-'],
  ];
}

function problemsOf({ base, during, after, alone, beside, open }: SlowTrial, count: number): readonly string[] {
  const problems: string[] = [];
  if (open < count * 0.9) problems.push(`only ${open} slow clients were connected until the end`);
  if (alone.failed + beside.failed > 0) problems.push(`${alone.failed + beside.failed} requests failed`);
  if (during.residentBytes - base.residentBytes > count * CLIENT_MAX_BYTES) {
    problems.push(`${Math.round((during.residentBytes - base.residentBytes) / count / 1024)} KiB for each slow client`);
  }
  if (after.descriptors > base.descriptors + POOLED_MAX) {
    problems.push(`${after.descriptors - base.descriptors} descriptors stayed`);
  }
  return problems;
}
