import assert from 'node:assert/strict';
import { test } from 'node:test';
import {
  decodeSocketAddress,
  encodeSocketAddress,
  formatIpv6,
  parseIpv4,
  parseIpv6,
  socketAddress,
} from './socket-address.ts';

test('sockaddr layouts', () => {
  const bytes = new Uint8Array(28);
  assert.equal(encodeSocketAddress({ family: 'ipv4', address: '10.1.2.255', port: 8080 }, bytes), 16);
  assert.deepEqual([...bytes.subarray(0, 16)], [2, 0, 0x1f, 0x90, 10, 1, 2, 255, 0, 0, 0, 0, 0, 0, 0, 0]);
  assert.equal(encodeSocketAddress({ family: 'ipv6', address: 'fe80::1', port: 53, scopeId: 258 }, bytes), 28);
  assert.deepEqual(
    [...bytes],
    [10, 0, 0, 53, 0, 0, 0, 0, 0xfe, 0x80, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 1, 2, 1, 0, 0],
  );
});

test('round trips and text', () => {
  const rows: readonly (readonly [string, string | undefined])[] = [
    ['::', '::'],
    ['::1', '::1'],
    ['1::', '1::'],
    ['2001:DB8:0:0:1:0:0:1', '2001:db8::1:0:0:1'],
    ['2001:db8:0:1:1:1:1:1', '2001:db8:0:1:1:1:1:1'],
    ['::ffff:10.0.0.1', '::ffff:10.0.0.1'],
    ['1:2:3:4:5:6:7:8', '1:2:3:4:5:6:7:8'],
    ['1:2:3:4:5:6:7', undefined],
    ['1:2:3:4:5:6:7:8:9', undefined],
    ['1::2::3', undefined],
    ['1:2:3:4:5:6:7::8', undefined],
    ['12345::', undefined],
    ['::10.0.0.256', undefined],
    ['10.0.0.1', '10.0.0.1'],
    ['10.0.0.01', undefined],
    ['10.0.0', undefined],
    ['10.0.0.1 ', undefined],
    ['localhost', undefined],
  ];
  const bytes = new Uint8Array(40);
  for (const [text, expected] of rows) {
    const address = socketAddress(text, 443);
    assert.equal(address?.address, expected, text);
    if (address !== undefined) {
      encodeSocketAddress(address, bytes, 8);
      assert.deepEqual(decodeSocketAddress(bytes, 8), address);
    }
  }
  assert.equal(socketAddress('10.0.0.1', 65536), undefined);
  assert.equal(decodeSocketAddress(new Uint8Array(28)), undefined);
});

test('IPv6 text agrees with URL parsing for random addresses', () => {
  let state = 12345;
  for (let round = 0; round < 500; round++) {
    const bytes = new Uint8Array(16);
    for (let i = 0; i < 16; i += 2) {
      state = (Math.imul(state, 1103515245) + 12345) >>> 0;
      if ((state >>> 16) % 3 !== 0) {
        bytes[i] = (state >>> 8) & 0xff;
        bytes[i + 1] = (state >>> 20) & 0xff;
      }
    }
    const text = formatIpv6(bytes);
    assert.deepEqual(parseIpv6(text), bytes);
    if (!text.includes('.')) assert.equal(new URL(`http://[${text}]/`).hostname, `[${text}]`);
  }
  assert.equal(parseIpv4('1.2.3.4.5'), undefined);
});
