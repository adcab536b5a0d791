import assert from 'node:assert/strict';
import { describe, test } from 'node:test';
import { acceptedCoding } from './accepted-coding.ts';

const ALL = ['zstd', 'br', 'gzip'] as const;
const rows: readonly (readonly [name: string, field: string | undefined, coding: string | undefined])[] = [
  ['no field', undefined, undefined],
  ['an empty field', '', undefined],
  ['one', 'gzip', 'gzip'],
  ['the name of old', 'x-gzip', 'gzip'],
  ['any case', 'GZip', 'gzip'],
  ['of equals ours first', 'gzip, deflate, br, zstd', 'zstd'],
  ['the highest weight', 'gzip;q=1.0, br;q=0.9, zstd;q=0.8', 'gzip'],
  ['blanks around a weight', 'gzip ; q=0.5 , br;q=0.25', 'gzip'],
  ['a weight of zero forbids', 'gzip;q=0', undefined],
  ['a weight of zero among others', 'zstd;q=0, br;q=0.000, gzip;q=0.001', 'gzip'],
  ['a star', '*', 'zstd'],
  ['a star for those not named', 'zstd;q=0, *;q=0.5', 'br'],
  ['a star that forbids the others', 'gzip, *;q=0', 'gzip'],
  ['identity wanted more', 'gzip;q=0.5, identity', undefined],
  ['identity wanted less', 'gzip, identity;q=0.5', 'gzip'],
  ['identity wanted as much: less on the way is better', 'gzip, identity', 'gzip'],
  ['identity forbidden', 'gzip;q=0.1, identity;q=0', 'gzip'],
  ['identity forbidden, and nothing else known', 'deflate, identity;q=0', undefined],
  ['unknown ones', 'deflate, compress', undefined],
  ['a weight that is none', 'gzip;q=high', undefined],
  ['a weight above one', 'gzip;q=2', undefined],
  ['too many digits', 'gzip;q=0.1234', undefined],
  ['empty members', ' , gzip,, ', 'gzip'],
];

describe('Accept-Encoding', () => {
  for (const [name, field, coding] of rows) {
    test(name, () => assert.equal(acceptedCoding(field, ALL), coding));
  }
  test('only what is offered', () => assert.equal(acceptedCoding('br, zstd, gzip;q=0.1', ['gzip']), 'gzip'));
});
