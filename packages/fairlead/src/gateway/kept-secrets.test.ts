import assert from 'node:assert/strict';
import { once } from 'node:events';
import { mkdtempSync, readdirSync, readFileSync, rmSync, statSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { test } from 'node:test';
import { type ConnectionOptions, connect } from 'node:tls';
import type { Clock } from '../sys/clock.ts';
import { systemClock } from '../sys/clock.ts';
import { readKeptSecrets, writeKeptSecrets } from './kept-secrets.ts';
import { selfSignedIdentity } from './self-signed.ts';
import { type GatewayRig, startRig, testRoute, within } from './test-rig/gateway-rig.ts';
import { TicketKeyRing } from './ticket-keys.ts';

const HOUR = 3_600_000;

/** A clock that a test moves, with one timer. */
class OneTimerClock implements Clock {
  nowMs = 1_000_000 * HOUR;
  #due = Infinity;
  #callback: () => void = () => {};

  now(): number {
    return this.nowMs;
  }

  monotonicMs(): number {
    return this.nowMs;
  }

  after(delayMs: number, callback: () => void): () => void {
    this.#due = this.nowMs + delayMs;
    this.#callback = callback;
    return () => {
      this.#due = Infinity;
    };
  }

  sleep(): Promise<void> {
    throw new Error('nobody sleeps here');
  }

  advance(ms: number): void {
    this.nowMs += ms;
    while (this.#due <= this.nowMs) {
      this.#due = Infinity;
      this.#callback();
    }
  }
}

const hex = (keys: readonly Uint8Array[]): string[] => keys.map((key) => Buffer.from(key).toString('hex'));

test('a ring goes on where an earlier one stopped, and old keys go', () => {
  const clock = new OneTimerClock();
  const first = new TicketKeyRing(clock, () => {});
  const [a] = hex(first.keys());
  clock.advance(8 * HOUR);
  const [b, ...older] = hex(first.keys());
  assert.deepEqual(older, [a]);
  const kept = first.kept();
  first.stop();

  // Three hours later: the same keys, and the next one when the present one has had its eight hours.
  clock.advance(3 * HOUR);
  const told: string[][] = [];
  const second = new TicketKeyRing(clock, (keys) => told.push(hex(keys)), kept);
  assert.deepEqual(hex(second.keys()), [b, a]);
  clock.advance(5 * HOUR - 1);
  assert.deepEqual(told, []);
  clock.advance(1);
  assert.deepEqual(told, [hex(second.keys())]);
  assert.deepEqual(hex(second.keys()).slice(1), [b, a]);
  second.stop();

  // A day after it was made the first one is gone, and the rest of them are not.
  clock.advance(8 * HOUR);
  const third = new TicketKeyRing(clock, () => {}, second.kept());
  assert.equal(hex(third.keys()).includes(a!), false);
  assert.equal(hex(third.keys())[2], b);
  third.stop();
  clock.advance(100 * HOUR);
  assert.equal(new TicketKeyRing(clock, () => {}, third.kept()).keys().length, 1);
});

test('files: what comes back, and what is left out', async (t) => {
  const folder = mkdtempSync(join(tmpdir(), 'fltest-secrets-'));
  t.after(() => rmSync(folder, { recursive: true }));
  const path = join(folder, 'secrets.json');
  const now = Date.parse('2026-11-01T00:00:00Z');
  const logs: string[] = [];
  const log = (level: string, message: string): void => void logs.push(`${level} ${message}`);
  assert.deepEqual(readKeptSecrets(path, now, log), { identity: undefined, tickets: [] });
  assert.deepEqual(logs, [], 'a first start is nothing to talk about');

  const identity = selfSignedIdentity('x', now);
  const ticket = new TicketKeyRing({ ...systemClock, now: () => now, after: () => () => {} }, () => {}).kept()[0]!;
  const asRead = { bytes: new Uint8Array(ticket.bytes), madeMs: now };
  const future = { ...ticket, madeMs: now + 8 * HOUR + 1 };
  writeKeptSecrets(path, { identity, tickets: [future, ticket, { bytes: new Uint8Array(3), madeMs: now }] }, log);
  assert.equal(statSync(path).mode & 0o777, 0o600);
  assert.deepEqual(readdirSync(folder), ['secrets.json']);
  assert.deepEqual(readKeptSecrets(path, now, log), { identity, tickets: [asRead] });
  const late = Date.parse('2036-10-15T00:00:00Z');
  assert.equal(readKeptSecrets(path, late, log).identity, undefined, 'about to expire');
  assert.deepEqual(logs, []);

  for (const broken of ['', '{', '[]', 'null', '{"certificate":"x","privateKey":"y","tickets":[]}']) {
    writeFileSync(path, broken);
    assert.deepEqual(readKeptSecrets(path, now, log), { identity: undefined, tickets: [] }, broken);
    assert.equal(logs.pop(), 'warn gateway secrets are broken; new ones are made');
  }
  writeKeptSecrets(join(folder, 'nowhere', 'secrets.json'), { identity, tickets: [] }, log);
  assert.equal(logs.pop(), 'warn gateway secrets not kept');
});

interface Handshake {
  readonly session: Buffer;
  readonly isResumed: boolean;
  readonly fingerprint: string;
}

/** A handshake at the gateway, and the ticket that came with it. */
async function dial(rig: GatewayRig, options: ConnectionOptions = {}): Promise<Handshake> {
  const { port } = rig.gateway.listeners()[0]!;
  const socket = connect({ port, host: '127.0.0.1', rejectUnauthorized: false, ...options });
  socket.resume();
  // One that resumes has its ticket.
  const ticket = options.session === undefined ? once(socket, 'session') : [options.session];
  await within('a handshake', once(socket, 'secureConnect'));
  socket.write('GET / HTTP/1.1\r\nHost: h\r\n\r\n');
  const [session] = (await within('a ticket', Promise.resolve(ticket))) as [Buffer];
  const { fingerprint256: fingerprint } = socket.getPeerCertificate();
  const answer = { session, isResumed: socket.isSessionReused(), fingerprint };
  socket.destroy();
  return answer;
}

test('a client resumes at the next process, under the same default certificate', async (t) => {
  const folder = mkdtempSync(join(tmpdir(), 'fltest-secrets-'));
  t.after(() => rmSync(folder, { recursive: true }));
  const secretsFile = join(folder, 'secrets.json');
  const table = {
    listeners: [['https', { name: 'https', protocol: 'https', address: '127.0.0.1', port: 0 }]],
    hosts: [['https|*', { listener: 'https', hostname: '*', routes: [testRoute('/', [])] }]],
  } as const;
  const start = async (options: { secretsFile?: string }): Promise<GatewayRig> => {
    const rig = await startRig(table, options);
    t.after(() => rig.stop());
    return rig;
  };
  const one = await start({ secretsFile });
  const first = await dial(one);
  await one.stop();
  const text = readFileSync(secretsFile, 'utf8');

  const two = await start({ secretsFile });
  assert.equal((await dial(two, { session: first.session })).isResumed, true);
  assert.equal((await dial(two)).fingerprint, first.fingerprint);
  assert.equal(readFileSync(secretsFile, 'utf8'), text);

  const without = await start({});
  const other = await dial(without, { session: first.session });
  assert.equal(other.isResumed, false);
  assert.notEqual(other.fingerprint, first.fingerprint);
});
