import assert from 'node:assert/strict';
import { test } from 'node:test';
import { COMPRESSOR_BYTES, type Compressor } from '../../sys/compressor.ts';
import { CompressorPool } from './compressor-pool.ts';

/** Counts the compressors that live. */
function fakeCompressors(): { readonly open: () => Compressor; live: number } {
  const fake = {
    live: 0,
    open(): Compressor {
      fake.live++;
      return {
        isDone: true,
        begin() {},
        give() {},
        step: (_to, at) => at,
        free() {
          fake.live--;
        },
      };
    },
  };
  return fake;
}

test('compressors are used again, some are kept, and all together have a bound', () => {
  const fake = fakeCompressors();
  const pool = new CompressorPool(fake.open, 20 * COMPRESSOR_BYTES.gzip);
  const taken = Array.from({ length: 20 }, () => pool.take('gzip', 5)!);
  assert.equal(pool.bytes, 20 * COMPRESSOR_BYTES.gzip);
  assert.equal(pool.take('gzip', 5), undefined, 'no more memory');
  assert.equal(pool.take('br', 4), undefined);
  for (const each of taken) pool.giveBack(each);
  assert.equal(fake.live, 8, 'the others are freed');
  assert.equal(pool.bytes, 8 * COMPRESSOR_BYTES.gzip);
  pool.take('gzip', 5);
  assert.equal(fake.live, 8, 'used again');
  // One of another kind pushes the kept ones out.
  assert.ok(pool.take('br', 4) && pool.take('br', 4));
  assert.equal(fake.live, 3);
  assert.equal(pool.take('br', 4), undefined);
});
