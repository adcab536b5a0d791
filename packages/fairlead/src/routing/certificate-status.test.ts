import assert from 'node:assert/strict';
import { readFileSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { after, before, beforeEach, describe, test } from 'node:test';
import type { EndpointSlice, Ingress, IngressClass, Secret, Service, Stored } from '@fairlead/api';
import { type Leaf, OpensslPki, opensslSkip } from '../gateway/test-rig/openssl-pki.ts';
import { createOcspRequest } from '../sys/ocsp.ts';
import { RouteTableBuilder, type RoutingSources } from './build-route-table.ts';
import { FakeSecrets } from './fake-secrets.ts';
import { FakeSource } from './fake-source.ts';
import type { RouteCertificate } from './route-table.ts';
import { ingress, ingressClass } from './routing-fixtures.ts';

class Rig implements RoutingSources {
  readonly ingresses = new FakeSource<Ingress>();
  readonly ingressClasses = new FakeSource<IngressClass>();
  readonly services = new FakeSource<Service>();
  readonly endpointSlices = new FakeSource<EndpointSlice>();
  readonly secrets = new FakeSecrets();
  readonly builder: RouteTableBuilder = new RouteTableBuilder(this, [], 'fairlead', () => {});

  secret(name: string, data: Readonly<Record<string, string | Buffer>>): void {
    const metadata = {
      namespace: 'shop',
      name,
      uid: name,
      resourceVersion: '1',
      creationTimestamp: '2026-01-01T00:00:00Z',
    };
    const encoded = Object.entries(data).map(([key, value]) => [key, Buffer.from(value as string).toString('base64')]);
    this.secrets.set({ metadata, data: Object.fromEntries(encoded) } satisfies Stored<Secret>);
  }

  ingress(annotations: Readonly<Record<string, string>>, secretName: string | undefined = 'web'): void {
    const made = ingress(
      'web',
      { 'a.example': ['Prefix / web'] },
      { tls: [{ hosts: ['a.example'], ...(secretName === '' ? {} : { secretName }) }] },
    );
    const prefixed = Object.entries(annotations).map(([key, value]) => [`fairlead.dev/${key}`, value]);
    this.ingresses.set({ ...made, metadata: { ...made.metadata, annotations: Object.fromEntries(prefixed) } });
  }

  certificates(): RouteCertificate[] {
    this.builder.flush();
    return [...this.builder.table.certificates.values()];
  }

  problems(): string {
    this.builder.flush();
    return this.builder
      .problemsOf('shop/web')
      .map(({ reason, message }) => `${reason} ${message}`)
      .join('\n');
  }
}

describe('status and settings of certificates', { skip: opensslSkip() }, () => {
  let pki: OpensslPki;
  let leaf: Leaf;
  let demanding: Leaf;
  let rig: Rig;
  before(() => {
    pki = new OpensslPki();
    leaf = pki.leaf('a.example');
    demanding = pki.leaf('a.example', { extensions: ['tlsfeature=status_request'] });
  });
  after(() => pki?.remove());
  beforeEach(() => {
    rig = new Rig();
    rig.ingressClasses.set(ingressClass('/fairlead'));
    rig.secret('web', { 'tls.crt': leaf.certificate + pki.ca, 'tls.key': leaf.privateKey });
  });

  test('settings of an Ingress go with its certificate, under a key of its own', () => {
    rig.ingress({});
    const [plain] = rig.certificates();
    rig.ingress({ 'tls-min-version': '1.3', 'tls-curves': 'X25519' });
    const [strict, more] = rig.certificates();
    assert.equal(more, undefined);
    assert.deepEqual([strict!.settings, strict!.hosts], [{ minVersion: '1.3', curves: 'X25519' }, ['a.example']]);
    assert.notEqual(strict!.key, plain!.key);
    assert.doesNotMatch(rig.problems(), /tls/);
    rig.ingress({ 'tls-ciphers': 'nonsense' });
    assert.deepEqual(
      rig.certificates().map(({ settings }) => settings),
      [undefined],
    );
    assert.match(rig.problems(), /InvalidField 'nonsense/);
  });

  test('settings without a Secret are told', () => {
    rig.ingress({ 'tls-min-version': '1.3' }, '');
    assert.deepEqual(rig.certificates(), []);
    assert.match(rig.problems(), /InvalidRule needed with fairlead\.dev\/tls-…: the default certificate is shared/);
  });

  test('revocation lists of clients: PEM and DER go along, a broken one lets nobody in', () => {
    const crl = pki.crl();
    rig.secret('clients', { 'ca.crt': pki.ca, 'ca.crl': crl });
    rig.ingress({ 'client-ca-secret': 'clients' });
    assert.deepEqual(rig.certificates()[0]!.clientAuth, {
      mode: 'require',
      ca: pki.ca,
      revoked: Buffer.from(crl).toString('base64'),
    });
    const der = Buffer.from(crl.replace(/-----[^-]+-----|\s/g, ''), 'base64');
    rig.secret('clients', { 'ca.crt': pki.ca, 'ca.crl': der });
    const [certificate] = rig.certificates();
    assert.deepEqual(certificate!.clientAuth, { mode: 'require', ca: pki.ca, revoked: der.toString('base64') });
    rig.secret('clients', { 'ca.crt': pki.ca, 'ca.crl': 'nothing' });
    assert.equal(rig.certificates()[0]!.clientAuth, 'refuse');
    assert.match(rig.problems(), /ClientCaInvalid Secret shop\/clients ca\.crl: .*; nobody gets in/);
  });

  test('an OCSP response in the Secret goes along if it is about its certificate', () => {
    const request = createOcspRequest(leaf.certificate + pki.ca);
    assert.ok(request.ok);
    const [asked, answered] = [join(pki.folder, 'request.der'), join(pki.folder, 'response.der')];
    writeFileSync(asked, request.value);
    pki.run(
      ['ocsp', '-index', pki.indexFile(), '-rsigner', pki.caFile, '-rkey', pki.caKeyFile, '-CA', pki.caFile],
      ['-reqin', asked, '-respout', answered, '-nmin', '60'],
    );
    const response = readFileSync(answered);
    const data = { 'tls.crt': leaf.certificate + pki.ca, 'tls.key': leaf.privateKey };
    rig.ingress({});
    rig.secret('web', { ...data, 'tls.ocsp-staple': response });
    assert.equal(rig.certificates()[0]!.staple, response.toString('base64'));
    assert.doesNotMatch(rig.problems(), /staple/);
    for (const wrong of [response.subarray(0, 40), Buffer.from('no')]) {
      rig.secret('web', { ...data, 'tls.ocsp-staple': wrong });
      assert.equal(rig.certificates()[0]!.staple, undefined);
      assert.match(rig.problems(), /SecretInvalid Secret shop\/web tls\.ocsp-staple: .*; not used/);
    }
    rig.secret('web', {
      'tls.crt': demanding.certificate + pki.ca,
      'tls.key': demanding.privateKey,
      'tls.ocsp-staple': response,
    });
    assert.match(rig.problems(), /it is about another certificate; not used/);
  });

  test('a certificate that demands a staple and names no responder is told', () => {
    rig.ingress({});
    rig.secret('web', { 'tls.crt': demanding.certificate + pki.ca, 'tls.key': demanding.privateKey });
    assert.match(rig.problems(), /CertificateMismatch .*demands a stapled OCSP response and names no responder/);
  });
});
