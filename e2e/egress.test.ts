import assert from 'node:assert/strict';
import { spawn } from 'node:child_process';
import { once } from 'node:events';
import { test } from 'node:test';
import { web } from './echo-manifest.ts';
import { machineOfBothFamilies, machineOutside, outsideAddresses } from './machines.ts';
import { eventually, kernelSkip, startSystem } from './system.ts';

const skip = kernelSkip('kubectl', 'curl');
/** Tells each client the address that it came from. */
const server = `require('node:http')
  .createServer((request, response) => response.end(request.socket.remoteAddress))
  .listen(8000, '::', () => console.log('listening'))`;

for (const [name, args] of [
  ['one node', []],
  ['two nodes', ['--nodes', '2']],
] as const) {
  test(`${name}: Pods reach machines that have no route to them, under the machine's address`, {
    skip,
  }, async (context) => {
    const system = await startSystem({
      machine: await machineOfBothFamilies(),
      args: ['--ip-family', 'dual', ...args],
    });
    context.after(() => system.dispose());
    await system.apply(web('web', 2));
    await system.kubectl('wait', 'deployment/web', '--for=condition=Available', '--timeout=60s');
    const pods = (await system.kubectl('get', 'pods', '-o', 'name')).trim().split('\n');
    assert.equal(pods.length, 2);
    await machineOutside(system, async (outside) => {
      const child = spawn('ip', ['netns', 'exec', outside, process.execPath, '-e', server]);
      try {
        await once(child.stdout, 'data');
        for (const pod of pods) {
          for (const address of outsideAddresses) {
            const url = `http://${address.includes(':') ? `[${address}]` : address}:8000/`;
            const seen = address.includes(':') ? '2001:db8::10' : '::ffff:192.0.2.10';
            await eventually(`${url} from ${pod}`, async () => {
              const curl = ['exec', pod, '--', 'curl', '-s', '-g', '--max-time', '3', url];
              return (await system.kubectl(...curl).catch(() => '')) === seen;
            });
          }
        }
      } finally {
        child.kill('SIGKILL');
      }
    });
  });
}
