import { type ChildProcess, execFileSync, spawn } from 'node:child_process';
import { once } from 'node:events';
import { existsSync, mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { createServer } from 'node:net';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { createInterface } from 'node:readline';
import { setTimeout as sleep } from 'node:timers/promises';
import { fileURLToPath } from 'node:url';
import { processCpuUs, residentBytes } from './process-cpu.ts';
import { median, printTable } from './table.ts';

/** Names asked for; equally often, in a fixed order. */
const names = 1000;
/** Names in the servers with `--scale`. */
const manyNames = 250_000;
const rounds = 3;
const secondsPerRound = 4;

interface Peer {
  readonly title: string;
  readonly process: ChildProcess;
  readonly port: number;
}

interface Sample {
  readonly cpuPerQueryUs: number;
  readonly queriesPerSecond: number;
  readonly averageLatencyUs: number;
  readonly lostPercent: number;
}

async function freePort(): Promise<number> {
  const server = createServer().listen(0, '127.0.0.1');
  await once(server, 'listening');
  const address = server.address();
  server.close();
  await once(server, 'close');
  return typeof address === 'object' && address !== null ? address.port : 0;
}

async function startFairlead(workers: number, served = names, upstream?: number): Promise<Peer> {
  const port = await freePort();
  const entry = fileURLToPath(new URL('./dns-server.ts', import.meta.url));
  const process_ = spawn(
    process.execPath,
    [entry, String(port), String(served), String(workers), ...(upstream === undefined ? [] : [String(upstream)])],
    {
      stdio: ['ignore', 'pipe', 'inherit'],
    },
  );
  for await (const line of createInterface({ input: process_.stdout! })) if (line === 'ready') break;
  const size = served === names ? '' : `, ${served.toLocaleString('en-US')} names`;
  return { title: `fairlead${size}, ${workers} worker${workers === 1 ? '' : 's'}`, process: process_, port };
}

/** Knot as an authoritative server of the same names, with the same number of UDP threads. */
async function startKnot(
  folder: string,
  threads: number,
  served = names,
  domain = 'cluster.local',
  ttl = 5,
): Promise<Peer> {
  const port = await freePort();
  const zone = [
    `$ORIGIN ${domain}.`,
    '@ 5 SOA ns.dns hostmaster 1 7200 1800 86400 5',
    '@ 5 NS ns.dns',
    'ns.dns 5 A 10.96.0.10',
  ];
  for (let index = 0; index < served; index++) {
    zone.push(`svc${index}.default.svc ${ttl} A 10.${96 + (index >> 16)}.${(index >> 8) & 255}.${index & 255}`);
  }
  writeFileSync(join(folder, 'bench.zone'), `${zone.join('\n')}\n`);
  const lines = [
    'server:',
    `    rundir: "${folder}"`,
    `    listen: 127.0.0.1@${port}`,
    `    udp-workers: ${threads}`,
    '    tcp-workers: 1',
    '    background-workers: 1',
    'database:',
    `    storage: "${folder}"`,
    'zone:',
    `  - domain: ${domain}`,
    `    storage: "${folder}"`,
    '    file: "bench.zone"',
  ];
  writeFileSync(join(folder, 'knot.conf'), `${lines.join('\n')}\n`);
  const process_ = spawn('/usr/sbin/knotd', ['-c', join(folder, 'knot.conf')], { stdio: 'ignore' });
  const title = `Knot ${knotVersion()}, ${threads} thread${threads === 1 ? '' : 's'}`;
  for (let attempt = 0; attempt < 100; attempt++) {
    if (isAnswering(port, domain)) return { title, process: process_, port };
    await sleep(50);
  }
  process_.kill();
  throw new Error('knotd did not start');
}

function knotVersion(): string {
  return /\d[\d.]*/.exec(execFileSync('/usr/sbin/knotd', ['--version'], { encoding: 'utf8' }))?.[0] ?? '';
}

function isAnswering(port: number, domain: string): boolean {
  try {
    const args = ['@127.0.0.1', '-p', String(port), '+short', '+timeout=1', '+retry=0', `svc1.default.svc.${domain}`];
    return execFileSync('kdig', args, { encoding: 'utf8', stdio: ['ignore', 'pipe', 'ignore'] }).startsWith('10.96.');
  } catch {
    return false;
  }
}

async function runDnsperf(peer: Peer, queries: string): Promise<Sample> {
  const before = processCpuUs(peer.process.pid!);
  const child = spawn(
    'dnsperf',
    ['-s', '127.0.0.1', '-p', String(peer.port), '-d', queries, '-l', String(secondsPerRound), '-c', '8', '-T', '1'],
    { stdio: ['ignore', 'pipe', 'ignore'] },
  );
  let text = '';
  child.stdout.on('data', (chunk: Buffer) => {
    text += chunk.toString();
  });
  await once(child, 'close');
  const cpuUs = processCpuUs(peer.process.pid!) - before;
  const read = (pattern: RegExp): number => Number(pattern.exec(text)?.[1] ?? Number.NaN);
  const completed = read(/Queries completed:\s+(\d+)/);
  return {
    cpuPerQueryUs: cpuUs / completed,
    queriesPerSecond: read(/Queries per second:\s+([\d.]+)/),
    averageLatencyUs: read(/Average Latency \(s\):\s+([\d.]+)/) * 1e6,
    lostPercent: read(/Queries lost:\s+\d+ \(([\d.]+)%\)/),
  };
}

/**
 * CPU per query of our DNS server and of Knot, asked by dnsperf in turn for the same 1,000 names over
 * UDP on the loopback: medians of three rounds, the order of the servers changing from round to round.
 * `--cache`: forwarded names, each asked for before, beside Unbound and dnsmasq where they are installed.
 * `--scale`: load, memory and change time at 250,000 endpoints, and queries over 250,000 names.
 */
export async function runDnsBench(): Promise<void> {
  if (process.argv.includes('--cache')) return runCache();
  const isScale = process.argv.includes('--scale');
  if (isScale) runScale();
  const missing = ['/usr/sbin/knotd', '/usr/bin/dnsperf', '/usr/bin/kdig'].filter((program) => !existsSync(program));
  if (missing.length > 0) {
    process.stdout.write(`dns: skipped, missing ${missing.join(', ')} (Debian: knot dnsperf knot-dnsutils)\n`);
    return;
  }
  const folder = mkdtempSync(join(tmpdir(), 'fairlead-bench-dns-'));
  const peers: Peer[] = [];
  try {
    peers.push(await startFairlead(1));
    if (isScale) peers.push(await startFairlead(1, manyNames));
    peers.push(await startKnot(folder, 1, isScale ? manyNames : names));
    const files: (readonly [kind: string, queries: string])[] = [];
    for (const [kind, suffix, prefix] of [
      ['answers', 'default.svc.cluster.local', 'svc'],
      ['NXDOMAIN', 'example.org.default.svc.cluster.local', 'www'],
    ] as const) {
      const queries = join(folder, `${kind}.txt`);
      const all = Array.from({ length: names }, (_, index) => `${prefix}${index}.${suffix} A`);
      writeFileSync(queries, all.join('\n'));
      files.push([kind, queries]);
    }
    if (isScale) {
      const spread = Array.from({ length: manyNames }, (_, index) => {
        return `svc${(index * 7919) % manyNames}.default.svc.cluster.local A`;
      });
      const queries = join(folder, 'spread.txt');
      writeFileSync(queries, spread.join('\n'));
      files.push(['answers, 250,000 names in turn', queries]);
    }
    const rows: (string | number)[][] = [];
    for (const [kind, queries] of files) {
      const asked = peers.filter((_, index) => !kind.includes('250,000') || index > 0);
      rows.push(...(await compare(kind, queries, asked)));
    }
    printTable(
      `DNS over UDP, medians of ${rounds} × ${secondsPerRound} s`,
      ['queries', 'server', 'CPU us/query', '× Knot', 'queries/s', 'latency us', 'lost %', 'RSS MiB'],
      rows,
    );
  } finally {
    for (const peer of peers) {
      peer.process.kill();
      if (peer.process.exitCode === null) await once(peer.process, 'exit');
    }
    rmSync(folder, { recursive: true, force: true });
  }
}

/** Asks all servers in turn; the last one is Knot. */
async function compare(kind: string, queries: string, peers: readonly Peer[]): Promise<(string | number)[][]> {
  const samples = new Map<Peer, Sample[]>(peers.map((peer) => [peer, []]));
  for (let round = 0; round < rounds; round++) {
    const order = round % 2 === 0 ? peers : [...peers].reverse();
    for (const peer of order) samples.get(peer)!.push(await runDnsperf(peer, queries));
  }
  const cpuOf = (peer: Peer): number => median(samples.get(peer)!.map((sample) => sample.cpuPerQueryUs));
  const knotCpu = cpuOf(peers.at(-1)!);
  return peers.map((peer) => {
    const of = (key: keyof Sample): number => median(samples.get(peer)!.map((sample) => sample[key]));
    const megabytes = Math.round(residentBytes(peer.process.pid!) / 2 ** 20);
    const latency = of('averageLatencyUs');
    const rate = Math.round(of('queriesPerSecond'));
    return [kind, peer.title, cpuOf(peer), cpuOf(peer) / knotCpu, rate, latency, of('lostPercent'), megabytes];
  });
}

/** A caching forwarder that the machine may have. */
interface Forwarder {
  readonly command: string;
  readonly debianPackage: string;
  readonly args: (folder: string, port: number, upstream: number) => readonly string[];
}

const forwarders: readonly Forwarder[] = [
  {
    command: '/usr/sbin/unbound',
    debianPackage: 'unbound',
    args: (folder, port, upstream) => {
      const lines = [
        'server:',
        ...[
          `port: ${port}`,
          'interface: 127.0.0.1',
          'num-threads: 1',
          'do-daemonize: no',
          'username: ""',
          'chroot: ""',
        ],
        ...[
          `directory: "${folder}"`,
          `pidfile: "${folder}/unbound.pid"`,
          'do-not-query-localhost: no',
          'use-syslog: no',
        ],
        ...['module-config: "iterator"', 'local-zone: "bench.test." nodefault'],
        'forward-zone:',
        ...['name: "."', `forward-addr: 127.0.0.1@${upstream}`],
      ];
      writeFileSync(join(folder, 'unbound.conf'), `${lines.join('\n')}\n`);
      return ['-d', '-c', join(folder, 'unbound.conf')];
    },
  },
  {
    command: '/usr/sbin/dnsmasq',
    debianPackage: 'dnsmasq-base',
    args: (_, port, upstream) => [
      ...['-k', '-R', '-h', '-p', String(port), '-a', '127.0.0.1', '-S', `127.0.0.1#${upstream}`, '-c', '10000'],
      ...['--bind-interfaces', '--user=root', '--conf-file=/dev/null', '--pid-file='],
    ],
  },
];

/** Names of an upstream (Knot), each already asked for once, so that the caches answer. */
async function runCache(): Promise<void> {
  const folder = mkdtempSync(join(tmpdir(), 'fairlead-bench-dns-'));
  const running: ChildProcess[] = [];
  try {
    const upstream = await startKnot(folder, 1, names, 'bench.test', 3600);
    running.push(upstream.process);
    const peers: Peer[] = [];
    for (const { command, debianPackage, args } of forwarders) {
      if (!existsSync(command)) {
        process.stdout.write(
          `dns --cache: ${command} is not installed (apt-get install ${debianPackage}); without it\n`,
        );
        continue;
      }
      const port = await freePort();
      const child = spawn(command, args(folder, port, upstream.port), { stdio: 'ignore' });
      running.push(child);
      peers.push({ title: command.replace(/.*\//, ''), process: child, port });
    }
    const own = await startFairlead(1, names, upstream.port);
    running.push(own.process);
    peers.unshift(own);
    const queries = join(folder, 'cached.txt');
    const all = Array.from({ length: names }, (_, index) => `svc${index}.default.svc.bench.test A`);
    writeFileSync(queries, all.join('\n'));
    for (const peer of peers) await runDnsperf(peer, queries);
    // The upstream itself is the measure that is always there.
    const rows = await compare('forwarded, from cache', queries, [...peers, upstream]);
    printTable(
      `Forwarded answers over UDP, medians of ${rounds} × ${secondsPerRound} s`,
      ['queries', 'server', 'CPU us/query', '× Knot', 'queries/s', 'latency us', 'lost %', 'RSS MiB'],
      rows,
    );
  } finally {
    for (const child of running) {
      child.kill();
      if (child.exitCode === null && child.signalCode === null) await once(child, 'exit');
    }
    rmSync(folder, { recursive: true, force: true });
  }
}

/** Load, memory and change time of the data plane, each in a process of its own. */
function runScale(): void {
  const entry = fileURLToPath(new URL('./dns-scale.ts', import.meta.url));
  const rows = [
    ['10000', '100'],
    ['250000', '100'],
    ['250000', '5000'],
  ].map((sizes) => {
    const text = execFileSync(process.execPath, ['--expose-gc', entry, ...sizes], { encoding: 'utf8' });
    const result = JSON.parse(text) as Readonly<Record<string, number>>;
    const { endpoints = 0, perService = 0, loadMs = 0, bytesPerEndpoint = 0, arenaBytesPerEndpoint = 0 } = result;
    const { changeMedianMs = 0, changeMaxMs = 0 } = result;
    return [endpoints, perService, loadMs, bytesPerEndpoint, arenaBytesPerEndpoint, changeMedianMs, changeMaxMs];
  });
  printTable(
    'DNS at scale: headless endpoints with hostnames, two named ports',
    ['endpoints', 'per Service', 'load ms', 'bytes each', 'in table', 'change ms', 'worst ms'],
    rows,
  );
}

if (process.argv[1] === fileURLToPath(import.meta.url)) await runDnsBench();
