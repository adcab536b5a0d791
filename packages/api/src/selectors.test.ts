import assert from 'node:assert/strict';
import { test } from 'node:test';
import fc from 'fast-check';
import {
  configKeyErrors,
  dns1123LabelErrors,
  fieldText,
  formatLabelSelector,
  formatRequirements,
  isDns1035Label,
  isDns1123Label,
  isDns1123Subdomain,
  isQualifiedName,
  labelValueErrors,
  matchesFields,
  matchesLabels,
  parseFieldSelector,
  parseLabelSelector,
  portNameErrors,
  requirementsOfSelector,
  selectorMatches,
} from './index.ts';

const labels = { app: 'web', tier: 'front', n: '5', empty: '' };
const rows: readonly (readonly [string, boolean])[] = [
  ['', true],
  ['app=web', true],
  ['app==web', true],
  ['app=db', false],
  ['app!=db', true],
  ['absent!=x', true],
  ['app!=web', false],
  ['app', true],
  ['absent', false],
  ['!absent', true],
  ['!app', false],
  ['app in (web,db)', true],
  ['app in (db)', false],
  ['app notin (db)', true],
  ['absent notin (db)', true],
  ['app notin (web,db)', false],
  ['app=web,tier=front', true],
  ['app=web, tier=back', false],
  ['n>4', true],
  ['n>5', false],
  ['n<6', true],
  ['app>1', false],
  ['empty=', true],
  ['app=', false],
  ['empty in ()', true],
  ['app in (,web)', true],
];
for (const [text, expected] of rows) {
  test(`label selector ${JSON.stringify(text)}`, () => {
    const parsed = parseLabelSelector(text);
    assert.ok(parsed.ok, 'error' in parsed ? parsed.error : '');
    assert.equal(matchesLabels(parsed.requirements, labels), expected);
    assert.deepEqual(parseLabelSelector(formatRequirements(parsed.requirements)).ok, true);
  });
}

test('malformed label selectors are refused', () => {
  for (const text of [
    '=x',
    'a in',
    'a in (',
    'a in (b',
    'a=b c',
    'a b',
    ',',
    'a,,b',
    'a=b,',
    'a>x',
    'bad key!=1',
    'a=-x',
    '!',
    'a in b',
    '!a=b',
  ]) {
    assert.equal(parseLabelSelector(text).ok, false, text);
  }
});

test('label selector: text form round-trips', () => {
  const name = fc.stringMatching(/^[a-z][a-z0-9]{0,5}$/).filter((text) => text !== 'in' && text !== 'notin');
  const requirement = fc.oneof(
    fc.record({
      key: name,
      operator: fc.constantFrom('in' as const, 'notin' as const),
      values: fc.uniqueArray(name, { minLength: 1, maxLength: 3 }).map((list) => list.sort()),
    }),
    fc.record({ key: name, operator: fc.constantFrom('exists' as const, 'absent' as const), values: fc.constant([]) }),
  );
  const list = fc
    .uniqueArray(requirement, { maxLength: 4, selector: (item) => item.key })
    .map((items) => items.sort((a, b) => (a.key < b.key ? -1 : 1)));
  fc.assert(
    fc.property(list, (requirements) =>
      assert.equal(
        JSON.stringify(parseLabelSelector(formatRequirements(requirements))),
        JSON.stringify({ ok: true, requirements }),
      ),
    ),
  );
});

test('object selectors', () => {
  assert.equal(selectorMatches({}, labels), true);
  assert.equal(selectorMatches(undefined, labels), false);
  assert.equal(
    selectorMatches(
      {
        matchLabels: { app: 'web' },
        matchExpressions: [
          { key: 'tier', operator: 'NotIn', values: ['back'] },
          { key: 'x', operator: 'DoesNotExist' },
        ],
      },
      labels,
    ),
    true,
  );
  assert.equal(requirementsOfSelector({ matchExpressions: [{ key: 'a', operator: 'In' }] }).ok, false);
  assert.equal(requirementsOfSelector({ matchExpressions: [{ key: 'a', operator: 'Nope' as 'In' }] }).ok, false);
  assert.equal(
    formatLabelSelector({
      matchLabels: { b: '1', a: '2' },
      matchExpressions: [{ key: 'c', operator: 'In', values: ['y', 'x'] }],
    }),
    'a=2,b=1,c in (x,y)',
  );
  assert.equal(selectorMatches({ matchLabels: { constructor: 'x' } }, labels), false);
});

test('field selectors', () => {
  const object = { metadata: { name: 'a,b' }, spec: { type: 'X', on: true } };
  const parsed = parseFieldSelector('metadata.name=a\\,b,spec.type!=Y,spec.none=,spec.on==true');
  assert.ok(parsed.ok);
  assert.equal(
    matchesFields(parsed.requirements, (field) => fieldText(object, field)),
    true,
  );
  for (const bad of ['a', 'a=b=c', 'a=\\x', 'a=b,c']) assert.equal(parseFieldSelector(bad).ok, false, bad);
  assert.equal(fieldText({}, 'constructor.name'), undefined);
});

test('names', () => {
  assert.ok(
    isDns1123Label('a-1') &&
      isDns1123Label('1a') &&
      !isDns1123Label('A') &&
      !isDns1123Label('-a') &&
      !isDns1123Label('a'.repeat(64)),
  );
  assert.ok(isDns1035Label('a-1') && !isDns1035Label('1a'));
  assert.ok(isDns1123Subdomain('a.b-c.d') && !isDns1123Subdomain('a..b') && !isDns1123Subdomain('a.'));
  assert.ok(
    isQualifiedName('example.com/My.Name_1') &&
      !isQualifiedName('/x') &&
      !isQualifiedName('a/b/c') &&
      !isQualifiedName('x/'),
  );
  assert.deepEqual(dns1123LabelErrors('a'.repeat(64)), ['must be no more than 63 characters']);
  assert.deepEqual(labelValueErrors(''), []);
  assert.deepEqual(configKeyErrors('..a'), ["must not start with '..'"]);
  assert.deepEqual(portNameErrors('bad_port_name'), [
    'must contain only alpha-numeric characters (a-z, 0-9), and hyphens (-)',
  ]);
  assert.deepEqual(portNameErrors('123'), ['must contain at least one letter (a-z)']);
});

test('every string is parsed or refused, never thrown on', () => {
  fc.assert(
    fc.property(fc.string(), (text) => {
      parseLabelSelector(text);
      parseFieldSelector(text);
    }),
  );
});
