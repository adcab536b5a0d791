import assert from 'node:assert/strict';
import { spawn } from 'node:child_process';
import { existsSync, mkdtempSync, readdirSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { dirname, join } from 'node:path';
import { after, before, test } from 'node:test';
import { fileURLToPath } from 'node:url';
import { command, eventually } from './system.ts';

const root = fileURLToPath(new URL('..', import.meta.url));
const folder = mkdtempSync(join(tmpdir(), 'fairlead-package-'));
after(() => rmSync(folder, { recursive: true, force: true }));

// The exact runtime comes first on PATH, as `npx` finds a user's Node 24 or newer.
const env = { ...process.env, PATH: `${dirname(process.execPath)}:${process.env.PATH}` };
const npm = (...args: readonly string[]) =>
  command('npm', [...args, '--no-audit', '--no-fund', '--loglevel=error'], { env });

before(async () => {
  const packed = await npm('pack', '--prefix', root, '-w', 'fairlead', '--pack-destination', folder);
  assert.equal(packed.status, 0, packed.stderr);
  const tarball = readdirSync(folder).find((name) => name.endsWith('.tgz'));
  assert.ok(tarball !== undefined, packed.stdout);
  writeFileSync(join(folder, 'package.json'), '{"private":true}');
  const installed = await npm('install', '--prefix', folder, join(folder, tarball));
  assert.equal(installed.status, 0, installed.stderr);
});

test('the installed package runs without a build step', async () => {
  const program = join(folder, 'node_modules/.bin/fairlead');
  const version = await command(program, ['version'], { env });
  assert.equal(
    version.stdout.trim(),
    JSON.parse(readFileSync(join(root, 'packages/fairlead/package.json'), 'utf8')).version,
  );
  const help = await command(program, ['up', '--help'], { env });
  assert.match(help.stdout, /--gateway-http/);
});

test('the installed package serves the API', async () => {
  const program = join(folder, 'node_modules/.bin/fairlead');
  const dataDir = join(folder, 'data');
  const server = spawn(program, ['apiserver', '--data-dir', dataDir, '--api-listen', '127.0.0.1:0'], {
    env,
    stdio: 'inherit',
  });
  const exited = new Promise((resolve) => server.on('exit', resolve));
  try {
    const kubeconfig = join(dataDir, 'kubeconfig');
    await eventually('the kubeconfig', async () => existsSync(kubeconfig));
    const got = await eventually('an answer', async () => {
      const done = await command(program, ['get', 'services', '--kubeconfig', kubeconfig], { env });
      return done.status === 0 && done.stdout;
    });
    assert.match(got, /kubernetes\s+ClusterIP\s+10\.96\.0\.1/);
  } finally {
    server.kill('SIGTERM');
    await exited;
  }
});
