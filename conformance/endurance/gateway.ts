import { readdirSync } from 'node:fs';
import { setFlagsFromString } from 'node:v8';
import { runInNewContext } from 'node:vm';
import { threadSeconds } from '../../bench/process-cpu.ts';
import { selfSignedIdentity } from '../../packages/fairlead/src/gateway/self-signed.ts';
import { startGateway } from '../../packages/fairlead/src/gateway/start.ts';
import type { Route, RouteBackend, RouteTableDiff } from '../../packages/fairlead/src/routing/route-table.ts';
import { systemClock } from '../../packages/fairlead/src/sys/clock.ts';
import type { ChangeKind, GatewayRequest, GatewaySample } from './rig.ts';

// The gateway under test, a process of its own: `gateway.ts PORT TLS_PORT UPSTREAM_PORT...`. It is asked over IPC.

setFlagsFromString('--expose-gc');
const collectGarbage = runInNewContext('gc') as () => void;
const [port = 0, tlsPort = 0, ...upstreams] = process.argv.slice(2).map(Number);
const WORKERS = 2;

const backend = (ports: readonly number[]): readonly [string, RouteBackend] => [
  'shop/web:80',
  {
    key: 'shop/web:80',
    protocol: 'http1',
    balance: 'least-request',
    endpoints: ports.map((each) => ({ address: '127.0.0.1', port: each, weight: 1 })),
  },
];
const route = (path: string): Route => ({
  source: { kind: 'Ingress', namespace: 'shop', name: 'shop', field: `spec.rules ${path}` },
  match: { path: { type: 'prefix', value: path }, headers: [], query: [] },
  action: { type: 'forward', backends: [{ backend: 'shop/web:80', weight: 1 }] },
  requestHeaders: { set: [['x-route', 'shop']], add: [], remove: [] },
  responseHeaders: { set: [], add: [], remove: ['server'] },
  timeouts: { requestMs: 'off', connectMs: 5000, idleMs: 60_000 },
});
const hosts = (paths: readonly string[]): RouteTableDiff['hosts'] =>
  ['http', 'https'].map((listener) => [
    `${listener}|*`,
    { listener, hostname: '*', routes: [...paths, '/'].map(route) },
  ]);
const certificates = (): RouteTableDiff['certificates'] => {
  const { certificate, privateKey } = selfSignedIdentity('shop.example', systemClock.now());
  return [['shop/edge', { key: 'shop/edge', hosts: ['shop.example', '*'], certificate, privateKey }]];
};
const empty: RouteTableDiff = { listeners: [], hosts: [], certificates: [], backends: [] };

const gateway = await startGateway({
  workers: WORKERS,
  clock: systemClock,
  // All clients come from one address here.
  limits: { perClientMax: 50_000 },
  ...(process.env.COLLECTING_WORKERS === 'yes'
    ? {
        workerModule: new URL('../../packages/fairlead/src/gateway/test-rig/collecting-worker.ts', import.meta.url),
      }
    : {}),
  log: (level, message, fields) => {
    if (level === 'warn' || level === 'error') process.stderr.write(`${message} ${JSON.stringify(fields ?? {})}\n`);
  },
});
await gateway.applyRoutes({
  listeners: [
    ['http', { name: 'http', protocol: 'http', address: '127.0.0.1', port }],
    ['https', { name: 'https', protocol: 'https', address: '127.0.0.1', port: tlsPort }],
  ],
  hosts: hosts([]),
  certificates: certificates(),
  backends: [backend(upstreams)],
});

let isChanging = false;
const changes = { routes: 0, endpoints: 0, certificates: 0, workers: 0 };

/** How often what is changed. Workers begin with cold code: their replacement is an operator's act, not a heartbeat. */
const CERTIFICATES_EVERY_MS = 500;
const WORKERS_EVERY_MS = 10_000;

/** Changes routes and endpoints all the time, certificates and workers now and then, as far as wanted, until told to stop. */
async function change(kinds: ReadonlySet<ChangeKind>): Promise<void> {
  let certificatesDueMs = 0;
  let workersDueMs = systemClock.monotonicMs() + WORKERS_EVERY_MS / 2;
  for (let round = 0; isChanging; round++) {
    if (kinds.has('routes')) {
      const paths = Array.from({ length: round % 20 }, (_, index) => `/x${round + index}`);
      await gateway.applyRoutes({ ...empty, hosts: hosts(paths) });
      changes.routes++;
    }
    if (kinds.has('endpoints')) {
      const left = upstreams.filter((_, index) => index !== round % upstreams.length);
      await gateway.applyRoutes({ ...empty, backends: [backend(left)] });
      changes.endpoints++;
    }
    const nowMs = systemClock.monotonicMs();
    if (kinds.has('certificates') && nowMs >= certificatesDueMs) {
      await gateway.applyRoutes({ ...empty, certificates: certificates() });
      changes.certificates++;
      certificatesDueMs = nowMs + CERTIFICATES_EVERY_MS;
    }
    if (kinds.has('workers') && nowMs >= workersDueMs) {
      await gateway.replaceWorkers({ drainMs: 20_000 });
      changes.workers += WORKERS;
      workersDueMs = nowMs + WORKERS_EVERY_MS;
    }
    await systemClock.sleep(20);
  }
}

let changing: Promise<void> = Promise.resolve();
process.on('message', async (request: GatewayRequest) => {
  if (typeof request === 'object') {
    isChanging = true;
    changing = change(new Set(request.change));
  } else if (request === 'stop-changes') {
    isChanging = false;
    await changing;
  } else collectGarbage();
  const stats = gateway.stats();
  const sample: GatewaySample = {
    residentBytes: process.memoryUsage.rss(),
    descriptors: readdirSync('/proc/self/fd').length,
    requestsInFlight: stats.requestsInFlight,
    upstreamConnects: stats.upstreamConnects,
    handshakes: stats.tlsHandshakes,
    threads: threadSeconds(process.pid),
    changes,
  };
  process.send?.(sample);
});
process.on('SIGTERM', () => {
  void gateway.stop({ drainMs: 100 }).then(() => process.exit(0));
});
process.send?.('ready');
