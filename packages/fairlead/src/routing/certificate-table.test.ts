import assert from 'node:assert/strict';
import { execFileSync } from 'node:child_process';
import { beforeEach, test } from 'node:test';
import type { EndpointSlice, Ingress, IngressClass, Secret, Service, Stored } from '@fairlead/api';
import { RouteTableBuilder, type RoutingSources } from './build-route-table.ts';
import { CLIENT_CA_ANNOTATION } from './compile-ingress-tls.ts';
import { FakeSecrets } from './fake-secrets.ts';
import { FakeSource } from './fake-source.ts';
import { ingress, ingressClass } from './routing-fixtures.ts';

/** A self-signed certificate made by the openssl command. */
function pem(name: string): { readonly certificate: string; readonly privateKey: string } {
  const text = execFileSync(
    'openssl',
    [
      'req',
      '-x509',
      '-newkey',
      'ec',
      '-pkeyopt',
      'ec_paramgen_curve:P-256',
      '-nodes',
      '-days',
      '30',
      '-subj',
      `/CN=${name}`,
    ].concat(['-addext', `subjectAltName=DNS:${name}`, '-keyout', '-', '-out', '-']),
    { encoding: 'utf8', stdio: ['ignore', 'pipe', 'ignore'] },
  );
  const at = text.indexOf('-----BEGIN CERTIFICATE');
  return { certificate: text.slice(at), privateKey: text.slice(0, at) };
}

let skip: string | false = false;
try {
  execFileSync('openssl', ['version']);
} catch {
  skip = 'needs openssl';
}
const a = skip === false ? pem('a.example') : { certificate: '', privateKey: '' };
const b = skip === false ? pem('b.example') : { certificate: '', privateKey: '' };

const base64 = (text: string): string => Buffer.from(text).toString('base64');

function secret(name: string, data: Readonly<Record<string, string>>): Stored<Secret> {
  const encoded = Object.fromEntries(Object.entries(data).map(([key, value]) => [key, base64(value)]));
  const metadata = {
    namespace: 'shop',
    name,
    uid: name,
    resourceVersion: '1',
    creationTimestamp: '2026-01-01T00:00:00Z',
  };
  return { metadata, type: 'kubernetes.io/tls', data: encoded };
}
const tlsSecret = (name: string, identity = a): Stored<Secret> =>
  secret(name, { 'tls.crt': identity.certificate, 'tls.key': identity.privateKey });

function secure(
  name: string,
  tls: readonly (readonly [secretName: string, ...hosts: string[]])[],
  more: { readonly created?: string; readonly clientCa?: string } = {},
): Stored<Ingress> {
  const entries = tls.map(([secretName, ...hosts]) => ({ secretName, hosts }));
  const made = ingress(
    name,
    { 'a.example': ['Prefix / web'] },
    { tls: entries, ...(more.created === undefined ? {} : { created: more.created }) },
  );
  return more.clientCa === undefined
    ? made
    : { ...made, metadata: { ...made.metadata, annotations: { [CLIENT_CA_ANNOTATION]: more.clientCa } } };
}

class Rig implements RoutingSources {
  readonly ingresses = new FakeSource<Ingress>();
  readonly ingressClasses = new FakeSource<IngressClass>();
  readonly services = new FakeSource<Service>();
  readonly endpointSlices = new FakeSource<EndpointSlice>();
  readonly secrets = new FakeSecrets();
  readonly builder: RouteTableBuilder = new RouteTableBuilder(this, [], 'fairlead', () => {});

  /** `key: hosts`, `-key` for a removal, `!` behind a closed one. */
  flush(): string[] {
    return this.builder
      .flush()
      .diff.certificates.map(([key, value]) =>
        value === undefined
          ? `-${key}`
          : `${key}: ${value.hosts.join(' ')}${value.clientAuth === 'refuse' ? ' !' : ''}`,
      )
      .sort();
  }

  problems(name: string): string[] {
    return this.builder
      .problemsOf(`shop/${name}`)
      .filter(({ reason }) => reason !== 'BackendNotFound')
      .map(({ reason, field }) => `${reason} ${field}`);
  }
}

let rig: Rig;
beforeEach(() => {
  rig = new Rig();
  rig.ingressClasses.set(ingressClass('/fairlead'));
});

test('a Secret becomes a certificate for the hosts of its entry', { skip }, () => {
  rig.secrets.set(tlsSecret('cert'));
  rig.ingresses.set(secure('web', [['cert', 'a.example', 'A.Example']]));
  assert.deepEqual(rig.flush(), ['shop/cert: a.example']);
  assert.deepEqual(rig.problems('web'), []);
  assert.deepEqual(rig.flush(), []);
});

test('without hosts, those of the rules', { skip }, () => {
  rig.secrets.set(tlsSecret('cert'));
  rig.ingresses.set(secure('web', [['cert']]));
  assert.deepEqual(rig.flush(), ['shop/cert: a.example']);
});

test('two entries of one Secret are one certificate', { skip }, () => {
  rig.secrets.set(tlsSecret('cert'));
  rig.ingresses.set(
    secure('web', [
      ['cert', 'a.example'],
      ['cert', 'b.example'],
    ]),
  );
  assert.deepEqual(rig.flush(), ['shop/cert: a.example b.example']);
  assert.deepEqual(rig.problems('web'), [
    'CertificateMismatch spec.tls[0].secretName',
    'CertificateMismatch spec.tls[1].secretName',
  ]);
});

test('nothing is said or sent while a Secret is still unknown', { skip }, () => {
  rig.secrets.pending.add('shop/cert');
  rig.ingresses.set(secure('web', [['cert', 'a.example']]));
  assert.deepEqual(rig.flush(), []);
  assert.deepEqual(rig.problems('web'), []);
  rig.secrets.pending.clear();
  rig.secrets.tell('shop/cert');
  assert.deepEqual(rig.flush(), []);
  assert.deepEqual(rig.problems('web'), ['SecretNotFound spec.tls[0].secretName']);
});

test('a renewed Secret replaces, a broken one keeps the last good, a deleted one removes', { skip }, () => {
  rig.secrets.set(tlsSecret('cert'));
  rig.ingresses.set(secure('web', [['cert', 'a.example']]));
  rig.flush();
  rig.secrets.set(tlsSecret('cert', b));
  assert.deepEqual(rig.flush(), ['shop/cert: a.example']);
  assert.equal(rig.builder.table.certificates.get('shop/cert')?.certificate, b.certificate);
  assert.deepEqual(rig.problems('web'), ['CertificateMismatch spec.tls[0].secretName']);
  for (const broken of [
    secret('cert', { 'tls.crt': b.certificate }),
    secret('cert', { 'tls.crt': b.certificate, 'tls.key': a.privateKey }),
    secret('cert', { 'tls.crt': 'rubbish', 'tls.key': b.privateKey }),
  ]) {
    rig.secrets.set(broken);
    assert.deepEqual(rig.flush(), []);
    assert.match(rig.problems('web').join(), /SecretInvalid spec\.tls\[0\]\.secretName/);
  }
  rig.secrets.delete('shop/cert');
  assert.deepEqual(rig.flush(), ['-shop/cert']);
  assert.deepEqual(rig.problems('web'), ['SecretNotFound spec.tls[0].secretName']);
});

test('of two claims on a host the older wins, and the other is told', { skip }, () => {
  rig.secrets.set(tlsSecret('one'));
  rig.secrets.set(tlsSecret('two'));
  rig.ingresses.set(secure('young', [['two', 'a.example']], { created: '2026-02-02T00:00:00Z' }));
  assert.deepEqual(rig.flush(), ['shop/two: a.example']);
  rig.ingresses.set(secure('old', [['one', 'a.example']], { created: '2026-01-02T00:00:00Z' }));
  assert.deepEqual(rig.flush(), ['-shop/two', 'shop/one: a.example']);
  assert.ok(rig.problems('young').includes('RouteConflict spec.tls[0].hosts'));
  rig.ingresses.delete('shop/old');
  assert.deepEqual(rig.flush(), ['-shop/one', 'shop/two: a.example']);
});

test('Secrets are watched as long as somebody names them', { skip }, () => {
  rig.ingresses.set(
    secure('web', [['cert', 'a.example']]),
    secure('other', [['cert', 'a.example']], { clientCa: 'ca' }),
  );
  rig.flush();
  assert.deepEqual([...rig.secrets.needs].sort(), [
    ['shop/ca', 1],
    ['shop/cert', 2],
  ]);
  rig.ingresses.set(secure('web', [['next', 'a.example']]));
  rig.ingresses.delete('shop/other');
  rig.flush();
  assert.deepEqual([...rig.secrets.needs], [['shop/next', 1]]);
});

test('a client CA: asked for when good, closed when missing, broken or without a certificate', { skip }, () => {
  rig.secrets.set(tlsSecret('cert'));
  rig.ingresses.set(secure('web', [['cert', 'a.example']], { clientCa: 'ca' }));
  assert.deepEqual(rig.flush(), ['shop/cert|shop/ca: a.example !']);
  assert.deepEqual(rig.problems('web'), [`ClientCaInvalid metadata.annotations[${CLIENT_CA_ANNOTATION}]`]);
  rig.secrets.set(secret('ca', { 'ca.crt': b.certificate }));
  assert.deepEqual(rig.flush(), ['shop/cert|shop/ca: a.example']);
  assert.deepEqual(rig.problems('web'), []);
  rig.secrets.set(secret('ca', { 'ca.crt': 'rubbish' }));
  assert.deepEqual(rig.flush(), ['shop/cert|shop/ca: a.example !']);
  rig.ingresses.set(secure('web', [], { clientCa: 'ca' }));
  assert.deepEqual(rig.flush(), ['-shop/cert|shop/ca', '|shop/ca: a.example !']);
  assert.deepEqual(rig.problems('web'), [`InvalidRule metadata.annotations[${CLIENT_CA_ANNOTATION}]`]);
});

test('a claim with a client CA wins over an older one without', { skip }, () => {
  rig.secrets.set(tlsSecret('cert'));
  rig.secrets.set(secret('ca', { 'ca.crt': b.certificate }));
  rig.ingresses.set(
    secure('old', [['cert', 'a.example']], { created: '2026-01-02T00:00:00Z' }),
    secure('young', [['cert', 'a.example']], { created: '2026-02-02T00:00:00Z', clientCa: 'ca' }),
  );
  assert.deepEqual(rig.flush(), ['shop/cert|shop/ca: a.example']);
});
