import assert from 'node:assert/strict';
import { readdirSync, readFileSync } from 'node:fs';
import { join } from 'node:path';
import { test } from 'node:test';
import { decodeObject, decodeProtobufObject, decodeProtobufType, schemaForKind } from './index.ts';

// A folder with NAME.json and NAME.pb.base64 pairs, as Kubernetes publishes for its own compatibility tests.
const folder = process.env.FAIRLEAD_SAMPLES;
const skip = folder === undefined ? 'FAIRLEAD_SAMPLES does not name a folder of golden Kubernetes samples' : false;

test('golden Kubernetes samples', { skip }, async (t) => {
  const names = readdirSync(folder ?? '.').filter((name) => name.endsWith('.pb.base64'));
  assert.ok(names.length > 50, `only ${names.length} samples`);
  for (const name of names) {
    await t.test(name, () => {
      const base = join(folder ?? '', name.replace(/\.pb\.base64$/, ''));
      const text = readFileSync(`${base}.json`, 'utf8');
      const expected = JSON.parse(text) as Record<string, unknown>;
      const bytes = new Uint8Array(Buffer.from(readFileSync(`${base}.pb.base64`, 'utf8'), 'base64'));
      const isWatchEvent = name.includes('WatchEvent');
      const decoded = isWatchEvent
        ? decodeProtobufType('meta.v1.WatchEvent', new Uint8Array(readUnknown(bytes)))
        : decodeProtobufObject(bytes).object;
      assert.equal(JSON.stringify(decoded, null, 1), JSON.stringify(expected, null, 1));
      const id = isWatchEvent
        ? 'meta.v1.WatchEvent'
        : schemaForKind(String(expected.apiVersion), String(expected.kind))?.id;
      const again = decodeObject(id ?? '', expected);
      assert.deepEqual(again.errors, []);
      assert.deepEqual(again.unknownFields, []);
      assert.equal(JSON.stringify(again.object, null, 1), JSON.stringify(expected, null, 1));
    });
  }
});

/** The raw message of an envelope without a kind: its field 2. */
function readUnknown(bytes: Uint8Array): Uint8Array {
  let at = 4;
  for (;;) {
    const key = bytes[at++] ?? 0;
    let length = 0;
    for (let shift = 0, byte = 0x80; byte >= 0x80; shift += 7) {
      byte = bytes[at++] ?? 0;
      length += (byte & 0x7f) << shift;
    }
    if (key >> 3 === 2) return bytes.subarray(at, at + length);
    at += length;
  }
}
