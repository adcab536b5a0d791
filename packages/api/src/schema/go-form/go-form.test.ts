import assert from 'node:assert/strict';
import { test } from 'node:test';
import { goDifference } from './go-form.ts';
import { goStructs } from './go-structs.ts';

test('every struct that is named is there', () => {
  const words = Object.values(goStructs).flatMap((fields) => fields.split(' '));
  const forms = words.map((word) => word.replace(/^\+|^.*:/, '').replace(/^[*[\]{}]+/, ''));
  const missing = forms.filter((form) => !(form in goStructs) && !/^[snbBQIT]$/.test(form));
  assert.deepEqual(missing, []);
});

test('names, order and escapes are those of a server', () => {
  const condition = { type: 'Approved', status: 'True', message: 'a < b & "c"' };
  assert.equal(
    goDifference('[]CertificateSigningRequestCondition', [condition], [{ ...condition, reason: 'R' }]),
    [
      '@@ -2,7 +2,7 @@',
      '  {',
      '   "Type": "Approved",',
      '   "Status": "True",',
      '-  "Reason": "",',
      '+  "Reason": "R",',
      '   "Message": "a \\u003c b \\u0026 \\"c\\"",',
      '   "LastUpdateTime": null,',
      '   "LastTransitionTime": null',
      '',
    ].join('\n'),
  );
});

test('what is not set shows as null, empty or left out, by the form of the field', () => {
  const claim = { resources: { requests: { storage: '1Gi' } }, selector: { matchLabels: { b: '1', a: '2' } } };
  const changed = {
    ...claim,
    accessModes: ['ReadWriteOnce'],
    selector: { matchLabels: {}, matchExpressions: [{ key: 'k' }] },
  };
  assert.equal(
    goDifference('PersistentVolumeClaimSpec', claim, changed),
    [
      '@@ -1,10 +1,14 @@',
      ' {',
      '- "AccessModes": null,',
      '+ "AccessModes": [',
      '+  "ReadWriteOnce"',
      '+ ],',
      '  "Selector": {',
      '-  "matchLabels": {',
      '-   "a": "2",',
      '-   "b": "1"',
      '-  }',
      '+  "matchExpressions": [',
      '+   {',
      '+    "key": "k",',
      '+    "operator": ""',
      '+   }',
      '+  ]',
      '  },',
      '  "Resources": {',
      '   "Limits": null,',
      '',
    ].join('\n'),
  );
});
