import assert from 'node:assert/strict';
import { createHash } from 'node:crypto';
import { rmSync } from 'node:fs';
import { join } from 'node:path';
import { test } from 'node:test';
import { web } from './echo-manifest.ts';
import { createMachine, kernelSkip, namespacesWith, processesWith, removeMachine, startSystem } from './system.ts';

const skip = kernelSkip('kubectl');

for (const [name, below] of [
  ['all of it', []],
  ["the node's part", ['nodes']],
] as const) {
  test(`a data directory deleted under a running system (${name}): its rules and namespaces go with it`, {
    skip,
  }, async (context) => {
    const machine = await createMachine();
    context.after(() => removeMachine(machine));
    const system = await startSystem({ machine });
    context.after(() => system.dispose());
    await system.apply(web('web', 2));
    await system.kubectl('wait', 'deployment/web', '--for=condition=Available', '--timeout=100s');
    const before = (await system.exec('nft', 'list', 'tables')).stdout;
    assert.match(before, /table ip fairlead/);
    rmSync(join(system.dataDir, ...below), { recursive: true, force: true });
    // Whatever the status: it may well complain.
    await system.stop();
    const tables = (await system.exec('nft', 'list', 'tables')).stdout.trim();
    assert.equal(tables, '', system.output());
    const links = (await system.exec('ip', '-o', 'link')).stdout;
    assert.doesNotMatch(links, /fl-|fairlead0/, system.output());
    const instance = createHash('sha256').update(system.dataDir).digest('hex').slice(0, 4);
    assert.deepEqual(await namespacesWith(`fl-${instance}-`), [], system.output());
    assert.deepEqual(await processesWith(system.dataDir), [], system.output());
  });
}
