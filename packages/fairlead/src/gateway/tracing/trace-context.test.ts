import assert from 'node:assert/strict';
import { describe, test } from 'node:test';
import { type B3Fields, readB3, readTraceContext } from './trace-context.ts';

const TRACE = '0af7651916cd43dd8448eb211c80319c';
const SPAN = 'b7ad6b7169203331';
const parent = `00-${TRACE}-${SPAN}-01`;
const found = { traceId: TRACE, spanId: SPAN, isSampled: true, traceState: '' };

const parents: readonly (readonly [name: string, field: string | undefined, isSampled: boolean | undefined])[] = [
  ['sampled', parent, true],
  ['not sampled', `00-${TRACE}-${SPAN}-00`, false],
  ['flags of a later level', `00-${TRACE}-${SPAN}-03`, true],
  ['unknown flags only', `00-${TRACE}-${SPAN}-fe`, false],
  ['blanks around', ` ${parent} `, true],
  ['a later version', `01-${TRACE}-${SPAN}-01`, true],
  ['a later version that says more', `cc-${TRACE}-${SPAN}-01-what-it-will`, true],
  ['a later version that says more without a dash', `cc-${TRACE}-${SPAN}-01.what`, undefined],
  ['more than version 00 may say', `${parent}-00`, undefined],
  ['version ff', `ff-${TRACE}-${SPAN}-01`, undefined],
  ['no trace', `00-${'0'.repeat(32)}-${SPAN}-01`, undefined],
  ['no span', `00-${TRACE}-${'0'.repeat(16)}-01`, undefined],
  ['capitals', parent.toUpperCase(), undefined],
  ['a short trace', `00-${TRACE.slice(1)}-${SPAN}-01`, undefined],
  ['a long span', `00-${TRACE}-${SPAN}1-01`, undefined],
  ['short flags', `00-${TRACE}-${SPAN}-1`, undefined],
  ['two fields', `${parent}, ${parent}`, undefined],
  ['what is none', 'yes', undefined],
  ['empty', '', undefined],
  ['absent', undefined, undefined],
];
describe('traceparent', () => {
  for (const [name, field, isSampled] of parents) {
    test(name, () =>
      assert.deepEqual(
        readTraceContext(field, undefined),
        isSampled === undefined ? undefined : { ...found, isSampled },
      ),
    );
  }
});

const members = (count: number): string => Array.from({ length: count }, (_, at) => `k${at}=v`).join(',');
const states: readonly (readonly [name: string, field: string, kept: string])[] = [
  ['one member', 'a=b', 'a=b'],
  ['several, of several fields', 'a=b , c=d', 'a=b,c=d'],
  ['empty members', 'a=b,,c=d, ', 'a=b,c=d'],
  ['a tenant', '0t@vendor=x', '0t@vendor=x'],
  ['blanks and signs within a value', 'a=b c!*', 'a=b c!*'],
  ['32 members', members(32), members(32)],
  ['33 members', members(33), ''],
  ['twice the same', 'a=b,a=c', ''],
  ['a key in capitals', 'A=b', ''],
  ['a key that begins with a digit', '1a=b', ''],
  ['a value with an equals sign', 'a=b=c', ''],
  ['no value', 'a=', ''],
  ['no key', '=b', ''],
  ['no equals sign', 'a', ''],
  ['a long value', `a=${'x'.repeat(257)}`, ''],
  ['the longest value', `a=${'x'.repeat(256)}`, `a=${'x'.repeat(256)}`],
  ['bytes that are no ASCII', 'a=\u00e4', ''],
];
describe('tracestate', () => {
  for (const [name, field, kept] of states) {
    test(name, () => assert.equal(readTraceContext(parent, field)?.traceState, kept));
  }
  test('counts for nothing without a traceparent', () => assert.equal(readTraceContext('x', 'a=b'), undefined));
});

const none: B3Fields = {
  single: undefined,
  traceId: undefined,
  spanId: undefined,
  sampled: undefined,
  flags: undefined,
};
const b3: readonly (readonly [
  name: string,
  fields: Partial<B3Fields>,
  isSampled: boolean | undefined | 'none',
  traceId?: string,
])[] = [
  ['one field', { single: `${TRACE}-${SPAN}-1` }, true],
  ['one field with a parent', { single: `${TRACE}-${SPAN}-0-${SPAN}` }, false],
  ['debugging', { single: `${TRACE}-${SPAN}-d` }, true],
  ['one field that leaves it to us', { single: `${TRACE}-${SPAN}` }, undefined],
  ['only a decision', { single: '0' }, 'none'],
  ['several fields', { traceId: TRACE, spanId: SPAN, sampled: '1' }, true],
  ['several fields, as of old', { traceId: TRACE, spanId: SPAN, sampled: 'false' }, false],
  ['several fields, debugging', { traceId: TRACE, spanId: SPAN, flags: '1' }, true],
  ['several fields that leave it to us', { traceId: TRACE.toUpperCase(), spanId: SPAN }, undefined],
  ['a short trace', { traceId: SPAN, spanId: SPAN, sampled: '1' }, true, SPAN.padStart(32, '0')],
  ['no span', { traceId: TRACE }, 'none'],
  ['zeros', { traceId: '0'.repeat(16), spanId: SPAN }, 'none'],
  ['what is none', { single: 'yes' }, 'none'],
];
describe('B3', () => {
  for (const [name, fields, isSampled, traceId = TRACE] of b3) {
    test(name, () => {
      const expected = isSampled === 'none' ? undefined : { ...found, traceId, isSampled };
      assert.deepEqual(readB3({ ...none, ...fields }), expected);
    });
  }
});
