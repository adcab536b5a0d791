import assert from 'node:assert/strict';
import { execFile } from 'node:child_process';
import { createSocket } from 'node:dgram';
import { once } from 'node:events';
import { existsSync, mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { test } from 'node:test';
import { promisify } from 'node:util';
import { type Clock, systemClock, systemRandom } from '../sys/clock.ts';
import type { SocketAddress } from '../sys/socket-address.ts';
import { rrType } from '../wire/dns/constants.ts';
import { type DnsMessage, decodeMessage } from '../wire/dns/message.ts';
import { nameFromText } from '../wire/dns/name.ts';
import { parseZoneFile } from '../wire/dns/zone-file.ts';
import { parseNetwork } from './address-networks.ts';
import { answerText, askTcp, askUdp, encodeQuery } from './dns-fixtures.ts';
import { FileZone } from './file-zone.ts';
import { type Knot, noKnot, startKnot, stopKnot } from './knot-fixture.ts';
import { clusterZone } from './program.ts';
import { SecondaryZones, type SecondaryZonesOptions } from './secondary-zones.ts';
import { DnsServer, type DnsServerOptions } from './server/dns-server.ts';
import { ZoneSet } from './zone-set.ts';

const log = (): void => {};

function makeServer(options: Partial<DnsServerOptions>): DnsServer {
  const server = new DnsServer({
    zone: clusterZone('cluster.local', 5),
    listen: [{ family: 'ipv4', address: '127.0.0.1', port: 0 }],
    upstreams: [],
    workers: 1,
    clock: systemClock,
    random: systemRandom,
    log,
    ...options,
  });
  server.markSynced();
  return server;
}

const ask = async (server: SocketAddress, name: string): Promise<string[]> =>
  answerText(await askUdp(server, encodeQuery(name, 'A')));

/** Asks again until the answer is the one wanted. */
async function askUntil(server: SocketAddress, name: string, wanted: readonly string[]): Promise<void> {
  const deadline = AbortSignal.timeout(60_000);
  for (;;) {
    const got = await ask(server, name);
    if (got.join() === wanted.join()) return;
    assert.ok(!deadline.aborted, `${got.join(', ')} instead of ${wanted.join(', ')}`);
  }
}

/** Sends a NOTIFY from an address; the code of the answer. */
async function notifyFrom(from: string, server: SocketAddress, zone: string): Promise<number> {
  const query = encodeQuery(zone, 'SOA', { flags: 0x2400 });
  const socket = createSocket('udp4').bind(0, from);
  await once(socket, 'listening');
  try {
    const answer = once(socket, 'message', { signal: AbortSignal.timeout(20_000) });
    socket.send(query, server.port, server.address);
    const [bytes] = (await answer) as [Buffer];
    assert.equal(bytes[2]! & 0xf8, 0xa0, 'an answer with the opcode of NOTIFY');
    assert.equal(decodeMessage(bytes)?.questions.length, 1);
    return bytes[3]! & 15;
  } finally {
    socket.close();
  }
}

test('a zone of Knot: SERVFAIL before it is there, as Knot has it then, and anew when Knot says so', {
  timeout: 180_000,
  skip: noKnot || (existsSync('/usr/sbin/knotc') ? false : 'knotc is missing (Debian: knot)'),
}, async () => {
  const folder = mkdtempSync(join(tmpdir(), 'fairlead-secondary-'));
  const file = join(folder, 'second.db');
  const zoneText = (serial: number, last: number): string =>
    `$TTL 5\n@ SOA ns m ${serial} 3600 600 7200 1\n@ NS ns\nns A 192.0.2.1\nwww A 192.0.2.${last}\n*.wild A 192.0.2.9\n`;
  writeFileSync(file, zoneText(100, 2));
  const zones = new ZoneSet();
  zones.set('second.test', undefined);
  let secondaries: SecondaryZones | undefined;
  const server = makeServer({
    fileZones: zones,
    onNotify: (origin, from) => secondaries?.notify(origin, from) ?? 'no zone',
    transferTo: parseNetwork('127.0.0.1')!,
  });
  let knot: Knot | undefined;
  try {
    await server.start();
    const [own] = server.addresses as readonly [SocketAddress];
    assert.deepEqual(await ask(own, 'www.second.test'), ['SERVFAIL']);
    knot = await startKnot(folder, 'second.test', [
      ...['remote:', '  - id: secondary', `    address: 127.0.0.1@${own.port}`],
      ...['acl:', '  - id: transfer', '    address: 127.0.0.1', '    action: transfer'],
      ...['zone:', '  - domain: second.test', `    file: "${file}"`, '    acl: transfer', '    notify: secondary'],
      '    semantic-checks: off',
    ]);
    const theirAddress = knot.address;
    const { port } = theirAddress;
    secondaries = new SecondaryZones({
      sources: [{ origin: 'second.test', primaries: [{ address: '127.0.0.1', port }] }],
      zones,
      clock: systemClock,
      random: systemRandom,
      log,
    });
    await askUntil(own, 'www.second.test', ['NOERROR aa', 'an www.second.test 5 A 192.0.2.2']);
    for (const name of ['www.second.test', 'x.wild.second.test', 'wild.second.test', 'no.second.test', 'second.test']) {
      for (const type of ['A', 'AAAA', 'NS', 'SOA'] as const) {
        const query = encodeQuery(name, type, { flags: 0 });
        const answers: DnsMessage[] = await Promise.all([own, theirAddress].map((server) => askUdp(server, query)));
        const [ours, theirs] = answers.map(answerText);
        assert.deepEqual(ours, theirs, `${name} ${type}`);
      }
    }
    assert.equal(await notifyFrom('127.0.0.2', own, 'second.test'), 5, 'somebody who is no primary');
    assert.equal(await notifyFrom('127.0.0.1', own, 'other.test'), 9, 'a zone that is not ours');
    // The refresh time is an hour: it can only be the NOTIFY.
    writeFileSync(file, zoneText(101, 222));
    await promisify(execFile)('/usr/sbin/knotc', ['-c', knot.configuration, 'zone-reload', 'second.test']);
    await askUntil(own, 'www.second.test', ['NOERROR aa', 'an www.second.test 5 A 192.0.2.222']);
    // From us, others can have it in turn.
    const [transferred] = await askTcp(own, [encodeQuery('second.test', 'AXFR')]);
    assert.equal(transferred!.answers.filter(({ type }) => type === rrType.SOA).length, 2);
  } finally {
    secondaries?.stop();
    await stopKnot(knot);
    await server.stop();
    rmSync(folder, { recursive: true, force: true });
  }
});

/** A clock that stands still until the test moves it. */
class SteppedClock implements Clock {
  #nowMs = 0;
  #timers: { readonly atMs: number; readonly callback: () => void }[] = [];

  now(): number {
    return this.#nowMs;
  }

  monotonicMs(): number {
    return this.#nowMs;
  }

  after(delayMs: number, callback: () => void): () => void {
    const timer = { atMs: this.#nowMs + delayMs, callback };
    this.#timers.push(timer);
    return () => {
      this.#timers = this.#timers.filter((other) => other !== timer);
    };
  }

  sleep(delayMs: number): Promise<void> {
    return new Promise((resolve) => this.after(delayMs, resolve));
  }

  /** When the timer that is due first runs; absent: there is none. */
  get nextMs(): number | undefined {
    return this.#timers.toSorted((a, b) => a.atMs - b.atMs)[0]?.atMs;
  }

  /** Lets time pass until the first timer, and runs it. */
  advance(): number {
    const [first] = this.#timers.toSorted((a, b) => a.atMs - b.atMs);
    assert.ok(first !== undefined, 'something waits');
    this.#timers = this.#timers.filter((other) => other !== first);
    this.#nowMs = Math.max(this.#nowMs, first.atMs);
    first.callback();
    return this.#nowMs;
  }
}

function zoneOf(serial: number): FileZone {
  const origin = nameFromText('timed.test')!;
  const text = `$TTL 5\n@ SOA ns m ${serial} 100 50 260 1\n@ NS ns\nns A 192.0.2.1\nwww A 192.0.2.${serial}\n`;
  const parsed = parseZoneFile(text, { origin, file: 'test' });
  assert.ok(parsed.ok);
  const made = FileZone.make(origin, parsed.records);
  assert.ok(made.ok);
  return made.zone;
}

test('refresh, retry and expiry by the times of the SOA', { timeout: 120_000 }, async () => {
  const primaryZones = new ZoneSet();
  const primary = makeServer({ fileZones: primaryZones, transferTo: parseNetwork('127.0.0.1')! });
  await primary.start();
  const [{ port }] = primary.addresses as readonly [SocketAddress];
  const clock = new SteppedClock();
  const zones = new ZoneSet();
  /** What the zone has said; each is waited for. */
  const events: string[] = [];
  let wake = (): void => {};
  const note = (event: string): void => {
    events.push(`${clock.now() / 1000} ${event}`);
    wake();
  };
  const options: Omit<SecondaryZonesOptions, 'sources'> = {
    zones,
    clock,
    random: () => 0,
    log: (level, message) => level !== 'info' && note(message),
    onLoaded: ({ serial }) => note(`loaded ${serial}`),
  };
  const nextEvent = async (): Promise<string> => {
    while (events.length === 0) await new Promise<void>((resolve) => (wake = resolve));
    // What follows the event in the same turn belongs to it: then the zone waits again.
    await new Promise((resolve) => setImmediate(resolve));
    return events.shift()!;
  };
  const state = (): number | string | undefined => {
    const zone = zones.find(nameFromText('www.timed.test')!);
    return typeof zone === 'object' ? zone.serial : zone;
  };
  const secondaries = new SecondaryZones({
    sources: [{ origin: 'timed.test', primaries: [{ address: '127.0.0.1', port }] }],
    ...options,
  });
  try {
    assert.equal(await nextEvent(), '0 DNS zone cannot be refreshed');
    assert.equal(state(), 'unloaded', 'nothing yet');
    primaryZones.set('timed.test', zoneOf(1));
    clock.advance();
    assert.equal(await nextEvent(), '10 loaded 1', 'asked again after ten seconds');
    assert.equal(state(), 1);
    primaryZones.set('timed.test', zoneOf(2));
    clock.advance();
    assert.equal(await nextEvent(), '110 loaded 2', 'after the refresh time');
    // An older serial is no news.
    primaryZones.set('timed.test', zoneOf(1));
    assert.equal(secondaries.notify('timed.test', '127.0.0.1'), 'taken');
    assert.equal(secondaries.notify('timed.test', '127.0.0.9'), 'no primary');
    assert.equal(secondaries.notify('other.test', '127.0.0.1'), 'no zone');
    primaryZones.set('timed.test', zoneOf(3));
    // The look that the NOTIFY led to may have found the older one: another one finds this.
    secondaries.notify('timed.test', '127.0.0.1');
    assert.equal(await nextEvent(), '110 loaded 3', 'at once, on NOTIFY');
    primaryZones.delete('timed.test');
    clock.advance();
    assert.equal(await nextEvent(), '210 DNS zone cannot be refreshed');
    clock.advance();
    assert.equal(await nextEvent(), '260 DNS zone cannot be refreshed', 'after the retry time');
    clock.advance();
    assert.equal(await nextEvent(), '310 DNS zone cannot be refreshed');
    clock.advance();
    assert.equal(await nextEvent(), '360 DNS zone cannot be refreshed');
    assert.equal(state(), 3, 'old, but better than nothing');
    clock.advance();
    assert.equal(await nextEvent(), '370 DNS zone has expired: no primary answers');
    assert.equal(state(), 'unloaded');
    primaryZones.set('timed.test', zoneOf(4));
    clock.advance();
    assert.equal(await nextEvent(), '410 loaded 4');
    assert.equal(state(), 4);
  } finally {
    secondaries.stop();
    await primary.stop();
  }
});
