import assert from 'node:assert/strict';
import { type ChildProcess, spawn } from 'node:child_process';
import { createSocket } from 'node:dgram';
import { once } from 'node:events';
import { mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { createInterface } from 'node:readline';
import { after, test } from 'node:test';
import { systemClock } from '../sys/clock.ts';
import { decodeMessage } from '../wire/dns/message.ts';
import { encodeQuery } from './dns-fixtures.ts';
import { Handover } from './handover.ts';

/** An address of this process alone, so that its ports are free for UDP and TCP. */
const own = `127.54.${(process.pid >> 8) & 255}.${process.pid & 255 || 1}`;
const folder = mkdtempSync(join(tmpdir(), 'fairlead-handover-'));
after(() => rmSync(folder, { recursive: true }));

const moduleOf = (path: string): string => JSON.stringify(new URL(path, import.meta.url).href);

/** A DNS server as a process of its own, with a fake API; `ready` on stdout when it serves. SIGTERM stops it. */
function startProcess(port: number, clusterIp: string, lameduckMs: number): ChildProcess {
  const code = `
    const { startDns } = await import(${moduleOf('./start.ts')});
    const { FakeApi } = await import(${moduleOf('../../../client/src/fake-api.ts')});
    const { services } = await import(${moduleOf('../../../api/src/index.ts')});
    const { makeService } = await import(${moduleOf('./dns-fixtures.ts')});
    const { systemClock: clock, systemRandom: random } = await import(${moduleOf('../sys/clock.ts')});
    const api = new FakeApi();
    api.seed(services, makeService('shop/web', ['${clusterIp}']));
    const dns = await startDns({ client: api, listen: [{ address: '${own}', port: ${port} }], clusterDomain: 'cluster.local',
      upstreams: [], workers: 2, clock, random, log() {}, lameduckMs: ${lameduckMs} });
    await dns.ready;
    process.on('SIGTERM', () => void dns.stop().then(() => process.exit(0)));
    console.log('ready');
  `;
  // A file, not -e: worker threads would inherit the option and refuse it.
  const file = join(folder, `server-${clusterIp}.mjs`);
  writeFileSync(file, code);
  return spawn(process.execPath, [file], { stdio: ['ignore', 'pipe', 'inherit'] });
}

async function ready(child: ChildProcess): Promise<void> {
  for await (const line of createInterface({ input: child.stdout! })) if (line === 'ready') return;
  throw new Error('the server ended before it was ready');
}

/** Queries under way. */
interface Asking {
  /** Resolves when the address was answered. */
  readonly answered: (address: string) => Promise<void>;
  readonly stop: () => Promise<{ readonly asked: number; readonly answers: ReadonlyMap<string, number> }>;
}

/** Asks without pause, each query from a port of its own, until told to stop. */
function startAsking(port: number): Asking {
  const answers = new Map<string, number>();
  const open = new Set<Promise<void>>();
  let asked = 0;
  let isOver = false;
  const note = (answer: string): void => void answers.set(answer, (answers.get(answer) ?? 0) + 1);
  const ask = (): Promise<void> => {
    const socket = createSocket('udp4');
    asked++;
    return new Promise((resolve) => {
      const end = (answer: string): void => {
        cancel();
        socket.close();
        note(answer);
        resolve();
      };
      const cancel = systemClock.after(20_000, () => end('lost'));
      socket.on('error', (error: NodeJS.ErrnoException) => end(error.code ?? 'error'));
      socket.once('message', (bytes) => {
        const message = decodeMessage(bytes);
        end(
          message?.answers[0] === undefined ? `code ${(message?.flags ?? 15) & 15}` : message.answers[0].data.join('.'),
        );
      });
      // Connected: the kernel's word that nobody listens is an error, too.
      socket.connect(port, own, () => socket.send(encodeQuery('web.shop.svc.cluster.local', 'A')));
    });
  };
  const run = async (): Promise<void> => {
    while (!isOver) {
      const query = ask().finally(() => open.delete(query));
      open.add(query);
      if (open.size >= 20) await Promise.race(open);
      await systemClock.sleep(1);
    }
    await Promise.all(open);
  };
  const running = run();
  return {
    answered: async (address) => {
      while (!answers.has(address)) await systemClock.sleep(5);
    },
    stop: async () => {
      isOver = true;
      await running;
      return { asked, answers };
    },
  };
}

test('a restart loses no query: the old server is told to stop, then the new one starts', {
  timeout: 120_000,
}, async () => {
  const port = 5301;
  const old = startProcess(port, '10.96.0.1', 30_000);
  const others: ChildProcess[] = [];
  try {
    await ready(old);
    const asking = startAsking(port);
    await asking.answered('10.96.0.1');
    old.kill('SIGTERM');
    const next = startProcess(port, '10.96.0.2', 30_000);
    others.push(next);
    const exited = once(old, 'exit');
    await ready(next);
    assert.deepEqual(await exited, [0, null], 'the old one leaves once the new one serves');
    await asking.answered('10.96.0.2');
    const third = startProcess(port, '10.96.0.3', 30_000);
    others.push(third);
    await ready(third);
    next.kill('SIGTERM');
    await once(next, 'exit');
    await asking.answered('10.96.0.3');
    const { asked, answers } = await asking.stop();
    assert.deepEqual([...answers.keys()].sort(), ['10.96.0.1', '10.96.0.2', '10.96.0.3'], String([...answers]));
    assert.equal(
      [...answers.values()].reduce((sum, count) => sum + count, 0),
      asked,
    );
  } finally {
    for (const child of [old, ...others]) child.kill('SIGKILL');
  }
});

test('a server that is killed is replaced by the next one', { timeout: 120_000 }, async () => {
  const port = 5302;
  const old = startProcess(port, '10.96.0.1', 0);
  let next: ChildProcess | undefined;
  try {
    await ready(old);
    old.kill('SIGKILL');
    await once(old, 'exit');
    next = startProcess(port, '10.96.0.2', 0);
    await ready(next);
    const asking = startAsking(port);
    await asking.answered('10.96.0.2');
    const { answers } = await asking.stop();
    assert.deepEqual([...answers.keys()], ['10.96.0.2']);
    const exited = once(next, 'exit');
    next.kill('SIGTERM');
    assert.deepEqual(await exited, [0, null], 'without lameduck it waits for nobody');
  } finally {
    for (const child of [old, next]) child?.kill('SIGKILL');
  }
});

test('the protocol: who waits for whom', { timeout: 120_000 }, async () => {
  const make = (): Handover => new Handover(`test ${process.pid}`, systemClock, () => {});
  const first = make();
  assert.equal(await first.meetPredecessor(), false);
  await first.serving();
  assert.equal(await first.awaitSuccessor(0), false, 'nobody came');
  const second = make();
  assert.equal(await second.meetPredecessor(), true);
  let isLoaded = false;
  const loaded = systemClock.sleep(1).then(() => {
    isLoaded = true;
  });
  await second.beforeServing(loaded);
  assert.equal(isLoaded, true, 'it loads before it serves');
  const waiting = first.awaitSuccessor(10_000);
  await second.serving();
  assert.equal(await waiting, true);
  const impatient = make();
  assert.equal(await impatient.meetPredecessor(), true);
  const gone = impatient.beforeServing(new Promise(() => {}));
  await first.stop();
  await gone;
  await Promise.all([second.stop(), impatient.stop()]);
});
