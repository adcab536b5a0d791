import assert from 'node:assert/strict';
import { test } from 'node:test';
import { readApiAccess } from './api-access-settings.ts';
import { SettingReader } from './settings.ts';

const rows: readonly {
  readonly text: string | undefined;
  readonly servers: readonly string[];
  readonly problems: number;
}[] = [
  { text: undefined, servers: [], problems: 0 },
  { text: '10.0.0.1:6443', servers: ['https://10.0.0.1:6443'], problems: 0 },
  { text: 'https://a:1, [fd00::1]:2,', servers: ['https://a:1', 'https://[fd00::1]:2'], problems: 0 },
  { text: 'a:1,https://b/path,ftp://c', servers: ['https://a:1', 'https://b/path', 'ftp://c'], problems: 2 },
  { text: 'not an address', servers: ['https://not an address'], problems: 1 },
];

for (const { text, servers, problems } of rows) {
  test(`--api-servers ${text ?? '(absent)'}`, () => {
    const reader = new SettingReader({ kubeconfig: 'k', ...(text === undefined ? {} : { 'api-servers': text }) });
    assert.deepEqual(readApiAccess(reader), { kubeconfig: 'k', apiServers: servers });
    assert.equal(reader.problems.length, problems, reader.problems.join());
  });
}
