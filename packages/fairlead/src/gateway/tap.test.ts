import assert from 'node:assert/strict';
import { after, before, test } from 'node:test';
import {
  type GatewayRig,
  ok,
  onRequests,
  RawUpstream,
  startRig,
  testBackend,
  testHost,
  testRoute,
  within,
} from './test-rig/gateway-rig.ts';

let upstream: RawUpstream;
let rig: GatewayRig;
before(async () => {
  upstream = new RawUpstream((connection) => onRequests(connection, () => ok('x')));
  rig = await startRig({
    hosts: [testHost('h', [testRoute('/', [{ backend: 'web', weight: 1 }])])],
    backends: [testBackend('web', [await upstream.listen()])],
  });
});
after(async () => {
  await rig.stop();
  await upstream.close();
});

const get = (path: string): Promise<string> =>
  rig.exchange(`GET ${path} HTTP/1.1\r\nHost: h\r\nConnection: close\r\n\r\n`);

/** Listens from now on. */
function listen(): {
  readonly told: (target: string) => Promise<Record<string, unknown>>;
  readonly all: string[];
  readonly stop: () => void;
} {
  const all: string[] = [];
  let arrived = (): void => {};
  const stop = rig.gateway.tap((lines) => {
    all.push(...lines.trimEnd().split('\n'));
    arrived();
  });
  const told = async (target: string): Promise<Record<string, unknown>> => {
    for (;;) {
      const { promise, resolve } = Promise.withResolvers<void>();
      arrived = resolve;
      const line = all.map((text) => JSON.parse(text)).find((row) => row.target === target);
      if (line !== undefined) return line;
      await promise;
    }
  };
  return { told: (target) => within(`a line about ${target}`, told(target)), all, stop };
}

test('requests are told while somebody listens, and only then', async () => {
  assert.match(await get('/before'), /^HTTP\/1\.1 200/);
  const first = listen();
  // Messages reach a worker in order with its requests only by luck: what it tells is what counts.
  await within('the workers to listen', until(first, '/first'));
  const { status, backend, client, method, host } = await first.told('/first');
  assert.deepEqual(
    { status, backend, client, method, host },
    { status: 200, backend: 'web', client: '127.0.0.1', method: 'GET', host: 'h' },
  );
  assert.equal(
    first.all.some((line) => line.includes('/before')),
    false,
  );
  first.stop();
  const length = first.all.length;
  await get('/between');
  const second = listen();
  await within('the workers to listen again', until(second, '/second'));
  await second.told('/second');
  assert.equal(first.all.length, length);
  second.stop();
});

test("a worker that takes another one's place tells, too", async () => {
  const tap = listen();
  await within('new workers', rig.gateway.replaceWorkers({ drainMs: 1000 }));
  await get('/new');
  await tap.told('/new');
  tap.stop();
});

test('what is no request is told with its answer', async () => {
  const tap = listen();
  await within('the workers to listen', until(tap, '/good'));
  assert.match(await rig.exchange('NO\r\n\r\n'), /^HTTP\/1\.1 400/);
  await within(
    'its line',
    (async () => {
      while (!tap.all.some((line) => JSON.parse(line).status === 400)) await get('/meanwhile');
    })(),
  );
  tap.stop();
});

/** Asks until a request was told. */
async function until({ all }: { readonly all: readonly string[] }, target: string): Promise<void> {
  while (!all.some((line) => line.includes(target))) await get(target);
}
