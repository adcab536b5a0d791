import { type ChildProcess, execFile, execFileSync, fork, spawn } from 'node:child_process';
import { once } from 'node:events';
import { chmodSync, existsSync, mkdtempSync, readdirSync, rmSync, writeFileSync } from 'node:fs';
import { connect } from 'node:net';
import { availableParallelism, cpus, tmpdir } from 'node:os';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { promisify } from 'node:util';
import { processCpu, processTree, residentBytes } from '../../bench/process-cpu.ts';
import { readWrkReport, type WrkReport } from '../../bench/wrk-report.ts';
import { freePorts } from '../../packages/fairlead/src/sys/testing/free-ports.ts';
import type { LoadKind, LoadReport } from './open-loop.ts';

const run = promisify(execFile);

/** What can be changed about a gateway at work. */
export const CHANGE_KINDS = ['routes', 'endpoints', 'certificates', 'workers'] as const;
export type ChangeKind = (typeof CHANGE_KINDS)[number];

/** What the gateway process is asked; it answers each with a {@link GatewaySample}. */
export type GatewayRequest = 'sample' | { readonly change: readonly ChangeKind[] } | 'stop-changes';

/** State of the gateway process. */
export interface GatewaySample {
  readonly residentBytes: number;
  readonly descriptors: number;
  readonly requestsInFlight: number;
  /** Connections opened to endpoints so far, and full TLS handshakes with clients. */
  readonly upstreamConnects: number;
  readonly handshakes: number;
  /** CPU seconds of its threads so far, by name. */
  readonly threads: Readonly<Record<string, number>>;
  /** How often what has been changed so far. */
  readonly changes: Readonly<Record<ChangeKind, number>>;
}

/** A gateway before a few nginx, as processes. */
export interface EnduranceRig extends AsyncDisposable {
  readonly port: number;
  readonly tlsPort: number;
  /** One of the endpoints', to ask it without the gateway. */
  readonly endpointPort: number;
  ask(request: GatewayRequest): Promise<GatewaySample>;
  cpuTimes(): CpuTimes;
}

/** CPU seconds used so far, by whom. */
export interface CpuTimes {
  readonly gateway: number;
  readonly endpoints: number;
  /** Of this process: the slow clients. */
  readonly trial: number;
  /** Of the whole machine: the rest is that of the load generators, and of whoever else is there. */
  readonly machine: number;
}

/** What was used between two looks. */
export function cpuBetween(before: CpuTimes, after: CpuTimes): CpuTimes {
  return {
    gateway: after.gateway - before.gateway,
    endpoints: after.endpoints - before.endpoints,
    trial: after.trial - before.trial,
    machine: after.machine - before.machine,
  };
}

/** `gateway 3.1 s, endpoints 1.0 s, …`. */
export function describeCpu({ gateway, endpoints, trial, machine }: CpuTimes): string {
  const rest = machine - gateway - endpoints - trial;
  const parts: readonly [string, number][] = [
    ['gateway', gateway],
    ['endpoints', endpoints],
    ['this trial', trial],
    ['load generators and others', rest],
  ];
  return parts.map(([who, seconds]) => `${who} ${seconds.toFixed(1)} s`).join(', ');
}

/** Of a process and its children, with the threads that have ended: workers are replaced. */
function treeSeconds(root: number): number {
  return processTree(root).reduce((sum, pid) => sum + processCpu(pid).totalUs, 0) / 1e6;
}

function machineSeconds(): number {
  return cpus().reduce((sum, { times }) => sum + times.user + times.nice + times.sys + times.irq, 0) / 1000;
}

/** Once: when this process has been moved to a core, it would be one. */
const CORES: number = availableParallelism();

/**
 * The last core is for clients and endpoints and the others for the gateway, so that what the clients themselves need does not
 * count against it; empty where there is one core only.
 */
export const CLIENT_CORE: readonly string[] = CORES > 1 ? ['taskset', '-c', `${CORES - 1}`] : [];

/** Moves all threads of a process to some cores (`0-2`). */
function pin(pid: number, cores: string): void {
  if (CLIENT_CORE.length > 0) execFileSync('taskset', ['-apc', cores, `${pid}`], { stdio: 'ignore' });
}

/** Bytes of `/big`. */
export const BIG_BYTES: number = 1024 * 1024;

/** One nginx, several ports: endpoints that answer `/` at once, `/big` from a file, `/upload` once they have the body. */
const nginxConfig = (folder: string, ports: readonly number[]): string => `
worker_processes 1; daemon off; pid ${join(folder, 'nginx.pid')}; error_log ${join(folder, 'error.log')} crit;
worker_rlimit_nofile 65536; events { worker_connections 30000; }
http {
  access_log off; sendfile on; keepalive_requests 100000000; keepalive_timeout 600s; send_timeout 600s; client_body_timeout 600s;
${['client_body', 'proxy', 'fastcgi', 'uwsgi', 'scgi'].map((kind) => `  ${kind}_temp_path ${join(folder, kind)};`).join('\n')}
  server { ${ports.map((port) => `listen 127.0.0.1:${port} backlog=4096;`).join(' ')}
    location / { return 200 "${'x'.repeat(100)}"; } location = /big { root ${folder}; }
    location = /upload { proxy_pass http://127.0.0.1:${ports[0]}/; } }
}`;

/** Which gateway is tried; nginx, set up alike, shows what of a figure is the trial's own doing. */
export type EnduranceGateway = 'fairlead' | 'nginx';

/** nginx in the gateway's place: the same endpoints, kept alive, and nothing buffered beyond memory of a few pages. */
const nginxGatewayConfig = (folder: string, port: number, upstreams: readonly number[]): string => `
worker_processes 2; daemon off; pid ${join(folder, 'gateway.pid')}; error_log ${join(folder, 'gateway.log')} crit;
worker_rlimit_nofile 65536; events { worker_connections 30000; }
http {
  access_log off; keepalive_requests 100000000; keepalive_timeout 600s; send_timeout 600s; client_body_timeout 600s;
${['client_body', 'proxy', 'fastcgi', 'uwsgi', 'scgi'].map((kind) => `  ${kind}_temp_path ${join(folder, `gateway-${kind}`)};`).join('\n')}
  upstream web { least_conn; keepalive 512; ${upstreams.map((each) => `server 127.0.0.1:${each};`).join(' ')} }
  server { listen 127.0.0.1:${port} backlog=4096 reuseport;
    location / { proxy_pass http://web; proxy_http_version 1.1; proxy_set_header Connection ""; proxy_read_timeout 600s;
      proxy_set_header X-Forwarded-For $proxy_add_x_forwarded_for; proxy_max_temp_file_size 0; proxy_request_buffering off; } }
}`;

/** Resident bytes and descriptors of a process and its children, as a {@link GatewaySample} of one that counts nothing itself. */
function sampleTree(root: number): GatewaySample {
  const pids = processTree(root);
  return {
    residentBytes: pids.reduce((sum, pid) => sum + residentBytes(pid), 0),
    descriptors: pids.reduce((sum, pid) => sum + readdirSync(`/proc/${pid}/fd`).length, 0),
    requestsInFlight: 0,
    upstreamConnects: 0,
    handshakes: 0,
    threads: {},
    changes: { routes: 0, endpoints: 0, certificates: 0, workers: 0 },
  };
}

/**
 * Starts all of it. With `collecting`, the workers collect garbage whenever nothing happens. With `parted`, gateway and
 * clients have cores of their own ({@link CLIENT_CORE}), this process included.
 */
export async function startEnduranceRig({
  collecting,
  parted,
  proxy = 'fairlead',
}: {
  readonly collecting: boolean;
  readonly parted: boolean;
  readonly proxy?: EnduranceGateway;
}): Promise<EnduranceRig> {
  const folder = mkdtempSync(join(tmpdir(), 'endurance-'));
  chmodSync(folder, 0o755);
  writeFileSync(join(folder, 'big'), Buffer.alloc(BIG_BYTES, 'x'));
  const children: ChildProcess[] = [];
  const stop = async (): Promise<void> => {
    for (const child of children) {
      if (child.exitCode !== null || child.signalCode !== null) continue;
      const ended = once(child, 'exit');
      child.kill('SIGTERM');
      await ended;
    }
    rmSync(folder, { recursive: true, force: true });
  };
  try {
    const [port, tlsPort, ...upstreams] = await freePorts(6);
    writeFileSync(join(folder, 'nginx.conf'), nginxConfig(folder, upstreams));
    const [command = 'nginx', ...args] = [...(parted ? CLIENT_CORE : []), 'nginx', '-c', join(folder, 'nginx.conf')];
    const endpoints = spawn(command, args, { stdio: ['ignore', 'ignore', 'inherit'] });
    children.push(endpoints);
    const gateway =
      proxy === 'nginx'
        ? startNginxGateway(folder, port!, upstreams)
        : startOwnGateway([port!, tlsPort!, ...upstreams], collecting);
    children.unshift(gateway);
    gateway.once('exit', (code, signal) => {
      if (signal !== 'SIGTERM' && code !== 0) process.stderr.write(`the gateway ended: ${code ?? signal}\n`);
    });
    if (proxy === 'nginx') await awaitListener(port!);
    else await once(gateway, 'message');
    if (parted) {
      pin(gateway.pid!, `0-${CORES - 2}`);
      pin(process.pid, `${CORES - 1}`);
    }
    return {
      port: port!,
      tlsPort: tlsPort!,
      endpointPort: upstreams[0]!,
      async ask(request) {
        if (proxy === 'nginx') return sampleTree(gateway.pid!);
        const answer = once(gateway, 'message');
        gateway.send(request);
        return (await answer)[0] as GatewaySample;
      },
      cpuTimes() {
        const { user, system } = process.cpuUsage();
        return {
          gateway: treeSeconds(gateway.pid!),
          endpoints: treeSeconds(endpoints.pid!),
          trial: (user + system) / 1e6,
          machine: machineSeconds(),
        };
      },
      [Symbol.asyncDispose]: stop,
    };
  } catch (error) {
    await stop();
    throw error;
  }
}

function startOwnGateway(ports: readonly number[], collecting: boolean): ChildProcess {
  return fork(fileURLToPath(new URL('gateway.ts', import.meta.url)), ports.map(String), {
    // As `fairlead` has it: new workers need not translate their sources.
    env: {
      ...process.env,
      COLLECTING_WORKERS: collecting ? 'yes' : 'no',
      NODE_COMPILE_CACHE: join(tmpdir(), 'node-compile-cache'),
    },
  });
}

function startNginxGateway(folder: string, port: number, upstreams: readonly number[]): ChildProcess {
  const config = join(folder, 'gateway.conf');
  writeFileSync(config, nginxGatewayConfig(folder, port, upstreams));
  return spawn('nginx', ['-c', config], { stdio: ['ignore', 'ignore', 'inherit'] });
}

/** Until somebody listens at `port`, at most ten seconds. */
async function awaitListener(port: number): Promise<void> {
  for (let attempt = 0; ; attempt++) {
    const socket = connect({ port, host: '127.0.0.1' });
    const outcome = await new Promise<'open' | Error>((resolve) => {
      socket.once('connect', () => resolve('open'));
      socket.once('error', resolve);
    });
    socket.destroy();
    if (outcome === 'open') return;
    if (attempt === 100) throw outcome;
    await new Promise((resolve) => setTimeout(resolve, 100));
  }
}

/** Sends requests at fixed rates for some seconds, from a process of its own. */
export async function runLoad(kinds: readonly LoadKind[], seconds: number): Promise<LoadReport> {
  const child = fork(fileURLToPath(new URL('open-loop-process.ts', import.meta.url)), [String(seconds)]);
  try {
    await once(child, 'message');
    child.send(kinds);
    const [report] = (await once(child, 'message')) as [LoadReport];
    return report;
  } finally {
    child.kill();
  }
}

/** Loads with wrk for some seconds; `close`: a connection per request. */
export async function runWrk(
  url: string,
  { seconds, connections, close }: { readonly seconds: number; readonly connections: number; readonly close: boolean },
): Promise<WrkReport> {
  const shape = ['-t1', `-c${connections}`, `-d${seconds}`, '--timeout', '20s', '--latency'];
  const { stdout } = await run('wrk', [...shape, ...(close ? ['-H', 'Connection: close'] : []), url]);
  return readWrkReport(stdout);
}

/** Opens connections of HTTP/2 with h2load, each for one request, `times` over; not where there is no h2load. */
export async function runHttp2(
  url: string,
  connections: number,
  times: number,
): Promise<Pick<WrkReport, 'requests' | 'failed'>> {
  const total = { requests: 0, failed: 0 };
  for (let time = 0; time < times && existsSync('/usr/bin/h2load'); time++) {
    const { stdout } = await run('h2load', ['-t1', `-n${connections}`, `-c${connections}`, '-m1', url]);
    const requests = Number(/status codes: (\d+) 2xx/.exec(stdout)?.[1] ?? 0);
    total.requests += requests;
    total.failed += connections - requests;
  }
  return total;
}

/** Waits until the gateway has as few descriptors as `most`, at most half a minute; resolves to the last sample. */
export async function awaitQuiet(rig: EnduranceRig, most: number): Promise<GatewaySample> {
  let sample = await rig.ask('sample');
  for (let attempt = 0; attempt < 60 && (sample.descriptors > most || sample.requestsInFlight > 0); attempt++) {
    await new Promise((resolve) => setTimeout(resolve, 500));
    sample = await rig.ask('sample');
  }
  return sample;
}

/** Bytes as whole MiB. */
export const mebibytes = (bytes: number): number => Math.round(bytes / 2 ** 20);
