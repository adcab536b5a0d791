import assert from 'node:assert/strict';
import { beforeEach, describe, test } from 'node:test';
import type { ConfigMap, EndpointSlice, Ingress, IngressClass, Secret, Service, Stored } from '@fairlead/api';
import { selfSignedIdentity } from '../gateway/self-signed.ts';
import { RouteTableBuilder, type RoutingSources } from './build-route-table.ts';
import { FakeObjects, FakeSecrets } from './fake-secrets.ts';
import { FakeSource } from './fake-source.ts';
import type { RouteBackend } from './route-table.ts';
import { ingress, ingressClass, service, slice } from './routing-fixtures.ts';

const now = Date.parse('2026-11-01T00:00:00Z');
const one = selfSignedIdentity('one.example', now);
const two = selfSignedIdentity('two.example', now);

const meta = (name: string): Stored<Secret>['metadata'] => ({
  namespace: 'shop',
  name,
  uid: name,
  resourceVersion: '1',
  creationTimestamp: '2026-01-01T00:00:00Z',
});
const base64 = (text: string): string => Buffer.from(text).toString('base64');
const secret = (name: string, data: Readonly<Record<string, string>>): Stored<Secret> => ({
  metadata: meta(name),
  data: Object.fromEntries(Object.entries(data).map(([key, value]) => [key, base64(value)])),
});
const identitySecret = (name: string, { certificate, privateKey } = one): Stored<Secret> =>
  secret(name, { 'tls.crt': certificate, 'tls.key': privateKey });
const bundle = (name: string, ca: string): Stored<ConfigMap> => ({ metadata: meta(name), data: { 'ca.crt': ca } });

class Rig implements RoutingSources {
  readonly ingresses = new FakeSource<Ingress>();
  readonly ingressClasses = new FakeSource<IngressClass>();
  readonly services = new FakeSource<Service>();
  readonly endpointSlices = new FakeSource<EndpointSlice>();
  readonly secrets = new FakeSecrets();
  readonly configMaps = new FakeObjects<ConfigMap>();
  readonly builder: RouteTableBuilder = new RouteTableBuilder(this, [], 'fairlead', () => {});

  /** Applies annotations of the Service and of the Ingress; the one backend there is now. */
  backend(ofService: Readonly<Record<string, string>>, ofIngress: Readonly<Record<string, string>> = {}): RouteBackend {
    const prefixed = (all: Readonly<Record<string, string>>): Record<string, string> =>
      Object.fromEntries(Object.entries(all).map(([key, value]) => [`fairlead.dev/backend-${key}`, value]));
    const web = service('web');
    this.services.set({ ...web, metadata: { ...web.metadata, annotations: prefixed(ofService) } });
    const shop = ingress('shop', { 'a.example': ['Prefix / web'] });
    this.ingresses.set({ ...shop, metadata: { ...shop.metadata, annotations: prefixed(ofIngress) } });
    return this.now();
  }

  now(): RouteBackend {
    this.builder.flush();
    const [backend, more] = [...this.builder.table.backends.values()];
    assert.equal(more, undefined);
    return backend!;
  }

  get problems(): string[] {
    return this.builder.problemsOf('shop/shop').map(({ reason, message }) => `${reason} ${message}`);
  }
}

let rig: Rig;
beforeEach(() => {
  rig = new Rig();
  rig.ingressClasses.set(ingressClass('/fairlead'));
  rig.endpointSlices.set(slice('web', ['10.0.0.1']));
});

describe('connections to endpoints, from annotations of the Service', () => {
  test('a CA of a ConfigMap: unknown and missing ones close the backend, changes reach it', () => {
    rig.configMaps.pending.add('shop/trust');
    assert.deepEqual(rig.backend({ ca: 'configmap trust' }).endpoints, []);
    rig.configMaps.pending.clear();
    rig.configMaps.tell('shop/trust');
    assert.deepEqual(rig.now().endpoints, []);
    assert.match(rig.problems.join(), /BackendCaInvalid ConfigMap shop\/trust does not exist; requests get 503/);
    rig.configMaps.set(bundle('trust', one.certificate));
    assert.deepEqual([rig.now().tls, rig.now().endpoints.length], [{ ca: one.certificate }, 1]);
    assert.deepEqual(rig.problems, []);
    rig.configMaps.set(bundle('trust', two.certificate));
    assert.deepEqual(rig.now().tls, { ca: two.certificate });
    rig.configMaps.set(bundle('trust', 'nothing'));
    assert.deepEqual(rig.now().endpoints, []);
    assert.match(rig.problems.join(), /ConfigMap shop\/trust ca\.crt: the CA bundle has no PEM certificate/);
  });

  test('all of it together, and the Ingress overrides', () => {
    rig.secrets.set(secret('inner', { 'ca.crt': one.certificate }));
    rig.secrets.set(identitySecret('own', two));
    const own = { certificate: two.certificate, privateKey: two.privateKey };
    const annotations = { protocol: 'H2', ca: 'secret inner', names: 'uri spiffe://x/y', 'client-secret': 'own' };
    const names = { dns: [], uris: ['spiffe://x/y'] };
    const expected = { ca: one.certificate, names, identity: own, versions: 'http2-or-http1' };
    const backend = rig.backend(annotations);
    assert.deepEqual([backend.protocol, backend.tls], ['https', expected]);
    const { tls } = rig.backend(annotations, { protocol: 'GRPCS', 'server-name': 'inner.example' });
    assert.deepEqual(tls, { ...expected, versions: 'http2', serverName: 'inner.example' });
    assert.equal(rig.backend(annotations, { protocol: 'HTTP' }).protocol, 'http1');
    assert.equal(rig.backend({}, { protocol: 'GRPC' }).protocol, 'h2c');
    assert.deepEqual(rig.backend({ ca: 'system' }).tls, { systemRoots: true });
    assert.deepEqual(rig.problems, []);
  });

  test('a certificate of our own that cannot be used closes the backend', () => {
    assert.deepEqual(rig.backend({ 'client-secret': 'own' }).endpoints, []);
    assert.match(rig.problems.join(), /SecretInvalid Secret shop\/own does not exist; requests get 503/);
    rig.secrets.set(secret('own', { 'tls.crt': one.certificate, 'tls.key': two.privateKey }));
    assert.deepEqual(rig.now().endpoints, []);
    assert.match(rig.problems.join(), /does not belong to the certificate/);
    rig.secrets.set(identitySecret('own'));
    assert.equal(rig.now().endpoints.length, 1);
  });

  test('a check that cannot be read closes the backend, and says at the Ingress why', () => {
    for (const wrong of [{ ca: 'sytem' }, { names: 'inner.example' }, { 'client-secret': '../x' }]) {
      const backend = rig.backend(wrong);
      assert.deepEqual([backend.protocol, backend.endpoints], ['https', []]);
      assert.match(
        rig.problems.join(),
        /InvalidField Service shop\/web metadata\.annotations\[fairlead\.dev\/backend-/,
      );
      assert.match(rig.problems.join(), /cannot be read; requests get 503/);
    }
  });

  test('objects are watched while they are named', () => {
    rig.secrets.set(secret('inner', { 'ca.crt': one.certificate }));
    rig.backend({ ca: 'secret inner', 'client-secret': 'own' });
    assert.deepEqual([...rig.secrets.needs].sort(), [
      ['shop/inner', 1],
      ['shop/own', 1],
    ]);
    rig.backend({ ca: 'configmap trust' });
    assert.deepEqual([[...rig.secrets.needs], [...rig.configMaps.needs]], [[], [['shop/trust', 1]]]);
    rig.backend({});
    assert.deepEqual([...rig.configMaps.needs], []);
    rig.backend({ ca: 'configmap trust' }, { ca: 'secret inner' });
    assert.deepEqual([[...rig.secrets.needs], [...rig.configMaps.needs]], [[['shop/inner', 1]], []]);
    rig.ingresses.delete('shop/shop');
    rig.builder.flush();
    assert.deepEqual([...rig.secrets.needs], []);
  });
});
