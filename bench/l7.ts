import { type ChildProcess, execFile, execFileSync, spawn } from 'node:child_process';
import { mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { createServer, connect as netConnect } from 'node:net';
import { availableParallelism, tmpdir } from 'node:os';
import { join } from 'node:path';
import { setTimeout as sleep } from 'node:timers/promises';
import { fileURLToPath } from 'node:url';
import { promisify } from 'node:util';
import { treeCpuUs } from './process-cpu.ts';
import { median, printTable } from './table.ts';

const run = promisify(execFile);
const ROUNDS = 3;
const SECONDS = 4;
const CONNECTIONS = 64;
const BODY = '0123456789'.repeat(10);

/** Certificate and key files that the peers show, for HTTPS. */
export interface BenchIdentity {
  readonly certificate: string;
  readonly privateKey: string;
}

/** One table of the benchmark. */
export interface L7Job {
  readonly title: string;
  readonly identity?: (folder: string) => BenchIdentity;
  /** Each request on a new connection: with HTTPS a full handshake. */
  readonly reconnect?: boolean;
}

interface Peer {
  readonly name: string;
  readonly port: number;
  readonly pid: number;
}

interface Sample {
  readonly cpuUs: number;
  readonly perSecond: number;
  readonly p50Us: number;
  readonly p99Us: number;
  readonly errors: number;
}

/** A TCP port of loopback that was free a moment ago. */
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

const nginxHttp = (folder: string, pid: string, body: string): string => `
worker_processes 1; daemon off; pid ${join(folder, pid)}; error_log ${join(folder, 'error.log')} crit;
events { worker_connections 4096; }
http {
  access_log off; client_body_temp_path ${join(folder, 'b')}; proxy_temp_path ${join(folder, 'p')};
  fastcgi_temp_path ${join(folder, 'f')}; uwsgi_temp_path ${join(folder, 'u')}; scgi_temp_path ${join(folder, 's')};
  keepalive_requests 100000000; keepalive_timeout 600s;
${body}
}`;

const upstreamConfig = (folder: string, port: number): string =>
  nginxHttp(
    folder,
    'upstream.pid',
    `  server { listen 127.0.0.1:${port} backlog=4096; location / { default_type text/plain; return 200 "${BODY}"; } }`,
  );

/** The same function as ours: hosts, path rules, header edits, forwarding headers, pooled upstreams. */
const nginxConfig = (folder: string, port: number, upstream: number, tls: BenchIdentity | undefined): string =>
  nginxHttp(
    folder,
    'proxy.pid',
    `  upstream app { server 127.0.0.1:${upstream}; keepalive 256; keepalive_requests 100000000; }
  proxy_http_version 1.1; proxy_set_header Connection ""; proxy_set_header Host $http_host;
  proxy_set_header X-Forwarded-For $remote_addr; proxy_set_header X-Forwarded-Proto $scheme;
  proxy_set_header X-Forwarded-Host $http_host; proxy_set_header X-Forwarded-Port $server_port;
  proxy_set_header X-Route shop; proxy_hide_header Server; add_header X-Served-By edge;
  ${tls === undefined ? '' : `ssl_certificate ${tls.certificate}; ssl_certificate_key ${tls.privateKey}; ssl_protocols TLSv1.2 TLSv1.3;`}
${[...Array(9).keys()].map((i) => `  server { listen 127.0.0.1:${port}${tls === undefined ? '' : ' ssl'}; server_name site-${i}.example; location / { proxy_pass http://app; } }`).join('\n')}
  server { listen 127.0.0.1:${port}${tls === undefined ? '' : ' ssl'} default_server backlog=4096; server_name shop.example;
    location /api { proxy_pass http://app; } location /cart { proxy_pass http://app; } location / { proxy_pass http://app; } }`,
  );

const haproxyConfig = (port: number, upstream: number, tls: string | undefined): string => `
global
  nbthread 1
  maxconn 8192
defaults
  mode http
  timeout connect 5s
  timeout client 600s
  timeout server 60s
  http-reuse always
frontend edge
  bind 127.0.0.1:${port} backlog 4096 ${tls === undefined ? '' : `ssl crt ${tls} ssl-min-ver TLSv1.2`}
  http-request set-header X-Forwarded-For %[src]
  http-request set-header X-Forwarded-Proto http
  http-request set-header X-Forwarded-Host %[req.hdr(Host)]
  http-request set-header X-Forwarded-Port ${port}
  http-request set-header X-Route shop
  http-response del-header Server
  http-response set-header X-Served-By edge
${[...Array(9).keys()].map((i) => `  use_backend app if { hdr(host) -i site-${i}.example }`).join('\n')}
  use_backend app if { path_beg /api }
  use_backend app if { path_beg /cart }
  default_backend app
backend app
  balance leastconn
  server a 127.0.0.1:${upstream} pool-max-conn 256
`;

async function measure(peer: Peer, job: L7Job, cpu: string[]): Promise<Sample> {
  const url = `${job.identity === undefined ? 'http' : 'https'}://127.0.0.1:${peer.port}/`;
  const wrk = (seconds: number): Promise<{ stdout: string }> =>
    run(cpu[0]!, [
      ...cpu.slice(1),
      'wrk',
      '-t1',
      `-c${CONNECTIONS}`,
      `-d${seconds}`,
      '--latency',
      '-H',
      'Host: shop.example',
      ...(job.reconnect === true ? ['-H', 'Connection: close'] : []),
      url,
    ]);
  await wrk(1);
  const before = treeCpuUs(peer.pid);
  const { stdout } = await wrk(SECONDS);
  const cpuUs = treeCpuUs(peer.pid) - before;
  const requests = Number(/(\d+) requests in/.exec(stdout)?.[1] ?? Number.NaN);
  const errors = Number(/Non-2xx or 3xx responses: (\d+)/.exec(stdout)?.[1] ?? 0);
  return {
    cpuUs: cpuUs / requests,
    perSecond: Number(/Requests\/sec:\s+([\d.]+)/.exec(stdout)?.[1] ?? Number.NaN),
    p50Us: micros(/^\s+50%\s+(\S+)/m.exec(stdout)?.[1]),
    p99Us: micros(/^\s+99%\s+(\S+)/m.exec(stdout)?.[1]),
    errors,
  };
}

function micros(text: string | undefined): number {
  const match = /^([\d.]+)(us|ms|s)$/.exec(text ?? '');
  if (match === null) return Number.NaN;
  return Number(match[1]) * { us: 1, ms: 1000, s: 1_000_000 }[match[2] as 'us' | 'ms' | 's'];
}

/** The plain HTTP job. */
const PLAIN: L7Job = {
  title: `HTTP/1.1 proxy, keep-alive GET, ${BODY.length}-byte body, ${CONNECTIONS} connections`,
};

/**
 * CPU time per proxied GET against nginx and HAProxy, in one run: one worker each, the
 * same upstream, the same rules. Needs nginx, haproxy and wrk.
 */
export async function runL7Bench(job: L7Job = PLAIN): Promise<void> {
  for (const program of ['nginx', 'haproxy', 'wrk']) {
    try {
      execFileSync('which', [program]);
    } catch {
      throw new Error(`the l7 benchmark needs ${program} (Debian package of the same name)`);
    }
  }
  const folder = mkdtempSync(join(tmpdir(), 'l7-bench-'));
  const children: ChildProcess[] = [];
  const launch = async (port: number, command: string, args: string[]): Promise<Peer> => {
    const child = spawn(command, args, { stdio: ['ignore', 'ignore', 'inherit'] });
    children.push(child);
    await awaitPort(port);
    return { name: command, port, pid: child.pid! };
  };
  try {
    const file = (name: string, text: string): string => {
      const path = join(folder, name);
      writeFileSync(path, text);
      return path;
    };
    const identity = job.identity?.(folder);
    const ports = {
      upstream: await freePort(),
      ours: await freePort(),
      nginx: await freePort(),
      haproxy: await freePort(),
    };
    await launch(ports.upstream, 'nginx', ['-c', file('upstream.conf', upstreamConfig(folder, ports.upstream))]);
    const haproxyPem =
      identity === undefined
        ? undefined
        : file('haproxy.pem', readFileSync(identity.certificate, 'utf8') + readFileSync(identity.privateKey, 'utf8'));
    const server = fileURLToPath(new URL('l7-gateway.ts', import.meta.url));
    const peers = [
      {
        ...(await launch(ports.ours, process.execPath, [
          server,
          `${ports.ours}`,
          `${ports.upstream}`,
          ...(identity === undefined ? [] : [identity.certificate, identity.privateKey]),
        ])),
        name: 'fairlead',
      },
      await launch(ports.nginx, 'nginx', [
        '-c',
        file('nginx.conf', nginxConfig(folder, ports.nginx, ports.upstream, identity)),
      ]),
      await launch(ports.haproxy, 'haproxy', [
        '-db',
        '-f',
        file('haproxy.cfg', haproxyConfig(ports.haproxy, ports.upstream, haproxyPem)),
      ]),
    ];
    // The load generator gets a core of its own where there is one.
    const last = availableParallelism() - 1;
    const pin = last > 0 ? ['taskset', '-c', `${last}`] : ['env'];
    const samples = peers.map((): Sample[] => []);
    for (let round = 0; round < ROUNDS; round++) {
      for (const [index, peer] of peers.entries()) samples[index]!.push(await measure(peer, job, pin));
    }
    const of = (index: number, pick: (sample: Sample) => number): number => median(samples[index]!.map(pick));
    const nginxCpu = of(1, (sample) => sample.cpuUs);
    printTable(
      `${job.title} (median of ${ROUNDS} x ${SECONDS} s)`,
      ['proxy', 'CPU us/request', 'vs nginx', 'requests/s', 'p50 us', 'p99 us', 'errors'],
      peers.map((peer, index) => [
        peer.name,
        of(index, (sample) => sample.cpuUs),
        of(index, (sample) => sample.cpuUs) / nginxCpu,
        Math.round(of(index, (sample) => sample.perSecond)),
        Math.round(of(index, (sample) => sample.p50Us)),
        Math.round(of(index, (sample) => sample.p99Us)),
        of(index, (sample) => sample.errors),
      ]),
    );
  } finally {
    for (const child of children) child.kill('SIGTERM');
    rmSync(folder, { recursive: true, force: true });
  }
}
