import assert from 'node:assert/strict';
import { readFileSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { after, before, beforeEach, describe, test } from 'node:test';
import type { RouteCertificate } from '../../routing/route-table.ts';
import type { Clock } from '../../sys/clock.ts';
import { type Leaf, OpensslPki, opensslSkip } from '../test-rig/openssl-pki.ts';
import { isPublicAddress } from './ask-responder.ts';
import { Stapler } from './stapler.ts';

const MINUTE_MS = 60_000;

/** Time that a test moves. */
class FakeClock implements Clock {
  ms = Date.now();
  readonly #timers = new Set<{ readonly atMs: number; readonly callback: () => void }>();

  now(): number {
    return this.ms;
  }
  monotonicMs(): number {
    return this.ms;
  }
  sleep(): Promise<void> {
    throw new Error('nobody sleeps');
  }
  after(delayMs: number, callback: () => void): () => void {
    const timer = { atMs: this.ms + delayMs, callback };
    this.#timers.add(timer);
    return () => this.#timers.delete(timer);
  }

  /** When the next timer comes, in minutes from now. */
  get nextMinutes(): number {
    return (Math.min(...[...this.#timers].map(({ atMs }) => atMs)) - this.ms) / MINUTE_MS;
  }

  /** Moves to the next timer and runs what is due. */
  async next(): Promise<void> {
    this.ms = Math.min(...[...this.#timers].map(({ atMs }) => atMs));
    for (const timer of [...this.#timers]) {
      if (timer.atMs > this.ms) continue;
      this.#timers.delete(timer);
      timer.callback();
    }
    await settled();
  }
}

/** Everything that can go on without time has. */
const settled = (): Promise<void> => new Promise((resolve) => setImmediate(() => setImmediate(resolve)));

describe('OCSP responses at hand', { skip: opensslSkip() }, () => {
  let pki: OpensslPki;
  let leaf: Leaf;
  let demanding: Leaf;
  let revoked: Leaf;
  before(() => {
    pki = new OpensslPki();
    const url = 'authorityInfoAccess=OCSP;URI:http://ocsp.example/';
    leaf = pki.leaf('a.example', { extensions: [url] });
    demanding = pki.leaf('b.example', { extensions: [url, 'tlsfeature=status_request'] });
    revoked = pki.leaf('c.example', { extensions: [url] });
    pki.revoke(revoked);
  });
  after(() => pki?.remove());

  let clock: FakeClock;
  let told: string[];
  let logs: string[];
  let asked: number;
  let answer: (request: Buffer) => Buffer;
  let stapler: Stapler;
  beforeEach(() => {
    clock = new FakeClock();
    told = [];
    logs = [];
    asked = 0;
    answer = (request) => respond(request);
    stapler = new Stapler({
      clock,
      random: () => 0.5,
      log: (level, message, fields) => logs.push(`${level} ${message} ${JSON.stringify(fields)}`),
      ask: async (url, request) => {
        assert.equal(url, 'http://ocsp.example/');
        asked++;
        return answer(request);
      },
      onStaple: (key, response) => told.push(`${key} ${response === undefined ? 'nothing' : 'response'}`),
    });
  });

  /** What `openssl ocsp` answers. */
  function respond(request: Buffer, minutes = 100): Buffer {
    const [asked, answered] = [join(pki.folder, 'request.der'), join(pki.folder, 'response.der')];
    writeFileSync(asked, request);
    pki.run(
      ['ocsp', '-index', pki.indexFile(), '-rsigner', pki.caFile, '-rkey', pki.caKeyFile, '-CA', pki.caFile],
      ['-reqin', asked, '-respout', answered, '-nmin', String(minutes)],
    );
    return readFileSync(answered);
  }
  const entry = ({ certificate, privateKey }: Leaf, more: Partial<RouteCertificate> = {}): RouteCertificate => ({
    key: 'x/a',
    hosts: ['a'],
    certificate: certificate + pki.ca,
    privateKey,
    ...more,
  });
  const update = async (certificate: RouteCertificate | undefined): Promise<void> => {
    stapler.update([['x/a', certificate]]);
    await settled();
  };

  test('asked at once, again after half of its time, and kept over failures until it expires', async () => {
    await update(entry(leaf));
    assert.deepEqual(told, ['x/a response']);
    assert.deepEqual(
      stapler.staples().map(([key]) => key),
      ['x/a'],
    );
    assert.ok(Math.abs(clock.nextMinutes - 50) < 2, String(clock.nextMinutes));
    answer = () => {
      throw new Error('no route to host');
    };
    await clock.next();
    assert.equal(asked, 2);
    const pauses: number[] = [];
    while (asked < 7) {
      pauses.push(Math.round(clock.nextMinutes));
      await clock.next();
    }
    assert.deepEqual([pauses, told], [[1, 2, 4, 8, 16], ['x/a response']]);
    // Before the next try its time is over.
    await clock.next();
    assert.deepEqual([asked, told], [7, ['x/a response', 'x/a nothing']]);
    assert.deepEqual(stapler.staples(), []);
    assert.match(logs.join('\n'), /has expired and is not stapled any more/);
    stapler.stop();
  });

  test('never stapled: what is about another certificate, forged, expired, of the future, or not good', async () => {
    const other = (): Buffer => {
      let taken: Buffer | undefined;
      const elsewhere = new Stapler({
        clock,
        random: () => 0.5,
        log: () => {},
        ask: async (_, request) => {
          taken = request;
          throw new Error('only looked at');
        },
        onStaple() {},
      });
      elsewhere.update([['y', entry(demanding)]]);
      elsewhere.stop();
      return respond(taken!);
    };
    const forged = (request: Buffer): Buffer => {
      const response = respond(request);
      // Within the times that were signed.
      const at = response.indexOf('20', response.length >> 3, 'latin1');
      response[at + 3]! ^= 1;
      return response;
    };
    const rows: readonly [name: string, make: (request: Buffer) => Buffer, problem: RegExp][] = [
      ['nothing', () => Buffer.alloc(0), /not an OCSP response/],
      ['a page', () => Buffer.from('<html>'), /not an OCSP response/],
      ['a refusal', () => Buffer.from('30030a0103', 'hex'), /try later/],
      ['another certificate', other, /another certificate/],
      ['forged', forged, /signature|times/],
      [
        'expired',
        (request) => {
          const made = respond(request, 1);
          clock.ms += 10 * MINUTE_MS;
          return made;
        },
        /expired/,
      ],
      [
        'the future',
        (request) => {
          const made = respond(request);
          clock.ms -= 10 * MINUTE_MS;
          return made;
        },
        /future/,
      ],
    ];
    for (const [name, make, problem] of rows) {
      logs.length = 0;
      clock.ms = Date.now();
      answer = make;
      await update(entry(leaf));
      assert.deepEqual(told, [], name);
      assert.match(logs.join('\n'), problem, name);
      await update(undefined);
    }
    clock.ms = Date.now();
    answer = (request) => respond(request);
    await update(entry(revoked));
    assert.deepEqual(told, []);
    assert.match(logs.join('\n'), /the certificate is revoked/);
    stapler.stop();
  });

  test('what is good no more is withdrawn', async () => {
    const fresh = pki.leaf('d.example', { extensions: ['authorityInfoAccess=OCSP;URI:http://ocsp.example/'] });
    await update(entry(fresh));
    pki.revoke(fresh);
    await clock.next();
    assert.deepEqual(told, ['x/a response', 'x/a nothing']);
    stapler.stop();
  });

  test('a certificate that demands a staple and gets none is told of', async () => {
    answer = () => {
      throw new Error('nobody there');
    };
    await update(entry(demanding));
    assert.match(logs.join('\n'), /clients may refuse a certificate that demands stapling/);
    stapler.stop();
  });

  test('the same certificate is not asked about again; another one is; a removed one is forgotten', async () => {
    await update(entry(leaf));
    await update(entry(leaf, { hosts: ['a', 'b'] }));
    assert.deepEqual([asked, told], [1, ['x/a response', 'x/a response']]);
    await update(entry(demanding));
    assert.equal(asked, 2);
    await update(undefined);
    assert.deepEqual(stapler.staples(), []);
    assert.equal(clock.nextMinutes, Infinity);
    stapler.stop();
  });

  test('a response in the Secret is used while it lasts, and nobody is asked', async () => {
    const response = respond(await requestFor(leaf), 10).toString('base64');
    await update(entry(leaf, { staple: response }));
    assert.deepEqual([asked, told], [0, ['x/a response']]);
    // The response counts from when it was made, a moment after the test's clock was set.
    assert.ok(Math.abs(clock.nextMinutes - 10) < 2, String(clock.nextMinutes));
    await clock.next();
    assert.deepEqual([asked, told], [0, ['x/a response', 'x/a nothing']]);
    await update(entry(leaf, { staple: Buffer.from('no').toString('base64') }));
    assert.match(logs.join('\n'), /in a Secret not stapled/);
    stapler.stop();
  });

  async function requestFor(of: Leaf): Promise<Buffer> {
    const taken = Promise.withResolvers<Buffer>();
    answer = (request) => {
      taken.resolve(request);
      throw new Error('only looked at');
    };
    stapler.update([['z', entry(of)]]);
    const request = await taken.promise;
    stapler.update([['z', undefined]]);
    asked = 0;
    logs.length = 0;
    return request;
  }

  test('a chain without its issuer, or a certificate without a responder, is left alone', async () => {
    await update(entry({ ...leaf, certificate: leaf.certificate }, { certificate: leaf.certificate }));
    assert.match(logs.join('\n'), /does not hold the issuer/);
    const plain = pki.leaf('e.example');
    await update(entry(plain));
    assert.deepEqual([asked, told], [0, []]);
    stapler.stop();
  });
});

describe('which addresses are public', () => {
  const rows: Readonly<Record<string, boolean>> = {
    '93.184.215.14': true,
    '8.8.8.8': true,
    '2606:4700::1': true,
    '127.0.0.1': false,
    '0.0.0.0': false,
    '10.1.2.3': false,
    '100.64.0.1': false,
    '169.254.169.254': false,
    '172.16.0.1': false,
    '172.32.0.1': true,
    '192.168.1.1': false,
    '198.18.0.1': false,
    '224.0.0.1': false,
    '255.255.255.255': false,
    '::1': false,
    '::': false,
    '::ffff:127.0.0.1': false,
    '::ffff:8.8.8.8': false,
    'fe80::1': false,
    'fd00::1': false,
    'ff02::1': false,
    '64:ff9b::7f00:1': false,
    'not an address': false,
  };
  for (const [address, expected] of Object.entries(rows)) {
    test(`${address} → ${expected}`, () => assert.equal(isPublicAddress(address), expected));
  }
});
