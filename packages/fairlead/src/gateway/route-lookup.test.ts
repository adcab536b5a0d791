import assert from 'node:assert/strict';
import { after, before, test } from 'node:test';
import { type GatewayRig, startRig, testHost, testRoute } from './test-rig/gateway-rig.ts';

const says = (path: string, body: string): ReturnType<typeof testRoute> =>
  testRoute(path, [], { action: { type: 'respond', status: 200, body } });

let rig: GatewayRig;
before(async () => {
  rig = await startRig({
    hosts: [
      testHost('shop.example.org', [says('/exact', 'exact')]),
      testHost('*.example.org', [says('/wild', 'wildcard')]),
      testHost('*', [says('/any', 'any')]),
      testHost('other.org', [says('/', 'other')]),
    ],
  });
});
after(async () => rig?.stop());

const rows: readonly [host: string, path: string, answer: string][] = [
  ['shop.example.org', '/exact', 'exact'],
  ['shop.example.org', '/wild', 'wildcard'],
  ['SHOP.example.ORG:80', '/wild', 'wildcard'],
  ['shop.example.org', '/any', 'any'],
  ['shop.example.org', '/none', '404'],
  ['else.example.org', '/wild', 'wildcard'],
  ['else.example.org', '/exact', '404'],
  ['else.example.org', '/any', 'any'],
  ['a.b.example.org', '/wild', '404'],
  ['example.org', '/any', 'any'],
  ['other.org', '/any', 'other'],
];
for (const [host, path, answer] of rows) {
  test(`a hostname without a matching route hands on: ${host}${path}: ${answer}`, async () => {
    const response = await rig.exchange(`GET ${path} HTTP/1.1\r\nHost: ${host}\r\nConnection: close\r\n\r\n`);
    const body = response.slice(response.indexOf('\r\n\r\n') + 4);
    assert.equal(response.startsWith('HTTP/1.1 404') ? '404' : body, answer);
  });
}
