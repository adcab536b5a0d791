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
} from './test-rig/gateway-rig.ts';

let rig: GatewayRig;
let good: RawUpstream;
let bad: RawUpstream;
let goodPort: number;
let badPort: number;
before(async () => {
  good = new RawUpstream((connection) => onRequests(connection, () => ok('good')));
  bad = new RawUpstream((connection) =>
    onRequests(connection, () => 'HTTP/1.1 503 Service Unavailable\r\nContent-Length: 3\r\n\r\nbad'),
  );
  goodPort = await good.listen();
  badPort = await bad.listen();
  rig = await startRig(
    {
      hosts: [
        testHost('two.example', [testRoute('/', [{ backend: 'two', weight: 1 }])]),
        testHost('alone.example', [testRoute('/', [{ backend: 'alone', weight: 1 }])]),
      ],
      backends: [testBackend('two', [goodPort, badPort]), testBackend('alone', [badPort])],
    },
    { workers: 2 },
  );
});
after(async () => {
  await rig?.stop();
  await good?.close();
  await bad?.close();
});

const status = async (host: string): Promise<number> => {
  const answer = await rig.exchange(`GET / HTTP/1.1\r\nHost: ${host}\r\nConnection: close\r\n\r\n`);
  return Number(answer.slice(9, 12));
};

test('an endpoint that fails five times in a row is out for all workers; other requests never see it', async () => {
  let failures = 0;
  for (let i = 0; rig.gateway.stats().ejections === 0; i++) {
    assert.ok(i < 200, 'ejected after a few failures');
    if ((await status('two.example')) === 503) failures++;
  }
  assert.equal(failures, 5, 'counted over both workers');
  // New connections spread over the workers by their source ports.
  for (let i = 0; i < 40; i++) assert.equal(await status('two.example'), 200);
});

test('the only endpoint of a backend is used however it fails', async () => {
  for (let i = 0; i < 8; i++) assert.equal(await status('alone.example'), 503);
});

test('when the healthy one goes, the ejected one is better than none', async () => {
  await rig.apply({ backends: [testBackend('two', [badPort])] });
  assert.equal(await status('two.example'), 503);
  assert.ok(bad.seen.split('two.example').length > 5);
});
