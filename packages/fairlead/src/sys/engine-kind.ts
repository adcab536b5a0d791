import { SysError } from './sys-error.ts';

/** What the data plane stands on: system calls of Linux through FFI, or node:net, node:tls and node:dgram. */
export interface Engine {
  readonly kind: 'epoll' | 'node';
  /** Why it is not the kernel's; undefined when it is. */
  readonly reason: string | undefined;
}

/**
 * The engine of this process, the same in all its threads. `FAIRLEAD_REACTOR` (`epoll` or `node`) decides;
 * without it epoll is taken where it can be had. On the way to `node` nothing native is loaded.
 * @throws SysError for another value of the variable.
 */
export const engine: Engine = await chooseEngine(process.env.FAIRLEAD_REACTOR);

/**
 * Several threads can listen on one port, and the kernel spreads connections over them: SO_REUSEPORT as Linux
 * has it, in node:net what libuv knows of it.
 */
export const sharesPorts: boolean = process.platform === 'linux' || process.platform === 'freebsd';

async function chooseEngine(wanted: string | undefined): Promise<Engine> {
  if (wanted === 'node') return { kind: 'node', reason: 'FAIRLEAD_REACTOR=node' };
  if (wanted !== undefined && wanted !== '' && wanted !== 'epoll') {
    throw new SysError('bad-argument', `FAIRLEAD_REACTOR is epoll or node, not ${wanted}`);
  }
  try {
    await import('./libc.ts');
    return { kind: 'epoll', reason: undefined };
  } catch (error) {
    if (wanted === 'epoll' || !(error instanceof SysError)) throw error;
    return { kind: 'node', reason: error.message };
  }
}
