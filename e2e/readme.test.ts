import assert from 'node:assert/strict';
import { readFileSync } from 'node:fs';
import { after, before, test } from 'node:test';
import { fileURLToPath } from 'node:url';
import { eventually, findProgram, kernelSkip, startSystem, type TestSystem } from './system.ts';

const root = fileURLToPath(new URL('..', import.meta.url));
const skip = kernelSkip('kubectl', 'curl');
const readme = readFileSync(new URL('../README.md', import.meta.url), 'utf8');

/** The shell blocks of the README's first minute, with the sentence above each. */
function walkThrough(): readonly { readonly title: string; readonly script: string }[] {
  const section = readme.slice(readme.indexOf('## A first minute'), readme.indexOf('## What works'));
  return [...section.matchAll(/(?:\*\*([^*]+)\*\*[^\n]*\n(?:[^`\n][^\n]*\n)*)?\n?```sh\n([\s\S]*?)```/g)].map(
    ([, title = 'In a second terminal', script = '']) => ({ title, script }),
  );
}

/** What must show in the output of a block. */
const expected: Readonly<Record<string, RegExp>> = {
  'In a second terminal': /pod\/storefront[\s\S]*service\/catalog[\s\S]*ingress\S*\/shop/,
  'Routing.': /"pod":"storefront-[\s\S]*"pod":"catalog-v[12]-[\s\S]*"pod":"catalog-v2-/,
  'Balancing.': /^("pod":"catalog-v[12]-[^"]*"\n){6}$/,
  'Names.': /^10\.96\.\d+\.\d+\n$/,
  'Change something.': /catalog-v1 scaled[\s\S]*storefront restarted/,
  'Ask why.': /route {5}prefix \/catalog[\s\S]*reaches one of \d endpoints/,
  'Your own.': /deployment\.apps\/web created[\s\S]*pod\/hello created/,
};

let system: TestSystem;
before(async () => {
  if (skip !== false) return;
  system = await startSystem({ args: ['--demo'] });
  await eventually('the shop', async () => {
    const ready = await system.kubectl(
      'get',
      'deployments',
      '-n',
      'shop',
      '-o',
      'jsonpath={.items[*].status.readyReplicas}',
    );
    return ready === '2 1 2 2';
  });
});
after(async () => {
  await system?.dispose();
});

test('what the demo announces answers', { skip }, async () => {
  await eventually('the announcement', async () => /^demo {8}curl /m.test(system.output()));
  const announced = /^demo {8}(curl .*)$/m.exec(system.output())?.[1] ?? '';
  const { stdout } = await system.exec('sh', '-c', `${announced} -s`);
  assert.match(stdout, /"pod":"storefront-/);
});

test('every block of the walk through has an expectation', () => {
  assert.deepEqual(
    walkThrough()
      .map((block) => block.title)
      .sort(),
    Object.keys(expected).sort(),
  );
});

for (const { title, script } of walkThrough()) {
  const needs = /\bdig /.test(script) && findProgram('dig') === undefined ? 'needs dig' : skip;
  test(`README: ${title}`, { skip: needs }, async () => {
    // The system of this test keeps its kubeconfig elsewhere, and npm start is what is running already.
    const lines = script
      .replace('/var/lib/fairlead/kubeconfig', system.kubeconfig)
      .split('\n')
      .filter((line) => !line.startsWith('npm start'));
    const commands = `set -e; cd '${root}'; export KUBECONFIG='${system.kubeconfig}'\n${lines.join('\n')}`;
    const done = await system.exec('bash', '-c', commands);
    assert.equal(done.status, 0, done.stderr);
    assert.match(done.stdout, expected[title] ?? assert.fail(title));
  });
}
