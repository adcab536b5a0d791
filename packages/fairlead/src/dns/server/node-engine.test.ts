import assert from 'node:assert/strict';
import { spawn } from 'node:child_process';
import { once } from 'node:events';
import { createInterface } from 'node:readline';
import { test } from 'node:test';
import { answerText, askTcp, askUdp, encodeQuery } from '../dns-fixtures.ts';

// The tests of the server once more, with node:dgram for UDP.

process.env.FAIRLEAD_REACTOR = 'node';
const { engine } = await import('../../sys/engine-kind.ts');

test('these tests run without system calls of our own', () => {
  assert.deepEqual(engine, { kind: 'node', reason: 'FAIRLEAD_REACTOR=node' });
});

test('a machine without FFI resolves', { timeout: 120_000 }, async () => {
  const url = (path: string): string => JSON.stringify(new URL(path, import.meta.url).href);
  const code = `
    import { registerHooks } from 'node:module';
    registerHooks({ resolve(specifier, context, next) {
      if (specifier === 'koffi') throw new Error('there is no koffi here');
      return next(specifier, context);
    } });
    const { startDns } = await import(${url('../start.ts')});
    const { systemClock, systemRandom } = await import(${url('../../sys/clock.ts')});
    const client = new Proxy({}, { get: () => () => new Promise(() => {}) });
    const server = await startDns({
      client, listen: [{ address: '127.0.0.1', port: 0 }, { address: '::1', port: 0 }], clusterDomain: 'cluster.local', upstreams: [],
      hosts: [{ address: '192.0.2.7', names: ['printer.lan'] }],
      workers: 2, clock: systemClock, random: systemRandom, log() {},
    });
    process.stdout.write(JSON.stringify(server.addresses) + '\\n');
  `;
  const { FAIRLEAD_REACTOR: _, ...env } = process.env;
  const child = spawn(process.execPath, ['--input-type=module', '-e', code], {
    env,
    stdio: ['ignore', 'pipe', 'inherit'],
  });
  try {
    const [line] = (await once(createInterface({ input: child.stdout }), 'line')) as [string];
    const addresses = JSON.parse(line);
    assert.equal(addresses.length, 2);
    for (const address of addresses) {
      assert.deepEqual(answerText(await askUdp(address, encodeQuery('x.svc.cluster.local', 'A'))), ['SERVFAIL']);
      const [overTcp] = await askTcp(address, [encodeQuery('x.svc.cluster.local', 'A')]);
      assert.deepEqual(answerText(overTcp!), ['SERVFAIL']);
      assert.deepEqual(answerText(await askUdp(address, encodeQuery('printer.lan', 'A'))), ['SERVFAIL']);
    }
  } finally {
    child.kill('SIGKILL');
    await once(child, 'exit');
  }
});

await import('./dns-server.test.ts');
await import('./access-list.test.ts');
await import('./resolver-clients.test.ts');
await import('./secure-listeners.test.ts');
await import('../zone-files.test.ts');
await import('../start.test.ts');
await import('../zones.test.ts');
