import assert from 'node:assert/strict';
import { spawnSync } from 'node:child_process';
import { test } from 'node:test';

/** What a process of its own finds, run with a preface that may break things, and whether it loaded koffi. */
function choose(setting: string | undefined, preface = ''): string {
  const { FAIRLEAD_REACTOR: _, ...env } = process.env;
  const script = `${preface}
    const { engine } = await import(${JSON.stringify(new URL('./engine-kind.ts', import.meta.url).href)});
    const koffi = Object.keys((await import('node:module')).Module._cache ?? {}).some((path) => path.includes('koffi'));
    process.stdout.write(engine.kind + ' ' + engine.reason + ' ' + koffi);`;
  const { stdout, stderr } = spawnSync(process.execPath, ['--input-type=module', '-e', script], {
    env: { ...env, ...(setting === undefined ? {} : { FAIRLEAD_REACTOR: setting }) },
    encoding: 'utf8',
  });
  return stdout === '' ? (/SysError: (.*)/.exec(stderr)?.[1] ?? stderr) : stdout;
}

const otherPlatform = "Object.defineProperty(process, 'platform', { value: 'darwin' });";

test('on Linux with koffi the engine is epoll', () => {
  assert.equal(choose(undefined), 'epoll undefined true');
});

test('FAIRLEAD_REACTOR=node decides, and koffi is not loaded', () => {
  assert.equal(choose('node'), 'node FAIRLEAD_REACTOR=node false');
});

test('on another platform the engine is node:net, with the reason', () => {
  assert.match(choose(undefined, otherPlatform), /^node .*needs Linux, this is darwin false$/);
});

test('epoll that was asked for and cannot be had is an error', () => {
  assert.match(choose('epoll', otherPlatform), /needs Linux, this is darwin/);
});

test('another value is refused', () => {
  assert.match(choose('kqueue'), /FAIRLEAD_REACTOR is epoll or node, not kqueue/);
});
