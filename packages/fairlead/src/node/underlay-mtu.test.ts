import assert from 'node:assert/strict';
import { execFileSync } from 'node:child_process';
import { test } from 'node:test';
import { kernelObstacle } from './testing/kernel-lab.ts';

const skip = kernelObstacle() ?? false;

test('the MTU is that of the link with the address', { skip, timeout: 120_000 }, () => {
  const netns = `fltest-mtu-${process.pid}`;
  const ip = (...args: string[]): string => execFileSync('ip', args, { encoding: 'utf8' });
  const module = new URL('./underlay-mtu.ts', import.meta.url).href;
  const asked = (address: string): number =>
    Number(
      ip(
        ...['netns', 'exec', netns, process.execPath, '--input-type=module', '--eval'],
        `const { underlayMtu } = await import('${module}'); console.log(await underlayMtu('${address}'));`,
      ),
    );
  ip('netns', 'add', netns);
  try {
    ip('-n', netns, 'link', 'set', 'lo', 'up');
    ip('-n', netns, 'link', 'add', 'big', 'mtu', '9000', 'type', 'bridge');
    ip('-n', netns, 'link', 'add', 'small', 'mtu', '1400', 'type', 'bridge');
    ip('-n', netns, 'addr', 'add', '192.0.2.1/24', 'dev', 'big');
    ip('-n', netns, 'addr', 'add', '198.51.100.1/24', 'dev', 'small');
    ip('-n', netns, 'link', 'set', 'big', 'up');
    ip('-n', netns, 'link', 'set', 'small', 'up');
    assert.equal(asked('192.0.2.1'), 9000);
    assert.equal(asked('198.51.100.1'), 1400);
    assert.equal(asked('127.0.0.1'), 1500, 'the loopback says nothing of a network');
    assert.equal(asked('203.0.113.1'), 1500);
  } finally {
    ip('netns', 'del', netns);
  }
});
