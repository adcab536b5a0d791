import { type ChildProcess, execFile, execFileSync, spawn } from 'node:child_process';
import { existsSync, mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { createServer, connect as netConnect } from 'node:net';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { setTimeout as sleep } from 'node:timers/promises';
import { fileURLToPath } from 'node:url';
import { promisify } from 'node:util';
import { residentBytes, treeCpuUs } from './process-cpu.ts';
import { median, printTable } from './table.ts';

const run = promisify(execFile);
const ROUNDS = 3;
const SECONDS = 3;
const BIG_BYTES = 16 * 1024 * 1024;
const STREAM_MODULE = '/usr/lib/nginx/modules/ngx_stream_module.so';

interface Peer {
  readonly name: string;
  readonly port: number;
  readonly pid: number;
}

/** What a job's clients do, and what is counted. */
interface Job {
  readonly title: string;
  readonly unit: string;
  readonly args: (port: number) => string[];
  /** How much was done, of wrk's output: connections, or GiB. */
  readonly done: (output: string) => number;
}

const units: Readonly<Record<string, number>> = { KB: 2 ** -20, MB: 2 ** -10, GB: 1 };
const JOBS: readonly Job[] = [
  {
    title: 'A connection per request, 32 clients',
    unit: 'connection',
    args: (port) => ['-t1', '-c32', '-H', 'Connection: close', `http://127.0.0.1:${port}/small`],
    done: (output) => Number(/(\d+) requests in/.exec(output)?.[1] ?? 0),
  },
  {
    title: 'Established connections, 64 clients, small messages',
    unit: 'message',
    args: (port) => ['-t1', '-c64', `http://127.0.0.1:${port}/small`],
    done: (output) => Number(/(\d+) requests in/.exec(output)?.[1] ?? 0),
  },
  {
    title: 'Bodies of 16 MiB, 4 clients',
    unit: 'GiB',
    args: (port) => ['-t1', '-c4', `http://127.0.0.1:${port}/big`],
    done: (output) => {
      const [, amount = '0', unit = 'MB'] = /requests in [^,]+, ([\d.]+)([KMG]B) read/.exec(output) ?? [];
      return Number(amount) * (units[unit] ?? 0);
    },
  },
];

async function freePort(): Promise<number> {
  const server = createServer();
  await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve));
  const address = server.address();
  await new Promise((resolve) => server.close(resolve));
  if (address === null || typeof address === 'string') throw new Error('no port');
  return address.port;
}

async function awaitPort(port: number): Promise<void> {
  for (let attempt = 0; attempt < 200; attempt++) {
    const open = await new Promise<boolean>((resolve) => {
      const socket = netConnect(port, '127.0.0.1', () => {
        socket.destroy();
        resolve(true);
      });
      socket.on('error', () => resolve(false));
    });
    if (open) return;
    await sleep(50);
  }
  throw new Error(`nothing listens on port ${port}`);
}

/**
 * Prints CPU per connection, per message and per GiB, and throughput, of the userspace service proxy beside
 * nginx (stream) and HAProxy (tcp): the same clients, the same endpoint, in turn.
 */
export async function runUserspaceBench(): Promise<void> {
  const folder = mkdtempSync(join(tmpdir(), 'fairlead-bench-'));
  const children: ChildProcess[] = [];
  const start = (command: string, args: readonly string[]): number => {
    const child = spawn(command, args, { stdio: ['ignore', 'ignore', 'inherit'] });
    children.push(child);
    return child.pid ?? 0;
  };
  try {
    const endpoint = await startEndpoint(folder, start);
    const peers = await startPeers(folder, endpoint, start);
    for (const job of JOBS) await runJob(job, peers);
    const memory = peers.map(({ name, pid }) => [name, Math.round(residentBytes(pid) / 2 ** 20)] as const);
    printTable('Memory afterwards', ['proxy', 'RSS MiB'], memory);
  } finally {
    for (const child of children) child.kill('SIGTERM');
    rmSync(folder, { recursive: true, force: true });
  }
}

async function startEndpoint(folder: string, start: (command: string, args: string[]) => number): Promise<number> {
  const port = await freePort();
  writeFileSync(join(folder, 'big'), Buffer.alloc(BIG_BYTES, 'x'));
  writeFileSync(join(folder, 'small'), 'x'.repeat(100));
  const file = join(folder, 'endpoint.conf');
  const temporary = ['client_body', 'proxy', 'fastcgi', 'uwsgi', 'scgi']
    .map((name) => `${name}_temp_path ${join(folder, name)};`)
    .join(' ');
  writeFileSync(
    file,
    `worker_processes 1; daemon off; pid ${join(folder, 'endpoint.pid')}; error_log ${join(folder, 'e.log')} crit;
events { worker_connections 4096; } http { access_log off; sendfile on; keepalive_requests 100000000; ${temporary}
server { listen 127.0.0.1:${port} backlog=4096; root ${folder}; } }`,
  );
  execFileSync('chmod', ['755', folder]);
  start('nginx', ['-e', join(folder, 'e.log'), '-c', file]);
  await awaitPort(port);
  return port;
}

async function startPeers(
  folder: string,
  endpoint: number,
  start: (command: string, args: string[]) => number,
): Promise<Peer[]> {
  const peers: Peer[] = [];
  const add = async (name: string, begin: (port: number) => number): Promise<void> => {
    const port = await freePort();
    const pid = begin(port);
    await awaitPort(port);
    peers.push({ name, port, pid });
  };
  const own = fileURLToPath(new URL('./l4-userspace-proxy.ts', import.meta.url));
  await add('fairlead', (port) => start(process.execPath, [own, `${port}`, `${endpoint}`]));
  if (existsSync(STREAM_MODULE)) {
    await add('nginx stream', (port) => {
      const file = join(folder, 'stream.conf');
      writeFileSync(
        file,
        `load_module ${STREAM_MODULE}; worker_processes 1; daemon off; pid ${join(folder, 's.pid')};
error_log ${join(folder, 's.log')} crit; events { worker_connections 4096; }
stream { server { listen 127.0.0.1:${port} backlog=4096; proxy_pass 127.0.0.1:${endpoint}; } }`,
      );
      return start('nginx', ['-e', join(folder, 's.log'), '-c', file]);
    });
  } else process.stderr.write('bench l4-userspace: no nginx stream (apt-get install libnginx-mod-stream)\n');
  await add('haproxy tcp', (port) => {
    const file = join(folder, 'haproxy.cfg');
    writeFileSync(
      file,
      `global\n  nbthread 1\n  maxconn 4096\ndefaults\n  mode tcp\n  option splice-auto\n  timeout connect 5s\n  timeout client 60s\n  timeout server 60s\nlisten l\n  bind 127.0.0.1:${port}\n  server s 127.0.0.1:${endpoint}\n`,
    );
    return start('haproxy', ['-db', '-q', '-f', file]);
  });
  return peers;
}

async function runJob(job: Job, peers: readonly Peer[]): Promise<void> {
  const samples = new Map(peers.map(({ name }) => [name, { cpu: [] as number[], rate: [] as number[] }]));
  for (let round = 0; round < ROUNDS; round++) {
    for (const { name, port, pid } of peers) {
      const before = treeCpuUs(pid);
      const { stdout } = await run('wrk', [`-d${SECONDS}`, ...job.args(port)]);
      const done = job.done(stdout);
      samples.get(name)!.cpu.push((treeCpuUs(pid) - before) / Math.max(done, 1e-9));
      samples.get(name)!.rate.push(done / SECONDS);
    }
  }
  const reference = samples.get('nginx stream') ?? samples.get('haproxy tcp')!;
  const [cpu, rate] = [median(reference.cpu), median(reference.rate)];
  printTable(
    job.title,
    ['proxy', `CPU us/${job.unit}`, `${job.unit}s/s`, 'CPU, ratio', 'rate, ratio'],
    [...samples].map(([name, each]) => [
      name,
      median(each.cpu).toFixed(1),
      median(each.rate).toFixed(job.unit === 'GiB' ? 2 : 0),
      (median(each.cpu) / cpu).toFixed(2),
      (median(each.rate) / rate).toFixed(2),
    ]),
  );
}
