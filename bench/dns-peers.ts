import { type ChildProcess, execFileSync, spawn } from 'node:child_process';
import { once } from 'node:events';
import { existsSync, writeFileSync } from 'node:fs';
import { createServer } from 'node:net';
import { join } from 'node:path';
import { createInterface } from 'node:readline';
import { setTimeout as sleep } from 'node:timers/promises';
import { fileURLToPath } from 'node:url';

/** A DNS server to measure. */
export interface Peer {
  readonly title: string;
  readonly process: ChildProcess;
  readonly port: number;
}

/** Names asked for; equally often, in a fixed order. */
export const names = 1000;

async function freePort(): Promise<number> {
  const server = createServer().listen(0, '127.0.0.1');
  await once(server, 'listening');
  const address = server.address();
  server.close();
  await once(server, 'close');
  return typeof address === 'object' && address !== null ? address.port : 0;
}

/** Our DNS server of so many names; with an upstream it forwards all others. */
export async function startFairlead(workers: number, served: number = names, upstream?: number): Promise<Peer> {
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

/** What receiving and sending alone cost: see dns-echo.ts. */
export async function startEcho(): Promise<Peer> {
  const port = await freePort();
  const entry = fileURLToPath(new URL('./dns-echo.ts', import.meta.url));
  const child = spawn(process.execPath, [entry, String(port)], { stdio: ['ignore', 'pipe', 'inherit'] });
  for await (const line of createInterface({ input: child.stdout! })) if (line === 'ready') break;
  return { title: 'echo, without any look-up', process: child, port };
}

/** Takes what is sent to it and drops it: see dns-sink.ts. */
export async function startSink(): Promise<Peer> {
  const port = await freePort();
  const entry = fileURLToPath(new URL('./dns-sink.ts', import.meta.url));
  const child = spawn(process.execPath, [entry, String(port)], { stdio: ['ignore', 'pipe', 'inherit'] });
  for await (const line of createInterface({ input: child.stdout! })) if (line === 'ready') break;
  return { title: 'sink', process: child, port };
}

/** Knot as an authoritative server of the same names, with the same number of UDP threads. */
export async function startKnot(
  folder: string,
  threads: number,
  served: number = names,
  domain: string = 'cluster.local',
  ttl: number = 5,
): Promise<Peer> {
  const port = await freePort();
  writeZone(folder, served, domain, ttl);
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
  return started({ title, process: process_, port }, domain);
}

/** Waits until a server answers. */
async function started(peer: Peer, domain: string): Promise<Peer> {
  for (let attempt = 0; attempt < 200; attempt++) {
    if (isAnswering(peer.port, domain)) return peer;
    await sleep(50);
  }
  peer.process.kill();
  throw new Error(`${peer.title} did not start`);
}

/** A zone file of so many Services. */
function writeZone(folder: string, served: number, domain: string, ttl: number): void {
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
}

/** Where CoreDNS is, if it is anywhere: `$COREDNS`, or what conformance/dns/run has built. */
export function findCoreDns(): string | undefined {
  const built = fileURLToPath(new URL('../conformance/dns/.build/coredns', import.meta.url));
  return [process.env.COREDNS, built].find((path) => path !== undefined && existsSync(path));
}

/** CoreDNS on one core: of the zone file that Knot has in `folder`, or forwarding with its cache. */
export async function startCoreDns(program: string, folder: string, domain: string, upstream?: number): Promise<Peer> {
  const port = await freePort();
  const plugins =
    upstream === undefined
      ? `file ${join(folder, 'bench.zone')} ${domain}`
      : `cache 3600\n    forward . 127.0.0.1:${upstream}`;
  writeFileSync(
    join(folder, 'Corefile'),
    `${upstream === undefined ? domain : '.'}:${port} {\n    bind 127.0.0.1\n    ${plugins}\n}\n`,
  );
  const child = spawn(program, ['-conf', join(folder, 'Corefile')], {
    stdio: 'ignore',
    env: { ...process.env, GOMAXPROCS: '1' },
  });
  const version = /CoreDNS-([\d.]+)/.exec(execFileSync(program, ['-version'], { encoding: 'utf8' }))?.[1] ?? '';
  return started({ title: `CoreDNS ${version}`, process: child, port }, domain);
}

/** A caching forwarder in front of `upstream`. */
export async function startForwarder(
  { command, args }: Forwarder,
  folder: string,
  upstream: number,
  domain: string,
): Promise<Peer> {
  const port = await freePort();
  const child = spawn(command, args(folder, port, upstream), { stdio: 'ignore' });
  return started({ title: command.replace(/.*\//, ''), process: child, port }, domain);
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

/** A caching forwarder that the machine may have. */
export interface Forwarder {
  readonly command: string;
  readonly debianPackage: string;
  readonly args: (folder: string, port: number, upstream: number) => readonly string[];
}

/** Caching forwarders to compare with. */
export const forwarders: readonly Forwarder[] = [
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
        ...['module-config: "iterator"', 'local-zone: "test." nodefault'],
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
