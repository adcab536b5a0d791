import assert from 'node:assert/strict';
import { test } from 'node:test';
import { rrClass } from '../wire/dns/constants.ts';
import { nameFromText } from '../wire/dns/name.ts';
import { parseZoneFile } from '../wire/dns/zone-file.ts';
import { withValue } from './rewrite-values.ts';

const origin = nameFromText('old.test')!;

/** Data of a record that a line of a zone file has. */
function dataOf(line: string): { readonly type: number; readonly data: Uint8Array } {
  const parsed = parseZoneFile(`$TTL 60\n${line}\n`, { origin, file: 'test' });
  assert.ok(parsed.ok, parsed.ok ? '' : parsed.problem);
  return parsed.records[0]!;
}

const rows: readonly (readonly [title: string, before: string, after: string])[] = [
  ['NS', '@ NS ns', '@ NS ns.new.test.'],
  ['CNAME', 'a CNAME b.c', 'a CNAME b.c.new.test.'],
  ['PTR', 'a PTR host', 'a PTR host.new.test.'],
  ['DNAME', 'a DNAME tree', 'a DNAME tree.new.test.'],
  ['MX, behind the preference', '@ MX 10 mail', '@ MX 10 mail.new.test.'],
  ['SRV, behind three numbers', 'a SRV 1 2 3 host', 'a SRV 1 2 3 host.new.test.'],
  ['SOA, its primary alone', '@ SOA ns admin 1 2 3 4 5', '@ SOA ns.new.test. admin 1 2 3 4 5'],
  [
    'NAPTR, behind its texts',
    'a NAPTR 1 2 "s" "SIP+D2U" "" _sip._udp',
    'a NAPTR 1 2 "s" "SIP+D2U" "" _sip._udp.new.test.',
  ],
  ['a name that no rule is for', 'a CNAME b.other.', 'a CNAME b.other.'],
  ['an address', 'a A 192.0.2.1', 'a A 192.0.2.1'],
  ['a text that looks like a name', 'a TXT "x.old.test."', 'a TXT "x.old.test."'],
];

for (const [title, before, after] of rows) {
  test(title, () => {
    const record = { ...dataOf(before), name: origin, class: rrClass.IN, ttl: 60 };
    const rewritten = withValue(record, (name) => name.replace(/\.old\.test$/, '.new.test'));
    assert.deepEqual(Buffer.from(rewritten.data), Buffer.from(dataOf(after).data));
  });
}
