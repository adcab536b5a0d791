import { existsSync, unlinkSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { Epoll } from '../../sys/epoll.ts';

// The real thread with a fault: it dies when a file appears.

const trap = join(tmpdir(), `fltest-proxy-crash-${process.pid}`);
const wait = Epoll.prototype.wait;
Epoll.prototype.wait = function (timeoutMs: number): number {
  const count = wait.call(this, timeoutMs);
  if (existsSync(trap)) {
    unlinkSync(trap);
    throw new Error('the trap');
  }
  return count;
};

await import('../userspace/proxy-thread.ts');
