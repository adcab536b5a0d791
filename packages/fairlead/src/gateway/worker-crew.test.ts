import assert from 'node:assert/strict';
import { once } from 'node:events';
import { readdirSync } from 'node:fs';
import { connect, type Socket } from 'node:net';
import { afterEach, test } from 'node:test';
import type { Route } from '../routing/route-table.ts';
import { systemClock } from '../sys/clock.ts';
import type { GatewayOptions } from './gateway-options.ts';
import { type GatewayRig, startRig, testHost, testRoute, within } from './test-rig/gateway-rig.ts';

const closing: (() => Promise<void>)[] = [];
afterEach(async () => {
  for (const close of closing.splice(0).reverse()) await close();
});

const answering = (body: string): Route => testRoute('/', [], { action: { type: 'respond', status: 200, body } });

async function start(options: Partial<GatewayOptions> = {}): Promise<{ rig: GatewayRig; dial: () => Socket }> {
  const rig = await startRig(
    { hosts: [testHost('*', [answering('before')])] },
    { workers: 1, times: { drainIdleMs: 20_000 }, ...options },
  );
  closing.push(() => rig.stop());
  const dial = (): Socket => {
    const socket = connect({ port: rig.port, host: '127.0.0.1' });
    closing.push(async () => void socket.destroy());
    return socket;
  };
  return { rig, dial };
}

async function ask(socket: Socket): Promise<string> {
  socket.write('GET / HTTP/1.1\r\nHost: h\r\n\r\n');
  let answer = '';
  while (!/\r\n\r\n./s.test(answer)) answer += String((await within('an answer', once(socket, 'data')))[0]);
  return answer;
}

/** Asks until an answer tells of the end: then the connection's worker drains. */
async function awaitDrain(used: Socket): Promise<void> {
  while (!/^connection: close/im.test(await ask(used))) await systemClock.sleep(20);
}

test('routes change while a replaced worker drains, and hold there too', async () => {
  const { rig, dial } = await start();
  const [used, kept] = [dial(), dial()];
  for (const socket of [used, kept]) assert.match(await ask(socket), /before$/);
  const replaced = rig.gateway.replaceWorkers({ drainMs: 60_000 });
  await awaitDrain(used);
  await rig.apply({ hosts: [testHost('*', [answering('after')])] });
  const answer = await ask(kept);
  assert.match(answer, /after$/);
  assert.match(answer, /^connection: close/im, 'of the worker that drains');
  assert.match(await ask(dial()), /after$/, 'of the new one');
  await within('the one before to be gone', replaced);
});

test('replaced workers leave their counts and no descriptor, and what new ones do by themselves is not seen', async () => {
  let log = '';
  const { rig, dial } = await start({
    accessLog: (lines) => {
      log += lines;
    },
  });
  const descriptors: number[] = [];
  for (let round = 1; round <= 3; round++) {
    const used = dial();
    await ask(used);
    used.destroy();
    await within('the new worker', rig.gateway.replaceWorkers({ drainMs: 60_000 }));
    const { responses, connectionsAccepted, upstreamConnects } = rig.gateway.stats();
    assert.deepEqual([responses['2xx'], connectionsAccepted, upstreamConnects], [round, round, 0]);
    descriptors.push(readdirSync('/proc/self/fd').length);
  }
  assert.ok(descriptors[2]! <= Math.max(descriptors[0]!, descriptors[1]!), `descriptors: ${descriptors}`);
  assert.equal(log.trim().split('\n').length, 3);
});

test('the gateway stops while a worker is replaced', async () => {
  const { rig, dial } = await start();
  await ask(dial());
  const replaced = rig.gateway.replaceWorkers({ drainMs: 60_000 });
  await within('the end', rig.gateway.stop({ drainMs: 0 }));
  await within('the end of the replacement', replaced);
});
