import assert from 'node:assert/strict';
import { test } from 'node:test';
import { clientAddress } from './client-address.ts';

const trusted = new Set(['10.0.0.1', '10.0.0.2', '2001:db8::1']);
const ROWS: readonly (readonly [name: string, field: string | undefined, address: string])[] = [
  ['no field', undefined, '10.0.0.1'],
  ['one client', '192.0.2.1', '192.0.2.1'],
  ['what is left of it is only said', '198.51.100.1, 192.0.2.1', '192.0.2.1'],
  ['a chain of proxies', '192.0.2.1, 10.0.0.2', '192.0.2.1'],
  ['nothing but proxies', '10.0.0.2, 2001:db8::1', '10.0.0.2'],
  ['with a port', '192.0.2.1:1234', '192.0.2.1'],
  ['IPv6 with a port', '[2001:db8::5]:1234', '2001:db8::5'],
  ['IPv4 within IPv6', '::ffff:192.0.2.1', '192.0.2.1'],
  ['not an address', 'unknown', '10.0.0.1'],
  ['not an address, behind a proxy', '192.0.2.1, bogus, 10.0.0.2', '10.0.0.2'],
  ['empty entries', '192.0.2.1, ', '10.0.0.1'],
];
for (const [name, field, address] of ROWS) {
  test(name, () =>
    assert.equal(
      clientAddress('10.0.0.1', field, (each) => trusted.has(each)),
      address,
    ),
  );
}
