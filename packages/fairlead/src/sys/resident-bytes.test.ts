import assert from 'node:assert/strict';
import { execFileSync } from 'node:child_process';
import { test } from 'node:test';
import { residentBytes } from './resident-bytes.ts';

test('resident memory is a number of bytes', () => {
  assert.ok(residentBytes()! > 1024 * 1024);
});

test('without a descriptor left there is no answer, and no exception', { skip: process.platform !== 'linux' }, () => {
  const script = `
    import { openSync } from 'node:fs';
    import { residentBytes } from '${new URL('./resident-bytes.ts', import.meta.url).href}';
    try { for (;;) openSync('/dev/null'); } catch {}
    process.exit(residentBytes() === undefined ? 0 : 3);`;
  const limited = 'ulimit -n 100; exec "$@"';
  execFileSync('sh', ['-c', limited, 'sh', process.execPath, '--input-type=module', '-e', script]);
});
