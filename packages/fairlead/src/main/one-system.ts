import { once } from 'node:events';
import { createServer } from 'node:net';

/** What one system has of its own while it runs. */
export interface SystemClaim {
  /** For the next system. */
  release(): void;
}

/**
 * Claims a name for one system at a time, in this network namespace; `undefined` when another one has it. It is a
 * socket in Linux' abstract name space: bound to the network namespace as rules and links are, without a file that a
 * killed process leaves behind. Other platforms have none: there every claim is granted.
 */
export async function claimSystem(name: string): Promise<SystemClaim | undefined> {
  if (process.platform !== 'linux') return { release() {} };
  const socket = createServer((connection) => connection.destroy());
  try {
    socket.listen(`\0fairlead/${name}`);
    await once(socket, 'listening');
  } catch (error) {
    if ((error as NodeJS.ErrnoException).code === 'EADDRINUSE') return undefined;
    throw error;
  }
  return {
    release() {
      socket.close();
    },
  };
}
