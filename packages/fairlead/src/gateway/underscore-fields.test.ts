import assert from 'node:assert/strict';
import { after, before, describe, test } from 'node:test';
import type { FaultFilter } from '../routing/route-filters.ts';
import { EitherClient, HTTP_VERSIONS } from './test-rig/either-client.ts';
import {
  type GatewayRig,
  ok,
  onRequests,
  RawUpstream,
  startRig,
  testBackend,
  testHost,
  testRoute,
} from './test-rig/gateway-rig.ts';
import type { UnderscoreRule } from './underscore-fields.ts';

/** Takes its time, so that the head is read a second time. */
const LATE: FaultFilter = { type: 'fault', delay: { share: 1, ms: 1 }, maxActive: 10 };

let upstream: RawUpstream;
let seen = '';
before(async () => {
  upstream = new RawUpstream((connection) =>
    onRequests(connection, (request) => {
      seen = request.toLowerCase();
      return ok('fine');
    }),
  );
  await upstream.listen();
});
after(() => upstream.close());

async function startWith(underscoreFields: UnderscoreRule | undefined): Promise<GatewayRig> {
  const web = [{ backend: 'web', weight: 1 }];
  return startRig(
    {
      hosts: [testHost('*', [testRoute('/late', web, { filters: [LATE] }), testRoute('/', web)])],
      backends: [testBackend('web', [upstream.port])],
    },
    underscoreFields === undefined ? {} : { underscoreFields },
  );
}

const rows: readonly (readonly [rule: UnderscoreRule | undefined, field: string, status: number, arrives: boolean])[] =
  [
    [undefined, 'X_User: me', 200, true],
    ['pass', 'X_User: me', 200, true],
    ['drop', 'X_User: me', 200, false],
    ['refuse', 'X_User: me', 400, false],
    ['drop', 'X-User: me', 200, true],
    ['refuse', 'X-User: a_b', 200, true],
  ];
describe('fields with underscores in their names', () => {
  for (const [rule, field, status, arrives] of rows) {
    for (const version of HTTP_VERSIONS) {
      test(`${rule ?? 'by default'}: ${field}, ${version}`, async () => {
        const rig = await startWith(rule);
        const client = new EitherClient(rig.port, version);
        const [name = '', value = ''] = field.toLowerCase().split(': ');
        try {
          for (const path of ['/', '/late']) {
            seen = '';
            assert.equal((await client.ask({ path, headers: { [name]: value } })).status, status, path);
            assert.equal(seen.includes(`\r\n${field.toLowerCase()}\r\n`), arrives, path);
          }
        } finally {
          client.close();
          await rig.stop();
        }
      });
    }
  }
});
