import assert from 'node:assert/strict';
import { execFileSync } from 'node:child_process';
import { X509Certificate } from 'node:crypto';
import { mkdtempSync, readFileSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { after, before, describe, test } from 'node:test';
import { ApiError } from '@fairlead/client';
import type { InProcessClient } from '../client/in-process-client.ts';
import { startTestServer, type TestServer } from '../testing/test-server.ts';
import type { KubeObject } from '../watch/kube-object.ts';

const requests = '/apis/certificates.k8s.io/v1/certificatesigningrequests';
const requestsRef = {
  group: 'certificates.k8s.io',
  version: 'v1',
  kind: 'CertificateSigningRequest',
  plural: 'certificatesigningrequests',
  namespaced: false,
} as const;
const runtimeClasses = '/apis/node.k8s.io/v1/runtimeclasses';
const pods = '/api/v1/namespaces/default/pods';

function pod(name: string, spec: object): object {
  return { metadata: { name }, spec: { containers: [{ name: 'c', image: 'i' }], ...spec } };
}

function says(code: number, text: string): (error: unknown) => boolean {
  return (error) => {
    assert.ok(error instanceof ApiError, String(error));
    assert.equal(error.code, code);
    assert.ok(error.message.includes(text), error.message);
    return true;
  };
}

describe('kinds about the cluster itself', () => {
  let server: TestServer;
  let client: InProcessClient;
  const folder = mkdtempSync(join(tmpdir(), 'fairlead-kinds-'));
  const send = async (method: string, path: string, body?: object): Promise<KubeObject> =>
    (await client.request(method, path, body)) as KubeObject;

  before(async () => {
    server = await startTestServer();
    client = server.client();
  });
  after(async () => {
    await server.stop();
    rmSync(folder, { recursive: true });
  });

  /** Asks for a certificate as the subject. */
  const ask = (name: string, subject: string, signerName: string, usages: readonly string[]): Promise<KubeObject> => {
    const file = join(folder, 'request.pem');
    const key = ['-newkey', 'ec', '-pkeyopt', 'ec_paramgen_curve:prime256v1', '-nodes', '-keyout', join(folder, 'key')];
    execFileSync('openssl', ['req', '-new', ...key, '-out', file, '-subj', subject], { stdio: 'ignore' });
    const request = readFileSync(file).toString('base64');
    return send('POST', requests, { metadata: { name }, spec: { request, signerName, usages, username: 'somebody' } });
  };
  const approve = async (name: string): Promise<void> => {
    const object = await send('GET', `${requests}/${name}`);
    const condition = { type: 'Approved', status: 'True', reason: 'Test' };
    await send('PUT', `${requests}/${name}/approval`, { ...object, status: { conditions: [condition] } });
  };
  /** The request once the server has answered it. */
  const answered = async (name: string): Promise<{ certificate?: string; conditions: { type: string }[] }> => {
    for await (const event of client.watch(requestsRef, { fieldSelector: `metadata.name=${name}` })) {
      const { status } = event.object as { status?: { certificate?: string; conditions?: { type: string }[] } };
      const { certificate, conditions = [] } = status ?? {};
      if (certificate !== undefined || conditions.some(({ type }) => type === 'Failed'))
        return { ...status, conditions };
    }
    throw new Error('the watch ended');
  };

  test('an approved request gets a certificate, of the one who asked', { timeout: 20_000 }, async () => {
    const made = await ask('jane', '/O=devs/CN=jane', 'kubernetes.io/kube-apiserver-client', ['client auth']);
    assert.equal((made.spec as { username: string }).username, 'system:fairlead');
    await approve('jane');
    const { certificate = '' } = await answered('jane');
    const signed = new X509Certificate(Buffer.from(certificate, 'base64'));
    assert.equal(signed.subject, 'O=devs\nCN=jane');
    assert.ok(signed.verify(new X509Certificate(server.ca).publicKey));
    assert.deepEqual(signed.keyUsage, ['1.3.6.1.5.5.7.3.2']);
  });

  test('what its signer does not sign fails', { timeout: 20_000 }, async () => {
    await ask('eve', '/CN=eve', 'kubernetes.io/kubelet-serving', ['digital signature', 'server auth']);
    await approve('eve');
    const { certificate, conditions } = await answered('eve');
    assert.equal(certificate, undefined);
    assert.equal(conditions.at(-1)!.type, 'Failed');
  });

  test('nobody asks for the rights of an administrator', async () => {
    const asked = ask('root', '/O=system:masters/CN=x', 'kubernetes.io/kube-apiserver-client', ['client auth']);
    await assert.rejects(
      asked,
      says(403, 'use of kubernetes.io/kube-apiserver-client signer with system:masters group'),
    );
  });

  test('only who may decide does, and only through approval', async () => {
    await ask('other', '/CN=a', 'example.com/signer', ['client auth']);
    const object = await send('GET', `${requests}/other`);
    const conditions = [{ type: 'Approved', status: 'True' }];
    const written = send('PUT', `${requests}/other/status`, { ...object, status: { conditions } });
    await assert.rejects(written, says(422, 'updates may not add a condition of type "Approved"'));
    const impersonated = client.request(
      'PUT',
      `${requests}/other/approval`,
      { ...object, status: { conditions } },
      { 'impersonate-user': 'jane', 'impersonate-group': 'approvers' },
    );
    await assert.rejects(impersonated, says(403, 'cannot update resource'));
    const rules = [
      { apiGroups: ['certificates.k8s.io'], resources: ['certificatesigningrequests/approval'], verbs: ['update'] },
    ];
    const rbac = '/apis/rbac.authorization.k8s.io/v1';
    await send('POST', `${rbac}/clusterroles`, { metadata: { name: 'approver' }, rules });
    await send('POST', `${rbac}/clusterrolebindings`, {
      metadata: { name: 'approver' },
      roleRef: { apiGroup: 'rbac.authorization.k8s.io', kind: 'ClusterRole', name: 'approver' },
      subjects: [{ apiGroup: 'rbac.authorization.k8s.io', kind: 'Group', name: 'approvers' }],
    });
    const again = client.request(
      'PUT',
      `${requests}/other/approval`,
      { ...object, status: { conditions } },
      { 'impersonate-user': 'jane', 'impersonate-group': 'approvers' },
    );
    await assert.rejects(
      again,
      says(403, 'user not permitted to approve requests with signerName "example.com/signer"'),
    );
  });

  test('a kind of the same name in another group is left alone', { timeout: 20_000 }, async () => {
    const schema = { openAPIV3Schema: { type: 'object', 'x-kubernetes-preserve-unknown-fields': true } };
    await send('POST', '/apis/apiextensions.k8s.io/v1/customresourcedefinitions', {
      metadata: { name: 'requests.example.com' },
      spec: {
        group: 'example.com',
        scope: 'Cluster',
        names: { plural: 'requests', kind: 'CertificateSigningRequest' },
        versions: [{ name: 'v1', served: true, storage: true, schema }],
      },
    });
    const object = { apiVersion: 'example.com/v1', kind: 'CertificateSigningRequest', metadata: { name: 'a' } };
    const post = (): Promise<KubeObject> =>
      send('POST', '/apis/example.com/v1/requests', { ...object, spec: { username: 'somebody' } });
    let made: KubeObject | undefined;
    // It is served a moment after its definition is there.
    while (made === undefined) {
      made = await post().catch((error: unknown) => {
        if (error instanceof ApiError && error.code === 404) return undefined;
        throw error;
      });
      await new Promise((resolve) => setImmediate(resolve));
    }
    assert.deepEqual(made.spec, { username: 'somebody' });
  });

  test('a Pod gets the overhead of its RuntimeClass and goes where that is known', async () => {
    await send('POST', runtimeClasses, {
      metadata: { name: 'vm' },
      handler: 'vm',
      overhead: { podFixed: { memory: '120Mi' } },
      scheduling: { nodeSelector: { vm: 'yes' }, tolerations: [{ key: 'vm', operator: 'Exists' }] },
    });
    const made = await send('POST', pods, pod('with-class', { runtimeClassName: 'vm', nodeSelector: { a: 'b' } }));
    const spec = made.spec as { overhead: object; nodeSelector: object; tolerations: { key: string }[] };
    assert.deepEqual(spec.overhead, { memory: '120Mi' });
    assert.deepEqual(spec.nodeSelector, { a: 'b', vm: 'yes' });
    assert.ok(spec.tolerations.some(({ key }) => key === 'vm'));
  });

  const refused: readonly (readonly [name: string, spec: object, text: string])[] = [
    ['of a class that is not there', { runtimeClassName: 'none' }, 'pod rejected: RuntimeClass "none" not found'],
    [
      'that goes elsewhere',
      { runtimeClassName: 'vm', nodeSelector: { vm: 'no' } },
      'conflict: runtimeClass.scheduling',
    ],
    ['with another overhead', { runtimeClassName: 'vm', overhead: { memory: '1Mi' } }, "Pod's Overhead doesn't match"],
    ['with overhead and no class', { overhead: { memory: '1Mi' } }, 'Pod Overhead set without corresponding'],
  ];
  for (const [name, spec, text] of refused) {
    test(`a Pod ${name} is refused`, () => assert.rejects(send('POST', pods, pod('refused', spec)), says(403, text)));
  }

  test('a Binding is one of the Pod that it names', async () => {
    await send('POST', pods, pod('bound', {}));
    await send('POST', '/api/v1/namespaces/default/bindings', {
      metadata: { name: 'bound' },
      target: { kind: 'Node', name: 'n1' },
    });
    const { spec } = await send('GET', `${pods}/bound`);
    assert.equal((spec as { nodeName: string }).nodeName, 'n1');
  });

  test('parts of the control plane tell how they are', async () => {
    const { items } = (await client.request('GET', '/api/v1/componentstatuses')) as { items: KubeObject[] };
    assert.deepEqual(
      items.map(({ metadata, conditions }) => [metadata.name, (conditions as { status: string }[])[0]!.status]),
      [
        ['controller-manager', 'False'],
        ['etcd-0', 'True'],
        ['scheduler', 'False'],
      ],
    );
  });

  const defaults: readonly (readonly [path: string, object: object, part: string, expected: unknown])[] = [
    [
      '/apis/storage.k8s.io/v1/csidrivers',
      { metadata: { name: 'd' }, spec: {} },
      'spec',
      {
        attachRequired: true,
        podInfoOnMount: false,
        volumeLifecycleModes: ['Persistent'],
        storageCapacity: false,
        fsGroupPolicy: 'ReadWriteOnceWithFSType',
        requiresRepublish: false,
        seLinuxMount: false,
      },
    ],
    [
      '/apis/flowcontrol.apiserver.k8s.io/v1/prioritylevelconfigurations',
      {
        metadata: { name: 'l' },
        spec: { type: 'Limited', limited: { limitResponse: { type: 'Queue', queuing: { queues: 4, handSize: 2 } } } },
      },
      'spec',
      {
        type: 'Limited',
        limited: {
          nominalConcurrencyShares: 30,
          limitResponse: { type: 'Queue', queuing: { queues: 4, handSize: 2, queueLengthLimit: 50 } },
          lendablePercent: 0,
        },
      },
    ],
    [
      '/apis/resource.k8s.io/v1/namespaces/default/resourceclaims',
      { metadata: { name: 'c' }, spec: { devices: { requests: [{ name: 'r', exactly: { deviceClassName: 'd' } }] } } },
      'spec',
      {
        devices: {
          requests: [{ name: 'r', exactly: { deviceClassName: 'd', allocationMode: 'ExactCount', count: 1 } }],
        },
      },
    ],
  ];
  for (const [path, object, part, expected] of defaults) {
    test(`defaults of ${path.split('/').at(-1)}`, async () => {
      assert.deepEqual((await send('POST', path, object))[part], expected);
    });
  }
});
