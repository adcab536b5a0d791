import assert from 'node:assert/strict';
import { mkdtempSync, readdirSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { after, test } from 'node:test';
import { type Clock, systemClock, systemRandom } from '../sys/clock.ts';
import { nameFromText } from '../wire/dns/name.ts';
import { parseZoneFile } from '../wire/dns/zone-file.ts';
import { parseNetwork } from './address-networks.ts';
import { FileZone } from './file-zone.ts';
import { clusterZone } from './program.ts';
import { SecondaryZones } from './secondary-zones.ts';
import { DnsServer } from './server/dns-server.ts';
import { ZoneSet } from './zone-set.ts';
import { ZoneStore } from './zone-store.ts';

const folder = mkdtempSync(join(tmpdir(), 'fairlead-zone-store-'));
after(() => rmSync(folder, { recursive: true, force: true }));

function zoneOf(origin: string, serial: number): FileZone {
  const lines = ['$TTL 5', `@ SOA ns m ${serial} 3600 600 260 1`, '@ NS ns', 'ns A 192.0.2.1', 'w\\.w AAAA fd00::1'];
  lines.push('odd TYPE65280 \\# 3 00ff10', `long TXT "${'x'.repeat(255)}" "${'y'.repeat(255)}"`, '*.wild MX 10 ns');
  const name = nameFromText(origin)!;
  const parsed = parseZoneFile(`${lines.join('\n')}\n`, { origin: name, file: 'test' });
  assert.ok(parsed.ok);
  const made = FileZone.make(name, parsed.records);
  assert.ok(made.ok);
  return made.zone;
}

test('a zone comes back as it was kept, with the time when it was confirmed', async () => {
  const store = new ZoneStore(join(folder, 'plain'));
  assert.equal(await store.read('kept.test'), undefined);
  const zone = zoneOf('kept.test', 7);
  await store.write('kept.test', zone, 1_700_000_000_000);
  await store.write('a/b%2f.test', zoneOf('a/b%2f.test', 8), 1_700_000_000_000);
  assert.equal(readdirSync(join(folder, 'plain')).length, 2, 'one file each, in this folder');
  const kept = await store.read('Kept.Test');
  // The SOA is there once, where a transfer has it at both ends.
  const records = [...zone.transfer()].slice(0, -1).map(({ name, type, ttl, data }) => [name, type, ttl, [...data]]);
  assert.deepEqual(
    kept?.records.map(({ name, type, ttl, data }) => [name, type, ttl, [...data]]),
    records,
  );
  assert.equal(kept.confirmedAtMs, 1_700_000_000_000);
  await store.confirm('kept.test', 1_700_000_060_000);
  assert.equal((await store.read('kept.test'))?.confirmedAtMs, 1_700_000_060_000);
});

test('a damaged file counts as absent', async () => {
  const store = new ZoneStore(join(folder, 'damaged'));
  await store.write('kept.test', zoneOf('kept.test', 7), 0);
  const [name = ''] = readdirSync(join(folder, 'damaged'));
  const file = join(folder, 'damaged', name);
  const whole = readFileSync(file);
  for (const damaged of [
    whole.subarray(0, 0),
    whole.subarray(0, 40),
    whole.subarray(0, -1),
    Buffer.concat([whole, whole.subarray(-1)]),
    Buffer.from(whole.map((byte, at) => (at === 100 ? byte ^ 1 : byte))),
    Buffer.from(whole.map((byte, at) => (at === 14 ? byte + 1 : byte))),
  ]) {
    writeFileSync(file, damaged);
    assert.equal(await store.read('kept.test'), undefined);
  }
});

test('after a restart a zone is served without its primary, until it expires', { timeout: 120_000 }, async () => {
  const store = new ZoneStore(join(folder, 'restart'));
  const primaryZones = new ZoneSet();
  primaryZones.set('kept.test', zoneOf('kept.test', 7));
  const primary = new DnsServer({
    zone: clusterZone('cluster.local', 5),
    listen: [{ family: 'ipv4', address: '127.0.0.1', port: 0 }],
    upstreams: [],
    workers: 1,
    clock: systemClock,
    random: systemRandom,
    log: () => {},
    fileZones: primaryZones,
    transferTo: parseNetwork('127.0.0.1')!,
  });
  primary.markSynced();
  await primary.start();
  const { port } = primary.addresses[0]!;
  /** A secondary that starts so much later; what it says first, and what it serves then. */
  const startLater = async (laterMs: number): Promise<readonly [event: string, serial: number | undefined]> => {
    const zones = new ZoneSet();
    const said = Promise.withResolvers<string>();
    const clock: Clock = { ...systemClock, now: () => systemClock.now() + laterMs };
    const secondaries = new SecondaryZones({
      sources: [{ origin: 'kept.test', primaries: [{ address: '127.0.0.1', port }] }],
      zones,
      store,
      clock,
      random: systemRandom,
      log: (_level, message) => said.resolve(message),
    });
    const event = await said.promise;
    secondaries.stop();
    return [event, zones.get('kept.test')?.serial];
  };
  try {
    assert.deepEqual(await startLater(0), ['DNS zone transferred', 7]);
  } finally {
    await primary.stop();
  }
  const deadline = AbortSignal.timeout(60_000);
  while ((await store.read('kept.test')) === undefined) {
    assert.ok(!deadline.aborted, 'never written');
    await new Promise((resolve) => setImmediate(resolve));
  }
  assert.deepEqual(await startLater(200_000), ['DNS zone taken from disk', 7]);
  assert.deepEqual(await startLater(300_000), ['DNS zone cannot be refreshed', undefined], 'it has expired');
});
