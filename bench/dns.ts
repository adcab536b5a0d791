import { spawn } from 'node:child_process';
import { once } from 'node:events';
import { existsSync, mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import {
  findCoreDns,
  forwarders,
  names,
  type Peer,
  startCoreDns,
  startEcho,
  startFairlead,
  startForwarder,
  startKnot,
} from './dns-peers.ts';
import { processCpu, processCpuUs, residentBytes } from './process-cpu.ts';
import { median, printTable } from './table.ts';

/** Names in the servers with `--scale`. */
const manyNames = 250_000;
const rounds = 3;
const secondsPerRound = 4;

interface Sample {
  readonly cpuPerQueryUs: number;
  /** Part of the CPU time that is the kernel's, for receiving and sending. */
  readonly kernelPercent: number;
  readonly queriesPerSecond: number;
  readonly averageLatencyUs: number;
  readonly lostPercent: number;
}

async function runDnsperf(peer: Peer, queries: string): Promise<Sample> {
  const before = processCpuUs(peer.process.pid!);
  const splitBefore = processCpu(peer.process.pid!);
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
  const splitAfter = processCpu(peer.process.pid!);
  const kernelPercent =
    (100 * (splitAfter.systemUs - splitBefore.systemUs)) / (splitAfter.totalUs - splitBefore.totalUs);
  const completed = read(/Queries completed:\s+(\d+)/);
  return {
    cpuPerQueryUs: cpuUs / completed,
    kernelPercent,
    queriesPerSecond: read(/Queries per second:\s+([\d.]+)/),
    averageLatencyUs: read(/Average Latency \(s\):\s+([\d.]+)/) * 1e6,
    lostPercent: read(/Queries lost:\s+\d+ \(([\d.]+)%\)/),
  };
}

/**
 * CPU per query of our DNS server and of Knot, asked by dnsperf in turn for the same 1,000 names over
 * UDP on the loopback: medians of three rounds, the order of the servers changing from round to round.
 * `--cache`: forwarded names, each asked for before, beside Unbound and dnsmasq where they are installed, and beside
 * a loop that only receives and sends.
 * `--flood`: latency of a well-behaved client beside a flood. `--scale`: load, memory and change time at 250,000 endpoints, and queries over 250,000 names.
 */
export async function runDnsBench(): Promise<void> {
  if (process.argv.includes('--cache')) return runCache();
  if (process.argv.includes('--flood')) return (await import('./dns-flood.ts')).runFlood();
  const isScale = process.argv.includes('--scale');
  if (isScale) await (await import('./dns-load.ts')).printLoad();
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
    const knot = await startKnot(folder, 1, isScale ? manyNames : names);
    const coreDns = isScale ? undefined : findCoreDns();
    if (coreDns !== undefined) peers.push(await startCoreDns(coreDns, folder, 'cluster.local'));
    else process.stdout.write('dns: without CoreDNS (conformance/dns/run builds it, or set COREDNS)\n');
    peers.push(knot);
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
      ['queries', 'server', 'CPU us/query', '× Knot', 'kernel %', 'queries/s', 'latency us', 'lost %', 'RSS MiB'],
      rows,
    );
    printRatios(ratiosOf(rows, isScale));
  } finally {
    for (const peer of peers) {
      peer.process.kill();
      if (peer.process.exitCode === null) await once(peer.process, 'exit');
    }
    rmSync(folder, { recursive: true, force: true });
  }
}

/** A measured ratio and what it may be. */
type Ratio = readonly [what: string, ratio: number, target: string];

/** Whether a row is about a server. */
function isOf(row: readonly (string | number)[], title: string): boolean {
  return String(row[1]).toLowerCase().startsWith(title.toLowerCase());
}

function printRatios(ratios: readonly Ratio[]): void {
  printTable('Ratios of CPU per query', ['of', 'ratio', 'target'], ratios);
}

/** What the rows of {@link runDnsBench} are to show. */
function ratiosOf(rows: readonly (readonly (string | number)[])[], isScale: boolean): Ratio[] {
  const cpu = (row: readonly (string | number)[] | undefined): number => Number(row?.[2] ?? Number.NaN);
  const isOwn = (row: readonly (string | number)[]): boolean => isOf(row, 'fairlead');
  const peer = (kind: unknown, title: string): readonly (string | number)[] | undefined =>
    rows.find((row) => row[0] === kind && isOf(row, title));
  if (isScale) {
    const own = rows.filter((row) => isOwn(row));
    const [few, many] = [
      own.find(([kind]) => kind === 'answers'),
      own.find(([kind]) => kind !== 'answers' && kind !== 'NXDOMAIN'),
    ];
    const same = own.filter(([kind]) => kind === 'answers')[1];
    return [
      ['250,000 names in the server, 1,000 asked for : 1,000 names', cpu(same) / cpu(few), '0.8 to 1.2'],
      ['250,000 names, all asked for in turn : 1,000 names', cpu(many) / cpu(few), '0.8 to 1.2'],
    ];
  }
  return rows
    .filter(isOwn)
    .flatMap((row): Ratio[] => [
      [`${row[0]}: Fairlead : Knot`, cpu(row) / cpu(peer(row[0], 'Knot')), '<= 1.0'],
      ...(peer(row[0], 'CoreDNS') === undefined
        ? []
        : [[`${row[0]}: Fairlead : CoreDNS`, cpu(row) / cpu(peer(row[0], 'CoreDNS')), '<= 0.2'] as const]),
    ]);
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
    const cpu = [cpuOf(peer), cpuOf(peer) / knotCpu, of('kernelPercent')];
    return [kind, peer.title, ...cpu, rate, latency, of('lostPercent'), megabytes];
  });
}

/** Names of an upstream (Knot), each already asked for once, so that the caches answer. */
async function runCache(): Promise<void> {
  const folder = mkdtempSync(join(tmpdir(), 'fairlead-bench-dns-'));
  const running: Peer['process'][] = [];
  try {
    const upstream = await startKnot(folder, 1, names, 'bench.test', 3600);
    running.push(upstream.process);
    const peers: Peer[] = [];
    for (const forwarder of forwarders) {
      const { command, debianPackage } = forwarder;
      if (!existsSync(command)) {
        process.stdout.write(`dns --cache: without ${command} (apt-get install ${debianPackage})\n`);
        continue;
      }
      peers.push(await startForwarder(forwarder, folder, upstream.port, 'bench.test'));
      running.push(peers.at(-1)!.process);
    }
    const coreDns = findCoreDns();
    if (coreDns !== undefined) {
      peers.push(await startCoreDns(coreDns, folder, 'bench.test', upstream.port));
      running.push(peers.at(-1)!.process);
    }
    const own = await startFairlead(1, names, upstream.port);
    running.push(own.process);
    peers.unshift(own);
    peers.push(await startEcho());
    running.push(peers.at(-1)!.process);
    const queries = join(folder, 'cached.txt');
    const all = Array.from({ length: names }, (_, index) => `svc${index}.default.svc.bench.test A`);
    writeFileSync(queries, all.join('\n'));
    for (const peer of peers) await runDnsperf(peer, queries);
    // The upstream itself is the measure that is always there.
    const rows = await compare('forwarded, from cache', queries, [...peers, upstream]);
    printTable(
      `Forwarded answers over UDP, medians of ${rounds} × ${secondsPerRound} s`,
      ['queries', 'server', 'CPU us/query', '× Knot', 'kernel %', 'queries/s', 'latency us', 'lost %', 'RSS MiB'],
      rows,
    );
    const [first] = rows;
    const targets = { Unbound: '<= 0.5', dnsmasq: '<= 0.5', CoreDNS: '<= 0.2' };
    printRatios(
      Object.entries(targets).flatMap(([title, target]): Ratio[] => {
        const row = rows.find((one) => isOf(one, title));
        return row === undefined ? [] : [[`Fairlead : ${title}`, Number(first?.[2]) / Number(row[2]), target]];
      }),
    );
  } finally {
    for (const child of running) {
      child.kill();
      if (child.exitCode === null && child.signalCode === null) await once(child, 'exit');
    }
    rmSync(folder, { recursive: true, force: true });
  }
}

if (process.argv[1] === fileURLToPath(import.meta.url)) await runDnsBench();
