import assert from 'node:assert/strict';
import { mkdtempSync, rmSync } from 'node:fs';
import type { IncomingMessage, ServerResponse } from 'node:http';
import { createServer, type Server } from 'node:https';
import type { AddressInfo } from 'node:net';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { after, before, beforeEach, describe, test } from 'node:test';
import { ApiError } from '@fairlead/client';
import { systemClock } from '../../sys/clock.ts';
import type { InProcessClient } from '../client/in-process-client.ts';
import { CertificateAuthority } from '../pki/certificate-authority.ts';
import { startTestServer, type TestServer } from '../testing/test-server.ts';

interface Review {
  readonly request: {
    readonly uid: string;
    readonly operation: string;
    readonly dryRun: boolean;
    readonly name: string;
    readonly object: { readonly data?: Record<string, string> } | null;
    readonly oldObject: object | null;
    readonly userInfo: { readonly username: string };
  };
}

type Verdict = (review: Review) => object;

const admissions = '/apis/admissionregistration.k8s.io/v1';
const maps = '/api/v1/namespaces/default/configmaps';
const rules = [
  { operations: ['CREATE', 'UPDATE', 'DELETE'], apiGroups: [''], apiVersions: ['v1'], resources: ['configmaps'] },
];

describe('admission', () => {
  const directory = mkdtempSync(join(tmpdir(), 'fairlead-admission-'));
  let server: TestServer;
  let client: InProcessClient;
  let hook: Server;
  let url: string;
  let caBundle: string;
  let seen: Review[] = [];
  let verdict: Verdict = () => ({ allowed: true });
  let names = 0;

  before(async () => {
    server = await startTestServer({
      dataDir: directory,
      serviceCidr: '127.96.0.0/16',
    });
    client = server.client();
    const authority = CertificateAuthority.open(join(directory, 'hook'), systemClock);
    const { certificate, key } = authority.pair('hook', {
      commonName: 'hook',
      organizations: [],
      hosts: ['127.0.0.1', 'hook.default.svc'],
    });
    caBundle = Buffer.from(authority.certificate).toString('base64');
    hook = createServer({ cert: certificate, key }, answer);
    await new Promise<void>((resolve) => hook.listen(0, '127.0.0.1', resolve));
    url = `https://127.0.0.1:${(hook.address() as AddressInfo).port}/review`;
  });

  after(async () => {
    hook.closeAllConnections();
    await new Promise((resolve) => hook.close(resolve));
    await server.stop();
    rmSync(directory, { recursive: true });
  });

  beforeEach(async () => {
    for (const resource of [
      'mutatingwebhookconfigurations',
      'validatingwebhookconfigurations',
      'validatingadmissionpolicies',
      'validatingadmissionpolicybindings',
    ]) {
      await client.request('DELETE', `${admissions}/${resource}`);
    }
    seen = [];
    verdict = () => ({ allowed: true });
  });

  function answer(request: IncomingMessage, response: ServerResponse): void {
    const chunks: Buffer[] = [];
    request.on('data', (chunk: Buffer) => chunks.push(chunk));
    request.on('end', () => {
      const review = JSON.parse(Buffer.concat(chunks).toString()) as Review;
      seen.push(review);
      const body = {
        apiVersion: 'admission.k8s.io/v1',
        kind: 'AdmissionReview',
        response: { uid: review.request.uid, ...verdict(review) },
      };
      response.writeHead(200, { 'content-type': 'application/json' }).end(JSON.stringify(body));
    });
  }

  async function configure(kind: 'Mutating' | 'Validating', webhook: object = {}): Promise<void> {
    const plural = `${kind.toLowerCase()}webhookconfigurations`;
    await client.request('POST', `${admissions}/${plural}`, {
      metadata: { name: `hook-${names++}` },
      webhooks: [
        {
          name: 'hook.test.example',
          clientConfig: { url, caBundle },
          rules,
          sideEffects: 'None',
          admissionReviewVersions: ['v1'],
          ...webhook,
        },
      ],
    });
  }

  async function create(data: Record<string, string> = {}, query = ''): Promise<Record<string, unknown>> {
    const object = { metadata: { name: `map-${names++}`, labels: { team: 'a' } }, data };
    return (await client.request('POST', maps + query, object)) as Record<string, unknown>;
  }

  async function failure(promise: Promise<unknown>): Promise<string> {
    try {
      await promise;
    } catch (error) {
      assert.ok(error instanceof ApiError, String(error));
      return `${error.code} ${error.message}`;
    }
    return 'none';
  }

  test('a validating webhook sees create, update and delete, and refuses with its words', async () => {
    await configure('Validating');
    const { metadata } = (await create({ a: '1' })) as { metadata: { name: string } };
    await client.request(
      'PATCH',
      `${maps}/${metadata.name}`,
      { data: { a: '2' } },
      { 'content-type': 'application/merge-patch+json' },
    );
    verdict = ({ request }) =>
      request.operation === 'DELETE'
        ? { allowed: false, status: { code: 403, message: 'keep it' } }
        : { allowed: true };
    assert.equal(
      await failure(client.request('DELETE', `${maps}/${metadata.name}`)),
      '403 admission webhook "hook.test.example" denied the request: keep it',
    );
    assert.deepEqual(
      seen.map(({ request }) => [request.operation, request.object === null, request.oldObject === null, request.name]),
      [
        ['CREATE', false, true, metadata.name],
        ['UPDATE', false, false, metadata.name],
        ['DELETE', true, false, metadata.name],
      ],
    );
    assert.equal(seen[0]?.request.userInfo.username, 'system:fairlead');
  });

  test('a mutating webhook changes the object by JSON patch', async () => {
    await configure('Mutating');
    verdict = () => ({
      allowed: true,
      patchType: 'JSONPatch',
      patch: Buffer.from(JSON.stringify([{ op: 'add', path: '/data/added', value: 'yes' }])).toString('base64'),
    });
    assert.deepEqual((await create({ a: '1' })).data, { a: '1', added: 'yes' });
  });

  test('IfNeeded: an earlier webhook runs again after a later one changed the object', async () => {
    const patch = (path: string, value: string): object => ({
      allowed: true,
      patchType: 'JSONPatch',
      patch: Buffer.from(JSON.stringify([{ op: 'add', path, value }])).toString('base64'),
    });
    await configure('Mutating', {
      name: 'first.test.example',
      clientConfig: { url: `${url}/first`, caBundle },
      reinvocationPolicy: 'IfNeeded',
    });
    await configure('Mutating', { name: 'second.test.example', clientConfig: { url: `${url}/second`, caBundle } });
    let round = 0;
    verdict = ({ request }) =>
      ++round === 2 ? patch('/data/second', '1') : patch('/data/first', request.object?.data?.second ?? 'alone');
    assert.deepEqual((await create({ a: '1' })).data, { a: '1', first: '1', second: '1' });
    assert.equal(seen.length, 3);
  });

  test('a webhook that cannot be reached: Fail refuses, Ignore lets pass', async () => {
    const clientConfig = { url: 'https://127.0.0.1:1/', caBundle };
    await configure('Validating', { clientConfig });
    assert.match(
      await failure(create()),
      /^500 Internal error occurred: failed calling webhook "hook.test.example": failed to call webhook: Post "https:\/\/127.0.0.1:1\/\?timeout=10s": /,
    );
    await client.request('DELETE', `${admissions}/validatingwebhookconfigurations`);
    await configure('Validating', { clientConfig, failurePolicy: 'Ignore' });
    await create();
  });

  test('a certificate of another authority is not trusted', async () => {
    await configure('Validating', { clientConfig: { url, caBundle: Buffer.from(server.ca).toString('base64') } });
    assert.match(await failure(create()), /^500 .*failed to call webhook/);
    assert.equal(seen.length, 0);
  });

  test('a Service reference leads to a ready endpoint, with the name of the Service in the certificate', async () => {
    const { port } = hook.address() as AddressInfo;
    await client.request('POST', '/api/v1/namespaces/default/services', {
      metadata: { name: 'hook' },
      spec: { ports: [{ name: 'https', port: 443, targetPort: port }] },
    });
    await client.request('POST', '/apis/discovery.k8s.io/v1/namespaces/default/endpointslices', {
      metadata: { name: 'hook-1', labels: { 'kubernetes.io/service-name': 'hook' } },
      addressType: 'IPv4',
      endpoints: [
        { addresses: ['127.0.0.99'], conditions: { ready: false } },
        { addresses: ['127.0.0.1'], conditions: { ready: true } },
      ],
      ports: [{ name: 'https', port, protocol: 'TCP' }],
    });
    await configure('Validating', {
      clientConfig: { service: { namespace: 'default', name: 'hook', path: '/review' }, caBundle },
    });
    await create();
    assert.equal(seen.length, 1);
    await configure('Validating', { clientConfig: { service: { namespace: 'default', name: 'missing' }, caBundle } });
    assert.match(await failure(create()), /service "missing" not found/);
  });

  test('selectors, match conditions and dry run decide whether a webhook is asked', async () => {
    await configure('Validating', { objectSelector: { matchLabels: { team: 'b' } } });
    await configure('Validating', { namespaceSelector: { matchLabels: { 'kubernetes.io/metadata.name': 'other' } } });
    await configure('Validating', {
      matchConditions: [{ name: 'never', expression: "request.userInfo.username == 'nobody'" }],
    });
    await configure('Validating', {
      sideEffects: 'NoneOnDryRun',
      matchConditions: [{ name: 'dry', expression: 'request.dryRun' }],
    });
    await create();
    assert.equal(seen.length, 0);
    await create({}, '?dryRun=All');
    assert.deepEqual(
      seen.map(({ request }) => request.dryRun),
      [true],
    );
  });

  test('a policy with variables, parameters and match conditions', async () => {
    await client.request('POST', maps, { metadata: { name: 'limits' }, data: { most: '2' } });
    await client.request('POST', `${admissions}/validatingadmissionpolicies`, {
      metadata: { name: 'few-keys' },
      spec: {
        matchConstraints: {
          resourceRules: [{ operations: ['CREATE'], apiGroups: [''], apiVersions: ['v1'], resources: ['configmaps'] }],
        },
        paramKind: { apiVersion: 'v1', kind: 'ConfigMap' },
        matchConditions: [{ name: 'no-limits', expression: "object.metadata.name != 'limits'" }],
        variables: [
          { name: 'keys', expression: 'has(object.data) ? object.data.size() : 0' },
          { name: 'over', expression: 'variables.keys - int(params.data.most)' },
        ],
        validations: [
          {
            expression: 'variables.over <= 0',
            messageExpression: "string(variables.over) + ' too many in ' + namespaceObject.metadata.name",
            reason: 'Forbidden',
          },
        ],
      },
    });
    await client.request('POST', `${admissions}/validatingadmissionpolicybindings`, {
      metadata: { name: 'few-keys' },
      spec: {
        policyName: 'few-keys',
        validationActions: ['Deny'],
        paramRef: { name: 'limits', namespace: 'default', parameterNotFoundAction: 'Deny' },
      },
    });
    await create({ a: '1', b: '2' });
    assert.match(
      await failure(create({ a: '1', b: '2', c: '3' })),
      /^403 configmaps "map-[0-9]+" is forbidden: ValidatingAdmissionPolicy 'few-keys' with binding 'few-keys' denied request: 1 too many in default$/,
    );
    await client.request('DELETE', `${maps}/limits`);
    assert.match(
      await failure(create()),
      /denied request: failed to configure binding: no params found for policy binding with `Deny` parameterNotFoundAction$/,
    );
  });

  test('an expression that fails refuses under Fail and passes under Ignore', async () => {
    for (const [failurePolicy, expected] of [
      ['Fail', /422 .*expression 'object.data.x == "1"' resulted in error: no such key: x/],
      ['Ignore', /^none$/],
    ] as const) {
      const name = `fails-${failurePolicy.toLowerCase()}`;
      await client.request('POST', `${admissions}/validatingadmissionpolicies`, {
        metadata: { name },
        spec: {
          failurePolicy,
          matchConstraints: { resourceRules: rules },
          validations: [{ expression: 'object.data.x == "1"' }],
        },
      });
      await client.request('POST', `${admissions}/validatingadmissionpolicybindings`, {
        metadata: { name },
        spec: { policyName: name, validationActions: ['Deny'] },
      });
      assert.match(await failure(create({ y: '1' })), expected);
      await client.request('DELETE', `${admissions}/validatingadmissionpolicybindings/${name}`);
    }
  });

  describe('a kind of two versions', () => {
    const group = 'versions.example';
    const typed = (version: string) => ({ apiVersion: `${group}/${version}`, kind: 'Twin' });
    const path = (version: string): string => `/apis/${group}/${version}/namespaces/default/twins`;
    const versionRules = [{ operations: ['*'], apiGroups: [group], apiVersions: ['v1'], resources: ['twins'] }];

    before(async () => {
      const schema = {
        openAPIV3Schema: {
          type: 'object',
          properties: { spec: { type: 'object', properties: { a: { type: 'string' } } } },
        },
      };
      await client.request('POST', '/apis/apiextensions.k8s.io/v1/customresourcedefinitions', {
        metadata: { name: `twins.${group}` },
        spec: {
          group,
          names: { kind: 'Twin', plural: 'twins' },
          scope: 'Namespaced',
          versions: ['v1', 'v1beta1'].map((name) => ({ name, served: true, storage: name === 'v1', schema })),
        },
      });
      const end = systemClock.monotonicMs() + 60_000;
      while ((await failure(client.request('GET', path('v1beta1')))) !== 'none') {
        assert.ok(systemClock.monotonicMs() < end, 'not served');
        await systemClock.sleep(5);
      }
    });

    async function bindPolicy(matchPolicy: string): Promise<void> {
      await client.request('POST', `${admissions}/validatingadmissionpolicies`, {
        metadata: { name: 'twins' },
        spec: {
          matchConstraints: { matchPolicy, resourceRules: versionRules },
          validations: [
            {
              expression: `object.apiVersion != '${group}/v1' || request.requestKind.version == 'v1'`,
              messageExpression: "request.requestKind.version + ' as ' + request.kind.version",
            },
          ],
        },
      });
      await client.request('POST', `${admissions}/validatingadmissionpolicybindings`, {
        metadata: { name: 'twins' },
        spec: { policyName: 'twins', validationActions: ['Deny'] },
      });
    }

    test('a policy about one version sees writes through the other, converted', async () => {
      await bindPolicy('Equivalent');
      assert.match(
        await failure(client.request('POST', path('v1beta1'), { ...typed('v1beta1'), metadata: { name: 'p' } })),
        /v1beta1 as v1$/,
      );
      assert.equal(
        await failure(client.request('POST', `${path('v1')}?dryRun=All`, { ...typed('v1'), metadata: { name: 'p' } })),
        'none',
      );
    });

    test('a policy that wants exactly its version does not', async () => {
      await bindPolicy('Exact');
      const body = { ...typed('v1beta1'), metadata: { name: 'exact' } };
      assert.equal(await failure(client.request('POST', `${path('v1beta1')}?dryRun=All`, body)), 'none');
    });

    test('a mutating webhook gets its version and its change comes back in that of the request', async () => {
      await configure('Mutating', { rules: versionRules, matchPolicy: 'Equivalent' });
      verdict = () => ({
        allowed: true,
        patchType: 'JSONPatch',
        patch: Buffer.from(JSON.stringify([{ op: 'add', path: '/spec', value: { a: 'hook' } }])).toString('base64'),
      });
      const made = (await client.request('POST', path('v1beta1'), {
        ...typed('v1beta1'),
        metadata: { name: 'm' },
      })) as Record<string, unknown>;
      assert.deepEqual([made.apiVersion, made.spec], [`${group}/v1beta1`, { a: 'hook' }]);
      assert.partialDeepStrictEqual(seen[0]?.request, {
        kind: { version: 'v1' },
        requestKind: { version: 'v1beta1' },
        object: { apiVersion: `${group}/v1` },
      } as never);
      seen = [];
      await configure('Validating', { rules: versionRules, matchPolicy: 'Exact' });
      await client.request('POST', `${path('v1beta1')}?dryRun=All`, { ...typed('v1beta1'), metadata: { name: 'n' } });
      assert.equal(seen.length, 1, 'only the mutating one is asked');
    });
  });

  test('a policy asks the authorizer about the user of the request, a ServiceAccount and a path', async () => {
    const rbac = '/apis/rbac.authorization.k8s.io/v1';
    await client.request('POST', `${rbac}/clusterrolebindings`, {
      metadata: { name: 'eve-edits' },
      roleRef: { kind: 'ClusterRole', name: 'edit' },
      subjects: [{ kind: 'User', name: 'eve' }],
    });
    const asked: readonly (readonly [expression: string, user: string, outcome: RegExp])[] = [
      ["authorizer.group('').resource('secrets').namespace('default').check('get').allowed()", 'eve', /^none$/],
      ["authorizer.group('').resource('nodes').check('delete').allowed()", 'eve', /denied/],
      ["authorizer.group('').resource('nodes').check('delete').allowed()", '', /^none$/],
      ["authorizer.requestResource.check('create').allowed()", 'eve', /^none$/],
      ["authorizer.requestResource.check('approve').allowed()", 'eve', /denied/],
      ["authorizer.requestResource.subresource('x').name('y').check('get').reason() != ''", 'eve', /denied/],
      ["authorizer.path('/healthz').check('get').allowed()", 'eve', /^none$/],
      ["authorizer.path('/metrics').check('get').allowed()", 'eve', /denied/],
      ["authorizer.serviceAccount('default', 'x').group('').resource('pods').check('list').allowed()", 'eve', /denied/],
      [
        "!authorizer.requestResource.check('x').errored() && authorizer.requestResource.check('x').error() == ''",
        'eve',
        /^none$/,
      ],
    ];
    for (const [expression, user, outcome] of asked) {
      await client.request('POST', `${admissions}/validatingadmissionpolicies`, {
        metadata: { name: 'asks' },
        spec: { matchConstraints: { resourceRules: rules }, validations: [{ expression, message: 'denied' }] },
      });
      await client.request('POST', `${admissions}/validatingadmissionpolicybindings`, {
        metadata: { name: 'asks' },
        spec: { policyName: 'asks', validationActions: ['Deny'] },
      });
      const headers: Record<string, string> = user === '' ? {} : { 'impersonate-user': user };
      const result = await failure(
        client.request('POST', `${maps}?dryRun=All`, { metadata: { name: 'asked' } }, headers),
      );
      assert.match(result, outcome, `${expression} by ${user}`);
      for (const plural of ['validatingadmissionpolicies', 'validatingadmissionpolicybindings']) {
        await client.request('DELETE', `${admissions}/${plural}/asks`);
      }
    }
  });

  test('on an update, what a webhook adds belongs to nobody', async () => {
    const { metadata } = (await create({ a: '1' })) as { metadata: { name: string } };
    await configure('Mutating');
    verdict = () => ({
      allowed: true,
      patchType: 'JSONPatch',
      patch: Buffer.from(JSON.stringify([{ op: 'add', path: '/data/added', value: 'yes' }])).toString('base64'),
    });
    const updated = (await client.request(
      'PATCH',
      `${maps}/${metadata.name}?fieldManager=me`,
      { data: { b: '2' } },
      { 'content-type': 'application/merge-patch+json' },
    )) as { data: object; metadata: { managedFields: { manager: string; fieldsV1: object }[] } };
    assert.deepEqual(updated.data, { a: '1', b: '2', added: 'yes' });
    const mine = updated.metadata.managedFields.find(({ manager }) => manager === 'me');
    assert.deepEqual(mine?.fieldsV1, { 'f:data': { 'f:b': {} } });
  });
});
