import { execFile, spawn } from 'node:child_process';
import { readdirSync } from 'node:fs';
import { connect as netConnect } from 'node:net';
import { setTimeout as sleep } from 'node:timers/promises';
import { fileURLToPath } from 'node:url';
import { promisify } from 'node:util';
import { freePort } from '../packages/fairlead/src/sys/testing/free-ports.ts';
import { residentBytes } from './process-cpu.ts';
import { printTable } from './table.ts';

const run = promisify(execFile);
const STEPS = 10;
const STEP_SECONDS = 15;

async function awaitPort(port: number): Promise<void> {
  for (let attempt = 0; attempt < 200; attempt++) {
    const open = await new Promise<boolean>((resolve) => {
      const socket = netConnect(port, '127.0.0.1', () => {
        socket.destroy();
        resolve(true);
      });
      socket.on('error', () => resolve(false));
    });
    if (open) return;
    await sleep(50);
  }
  throw new Error(`nothing listens on port ${port}`);
}

/**
 * Opens and closes client connections of the gateway for two and a half minutes, one request each: a million on a
 * quiet machine. Prints what is left of them: descriptors and resident memory, which must level off.
 */
export async function runConnectionsBench(): Promise<void> {
  const [port, upstream] = [await freePort(), await freePort()];
  const gateway = fileURLToPath(new URL('./l7/gateway.ts', import.meta.url));
  const child = spawn(process.execPath, [gateway, `${port}`, `${upstream}`, 'http1'], {
    stdio: ['ignore', 'ignore', 'inherit'],
  });
  const pid = child.pid ?? 0;
  try {
    await awaitPort(port);
    const rows: (string | number)[][] = [];
    let total = 0;
    for (let step = 0; step <= STEPS; step++) {
      if (step > 0) {
        // No endpoint listens: each connection gets its 502, and is closed.
        const args = ['-t1', '-c64', `-d${STEP_SECONDS}`, '-H', 'Connection: close', `http://127.0.0.1:${port}/`];
        const { stdout } = await run('wrk', args);
        total += Number(/(\d+) requests in/.exec(stdout)?.[1] ?? 0);
        await sleep(1000);
      }
      rows.push([total, readdirSync(`/proc/${pid}/fd`).length, Math.round(residentBytes(pid) / 2 ** 20)]);
    }
    printTable('Connections opened and closed', ['connections', 'descriptors', 'RSS MiB'], rows);
  } finally {
    child.kill('SIGTERM');
  }
}
