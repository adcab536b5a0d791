import assert from 'node:assert/strict';
import { describe, test } from 'node:test';
import { gatewayTlsArgs, readGatewayTls } from './gateway-tls-settings.ts';
import { SettingReader } from './settings.ts';

type Rows = readonly (readonly [flags: Readonly<Record<string, string>>, problem: RegExp])[];

const reader = (flags: Readonly<Record<string, string>>): SettingReader =>
  new SettingReader(Object.fromEntries(Object.entries(flags).map(([name, value]) => [`gateway-${name}`, value])));

describe('TLS settings of the gateway', () => {
  const wrong: Rows = [
    [{ 'tls-min-version': '1.1' }, /must be 1\.2 or 1\.3/],
    [{ 'tls-ciphers': 'nothing' }, /nothing that OpenSSL knows/],
    [{ 'tls-ciphers': 'ALL:@SECLEVEL=0' }, /names with colons/],
    [{ 'tls-ciphersuites': 'TLS_NO' }, /nothing that OpenSSL knows/],
    [{ 'tls-curves': 'Q' }, /nothing that OpenSSL knows/],
    [{ 'default-certificate': 'name' }, /must be NAMESPACE\/NAME of a Secret/],
    [{ 'shared-secrets': 'a/b/c' }, /must be NAMESPACE\/NAME of a Secret/],
    [{ ocsp: 'yes' }, /must be public, any or off/],
  ];
  for (const [flags, problem] of wrong) {
    test(`${JSON.stringify(flags)} is refused`, () => {
      const read = reader(flags);
      readGatewayTls(read);
      assert.match(read.problems.join(), problem);
    });
  }

  test('good ones are read, and handed on to the process of the gateway', () => {
    const flags = {
      'tls-min-version': '1.3',
      'tls-ciphers': 'ECDHE+AESGCM',
      'tls-ciphersuites': 'TLS_AES_128_GCM_SHA256',
      'tls-curves': 'X25519:P-256',
      ocsp: 'any',
      'default-certificate': 'tls/default',
      'shared-secrets': 'fairlead/gateways',
    };
    const read = reader(flags);
    assert.deepEqual(readGatewayTls(read), {
      tlsSettings: {
        minVersion: '1.3',
        ciphers: 'ECDHE+AESGCM',
        cipherSuites: 'TLS_AES_128_GCM_SHA256',
        curves: 'X25519:P-256',
      },
      ocsp: 'any',
      defaultCertificateSecret: { namespace: 'tls', name: 'default' },
      sharedSecrets: { namespace: 'fairlead', name: 'gateways' },
    });
    assert.deepEqual(
      gatewayTlsArgs(read),
      Object.entries(flags).flatMap(([name, value]) => [`--gateway-${name}`, value]),
    );
    assert.deepEqual(read.problems, []);
    assert.deepEqual(readGatewayTls(reader({})), { tlsSettings: {}, ocsp: 'public' });
  });
});
