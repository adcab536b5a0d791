import assert from 'node:assert/strict';
import { describe, test } from 'node:test';
import { BpfMap, loadPacketFilter, runPacketFilter } from './bpf.ts';
import { callFunction, compute, jumpIf, label, leaveProgram, load, mapAddress, store } from './bpf-assembler.ts';
import { EACCES, ENOENT } from './errno.ts';
import { close } from './socket.ts';

/** Not as root, or the kernel has no bpf(2), or it is forbidden here. */
const probe = BpfMap.create('probe', 4, 4, 1);
if (typeof probe !== 'number') probe.close();
const skip = typeof probe === 'number' ? `bpf(2) is refused here: errno ${-probe}` : false;
const mapLookup = 1;

describe('bpf(2)', { skip }, () => {
  test('a program reads what this process wrote into a map', () => {
    const map = BpfMap.create('test', 4, 4, 8);
    assert.ok(typeof map !== 'number');
    const loaded = loadPacketFilter(
      'test',
      [
        store('word', 'r10', -4, 0x01020304),
        mapAddress('r1', 'numbers'),
        compute('move', 'r2', 'r10'),
        compute('add', 'r2', -4),
        callFunction(mapLookup),
        jumpIf('equal', 'r0', 0, 'end'),
        load('word', 'r0', 'r0', 0),
        label('end'),
        leaveProgram(),
      ],
      { numbers: map },
    );
    assert.ok(loaded.ok, JSON.stringify(loaded));
    const run = (): number => {
      const result = runPacketFilter(loaded.descriptor, Buffer.alloc(64));
      assert.ok(typeof result !== 'number');
      assert.equal(result.packet.length, 64);
      return result.verdict;
    };
    const key = Buffer.from([4, 3, 2, 1]);
    assert.equal(run(), 0);
    assert.equal(map.set(key, Buffer.from([42, 0, 0, 0])), 0);
    assert.equal(run(), 42);
    assert.equal(map.set(key, Buffer.from([43, 0, 0, 0])), 0);
    assert.equal(run(), 43);
    assert.equal(map.delete(key), 0);
    assert.equal(map.delete(key), -ENOENT);
    assert.equal(run(), 0);
    close(loaded.descriptor);
    map.close();
  });

  test('what the verifier refuses is told in its words', () => {
    const refused = loadPacketFilter('test', [leaveProgram()], {});
    assert.ok(!refused.ok);
    assert.match(refused.log, /R0 !read_ok/);
    assert.equal(refused.errno, -EACCES);
  });
});
