import assert from 'node:assert/strict';
import { test } from 'node:test';
import type { ConfigMap } from '@fairlead/api';
import { FakeObjects, FakeSecrets } from './fake-secrets.ts';
import { PageTable } from './page-table.ts';

test('pages are read, follow their ConfigMap, and go with it', () => {
  const configMaps = new FakeObjects<ConfigMap>();
  const told: string[] = [];
  const table = new PageTable(
    { secrets: new FakeSecrets(), configMaps },
    () => {},
    (ingress) => told.push(ingress),
  );
  const set = (data: Record<string, string>): void =>
    configMaps.set({
      metadata: { namespace: 'shop', name: 'pages', uid: 'u', resourceVersion: '1', creationTimestamp: '' },
      data,
    });
  const problems = (): string[] => table.problemsOf('shop/web').map(({ reason, message }) => `${reason} ${message}`);
  table.setClaims('shop/web', [{ kind: 'configmap', object: 'shop/pages', field: 'f' }]);
  assert.deepEqual(table.flush(), []);
  assert.deepEqual(problems(), ['ConfigMapNotFound ConfigMap shop/pages does not exist; errors have no pages']);
  set({ '404.html': '<p>', '5xx.json': '{}', 'default.txt': '-', '302.html': '', '404.exe': '', readme: '' });
  assert.deepEqual(table.flush(), [
    [
      'shop/pages',
      {
        key: 'shop/pages',
        pages: [
          { status: '404', contentType: 'text/html; charset=utf-8', text: '<p>' },
          { status: '5xx', contentType: 'application/json', text: '{}' },
          { status: 'default', contentType: 'text/plain; charset=utf-8', text: '-' },
        ],
      },
    ],
  ]);
  assert.deepEqual(
    problems().map((problem) => /key (\S+)/.exec(problem)?.[1]),
    ['302.html', '404.exe', 'readme'],
  );
  assert.ok(told.includes('shop/web'));
  configMaps.delete('shop/pages');
  assert.deepEqual(table.flush(), [['shop/pages', undefined]]);
  table.setClaims('shop/web', []);
  table.flush();
  assert.deepEqual(problems(), []);
  assert.equal(configMaps.needs.size, 0);
  table.stop();
});
