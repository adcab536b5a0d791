import assert from 'node:assert/strict';
import { mkdtempSync, renameSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { after, test } from 'node:test';
import { openHeaderFile } from './header-file.ts';

const folder = mkdtempSync(join(tmpdir(), 'fairlead-headers-'));
after(() => rmSync(folder, { recursive: true }));
const logs: string[] = [];
/** Replaces a file as a mounted Secret is replaced. */
function write(file: string, text: string): void {
  writeFileSync(`${file}.new`, text);
  renameSync(`${file}.new`, file);
}

test('headers follow their file; what is wrong changes nothing, and is told once', async () => {
  const file = join(folder, 'headers');
  write(file, '# of the collector\nAuthorization: Bearer one\r\n\nX-Scope-OrgID : 7\n');
  const read = await openHeaderFile(file, (level, message, fields) =>
    logs.push(`${level} ${message} ${JSON.stringify(fields)}`),
  );
  const first = { authorization: 'Bearer one', 'x-scope-orgid': '7' };
  assert.deepEqual(await read(), first);
  write(file, 'authorization: Bearer two: and more');
  assert.deepEqual(await read(), { authorization: 'Bearer two: and more' });
  write(file, 'authorization: Bearer three\nsecret without a name');
  assert.deepEqual(await read(), { authorization: 'Bearer two: and more' });
  assert.deepEqual(await read(), { authorization: 'Bearer two: and more' });
  assert.equal(logs.length, 1);
  assert.match(logs[0]!, /line 2 is not NAME: VALUE/);
  assert.doesNotMatch(logs[0]!, /secret/);
  rmSync(file);
  assert.deepEqual(await read(), { authorization: 'Bearer two: and more' });
  write(file, 'x: 4');
  assert.deepEqual(await read(), { x: '4' });
});

test('a file that is not there stops the start', async () => {
  await assert.rejects(
    openHeaderFile(join(folder, 'none'), () => {}),
    { name: 'FatalError' },
  );
});
