import assert from 'node:assert/strict';
import { test } from 'node:test';
import { StatusError } from '../server/status-error.ts';
import { readApplyBody } from './apply-body.ts';

const read = (text: string): ReturnType<typeof readApplyBody> => readApplyBody(Buffer.from(text));

const bodies: readonly (readonly [name: string, text: string, config: object, duplicates: string | undefined])[] = [
  ['JSON', '{"kind":"A","a":1}', { kind: 'A', a: 1 }, undefined],
  ['YAML', 'kind: A\nlist: [1, "2"]\n', { kind: 'A', list: [1, '2'] }, undefined],
  ['a flow mapping that is no JSON', '{a: {b: c}}', { a: { b: 'c' } }, undefined],
  [
    'times stay texts',
    'a: 2026-01-01T00:00:00Z\nb: 2026-01-01\n',
    { a: '2026-01-01T00:00:00Z', b: '2026-01-01' },
    undefined,
  ],
  ['yes is a boolean in YAML 1.1', 'a: yes\n', { a: true }, undefined],
  ['null', 'a: null\nb: ~\n', { a: null, b: null }, undefined],
  ['anchors', 'a: &x {b: 1}\nc: *x\n', { a: { b: 1 }, c: { b: 1 } }, undefined],
  ['nothing', '', {}, undefined],
  [
    'a key twice',
    'a: 1\nb: 2\na: 3\n',
    { a: 3, b: 2 },
    'error converting YAML to JSON: yaml: unmarshal errors:\n  line 3: key "a" already set in map',
  ],
  [
    'a key twice in JSON',
    '{"x":{"a":1,"a":2}}',
    { x: { a: 2 } },
    'error converting YAML to JSON: yaml: unmarshal errors:\n  line 1: key "a" already set in map',
  ],
];
for (const [name, text, config, duplicates] of bodies) {
  test(`body of an apply: ${name}`, () => {
    const body = read(text);
    assert.deepEqual(body.config, config);
    assert.equal(body.duplicates, duplicates);
  });
}

const refused: readonly (readonly [name: string, text: string, message: string])[] = [
  [
    'a mapping within a line',
    'a: b: c',
    'error decoding YAML: error converting YAML to JSON: yaml: mapping values are not allowed in this context',
  ],
  [
    'the same, further down',
    'x: 1\na: b: c',
    'error decoding YAML: error converting YAML to JSON: yaml: line 2: mapping values are not allowed in this context',
  ],
  [
    'JSON nested too deeply',
    `${'{"a":'.repeat(600)}1${'}'.repeat(600)}`,
    'error decoding YAML: error converting YAML to JSON: exceeded max depth',
  ],
  [
    'a list',
    '[1]',
    'error decoding YAML: error unmarshaling JSON: while decoding JSON: json: cannot unmarshal array into Go value of type map[string]interface {}',
  ],
  [
    'a text',
    'hello',
    'error decoding YAML: error unmarshaling JSON: while decoding JSON: json: cannot unmarshal string into Go value of type map[string]interface {}',
  ],
];
for (const [name, text, message] of refused) {
  test(`no body of an apply: ${name}`, () => {
    assert.throws(
      () => read(text),
      (error: unknown) => error instanceof StatusError && error.status.code === 400 && error.message === message,
    );
  });
}

test('no body of an apply: anchors that multiply, contain themselves, or are not there', () => {
  const levels = Array.from({ length: 12 }, (_, level) =>
    level === 0
      ? 'a0: &a0 [x]'
      : `a${level}: &a${level} [${Array(9)
          .fill(`*a${level - 1}`)
          .join(', ')}]`,
  );
  for (const text of [levels.join('\n'), 'a: &a [*a]', 'a: *nowhere'])
    assert.throws(() => read(text), StatusError, text);
});

test('many keys cost little, also where the text is no JSON after all', () => {
  const { config, duplicates } = read(`{"a": 1, ${'"b": "{[", '.repeat(20_000)}c: x}`);
  assert.deepEqual(config, { a: 1, b: '{[', c: 'x' });
  assert.equal(duplicates?.split('\n').length, 20_000);
});
