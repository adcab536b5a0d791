import { readFileSync } from 'node:fs';
import { connect as connectPlain, type Socket } from 'node:net';
import { setTimeout as sleep } from 'node:timers/promises';
import { connect as connectTls } from 'node:tls';
import { type RunningProxy, startProxies } from './l7/proxies.ts';
import { L7_ROWS, type L7Row } from './l7/rows.ts';
import { processTree } from './process-cpu.ts';
import { printTable } from './table.ts';

const CONNECTIONS = 4000;
/** Our gateway looks after its memory when it has been idle for 5 s; the others have the same time. */
const IDLE_MS = 8000;
const MIB = 2 ** 20;

/** Memory of a process tree, bytes. */
interface Memory {
  /** Pages of its own: heaps, stacks, what is written. */
  readonly own: number;
  /** All pages, those of program files included. */
  readonly resident: number;
}

function memoryOf(root: number): Memory {
  const total = { own: 0, resident: 0 };
  for (const pid of processTree(root)) {
    const text = readFileSync(`/proc/${pid}/smaps_rollup`, 'latin1');
    const bytes = (name: string): number =>
      Number(new RegExp(`^${name}:\\s+(\\d+) kB`, 'm').exec(text)?.[1] ?? 0) * 1024;
    total.own += bytes('Anonymous');
    total.resident += bytes('Rss');
  }
  return total;
}

/** A connection that has had one answer and stays. */
function openIdle(row: L7Row, port: number): Promise<Socket> {
  return new Promise((resolve, reject) => {
    const where = { port, host: '127.0.0.1' };
    const socket = row.tls === undefined ? connectPlain(where) : connectTls({ ...where, rejectUnauthorized: false });
    socket.once('error', reject);
    socket.once('data', () => {
      socket.off('error', reject);
      socket.on('error', () => undefined);
      resolve(socket);
    });
    socket.write('GET /api/1 HTTP/1.1\r\nHost: shop.example\r\n\r\n');
  });
}

async function measure(row: L7Row, proxy: RunningProxy): Promise<readonly (string | number)[]> {
  // The first request brings in what only requests need.
  (await openIdle(row, proxy.port)).destroy();
  await sleep(IDLE_MS);
  const idle = memoryOf(proxy.pid);
  const sockets: Socket[] = [];
  while (sockets.length < CONNECTIONS) {
    sockets.push(...(await Promise.all(Array.from({ length: 100 }, () => openIdle(row, proxy.port)))));
  }
  await sleep(IDLE_MS);
  const held = memoryOf(proxy.pid);
  for (const socket of sockets) socket.destroy();
  const each = (held.own - idle.own) / CONNECTIONS / 1024;
  return [proxy.name, row.tls === undefined ? 'plain' : 'TLS', idle.own / MIB, idle.resident / MIB, each];
}

/** Memory of an idle proxy with one worker, and what each idle connection adds to it, in clear text and TLS. */
export async function runMemoryBench(): Promise<void> {
  // What Node compiles is kept between runs, as `fairlead` does; the first start fills it.
  const rows: (readonly (string | number)[])[] = [];
  for (const name of ['small', 'tls']) {
    const row = L7_ROWS.find((each) => each.name === name)!;
    await (await startProxies(row))[Symbol.asyncDispose]();
    await using set = await startProxies(row);
    for (const reason of set.skipped) process.stderr.write(`bench l7-memory: going on without ${reason}\n`);
    for (const proxy of set.proxies) rows.push(await measure(row, proxy));
  }
  printTable(
    `Memory with one worker, idle and with ${CONNECTIONS.toLocaleString('en-US')} idle connections`,
    ['proxy', 'connections', 'own MiB', 'resident MiB', 'KiB per connection'],
    rows,
  );
}
