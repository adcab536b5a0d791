import assert from 'node:assert/strict';
import { describe, test } from 'node:test';
import { StatusError } from '../server/status-error.ts';
import { deleteOptions } from './delete-options.ts';
import type { RestRequest } from './rest-context.ts';

function read(query: string, body: string): ReturnType<typeof deleteOptions> {
  const request = { query: new URLSearchParams(query), body: Buffer.from(body), headers: {} };
  return deleteOptions({ request, warnings: [] } as unknown as RestRequest);
}

const none = {
  graceSeconds: undefined,
  propagation: undefined,
  uid: undefined,
  resourceVersion: undefined,
  dryRun: false,
};

const rows: readonly [what: string, query: string, body: string, expected: Partial<ReturnType<typeof read>>][] = [
  ['nothing', '', '', {}],
  [
    'a query',
    'dryRun=All&gracePeriodSeconds=5&propagationPolicy=Orphan',
    '',
    { dryRun: true, graceSeconds: 5, propagation: 'Orphan' },
  ],
  ['a body', '', '{"dryRun":["All"],"gracePeriodSeconds":5}', { dryRun: true, graceSeconds: 5 }],
  ['a body keeps the query out', 'dryRun=All&gracePeriodSeconds=5&propagationPolicy=Orphan', '{}', {}],
  ['dependents orphaned by a query', 'orphanDependents=1', '', { propagation: 'Orphan' }],
  ['dependents not orphaned by a query', 'orphanDependents=False', '', { propagation: 'Background' }],
  [
    'preconditions of a body',
    '',
    '{"preconditions":{"uid":"u","resourceVersion":"7"}}',
    { uid: 'u', resourceVersion: '7' },
  ],
  ['preconditions are no part of a query', 'preconditions.uid=u', '', {}],
];

const faults: readonly [what: string, query: string, body: string, code: number, text: RegExp][] = [
  [
    'a grace period that is no number',
    'gracePeriodSeconds=1e3',
    '',
    400,
    /^strconv.ParseInt: parsing "1e3": invalid syntax$/,
  ],
  [
    'a dry run of some kind, in a query',
    'dryRun=Some',
    '',
    422,
    /dryRun: Unsupported value: \["Some"\]: supported values: "All"/,
  ],
  ['a dry run of some kind, in a body', '', '{"dryRun":["Some"]}', 422, /dryRun: Unsupported value: \["Some"\]/],
  ['two policies, in a query', 'orphanDependents=true&propagationPolicy=Orphan', '', 422, /cannot be both set/],
  ['two policies, in a body', '', '{"orphanDependents":true,"propagationPolicy":"Orphan"}', 422, /cannot be both set/],
  ['an unknown policy', 'propagationPolicy=Bad', '', 422, /Unsupported value: "Bad"/],
];

describe('options of a deletion', () => {
  for (const [what, query, body, expected] of rows) {
    test(what, () => assert.deepEqual(read(query, body), { ...none, ...expected }));
  }
  for (const [what, query, body, code, text] of faults) {
    test(`${what} is refused`, () => {
      assert.throws(
        () => read(query, body),
        (error) => error instanceof StatusError && error.status.code === code && text.test(error.message),
      );
    });
  }
});
