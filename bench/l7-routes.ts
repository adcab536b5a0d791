import { createServer, get } from 'node:http';
import type { AddressInfo } from 'node:net';
import { startGateway } from '../packages/fairlead/src/gateway/start.ts';
import type { Route, RouteTableDiff, VirtualHost } from '../packages/fairlead/src/routing/route-table.ts';
import { systemClock } from '../packages/fairlead/src/sys/clock.ts';
import { freePort } from '../packages/fairlead/src/sys/testing/free-ports.ts';
import { printChangeCosts } from './l7/change-costs.ts';
import { startWrk } from './l7/start-wrk.ts';
import { printTable, quantile } from './table.ts';

const HOSTS = 500;
const ROUTES_PER_HOST = 10;
const CHANGES = 100;
const CHANGE_EVERY_MS = 50;
const WORKERS = 2;

const route = (path: string, backend: string): Route => ({
  source: { kind: 'Ingress', namespace: 'shop', name: 'shop', field: `spec.rules ${path}` },
  match: { path: { type: 'prefix', value: path }, headers: [], query: [] },
  action:
    backend === ''
      ? { type: 'respond', status: 204, body: '' }
      : { type: 'forward', backends: [{ backend, weight: 1 }] },
  requestHeaders: { set: [['x-route', 'shop']], add: [], remove: [] },
  responseHeaders: { set: [], add: [], remove: ['server'] },
  timeouts: { requestMs: 'off', connectMs: 5000, idleMs: 60_000 },
});

/** A host with {@link ROUTES_PER_HOST} routes, of which the first is changed from version to version. */
function host(index: number, version: number): readonly [string, VirtualHost] {
  const hostname = `site-${index}.example`;
  const paths = Array.from({ length: ROUTES_PER_HOST - 1 }, (_, at) => route(`/p${at}`, 'shop/web:80'));
  const routes = [route(`/version-${version}`, ''), ...paths, route('/', 'shop/web:80')];
  return [`http|${hostname}`, { listener: 'http', hostname, routes }];
}

function statusOf(port: number, host: string, path: string): Promise<number | undefined> {
  return new Promise((resolve, reject) => {
    const request = get({ port, path, host: '127.0.0.1', headers: { host }, agent: false }, (response) => {
      response.resume();
      resolve(response.statusCode);
    });
    request.once('error', reject);
  });
}

/** Whether every worker answers by a route: connections spread over them, so enough are asked. */
async function isVisible(port: number, host: string, path: string): Promise<boolean> {
  const answers = await Promise.all(Array.from({ length: 8 * WORKERS }, () => statusOf(port, host, path)));
  return answers.every((status) => status === 204);
}

/**
 * Changes one of 5,000 routes again and again under load: how long until every worker has said that it runs the change,
 * and whether a request fails meanwhile. The last change is looked for with real requests.
 */
export async function runRoutesBench(): Promise<void> {
  const upstream = createServer((_, response) => response.end('x'.repeat(100)));
  upstream.keepAliveTimeout = 600_000;
  await new Promise<void>((resolve) => upstream.listen(0, '127.0.0.1', resolve));
  const port = await freePort();
  const gateway = await startGateway({ workers: WORKERS, clock: systemClock, log: () => {} });
  try {
    const endpoint = { address: '127.0.0.1', port: (upstream.address() as AddressInfo).port, weight: 1 };
    const empty: RouteTableDiff = { listeners: [], hosts: [], certificates: [], backends: [] };
    const began = performance.now();
    await gateway.applyRoutes({
      ...empty,
      listeners: [['http', { name: 'http', protocol: 'http', address: '127.0.0.1', port }]],
      hosts: Array.from({ length: HOSTS }, (_, index) => host(index, 0)),
      backends: [
        ['shop/web:80', { key: 'shop/web:80', protocol: 'http1', balance: 'least-request', endpoints: [endpoint] }],
      ],
    });
    const loadMs = performance.now() - began;
    const seconds = Math.ceil((CHANGES * CHANGE_EVERY_MS) / 1000) + 2;
    const load = startWrk(`http://127.0.0.1:${port}/p3/x`, 'site-7.example', seconds);
    const times: number[] = [];
    for (let change = 1; change <= CHANGES; change++) {
      await systemClock.sleep(CHANGE_EVERY_MS);
      const at = performance.now();
      await gateway.applyRoutes({ ...empty, hosts: [host(change % HOSTS, change)] });
      times.push(performance.now() - at);
    }
    const isSeen = await isVisible(port, `site-${CHANGES % HOSTS}.example`, `/version-${CHANGES}`);
    const { requests, failed } = await load;
    printTable(
      `${(HOSTS * (ROUTES_PER_HOST + 1)).toLocaleString('en-US')} routes in ${HOSTS} hosts, ${WORKERS} workers, one host changed ${CHANGES} times under load`,
      ['first load ms', 'change p50 ms', 'p99 ms', 'max ms', 'last one seen', 'requests/s', 'failed'],
      [
        [
          Math.round(loadMs),
          quantile(times, 0.5),
          quantile(times, 0.99),
          Math.max(...times),
          isSeen ? 'yes' : 'NO',
          Math.round(requests / seconds),
          failed,
        ],
      ],
    );
  } finally {
    await gateway.stop({ drainMs: 100 });
    upstream.closeAllConnections();
    upstream.close();
  }
  await printChangeCosts();
}
