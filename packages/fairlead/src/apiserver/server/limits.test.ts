import assert from 'node:assert/strict';
import { mkdtempSync, readFileSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { test } from 'node:test';
import { ApiError } from '@fairlead/client';
import { defaultAuditPolicy } from '../audit/audit-policy.ts';
import { noRotation } from '../audit/rotating-file.ts';
import { startTestServer } from '../testing/test-server.ts';

test('limits, audit lines and both forms of an Event on a running server', async () => {
  const dataDir = mkdtempSync(join(tmpdir(), 'fairlead-limits-'));
  const auditLogFile = join(dataDir, 'audit.log');
  const server = await startTestServer({
    dataDir,
    audit: { file: auditLogFile, policy: defaultAuditPolicy, rotation: noRotation },
    fairness: { places: 1, queueTimeoutMs: 1 },
  });
  try {
    const client = server.client();
    const event = {
      metadata: { name: 'e', namespace: 'default' },
      involvedObject: { kind: 'Pod', namespace: 'default', name: 'p' },
      reason: 'Seen',
      message: 'text',
      type: 'Normal',
    };
    await client.request('POST', '/api/v1/namespaces/default/events', event);
    const root = '/apis/events.k8s.io/v1/namespaces/default/events';
    const newer = (await client.request('GET', `${root}/e`)) as Record<string, unknown>;
    assert.partialDeepStrictEqual(newer, {
      apiVersion: 'events.k8s.io/v1',
      note: 'text',
      regarding: { kind: 'Pod', name: 'p' },
    });
    const merge = { 'content-type': 'application/merge-patch+json' };
    const series = { count: 2, lastObservedTime: '2026-01-01T00:00:00.000000Z' };
    await client.request('PATCH', `${root}/e`, { series }, merge);
    const core = (await client.request('GET', '/api/v1/namespaces/default/events/e')) as Record<string, unknown>;
    assert.deepEqual(core.series, series);
    const { managedFields = [] } = core.metadata as { managedFields?: { apiVersion: string; fieldsV1: object }[] };
    assert.deepEqual(
      managedFields.filter(({ apiVersion }) => apiVersion !== 'v1').map(({ fieldsV1 }) => fieldsV1),
      [{ 'f:series': { '.': {}, 'f:count': {}, 'f:lastObservedTime': {} } }],
    );
    await assert.rejects(
      client.request('PATCH', `${root}/e`, { note: 'other' }, merge),
      (error) =>
        error instanceof ApiError && error.message.includes('message: Invalid value: "other": field is immutable'),
    );
    for (const [selector, count] of [
      ['regarding.name=p', 1],
      ['regarding.name=q', 0],
    ] as const) {
      const list = (await client.request('GET', `${root}?fieldSelector=${selector}`)) as { items: unknown[] };
      assert.equal(list.items.length, count, selector);
    }
    await assert.rejects(
      client.request('POST', root, { metadata: { name: 'f' }, regarding: { kind: 'Pod', namespace: 'default' } }),
      (error) => error instanceof ApiError && error.code === 422 && error.message.includes('eventTime'),
    );
    // Without a place for ordinary users, administrators and health checks still get through.
    await client.request('POST', '/apis/rbac.authorization.k8s.io/v1/clusterrolebindings', {
      metadata: { name: 'eve' },
      roleRef: { kind: 'ClusterRole', name: 'view' },
      subjects: [{ kind: 'User', name: 'eve' }],
    });
    // Waits for a version that does not come, and so keeps the one place of its level.
    const waiting = client.request('GET', '/api/v1/services?resourceVersion=99999999', undefined, {
      'impersonate-user': 'eve',
    });
    waiting.catch(() => {});
    const refused = await fetchWithoutCertificate(server.url, server.ca, '/version');
    assert.equal(refused.code, 429);
    assert.equal(refused.retryAfter, '1');
    assert.match(refused.auditId, /^[0-9a-f-]{36}$/);
    assert.equal((await fetchWithoutCertificate(server.url, server.ca, '/readyz')).code, 200);
    await client.request('GET', '/api/v1/services');
    await assert.rejects(waiting, (error) => error instanceof ApiError && error.code === 504);
  } finally {
    await server.stop();
  }
  const lines = readFileSync(auditLogFile, 'utf8').trim().split('\n');
  const events = lines.map((line) => JSON.parse(line) as Record<string, unknown>);
  const wanted = [
    { verb: 'create', objectRef: { resource: 'events', namespace: 'default' }, responseStatus: { code: 201 } },
    { verb: 'patch', objectRef: { resource: 'events', name: 'e', apiGroup: 'events.k8s.io' } },
    { verb: 'get', requestURI: '/version', user: { username: 'system:anonymous' }, responseStatus: { code: 429 } },
  ];
  for (const part of wanted) {
    assert.ok(
      events.some((event) => {
        try {
          assert.partialDeepStrictEqual(event, part);
          return true;
        } catch {
          return false;
        }
      }),
      JSON.stringify(part),
    );
  }
  rmSync(dataDir, { recursive: true });
});

async function fetchWithoutCertificate(
  url: string,
  ca: string,
  path: string,
): Promise<{ readonly code: number; readonly retryAfter: string; readonly auditId: string }> {
  const { request } = await import('node:https');
  return new Promise((resolve, reject) => {
    const sent = request(url + path, { ca, agent: false }, (response) => {
      response.resume();
      const header = (name: string): string => String(response.headers[name] ?? '');
      resolve({ code: response.statusCode ?? 0, retryAfter: header('retry-after'), auditId: header('audit-id') });
    });
    sent.on('error', reject);
    sent.end();
  });
}
