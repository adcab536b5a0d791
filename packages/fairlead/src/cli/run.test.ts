import assert from 'node:assert/strict';
import { test } from 'node:test';
import { pods } from '@fairlead/api';
import { FakeApi } from '@fairlead/client/fake-api';
import { localPod, runCommand } from './run.ts';

const base = { name: 'web', labels: [], command: ['python3', '-m', 'http.server'], workingDir: '/srv' };

test('a local process is a Pod with a command, a label and a probe of its port', () => {
  const pod = localPod({ ...base, labels: ['tier=front', 'app=site'], port: 8000 });
  assert.deepEqual(pod.metadata?.labels, { app: 'site', tier: 'front' });
  const [container] = pod.spec?.containers ?? [];
  assert.deepEqual(container?.command, base.command);
  assert.equal(container?.workingDir, '/srv');
  assert.deepEqual(container?.readinessProbe?.tcpSocket, { port: 8000 });
});

test('without a port there is no probe', () => {
  const [container] = localPod(base).spec?.containers ?? [];
  assert.equal(container?.readinessProbe, undefined);
});

test('wrong labels and a missing command are the user’s mistakes', () => {
  assert.throws(() => localPod({ ...base, labels: ['tier'] }), { name: 'UsageError' });
  assert.throws(() => localPod({ ...base, command: [] }), { name: 'UsageError' });
});

test('the Pod is created in its namespace', async () => {
  const api = new FakeApi();
  const lines: string[] = [];
  await runCommand(api, { ...base, namespace: 'default' }, (line) => lines.push(line));
  assert.deepEqual(lines, ['pod/web created']);
  assert.equal((await api.get(pods, { namespace: 'default', name: 'web' })).metadata.labels?.app, 'web');
});
