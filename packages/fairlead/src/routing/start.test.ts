import assert from 'node:assert/strict';
import { afterEach, beforeEach, test } from 'node:test';
import { endpointSlices, events, type Ingress, ingressClasses, ingresses, type Stored, services } from '@fairlead/api';
import { ApiError } from '@fairlead/client';
import { FakeApi } from '@fairlead/client/fake-api';
import { systemClock } from '../sys/clock.ts';
import { applyRouteTableDiff, emptyRouteTable } from './diff.ts';
import { ownIngressClass } from './ingress-class.ts';
import { matchRoute } from './match.ts';
import type { RouteTable, RouteTableDiff } from './route-table.ts';
import { ingress, service, slice } from './routing-fixtures.ts';
import { type RunningRouting, startRouting } from './start.ts';

const listeners = [{ name: 'http', protocol: 'http', address: '127.0.0.1', port: 8080 }] as const;

/** Metadata as a user writes it; the server makes the rest. */
function bare<T extends { metadata: Stored<object>['metadata'] }>(object: T): T {
  const { name, namespace, labels } = object.metadata;
  return {
    ...object,
    metadata: { name, ...(namespace === undefined ? {} : { namespace }), ...(labels === undefined ? {} : { labels }) },
  };
}

/** A gateway of one worker: it keeps what it acknowledged and can refuse. */
class FakeGateway {
  table: RouteTable = emptyRouteTable;
  readonly diffs: RouteTableDiff[] = [];
  refuse = 0;
  #waiting: (() => void)[] = [];

  async apply(diff: RouteTableDiff): Promise<void> {
    await Promise.resolve();
    if (this.refuse > 0) {
      this.refuse -= 1;
      throw new Error('worker gone');
    }
    this.diffs.push(diff);
    this.table = applyRouteTableDiff(this.table, diff);
    for (const wake of this.#waiting.splice(0)) wake();
  }

  endpointsOf(host: string, target = '/'): string[] | undefined {
    const hit = matchRoute(this.table, { listener: 'http', host, method: 'GET', target, headers: new Map() });
    if (hit?.route.action.type !== 'forward') return undefined;
    const backend = this.table.backends.get(hit.route.action.backends[0]!.backend);
    return backend?.endpoints.map((endpoint) => `${endpoint.address}:${endpoint.port}`);
  }

  /** Resolves when the table satisfies the condition. */
  async until(condition: () => boolean): Promise<void> {
    while (!condition()) await new Promise<void>((resolve) => this.#waiting.push(resolve));
  }
}

let api: FakeApi;
let gateway: FakeGateway;
let routing: RunningRouting;
const logged: string[] = [];

async function start(): Promise<void> {
  routing = await startRouting({
    client: api,
    listeners,
    ingressClass: 'fairlead',
    addresses: ['192.0.2.1', 'edge.example'],
    clock: systemClock,
    log: (_level, message) => logged.push(message),
    onDiff: (diff) => gateway.apply(diff),
  });
}

/** Resolves with the first object of the watch that satisfies the condition. */
async function watched<T>(
  ref: Parameters<typeof api.watch<T>>[0],
  condition: (object: Stored<T>) => boolean,
): Promise<Stored<T>> {
  const stop = new AbortController();
  for await (const event of api.watch(ref, { sendInitialEvents: true, signal: stop.signal })) {
    if (event.type !== 'ADDED' && event.type !== 'MODIFIED') continue;
    if (!condition(event.object)) continue;
    stop.abort();
    return event.object;
  }
  throw new Error('watch ended');
}

beforeEach(async () => {
  api = new FakeApi();
  gateway = new FakeGateway();
  logged.length = 0;
  await api.create(ingressClasses, ownIngressClass('fairlead'));
});

afterEach(() => routing.stop());

const deadline = { timeout: 120_000 };

test('from objects to a table in the gateway, and changes after that', deadline, async () => {
  await api.create(ingresses, bare(ingress('web', { 'a.example': ['Prefix / web'] })));
  await api.create(services, bare(service('web')));
  await api.create(endpointSlices, bare(slice('web', ['10.0.0.1'])));
  await start();
  await gateway.until(() => gateway.endpointsOf('a.example') !== undefined);
  assert.deepEqual(gateway.endpointsOf('a.example'), ['10.0.0.1:8080']);
  // The first table is whole: a listener never serves a half-known table.
  assert.deepEqual(
    gateway.diffs[0]?.listeners.map(([key]) => key),
    ['http'],
  );
  assert.equal(gateway.diffs[0]?.hosts.length, 1);

  await api.patch(endpointSlices, { namespace: 'shop', name: 'web-a' }, 'merge', {
    endpoints: [{ addresses: ['10.0.0.2'] }],
  });
  await gateway.until(() => gateway.endpointsOf('a.example')?.[0] === '10.0.0.2:8080');
  assert.deepEqual(gateway.diffs.at(-1)?.hosts, []);
  assert.deepEqual(routing.table().backends.get('shop/web:80')?.endpoints[0]?.address, '10.0.0.2');

  await api.delete(ingresses, { namespace: 'shop', name: 'web' });
  await gateway.until(() => gateway.endpointsOf('a.example') === undefined);
  assert.equal(gateway.table.backends.size, 0);
});

test('an empty cluster still opens the listeners', deadline, async () => {
  await start();
  await gateway.until(() => gateway.table.listeners.size === 1);
});

test('status follows acknowledgement; a foreign Ingress gets none', deadline, async () => {
  gateway.refuse = 1;
  await api.create(ingresses, bare(ingress('foreign', { 'b.example': ['Prefix / b'] }, { ingressClassName: 'nginx' })));
  await api.create(ingresses, bare(ingress('web', { 'a.example': ['Prefix / web'] })));
  await start();
  const web = await watched(
    ingresses,
    (object) => object.metadata.name === 'web' && object.status?.loadBalancer?.ingress !== undefined,
  );
  assert.ok(gateway.diffs.length > 0, 'written only after a worker had the route');
  assert.deepEqual(web.status?.loadBalancer?.ingress, [{ ip: '192.0.2.1' }, { hostname: 'edge.example' }]);
  assert.equal((await api.get(ingresses, { namespace: 'shop', name: 'foreign' })).status, undefined);
  assert.ok(logged.includes('routes not applied'));
});

test('an Ingress that leaves our class loses its routes and our status', deadline, async () => {
  await api.create(ingresses, bare(ingress('web', { 'a.example': ['Prefix / web'] })));
  await start();
  await watched(ingresses, (object) => object.status?.loadBalancer?.ingress !== undefined);
  await api.patch(ingresses, { namespace: 'shop', name: 'web' }, 'merge', { spec: { ingressClassName: 'nginx' } });
  await watched(
    ingresses,
    (object) => object.spec?.ingressClassName === 'nginx' && object.status?.loadBalancer?.ingress === undefined,
  );
  await gateway.until(() => gateway.table.hosts.size === 0);
});

test('a lasting problem becomes one Warning event with its field path', deadline, async () => {
  await api.create(ingresses, bare(ingress('web', { 'a.example': ['Prefix / web'] })));
  await start();
  const event = await watched(events, () => true);
  assert.equal(event.reason, 'BackendNotFound');
  assert.equal(event.type, 'Warning');
  assert.equal(event.involvedObject.kind, 'Ingress');
  assert.match(
    event.message ?? '',
    /^spec\.rules\[0\]\.http\.paths\[0\]\.backend\.service: Service shop\/web does not exist/,
  );
});

test('a refused difference is repeated until it is taken, with the newest values', deadline, async () => {
  await api.create(ingresses, bare(ingress('web', { 'a.example': ['Prefix / web'] })));
  await api.create(services, bare(service('web')));
  await api.create(endpointSlices, bare(slice('web', ['10.0.0.1'])));
  gateway.refuse = 2;
  await start();
  await gateway.until(() => gateway.endpointsOf('a.example')?.length === 1);
  assert.deepEqual(gateway.diffs.length, 1);
  assert.deepEqual(gateway.table, applyRouteTableDiff(emptyRouteTable, gateway.diffs[0]!));
});

test(
  'our IngressClass is made when it is missing: the default one only when there is no other class',
  deadline,
  async () => {
    await api.delete(ingressClasses, { name: 'fairlead' });
    await start();
    const annotation = 'ingressclass.kubernetes.io/is-default-class';
    const made = await watched(ingressClasses, (object) => object.metadata.name === 'fairlead');
    assert.equal(made.metadata.annotations?.[annotation], 'true');
    assert.equal(made.spec?.controller, 'fairlead.dev/gateway');
    await routing.stop();

    await api.delete(ingressClasses, { name: 'fairlead' });
    await api.create(ingressClasses, { metadata: { name: 'nginx' }, spec: { controller: 'k8s.io/ingress-nginx' } });
    await start();
    const beside = await watched(ingressClasses, (object) => object.metadata.name === 'fairlead');
    assert.equal(beside.metadata.annotations?.[annotation], undefined);
  },
);

test('stop while nothing could be listed ends at once', deadline, async () => {
  const dead = new FakeApi();
  dead.get = () => Promise.reject(new ApiError(0, 'Unreachable', 'no server'));
  dead.list = () => Promise.reject(new ApiError(0, 'Unreachable', 'no server'));
  api = dead;
  await start();
  await routing.stop();
  assert.equal(gateway.diffs.length, 0);
});

test('other addresses of the gateway reach the status of what it serves, and of nothing else', deadline, async () => {
  await api.create(ingresses, bare(ingress('web', { 'a.example': ['Prefix / web'] })));
  await start();
  const has =
    (ip: string) =>
    ({ status }: Stored<Ingress>): boolean =>
      status?.loadBalancer?.ingress?.[0]?.ip === ip;
  await watched(ingresses, has('192.0.2.1'));
  routing.setAddresses(['192.0.2.99']);
  const web = await watched(ingresses, has('192.0.2.99'));
  assert.deepEqual(web.status?.loadBalancer?.ingress, [{ ip: '192.0.2.99' }]);
});
