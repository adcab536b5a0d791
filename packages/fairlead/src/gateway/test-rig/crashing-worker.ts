import { existsSync, unlinkSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { Epoll } from '../../sys/epoll.ts';
import { HostIndex } from '../host-index.ts';

// The real worker with two faults: it dies when a file appears, and one host name throws.

const trap = join(tmpdir(), `fltest-crash-${process.pid}`);
const wait = Epoll.prototype.wait;
Epoll.prototype.wait = function (timeoutMs: number): number {
  const count = wait.call(this, timeoutMs);
  if (existsSync(trap)) {
    unlinkSync(trap);
    throw new Error('the trap');
  }
  return count;
};

const find = HostIndex.prototype.find;
HostIndex.prototype.find = function (bytes: Uint8Array, start: number, end: number): unknown {
  if (Buffer.from(bytes.subarray(start, end)).toString() === 'throw.example') throw new Error('thrown on purpose');
  return find.call(this, bytes, start, end);
};

await import('../worker.ts');
