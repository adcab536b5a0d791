import assert from 'node:assert/strict';
import { spawnSync } from 'node:child_process';
import { X509Certificate } from 'node:crypto';
import { describe, test } from 'node:test';
import fc from 'fast-check';
import { alternativeNames, bearsName } from './certificate-names.ts';

/** DER of a self-signed certificate with these alternative names, as openssl writes it. */
function certificate(names: string): Buffer {
  const args = [
    'req',
    '-x509',
    '-newkey',
    'ec',
    '-pkeyopt',
    'ec_paramgen_curve:P-256',
    '-nodes',
    '-keyout',
    '/dev/null',
  ];
  const san = names === '' ? [] : ['-addext', `subjectAltName=${names}`];
  const done = spawnSync('openssl', [...args, '-subj', '/CN=common.example', ...san]);
  return new X509Certificate(done.stdout).raw;
}

const skip = spawnSync('openssl', ['version']).status === 0 ? false : 'openssl is not installed';

describe('alternative names of a certificate', { skip }, () => {
  const rows: readonly [names: string, dns: readonly string[], uris: readonly string[]][] = [
    ['DNS:a.example', ['a.example'], []],
    ['DNS:A.Example,DNS:*.b.example', ['a.example', '*.b.example'], []],
    ['URI:spiffe://cluster.local/ns/A/sa/b', [], ['spiffe://cluster.local/ns/A/sa/b']],
    ['IP:192.0.2.1,email:a@b.example,DNS:c.example,URI:urn:x', ['c.example'], ['urn:x']],
    ['critical,DNS:a.example', ['a.example'], []],
    [
      Array.from({ length: 60 }, (_, i) => `DNS:host-${i}.example`).join(','),
      Array.from({ length: 60 }, (_, i) => `host-${i}.example`),
      [],
    ],
    ['', [], []],
  ];
  for (const [names, dns, uris] of rows) {
    test(names === '' ? 'none: the common name does not count' : names.slice(0, 60), () => {
      assert.deepEqual(alternativeNames(certificate(names)), { dns, uris });
    });
  }

  test('names are compared as a whole', () => {
    const der = certificate('DNS:*.a.example,DNS:b.example,URI:spiffe://x/y');
    const wants = (dns: readonly string[], uris: readonly string[]): boolean => bearsName(der, { dns, uris });
    assert.deepEqual(
      [
        wants(['b.example'], []),
        wants(['c.example', 'b.example'], []),
        wants([], ['spiffe://x/y']),
        wants(['x.a.example'], []),
        wants(['*.a.example'], []),
        wants(['example'], []),
        wants([], ['spiffe://x/']),
        wants([], ['b.example']),
        wants([], []),
      ],
      [true, true, true, false, true, false, false, false, false],
    );
  });

  test('broken certificates have no names, and nothing is thrown', () => {
    const der = certificate('DNS:a.example,URI:spiffe://x/y');
    fc.assert(
      fc.property(fc.nat(der.length - 1), fc.nat(255), fc.nat(der.length), (at, byte, cut) => {
        const broken = Buffer.from(der.subarray(0, cut));
        if (at < cut) broken[at] = byte;
        const { dns, uris } = alternativeNames(broken);
        assert.ok(dns.length + uris.length <= der.length);
        if (cut < der.length && at >= 4) assert.deepEqual([dns, uris], [[], []]);
      }),
      { numRuns: 300 },
    );
  });
});
