import assert from 'node:assert/strict';
import { describe, test } from 'node:test';
import type { TlsSettings } from '../sys/tls-settings.ts';
import { readTlsSettings, tlsSettingsKey } from './read-tls-settings.ts';

const read = (annotations: Readonly<Record<string, string>>): ReturnType<typeof readTlsSettings> =>
  readTlsSettings(
    Object.fromEntries(Object.entries(annotations).map(([key, value]) => [`fairlead.dev/tls-${key}`, value])),
  );

describe('what an Ingress offers over TLS', () => {
  const rows: readonly [Record<string, string>, TlsSettings | undefined][] = [
    [{}, undefined],
    [{ passthrough: 'true' }, undefined],
    [{ 'min-version': '1.2' }, { minVersion: '1.2' }],
    [{ 'min-version': ' 1.3 ' }, { minVersion: '1.3' }],
    [
      { ciphers: 'ECDHE-ECDSA-AES128-GCM-SHA256:ECDHE+CHACHA20' },
      { ciphers: 'ECDHE-ECDSA-AES128-GCM-SHA256:ECDHE+CHACHA20' },
    ],
    [{ ciphersuites: 'TLS_AES_256_GCM_SHA384' }, { cipherSuites: 'TLS_AES_256_GCM_SHA384' }],
    [{ curves: 'X25519:P-256' }, { curves: 'X25519:P-256' }],
    [
      { 'min-version': '1.3', curves: 'X25519' },
      { minVersion: '1.3', curves: 'X25519' },
    ],
  ];
  for (const [annotations, settings] of rows) {
    test(JSON.stringify(annotations), () => assert.deepEqual(read(annotations), { settings, problems: [] }));
  }

  const wrong: readonly [name: string, value: string, message: RegExp][] = [
    ['min-version', '1.1', /none of 1\.2, 1\.3/],
    ['min-version', 'TLSv1.2', /none of/],
    ['ciphers', 'RC5-NONE', /OpenSSL knows|cannot be used/],
    ['ciphers', 'ALL:@SECLEVEL=0', /list of names/],
    ['ciphers', 'a b', /list of names/],
    ['ciphersuites', 'TLS_X', /OpenSSL knows|cannot be used/],
    ['curves', 'P-1', /OpenSSL knows|cannot be used/],
  ];
  for (const [name, value, message] of wrong) {
    test(`${name}: ${value} is told and counts as absent`, () => {
      const { settings, problems } = read({
        [name]: value,
        ...(name === 'min-version' ? {} : { 'min-version': '1.3' }),
      });
      assert.deepEqual(
        problems.map(({ field }) => field),
        [`metadata.annotations[fairlead.dev/tls-${name}]`],
      );
      assert.match(problems[0]!.message, message);
      assert.deepEqual(settings, name === 'min-version' ? undefined : { minVersion: '1.3' });
    });
  }

  test('keys tell settings apart', () => {
    const all: readonly TlsSettings[] = [
      {},
      { minVersion: '1.3' },
      { ciphers: 'a' },
      { cipherSuites: 'a' },
      { curves: 'a' },
    ];
    assert.equal(new Set(all.map(tlsSettingsKey)).size, all.length);
  });
});
