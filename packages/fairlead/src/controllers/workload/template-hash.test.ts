import assert from 'node:assert/strict';
import { readFileSync } from 'node:fs';
import { test } from 'node:test';
import { dumpQuantity } from './go-quantity.ts';
import { goJson } from './go-text.ts';
import { revisionData, revisionHash, sameTemplate, templateHash } from './template-hash.ts';
import { readHashes } from './testing/template-hashes.ts';

const recorded = readHashes(readFileSync(new URL('./testdata/template-hashes.txt', import.meta.url), 'utf8'));

test('templates made at random have the hashes that Kubernetes gives them', () => {
  assert.ok(recorded.length >= 100);
  for (const { template, collisions, hash, revision } of recorded) {
    const said = JSON.stringify(template);
    assert.equal(templateHash(template, collisions === 0 ? undefined : collisions), hash, said);
    assert.equal(revisionHash(revisionData(template), collisions), revision, said);
  }
});

test('what is empty hashes as what is not there, and the order of keys does not matter', () => {
  const labels = { a: '1', b: '2' };
  const plain = { metadata: { labels }, spec: { containers: [{ name: 'web', image: 'web:1' }] } };
  const same = {
    spec: { containers: [{ image: 'web:1', name: 'web', args: [], env: [], resources: {} }], volumes: [] },
    metadata: { labels: { b: '2', a: '1' }, annotations: {} },
  };
  assert.equal(templateHash(same, undefined), templateHash(plain, undefined));
  assert.equal(goJson(revisionData(same)), goJson(revisionData(plain)));
  assert.notEqual(templateHash(plain, 0), templateHash(plain, undefined));
  assert.notEqual(templateHash(plain, 1), templateHash(plain, 0));
  assert.ok(sameTemplate(plain, { ...plain, metadata: { labels: { ...labels, 'pod-template-hash': 'x' } } }));
});

const nothing = '<nil>';
const quantities: readonly (readonly [
  text: string,
  value: string,
  scale: number,
  dec: string,
  kept: string,
  format: string,
])[] = [
  ['0', '0', 0, nothing, '0', 'DecimalSI'],
  ['100m', '100', -3, nothing, '100m', 'DecimalSI'],
  ['1', '1', 0, nothing, '1', 'DecimalSI'],
  ['-3', '-3', 0, nothing, '-3', 'DecimalSI'],
  ['1000', '1000', 0, nothing, '', 'DecimalSI'],
  ['0.5', '5', -1, nothing, '', 'DecimalSI'],
  ['1e3', '1', 3, nothing, '1e3', 'DecimalExponent'],
  ['250Mi', '262144000', 0, nothing, '250Mi', 'BinarySI'],
  // Divisible by eight: it might be shorter.
  ['256Mi', '268435456', 0, nothing, '', 'BinarySI'],
  [
    '1.5Gi',
    '0',
    0,
    '{unscaled:(big.Int){neg:(bool)false abs:(big.nat)[1610612736000000000]} scale:(inf.Scale)9}',
    '',
    'BinarySI',
  ],
];
for (const [text, value, scale, dec, kept, format] of quantities) {
  test(`quantity ${text} as Go keeps it`, () => {
    const amount = `i:(resource.int64Amount){value:(int64)${value} scale:(resource.Scale)${scale}}`;
    const more = `d:(resource.infDecAmount){Dec:(*inf.Dec)${dec}} s:(string)${kept} Format:(resource.Format)${format}`;
    assert.equal(dumpQuantity(text), `{${amount} ${more}}`);
  });
}
