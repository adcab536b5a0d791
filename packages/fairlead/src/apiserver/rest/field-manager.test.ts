import assert from 'node:assert/strict';
import { test } from 'node:test';
import type { ApiRequest } from '../server/api-request.ts';
import { StatusError } from '../server/status-error.ts';
import { checkFieldManager, fieldManagerOf, isForced } from './field-manager.ts';

const checks: readonly (readonly [query: string, patch: 'apply' | 'other' | 'none', message: string | undefined])[] = [
  ['', 'none', undefined],
  ['', 'other', undefined],
  ['', 'apply', 'fieldManager: Required value: is required for apply patch'],
  ['fieldManager=one', 'apply', undefined],
  ['fieldManager=one&force=true', 'apply', undefined],
  ['force=false', 'other', 'force: Forbidden: may not be specified for non-apply patch'],
  [`fieldManager=${'x'.repeat(128)}`, 'none', undefined],
  [`fieldManager=${'x'.repeat(129)}`, 'none', 'fieldManager: Too long: may not be more than 128 bytes'],
  [`fieldManager=${'ä'.repeat(65)}`, 'none', 'fieldManager: Too long: may not be more than 128 bytes'],
  ['fieldManager=a%07b', 'none', 'fieldManager: Invalid value: "a\\u0007b": invalid character U+0007 (at position 1)'],
];
for (const [query, patch, message] of checks) {
  test(`field manager of ?${query.slice(0, 40)} for ${patch}`, () => {
    const check = (): void => checkFieldManager(new URLSearchParams(query), 'PatchOptions', patch);
    if (message === undefined) check();
    else
      assert.throws(
        check,
        (error: unknown) =>
          error instanceof StatusError && error.message === `PatchOptions.meta.k8s.io "" is invalid: ${message}`,
      );
  });
}

const names: readonly (readonly [query: string, agent: string | undefined, name: string])[] = [
  ['fieldManager=given', 'kubectl/v1', 'given'],
  ['', 'kubectl/v1.32 (linux/amd64)', 'kubectl'],
  ['', 'curl', 'curl'],
  ['', undefined, ''],
  ['', 'a\u0007b/1', 'ab'],
  ['', `${'ä'.repeat(70)}/1`, 'ä'.repeat(64)],
];
for (const [query, agent, name] of names) {
  test(`a write of ${agent?.slice(0, 20)} with ?${query} belongs to "${name.slice(0, 20)}"`, () => {
    const request = { query: new URLSearchParams(query), headers: { 'user-agent': agent } };
    assert.equal(fieldManagerOf(request as unknown as ApiRequest), name);
  });
}

test('force is what is neither 0 nor false', () => {
  const forced = (query: string): boolean => isForced(new URLSearchParams(query));
  assert.deepEqual(['', 'force=false', 'force=0', 'force=False', 'force=true', 'force=maybe', 'force='].map(forced), [
    false,
    false,
    false,
    false,
    true,
    true,
    true,
  ]);
});
