import assert from 'node:assert/strict';
import { mkdtempSync, readdirSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { describe, test } from 'node:test';
import { systemClock } from '../../sys/clock.ts';
import { startTestServer } from '../testing/test-server.ts';
import { auditDecision, parseAuditPolicy, readAuditPolicy } from './audit-policy.ts';
import { noRotation, RotatingFile } from './rotating-file.ts';

const policyText = `
apiVersion: audit.k8s.io/v1
kind: Policy
omitStages: [RequestReceived]
rules:
- level: None
  users: [system:kube-proxy]
  verbs: [watch]
  resources: [{group: "", resources: [endpoints, services]}]
- level: None
  nonResourceURLs: ["/healthz*", /version]
- level: Metadata
  resources: [{group: "", resources: [secrets, configmaps]}]
- level: RequestResponse
  namespaces: [default]
  omitManagedFields: true
  resources: [{group: "", resources: [services, "pods/*"]}]
- level: Request
  userGroups: ["system:nodes"]
  resources: [{group: "", resources: ["*/status"]}, {group: apps}]
- level: Metadata
  resources: [{group: "", resources: [pods], resourceNames: [known]}]
`;

describe('audit policy', () => {
  const parsed = parseAuditPolicy(policyText);
  assert.ok(parsed.ok);
  const { policy } = parsed;
  const at = (resource: string, subresource = '', group = '', namespace = 'default', name = '', verb = 'get') =>
    ({ kind: 'resource', verb, group, version: 'v1', resource, subresource, namespace, name }) as const;
  const rows: readonly [string, string, string[], Parameters<typeof auditDecision>[2], string][] = [
    ['a user, verb and resource', 'system:kube-proxy', [], at('services', '', '', '', '', 'watch'), 'None'],
    [
      'another verb of the same',
      'system:kube-proxy',
      [],
      at('services', '', '', 'default', '', 'list'),
      'RequestResponse',
    ],
    ['a path by prefix', 'a', [], { kind: 'path', verb: 'get', path: '/healthz/etcd' }, 'None'],
    ['a path by name', 'a', [], { kind: 'path', verb: 'get', path: '/version' }, 'None'],
    ['a path of no rule', 'a', [], { kind: 'path', verb: 'get', path: '/metrics' }, 'None'],
    ['a resource', 'a', [], at('secrets'), 'Metadata'],
    ['a subresource that is not named', 'a', [], at('secrets', 'x'), 'None'],
    ['any subresource of a resource', 'a', [], at('pods', 'exec'), 'RequestResponse'],
    ['the resource itself is not its subresources', 'a', [], at('pods'), 'None'],
    ['a namespace that is not named', 'a', [], at('services', '', '', 'other'), 'None'],
    [
      'a subresource of any resource by group of users',
      'n',
      ['system:nodes'],
      at('nodes', 'status', '', ''),
      'Request',
    ],
    ['a whole API group', 'n', ['system:nodes'], at('deployments', '', 'apps'), 'Request'],
    ['an object by name', 'a', [], at('pods', '', '', 'other', 'known'), 'Metadata'],
    ['an object of another name', 'a', [], at('pods', '', '', 'other', 'unknown'), 'None'],
  ];
  for (const [name, user, groups, wanted, level] of rows) {
    test(name, () => assert.equal(auditDecision(policy, { name: user, groups }, wanted).level, level));
  }

  test('every mistake is named with its place', () => {
    const wrong = parseAuditPolicy(`
apiVersion: audit.k8s.io/v1
kind: Policy
omitStages: [Never]
colour: red
rules:
- level: All
- level: Metadata
  nonResourceURLs: [healthz, "/a*b"]
  resources: [{group: apps/v1, resourceNames: [x]}]
`);
    assert.deepEqual(wrong.ok ? [] : wrong.problems, [
      'colour: unknown field',
      'omitStages[0]: must be one of RequestReceived, ResponseStarted, ResponseComplete, Panic',
      'rules[0].level: must be one of None, Metadata, Request, RequestResponse',
      'rules[1].resources[0].resourceNames: using resourceNames requires at least one resource',
      'rules[1].resources[0].group: must be a group without its version',
      'rules[1].nonResourceURLs: rules cannot apply to both regular resources and non-resource URLs',
      'rules[1].nonResourceURLs[0]: must start with a slash, or be an asterisk',
      'rules[1].nonResourceURLs[1]: an asterisk is allowed at the end only',
    ]);
    for (const text of ['', 'kind: Policy', 'a: [', '[]', 'apiVersion: audit.k8s.io/v1\nkind: Policy\n']) {
      assert.equal(parseAuditPolicy(text).ok, false, text);
    }
    assert.equal(readAuditPolicy('/nowhere/policy.yaml').ok, false);
  });
});

test('a full file is put aside; as many as wanted are kept, none too old', async () => {
  const folder = mkdtempSync(join(tmpdir(), 'fairlead-rotate-'));
  try {
    let now = Date.UTC(2026, 0, 1);
    const clock = { ...systemClock, now: () => now };
    const file = join(folder, 'audit.log');
    const errors: Error[] = [];
    writeFileSync(join(folder, 'audit-other.log'), 'not ours');
    writeFileSync(join(folder, 'audit-2025-01-01T00-00-00.000.log'), 'too old');
    const rotation = { maxBytes: 30, backups: 2, maxAgeMs: 86_400_000 };
    for (let round = 0; round < 5; round++) {
      // Reopened each round, so that the size of an existing file counts too.
      const rotating = new RotatingFile(file, rotation, clock, (error) => errors.push(error));
      now += 1000;
      assert.ok(rotating.write(`${String(round).repeat(19)}\n`));
      await rotating.close();
    }
    const kept = ['audit-2026-01-01T00-00-04.000.log', 'audit-2026-01-01T00-00-05.000.log', 'audit.log'];
    assert.deepEqual(
      readdirSync(folder)
        .filter((name) => name !== 'audit-other.log')
        .sort(),
      kept,
    );
    assert.deepEqual(
      kept.map((name) => readFileSync(join(folder, name), 'utf8')[0]),
      ['2', '3', '4'],
    );
    assert.deepEqual(errors, []);
    assert.ok(readdirSync(folder).includes('audit-other.log'));
  } finally {
    rmSync(folder, { recursive: true });
  }
});

test('lines written while files rotate all arrive, in order', async () => {
  const folder = mkdtempSync(join(tmpdir(), 'fairlead-rotate-'));
  try {
    let now = Date.UTC(2026, 0, 1);
    const errors: Error[] = [];
    const rotating = new RotatingFile(
      join(folder, 'a.log'),
      { ...noRotation, maxBytes: 1000 },
      { ...systemClock, now: () => now++ },
      (error) => errors.push(error),
    );
    for (let index = 0; index < 500; index++) {
      assert.ok(rotating.write(`${String(index).padStart(9, '0')}\n`));
      if (index % 50 === 0) await new Promise((resolve) => setImmediate(resolve));
    }
    await rotating.close();
    assert.deepEqual(errors, []);
    const files = readdirSync(folder).sort();
    assert.ok(files.length > 2, files.join(' '));
    // The file in use sorts last: a point comes after a hyphen.
    const all = files.map((name) => readFileSync(join(folder, name), 'utf8')).join('');
    assert.equal(all, Array.from({ length: 500 }, (_, index) => `${String(index).padStart(9, '0')}\n`).join(''));
  } finally {
    rmSync(folder, { recursive: true });
  }
});

test('what a running server writes about requests, streams, refusals and policies', async () => {
  const dataDir = mkdtempSync(join(tmpdir(), 'fairlead-audit-'));
  const file = join(dataDir, 'audit.log');
  const parsed = parseAuditPolicy(`
apiVersion: audit.k8s.io/v1
kind: Policy
rules:
- level: None
  users: [system:fairlead]
  verbs: [get]
- level: RequestResponse
  omitManagedFields: true
  namespaces: [default]
  resources: [{group: "", resources: [services, configmaps]}]
- level: Metadata
  omitStages: [RequestReceived]
`);
  assert.ok(parsed.ok);
  const server = await startTestServer({
    dataDir,
    audit: { file, policy: parsed.policy, rotation: noRotation },
  });
  try {
    const client = server.client();
    const admission = '/apis/admissionregistration.k8s.io/v1';
    await client.request('POST', `${admission}/validatingadmissionpolicies`, {
      metadata: { name: 'notes' },
      spec: {
        failurePolicy: 'Fail',
        matchConstraints: {
          resourceRules: [{ apiGroups: [''], apiVersions: ['v1'], operations: ['CREATE'], resources: ['configmaps'] }],
        },
        validations: [{ expression: "object.metadata.name != 'noted'", message: 'that name' }],
        auditAnnotations: [{ key: 'who', valueExpression: "'name is ' + object.metadata.name" }],
      },
    });
    await client.request('POST', `${admission}/validatingadmissionpolicybindings`, {
      metadata: { name: 'notes' },
      spec: { policyName: 'notes', validationActions: ['Audit'] },
    });
    await client.request('POST', '/api/v1/namespaces/default/configmaps', {
      metadata: { name: 'noted' },
      data: { a: 'b' },
    });
    await client.request('GET', '/api/v1/namespaces/default/configmaps/noted');
    const stranger = { 'impersonate-user': 'eve' };
    await assert.rejects(client.request('GET', '/api/v1/namespaces/default/services', undefined, stranger));
  } finally {
    await server.stop();
  }
  const events = readFileSync(file, 'utf8')
    .trim()
    .split('\n')
    .map((line) => JSON.parse(line) as Record<string, unknown>);
  rmSync(dataDir, { recursive: true });
  const of = (part: object): Record<string, unknown>[] =>
    events.filter((event) => {
      try {
        assert.partialDeepStrictEqual(event, part);
        return true;
      } catch {
        return false;
      }
    });
  const created = { verb: 'create', objectRef: { resource: 'configmaps', namespace: 'default' } };
  assert.equal(of({ ...created, stage: 'RequestReceived' }).length, 1);
  const [complete] = of({ ...created, stage: 'ResponseComplete', level: 'RequestResponse' });
  assert.partialDeepStrictEqual(complete, {
    requestObject: { metadata: { name: 'noted' }, data: { a: 'b' } },
    responseObject: { kind: 'ConfigMap', data: { a: 'b' } },
    responseStatus: { code: 201 },
    annotations: { 'authorization.k8s.io/decision': 'allow', 'notes/who': 'name is noted' },
  });
  const { annotations, responseObject } = complete as { annotations: Record<string, string>; responseObject: object };
  assert.ok(!('managedFields' in (responseObject as { metadata: object }).metadata));
  assert.deepEqual(JSON.parse(annotations['validation.policy.admission.k8s.io/validation_failure'] ?? ''), [
    { message: 'that name', policy: 'notes', binding: 'notes', expressionIndex: 0, validationActions: ['Audit'] },
  ]);
  assert.equal(of({ verb: 'get', objectRef: { name: 'noted' } }).length, 0, 'level None writes nothing');
  assert.equal(
    of({
      verb: 'list',
      stage: 'ResponseComplete',
      impersonatedUser: { username: 'eve' },
      responseStatus: { code: 403, reason: 'Forbidden' },
      annotations: { 'authorization.k8s.io/decision': 'forbid' },
    }).length,
    1,
  );
});
