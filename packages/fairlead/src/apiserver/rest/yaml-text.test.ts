import assert from 'node:assert/strict';
import { describe, test } from 'node:test';
import { readYaml } from './yaml-text.ts';

/** Texts of sigs.k8s.io/yaml 1.6 for the same bytes. */
const faults: readonly [text: string, error: string][] = [
  ['a: b: c\n', 'mapping values are not allowed in this context'],
  ['x: 1\na: b: c\n', 'line 2: mapping values are not allowed in this context'],
  ['a: 1\n  b: 2\n', 'line 2: mapping values are not allowed in this context'],
  ['a:\n- b\n c: d\n', 'line 3: mapping values are not allowed in this context'],
  ['key\nother: 1\n', 'line 2: mapping values are not allowed in this context'],
  ['metadata:\n\tname: x\n', 'line 2: found character that cannot start any token'],
  ['@x\n', 'found character that cannot start any token'],
  ['`x\n', 'found character that cannot start any token'],
  ['a: "\\q"\n', 'found unknown escape character'],
  ['metadata: [1\n', "line 1: did not find expected ',' or ']'"],
  ['{a: 1\n', "line 1: did not find expected ',' or '}'"],
  ['metadata: "x\n', 'line 2: found unexpected end of stream'],
  ["a: 'x\n", 'line 2: found unexpected end of stream'],
  ['metadata:\n  name: x\n bad: y\n', 'line 2: did not find expected key'],
  ['- a\nb: c\n', "line 1: did not find expected '-' indicator"],
  ['a: |\n x\ny\n', "line 4: could not find expected ':'"],
  ['a: }\n', 'did not find expected node content'],
  ['%\n', 'could not find expected directive name'],
  ['a: *unknown\n', "unknown anchor 'unknown' referenced"],
  ['a: &a\n  b: *a\n', "anchor 'a' value contains itself"],
  ['a\u0000: 1', 'control characters are not allowed'],
  ['[a]: b\n', 'invalid map key: []interface {}{"a"}'],
  ['a: {{ .Values.x }}\n', 'invalid map key: map[interface {}]interface {}{".Values.x":interface {}(nil)}'],
];

const values: readonly [text: string, value: unknown][] = [
  ['---\na: 1\n---\nb: 2\n', { a: 1 }],
  ['  a: 1\nb: 2\n', { a: 1 }],
  ['a: b\na: c\n', { a: 'c' }],
  ['1: a\ntrue: b\n1.5: c\n', { 1: 'a', 1.5: 'c', true: 'b' }],
  ['a: 012\nb: 1_000\nc: yes\nd: 0x1f\ne: 1e3\n', { a: 10, b: 1000, c: true, d: 31, e: 1000 }],
  ['a: &x {b: 1}\nc: *x\n', { a: { b: 1 }, c: { b: 1 } }],
  ['', null],
];

describe('YAML as Go reads it', () => {
  for (const [text, error] of faults) {
    test(`${JSON.stringify(text)}: ${error}`, () => {
      assert.deepEqual(readYaml(text), { ok: false, error: `yaml: ${error}` });
    });
  }
  for (const [text, value] of values) {
    test(`${JSON.stringify(text)} is ${JSON.stringify(value)}`, () => {
      const read = readYaml(text);
      assert.ok(read.ok, JSON.stringify(read));
      assert.deepEqual(read.value, value);
    });
  }
});
