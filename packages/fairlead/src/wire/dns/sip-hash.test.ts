import assert from 'node:assert/strict';
import { test } from 'node:test';
import { sipHash } from './sip-hash.ts';

test('SipHash-2-4: vectors of the authors', () => {
  const key = Uint8Array.from({ length: 16 }, (_, index) => index);
  // By length of the input 00 01 02 …, from the reference implementation's vectors_sip64.
  const rows: readonly (readonly [length: number, expected: string])[] = [
    [0, '310e0edd47db6f72'],
    [1, 'fd67dc93c539f874'],
    [7, '37d1018bf50002ab'],
    [8, '6224939a79f5f593'],
    [15, 'e545be4961ca29a1'],
  ];
  for (const [length, expected] of rows) {
    const result = new Uint8Array(8);
    sipHash(
      key,
      Uint8Array.from({ length }, (_, index) => index),
      length,
      result,
      0,
    );
    assert.equal(Buffer.from(result).toString('hex'), expected, `${length} bytes`);
  }
});
