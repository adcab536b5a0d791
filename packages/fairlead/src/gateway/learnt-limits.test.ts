import assert from 'node:assert/strict';
import { after, before, test } from 'node:test';
import { createLimitMemory, LimitMemory } from '@fairlead/balance';
import { type BackendPolicy, DEFAULT_BACKEND_POLICY } from '../routing/backend-policies.ts';
import { LearntLimits } from './learnt-limits.ts';
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

const ADAPTIVE = { minRttIntervalMs: 60_000, maxLimit: 1000 };
const ADMISSION = { threshold: 0.95, maxReject: 0.8 };
const policy = (more: Partial<BackendPolicy>): BackendPolicy => ({ ...DEFAULT_BACKEND_POLICY, ...more });

let rig: GatewayRig;
let waiting: (() => void)[] = [];
let arrived: () => void = () => {};
const slow = new RawUpstream((connection) =>
  onRequests(connection, () => {
    waiting.push(() => connection.send(ok('slow')));
    arrived();
    return undefined;
  }),
);
const failing = new RawUpstream((connection) =>
  onRequests(connection, () => 'HTTP/1.1 500 No\r\nContent-Length: 0\r\n\r\n'),
);

before(async () => {
  const [slowKey, slowBackend] = testBackend('slow', [await slow.listen()]);
  const [failingKey, failingBackend] = testBackend('failing', [await failing.listen()]);
  rig = await startRig(
    {
      hosts: [
        testHost('*', [
          testRoute('/slow', [{ backend: 'slow', weight: 1 }]),
          testRoute('/failing', [{ backend: 'failing', weight: 1 }]),
        ]),
      ],
      backends: [
        [slowKey, { ...slowBackend, policy: policy({ adaptiveConcurrency: ADAPTIVE }) }],
        [failingKey, { ...failingBackend, policy: policy({ admission: ADMISSION, outlier: 'off' }) }],
      ],
    },
    { workers: 2 },
  );
});
after(async () => {
  await rig?.stop();
  await Promise.all([slow.close(), failing.close()]);
});

const ask = async (path: string): Promise<number> => {
  const answer = await rig.exchange(`GET ${path} HTTP/1.1\r\nHost: h\r\nConnection: close\r\n\r\n`);
  return Number(answer.slice(9, 12));
};

async function waitingFor(count: number): Promise<void> {
  await within(
    `${count} requests upstream`,
    (async () => {
      while (waiting.length < count) {
        const { promise, resolve } = Promise.withResolvers<void>();
        arrived = resolve;
        await promise;
      }
    })(),
  );
}

test('adaptive concurrency: two workers together begin with three requests', async () => {
  const answers = Array.from({ length: 30 }, () => ask('/slow'));
  let refused = 0;
  const allRefused = Promise.withResolvers<void>();
  for (const answer of answers) {
    void answer.then((status) => {
      if (status === 503 && ++refused === 27) allRefused.resolve();
    });
  }
  await within('27 refusals', allRefused.promise);
  await waitingFor(3);
  for (const answer of waiting) answer();
  waiting = [];
  const statuses = await Promise.all(answers);
  assert.equal(statuses.filter((status) => status === 200).length, 3);
  // What was in flight has left: there is room again.
  const last = ask('/slow');
  await waitingFor(1);
  waiting[0]!();
  assert.equal(await last, 200);
});

test('admission control: what fails in one worker is rejected in both', async () => {
  for (let count = 0; count < 100; count++) await ask('/failing');
  // Once all fail, four of five are rejected; each connection may land in either worker.
  const before = failing.seen.match(/GET/g)!.length;
  for (let count = 0; count < 100; count++) await ask('/failing');
  const passed = failing.seen.match(/GET/g)!.length - before;
  assert.ok(passed > 2 && passed < 50, `${passed} of 100`);
});

test('slots of settings before are free once no request counts on them, and what was learnt of a backend stays', () => {
  const memory = new LimitMemory(createLimitMemory(4));
  const limits = new LearntLimits(memory, Math.random);
  limits.update(policy({}), 'web');
  assert.equal(memory.find('web'), -1);
  limits.update(policy({ adaptiveConcurrency: ADAPTIVE }), 'web');
  const { gradient } = limits;
  assert.equal(gradient!.tryAcquire(0), true);
  limits.update(
    policy({ adaptiveConcurrency: ADAPTIVE, limits: { ...DEFAULT_BACKEND_POLICY.limits, requests: 5 } }),
    'web',
  );
  assert.equal(limits.gradient, gradient, 'another policy, but the same limit');
  limits.update(policy({ adaptiveConcurrency: { ...ADAPTIVE, maxLimit: 2 } }), 'web');
  assert.deepEqual(
    [0, 0].map(() => limits.gradient!.tryAcquire(0)),
    [true, false],
    'one is under way since before',
  );
  limits.update(undefined, 'web');
  assert.equal(limits.gradient, undefined);
  assert.notEqual(memory.find('web'), -1);
  gradient!.release(1);
  limits.settle();
  assert.equal(memory.find('web'), -1);
});
