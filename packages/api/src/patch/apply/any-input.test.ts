import assert from 'node:assert/strict';
import { test } from 'node:test';
import fc from 'fast-check';
import { decodeObject } from '../../schema/decode.ts';
import { applyPatch } from './apply-patch.ts';
import { parseFieldSet } from './field-set.ts';
import { managedType } from './managed-type.ts';
import { structureOfOpenApi } from './openapi-structure.ts';
import { trackUpdate } from './track-update.ts';

type Json = Record<string, unknown>;

/** Objects that look like Services in some places and like nothing at all in others. */
const name = fc.constantFrom(
  'metadata',
  'spec',
  'status',
  'ports',
  'port',
  'labels',
  'finalizers',
  '__proto__',
  'toString',
);
const { value } = fc.letrec<{ value: unknown }>((tie) => ({
  value: fc.oneof(
    { maxDepth: 5, withCrossShrink: true },
    fc.constantFrom(null, 0, 1.5, '', 'x', true),
    fc.array(tie('value'), { maxLength: 3 }),
    fc.dictionary(name, tie('value'), { maxKeys: 4, noNullPrototype: true }),
  ),
}));
const anyObject = fc.dictionary(name, value, { maxKeys: 4, noNullPrototype: true }) as fc.Arbitrary<Json>;

const write = {
  apiVersion: 'v1',
  subresource: '',
  time: '2026-01-01T00:00:00Z',
  manager: 'm',
  resetFields: { 'f:status': {} },
};
const types = {
  'the schema of a Service': managedType('core.v1.Service'),
  'no schema': { structure: structureOfOpenApi(undefined), emptyObject: {} },
};

for (const [label, type] of Object.entries(types)) {
  test(`any configuration is applied or refused, never a fault: ${label}`, () => {
    fc.assert(
      fc.property(anyObject, anyObject, fc.boolean(), (first, second, force) => {
        const gvk = { apiVersion: 'v1', kind: 'Service' };
        const created = applyPatch({ ...write, ...gvk, type, live: undefined, config: { ...first, ...gvk }, force });
        if (!created.ok) return;
        const { metadata, ...rest } = created.object;
        const live = { ...rest, metadata: { ...(metadata as Json | undefined), managedFields: created.managedFields } };
        const outcome = applyPatch({
          ...write,
          ...gvk,
          type,
          live,
          config: { ...second, ...gvk },
          force,
          manager: 'n',
        });
        assert.ok(outcome.ok || outcome.message !== '');
        assert.equal(({} as Json).spec, undefined);
      }),
    );
  });
}

test('any two objects are tracked, and the entries can be read again', () => {
  fc.assert(
    fc.property(anyObject, anyObject, value, (left, right, entries) => {
      const type = types['no schema'];
      const created = trackUpdate({ ...write, type, before: undefined, after: left, liveEntries: undefined });
      const givenEntries = Array.isArray(entries) ? (entries as unknown[]) : undefined;
      const changed = trackUpdate({
        ...write,
        type,
        before: left,
        after: right,
        liveEntries: created,
        givenEntries,
        manager: 'n',
      });
      for (const entry of changed ?? []) assert.ok(parseFieldSet((entry as Json).fieldsV1) !== undefined);
    }),
  );
});

test('decoded objects of a kind are tracked whatever was sent', () => {
  fc.assert(
    fc.property(anyObject, anyObject, (left, right) => {
      const type = types['the schema of a Service'];
      const before = decodeObject('core.v1.Service', left).object;
      const after = decodeObject('core.v1.Service', right).object;
      const created = trackUpdate({ ...write, type, before: undefined, after: before, liveEntries: undefined });
      trackUpdate({ ...write, type, before, after, liveEntries: created, manager: 'n' });
    }),
  );
});
