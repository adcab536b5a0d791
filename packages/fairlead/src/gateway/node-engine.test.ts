import assert from 'node:assert/strict';
import { test } from 'node:test';

// The feature tests of the gateway once more, on node:net, node:tls and node:dgram.

process.env.FAIRLEAD_REACTOR = 'node';
const { engine } = await import('../sys/engine-kind.ts');

test('these tests run without system calls of our own', () => {
  assert.deepEqual(engine, { kind: 'node', reason: 'FAIRLEAD_REACTOR=node' });
});

await import('./gateway.test.ts');
await import('./gateway-tls.test.ts');
await import('./gateway-http2.test.ts');
await import('./upstream-tls.test.ts');
await import('./compression/compression.test.ts');
await import('./compression/own-answers.test.ts');
await import('./upstream-http2-tls.test.ts');
await import('./l4/l4.test.ts');
await import('./l4/proxy-peers.test.ts');
