import assert from 'node:assert/strict';
import { describe, test } from 'node:test';
import type { Clock } from '../sys/clock.ts';
import { compileBackend } from './compile-backends.ts';
import { ExternalNames, type NameAnswer } from './external-names.ts';
import { service } from './routing-fixtures.ts';

interface Fixture {
  readonly names: ExternalNames;
  readonly changed: string[];
  readonly delays: number[];
  /** Answers the next question, and lets what follows happen. */
  answer(answer: NameAnswer | { readonly code: string }): Promise<void>;
  /** Runs the timer that waits. */
  tick(): void;
  readonly waiting: () => number;
}

function fixture(): Fixture {
  const questions: PromiseWithResolvers<NameAnswer>[] = [];
  const timers = new Set<() => void>();
  const delays: number[] = [];
  const clock: Pick<Clock, 'after'> = {
    after(delayMs, call) {
      delays.push(delayMs);
      timers.add(call);
      return () => timers.delete(call);
    },
  };
  const names = new ExternalNames(clock as Clock, () => {
    const question = Promise.withResolvers<NameAnswer>();
    questions.push(question);
    return question.promise;
  });
  const changed: string[] = [];
  names.subscribe((name) => changed.push(name));
  return {
    names,
    changed,
    delays,
    async answer(answer) {
      const question = questions.shift()!;
      if ('code' in answer) question.reject(Object.assign(new Error('dns'), answer));
      else question.resolve(answer);
      for (let turn = 0; turn < 10; turn++) await Promise.resolve();
    },
    tick() {
      const [call] = timers;
      timers.delete(call!);
      call!();
    },
    waiting: () => timers.size,
  };
}

const ONE = { addresses: ['192.0.2.1'], ttlSeconds: 60 };

test('resolved by TTL, told once per change, and only while needed', async () => {
  const f = fixture();
  f.names.watch('a.example');
  f.names.watch('a.example');
  assert.equal(f.names.get('a.example').state, 'pending');
  await f.answer(ONE);
  assert.deepEqual(f.names.get('a.example'), { state: 'resolved', addresses: ['192.0.2.1'] });
  f.tick();
  await f.answer({ ...ONE, ttlSeconds: 0 });
  f.tick();
  await f.answer({ addresses: ['192.0.2.2', '192.0.2.1', '192.0.2.2'], ttlSeconds: 86_400 });
  assert.deepEqual(f.names.get('a.example'), { state: 'resolved', addresses: ['192.0.2.1', '192.0.2.2'] });
  assert.deepEqual(f.changed, ['a.example', 'a.example']);
  assert.deepEqual(f.delays, [60_000, 5_000, 300_000]);
  f.names.unwatch('a.example');
  assert.equal(f.waiting(), 1);
  f.names.unwatch('a.example');
  assert.equal(f.waiting(), 0);
});

test('a server that fails leaves the last addresses; a name that is gone loses them', async () => {
  const f = fixture();
  f.names.watch('a.example');
  await f.answer(ONE);
  f.tick();
  await f.answer({ code: 'ETIMEOUT' });
  assert.equal(f.names.get('a.example').state, 'resolved');
  f.tick();
  await f.answer({ code: 'ENOTFOUND' });
  assert.deepEqual(f.names.get('a.example'), { state: 'failed', problem: 'a.example has no address' });
  assert.equal(f.changed.length, 2);
});

test('an answer that comes after nobody needs it does nothing', async () => {
  const f = fixture();
  f.names.watch('a.example');
  f.names.unwatch('a.example');
  await f.answer(ONE);
  assert.deepEqual([f.changed, f.waiting()], [[], 0]);
});

describe('addresses that lead inward are left out', () => {
  for (const address of [
    '127.0.0.1',
    '127.244.0.3',
    '169.254.169.254',
    '0.0.0.0',
    '::1',
    '::',
    'fe80::1',
    '::ffff:127.0.0.1',
  ]) {
    test(address, async () => {
      const f = fixture();
      f.names.watch('evil.example');
      await f.answer({ addresses: [address], ttlSeconds: 60 });
      assert.equal(f.names.get('evil.example').state, 'failed');
    });
  }
});

describe('a backend of a Service of type ExternalName', () => {
  const ref = { key: 'shop/out:443', namespace: 'shop', service: 'out', port: 443 };
  const out = service('out', [], { type: 'ExternalName', externalName: 'a.example' });
  test('has the addresses, on the port that is asked for', () => {
    const { backend, problem } = compileBackend(ref, out, [], undefined, {
      state: 'resolved',
      addresses: ['192.0.2.1'],
    });
    assert.equal(problem, undefined);
    assert.deepEqual(backend.endpoints, [{ address: '192.0.2.1', port: 443, weight: 1 }]);
  });
  test('without addresses answers 503, and says why', () => {
    const { backend, problem } = compileBackend(ref, out, [], undefined, {
      state: 'failed',
      problem: 'a.example has no address',
    });
    assert.deepEqual(backend.endpoints, []);
    assert.match(problem?.message ?? '', /a\.example has no address; requests get 503/);
  });
  test('a port by name must be listed', () => {
    const { problem } = compileBackend({ ...ref, port: 'https' }, out, [], undefined, {
      state: 'resolved',
      addresses: ['192.0.2.1'],
    });
    assert.equal(problem?.reason, 'BackendNotFound');
  });
});
