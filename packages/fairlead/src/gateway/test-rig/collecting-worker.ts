import { setFlagsFromString } from 'node:v8';
import { runInNewContext } from 'node:vm';
import { Epoll } from '../../sys/epoll.ts';

// The real worker, which collects its garbage when nothing happens: what is left then is held by somebody.

setFlagsFromString('--expose-gc');
const collectGarbage = runInNewContext('gc') as () => void;
const wait = Epoll.prototype.wait;
Epoll.prototype.wait = function (timeoutMs: number): number {
  const count = wait.call(this, timeoutMs);
  if (count === 0) collectGarbage();
  return count;
};

await import('../worker.ts');
