import assert from 'node:assert/strict';
import { execFileSync } from 'node:child_process';
import { mkdtempSync, readFileSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { after, before, describe, test } from 'node:test';
import fc from 'fast-check';
import { derElements, derParts } from '../pki/der-reader.ts';
import { parseCertificateRequest } from './certificate-request.ts';
import { isOver } from './certificate-signer.ts';
import { isolateCertificateRequest, stampConditions, stampRequester } from './request-forms.ts';
import { refusalOf, usagesOf } from './signers.ts';

const clientKubelet = 'kubernetes.io/kube-apiserver-client-kubelet';
const serving = 'kubernetes.io/kubelet-serving';
const client = 'kubernetes.io/kube-apiserver-client';

describe('requests made by openssl', () => {
  let folder = '';
  before(() => {
    folder = mkdtempSync(join(tmpdir(), 'fairlead-csr-'));
  });
  after(() => rmSync(folder, { recursive: true }));

  const request = (key: readonly string[], subject: string, names?: string): Buffer => {
    const file = join(folder, 'request.pem');
    const extra = names === undefined ? [] : ['-addext', `subjectAltName=${names}`];
    const args = ['req', '-new', ...key, '-nodes', '-keyout', join(folder, 'key.pem'), '-out', file, '-subj', subject];
    execFileSync('openssl', [...args, ...extra], { stdio: 'ignore' });
    return readFileSync(file);
  };
  const keys: readonly (readonly [name: string, args: readonly string[]])[] = [
    ['RSA', ['-newkey', 'rsa:2048']],
    ['RSA and SHA-512', ['-newkey', 'rsa:2048', '-sha512']],
    ['P-256', ['-newkey', 'ec', '-pkeyopt', 'ec_paramgen_curve:prime256v1']],
    ['P-384 and SHA-384', ['-newkey', 'ec', '-pkeyopt', 'ec_paramgen_curve:secp384r1', '-sha384']],
    ['Ed25519', ['-newkey', 'ed25519']],
  ];
  for (const [name, args] of keys) {
    test(`${name}: subject, names and key are read, and the signature is checked`, () => {
      const pem = request(args, '/O=devs/O=ops/CN=jane', 'DNS:n1,IP:10.0.0.1');
      const parsed = parseCertificateRequest(pem);
      assert.ok(parsed.ok);
      assert.equal(parsed.request.commonName, 'jane');
      assert.deepEqual(parsed.request.organizations, ['devs', 'ops']);
      assert.deepEqual([...parsed.request.nameKinds], ['dns', 'ip']);
      const der = Buffer.from(pem.toString().replaceAll(/-----.*-----|\s/g, ''), 'base64');
      // The last byte belongs to the signature.
      der[der.length - 1]! ^= 1;
      const broken = `-----BEGIN CERTIFICATE REQUEST-----\n${der.toString('base64')}\n-----END CERTIFICATE REQUEST-----\n`;
      assert.equal(parseCertificateRequest(Buffer.from(broken)).ok, false);
    });
  }

  test('what is no request is told, whatever the bytes', () => {
    const pem = request(keys[2]![1], '/CN=a').toString();
    const der = Buffer.from(pem.replaceAll(/-----.*-----|\s/g, ''), 'base64');
    const wrapped = (bytes: Uint8Array): Buffer =>
      Buffer.from(
        `-----BEGIN CERTIFICATE REQUEST-----\n${Buffer.from(bytes).toString('base64')}\n-----END CERTIFICATE REQUEST-----\n`,
      );
    const signed = derParts(derElements(der)[0], 0x30)[0]!.whole;
    const start = signed.byteOffset - der.byteOffset;
    fc.assert(
      fc.property(
        fc.nat(der.length - 1),
        fc.integer({ min: 1, max: 255 }),
        fc.nat(der.length - 1),
        (at, flip, length) => {
          const bytes = Buffer.from(der);
          bytes[at]! ^= flip;
          const parsed = parseCertificateRequest(wrapped(bytes));
          // Around what is signed stand bytes that say nothing.
          if (at >= start && at < start + signed.length) assert.equal(parsed.ok, false);
          assert.equal(parseCertificateRequest(wrapped(der.subarray(0, length))).ok, false);
        },
      ),
      { numRuns: 200 },
    );
    assert.deepEqual(parseCertificateRequest(Buffer.from('hello')), {
      ok: false,
      reason: 'PEM block type must be CERTIFICATE REQUEST',
    });
  });

  const clientUsages = ['digital signature', 'client auth'];
  const servingUsages = ['digital signature', 'key encipherment', 'server auth'];
  const rows: readonly (readonly [
    name: string,
    signer: string,
    subject: string,
    names: string | undefined,
    usages: readonly string[],
    refusal: string | undefined,
  ])[] = [
    ['a client', client, '/CN=jane', undefined, ['client auth'], undefined],
    ['a client that also serves', client, '/CN=jane', undefined, ['client auth', 'server auth'], 'invalid usage'],
    ['a client without its usage', client, '/CN=jane', undefined, ['digital signature'], 'missing required usage'],
    ['a node', clientKubelet, '/O=system:nodes/CN=system:node:a', undefined, clientUsages, undefined],
    ['a node with a name', clientKubelet, '/O=system:nodes/CN=system:node:a', 'DNS:a', clientUsages, 'DNS subjectAlt'],
    ['a node of no group', clientKubelet, '/CN=system:node:a', undefined, clientUsages, 'organization is not'],
    ['a node of two groups', clientKubelet, '/O=system:nodes/O=b/CN=system:node:a', undefined, clientUsages, 'organi'],
    ['somebody else', clientKubelet, '/O=system:nodes/CN=jane', undefined, clientUsages, 'common name'],
    ['a node that serves', serving, '/O=system:nodes/CN=system:node:a', 'IP:10.0.0.1', servingUsages, undefined],
    ['a node without names', serving, '/O=system:nodes/CN=system:node:a', undefined, servingUsages, 'is required'],
    ['a node with a mail', serving, '/O=system:nodes/CN=system:node:a', 'DNS:a,email:a@b.c', servingUsages, 'Email'],
    [
      'a node, wrong usages',
      serving,
      '/O=system:nodes/CN=system:node:a',
      'DNS:a',
      clientUsages,
      'usages did not match',
    ],
  ];
  for (const [name, signer, subject, names, usages, refusal] of rows) {
    test(`${name}: ${refusal === undefined ? 'signed' : 'refused'}`, () => {
      const parsed = parseCertificateRequest(request(keys[2]![1], subject, names));
      assert.ok(parsed.ok);
      const said = refusalOf(signer, parsed.request, usages);
      if (refusal === undefined) assert.equal(said, undefined);
      else assert.match(said ?? '', new RegExp(refusal));
    });
  }
});

test('usages become bits and identifiers', () => {
  assert.deepEqual(usagesOf(['digital signature', 'key encipherment', 'client auth']), {
    keyUsage: 0xa0,
    purposes: ['1.3.6.1.5.5.7.3.2'],
  });
  assert.deepEqual(usagesOf(['email protection', 's/mime']), { keyUsage: 0, purposes: ['1.3.6.1.5.5.7.3.4'] });
});

describe('what writes change', () => {
  const approved = { type: 'Approved', status: 'True', reason: 'Because' };
  const old = {
    metadata: { name: 'a' },
    spec: { request: 'x', username: 'jane' },
    status: { conditions: [approved] },
  };
  const proposed = {
    metadata: { name: 'a', labels: { x: 'y' } },
    spec: { request: 'y', username: 'eve' },
    status: {
      certificate: 'c',
      conditions: [
        { ...approved, reason: 'Other' },
        { type: 'Failed', status: 'True' },
      ],
    },
  };

  test('a main write changes metadata alone', () => {
    const { metadata, spec, status } = isolateCertificateRequest(proposed, old, undefined);
    assert.deepEqual([metadata, spec, status], [proposed.metadata, old.spec, old.status]);
  });
  test('a status write keeps the decision', () => {
    const { spec, status } = isolateCertificateRequest(proposed, old, 'status');
    assert.deepEqual(spec, old.spec);
    assert.deepEqual(status, { certificate: 'c', conditions: [approved, { type: 'Failed', status: 'True' }] });
  });
  test('an approval changes conditions', () => {
    assert.deepEqual(isolateCertificateRequest(proposed, old, 'approval').status, proposed.status);
  });
  test('who asks is who sent the request', () => {
    const object = {
      metadata: {},
      spec: { request: 'x', username: 'eve', groups: ['system:masters'], extra: { a: ['b'] } },
    };
    stampRequester(object, { name: 'jane', groups: ['devs'] });
    assert.deepEqual(object.spec, { request: 'x', username: 'jane', groups: ['devs'] });
  });
  test('a condition that says the same keeps the time it began', () => {
    const before = { metadata: {}, status: { conditions: [{ ...approved, lastTransitionTime: 'then' }] } };
    const object: { metadata: Record<string, unknown>; status: { conditions: object[] } } = {
      metadata: {},
      status: { conditions: [approved, { type: 'Failed', status: 'True' }] },
    };
    stampConditions(object, before, 'now');
    assert.deepEqual(object.status.conditions, [
      { ...approved, lastUpdateTime: 'now', lastTransitionTime: 'then' },
      { type: 'Failed', status: 'True', lastUpdateTime: 'now', lastTransitionTime: 'now' },
    ]);
  });
});

test('requests that are over', () => {
  const nowMs = Date.parse('2026-01-02T12:00:00Z');
  const at = (creationTimestamp: string, status: object): boolean =>
    isOver({ metadata: { creationTimestamp }, status }, nowMs);
  const decided = (type: string, lastUpdateTime: string): object => ({ type, status: 'True', lastUpdateTime });
  const rows: readonly (readonly [name: string, over: boolean, got: boolean])[] = [
    ['pending for an hour', false, at('2026-01-02T11:00:00Z', {})],
    ['pending for two days', true, at('2025-12-31T11:00:00Z', {})],
    ['denied just now', false, at('2026-01-01T00:00:00Z', { conditions: [decided('Denied', '2026-01-02T11:59:00Z')] })],
    ['denied long ago', true, at('2026-01-01T00:00:00Z', { conditions: [decided('Denied', '2026-01-02T10:00:00Z')] })],
    [
      'approved and waiting for its signer',
      false,
      at('2026-01-01T00:00:00Z', { conditions: [decided('Approved', '2026-01-02T10:00:00Z')] }),
    ],
    [
      'issued long ago',
      true,
      at('2026-01-01T00:00:00Z', { certificate: 'c', conditions: [decided('Approved', '2026-01-02T10:00:00Z')] }),
    ],
  ];
  for (const [name, over, got] of rows) assert.equal(got, over, name);
});
