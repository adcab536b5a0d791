import assert from 'node:assert/strict';
import { test } from 'node:test';
import { RequestHead } from '../wire/http1/request-head.ts';
import { takeGrpcTimeout } from './grpc-timeout.ts';

const rows: readonly [asked: string, routeMs: number, ms: number, sent: string | undefined][] = [
  ['100m', Infinity, 100, '100m'],
  ['5S', 10_000, 5000, '5S'],
  ['10S', 4000, 4000, '04S'],
  ['10S', 250, 250, undefined],
  ['1000m', 250, 250, '0250m'],
  ['30000000u', 1500, 1500, '00001500m'],
  ['1H', 60_000, 60_000, '1M'],
  ['500000n', Infinity, 0.5, '500000n'],
  ['soon', 300, 300, 'soon'],
  ['123456789S', 300, 300, '123456789S'],
];
for (const [asked, routeMs, ms, sent] of rows) {
  test(`grpc-timeout ${asked} on a route of ${routeMs} ms: ${ms} ms`, () => {
    const bytes = Buffer.from(`POST /s/m HTTP/1.1\r\nHost: h\r\nGrpc-Timeout: ${asked}\r\nA: b\r\n\r\n`);
    const head = new RequestHead();
    head.reset();
    assert.equal(head.parse(bytes, 0, bytes.length), bytes.length);
    assert.equal(takeGrpcTimeout(head, routeMs), ms);
    const left = head.dropped[1] === 1 ? undefined : bytes.subarray(head.valueStart(1), head.valueEnd(1)).toString();
    assert.equal(left, sent);
  });
}
