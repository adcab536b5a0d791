import { type ChildProcess, spawn } from 'node:child_process';
import { once } from 'node:events';
import { get } from 'node:https';
import { join } from 'node:path';
import { setTimeout as sleep } from 'node:timers/promises';
import type { ConnectionOptions } from 'node:tls';
import { fileURLToPath } from 'node:url';
import { loadKubeconfig } from '@fairlead/client';
import { freePort } from '../packages/fairlead/src/sys/testing/free-ports.ts';

/** An API server under measurement. */
export interface RunningApi {
  readonly process: ChildProcess;
  readonly url: string;
  /** From the start of its process to /readyz 200. */
  readonly startMs: number;
  /** By what it is believed, and our certificate. */
  readonly tls: ConnectionOptions;
}

/** Status of /readyz; 0 when nothing answers. */
function readyz(url: string): Promise<number> {
  return new Promise((resolve) => {
    // The CA is made by the server that is just starting; nothing is sent that needs protection.
    const request = get(`${url}/readyz`, { rejectUnauthorized: false, agent: false }, (response) => {
      response.resume();
      response.on('end', () => resolve(response.statusCode ?? 0));
    });
    request.on('error', () => resolve(0));
  });
}

/** Waits until a server says that it is ready. */
export async function becomesReady(name: string, child: ChildProcess, url: string, lookEveryMs: number): Promise<void> {
  const began = performance.now();
  while ((await readyz(url)) !== 200) {
    if (child.exitCode !== null) throw new Error(`${name} ended with status ${child.exitCode}`);
    if (performance.now() - began > 60_000) throw new Error(`${name} was not ready within a minute`);
    await sleep(lookEveryMs);
  }
}

/** `fairlead apiserver` as a process of its own; resolves when /readyz answers 200. */
export async function startApi(folder: string, datastore: readonly string[] = []): Promise<RunningApi> {
  const port = await freePort();
  const entry = fileURLToPath(new URL('../packages/fairlead/bin/fairlead.mjs', import.meta.url));
  const url = `https://127.0.0.1:${port}`;
  const kubeconfig = join(folder, 'kubeconfig');
  const began = performance.now();
  const child = spawn(
    process.execPath,
    [
      ...[entry, 'apiserver', '--data-dir', folder, '--api-listen', `127.0.0.1:${port}`, '--kubeconfig', kubeconfig],
      ...datastore,
    ],
    { stdio: ['ignore', 'ignore', 'inherit'] },
  );
  await becomesReady('fairlead apiserver', child, url, 2);
  const startMs = performance.now() - began;
  const config = loadKubeconfig(kubeconfig);
  const tls: ConnectionOptions = {
    ...(config.ca === undefined ? {} : { ca: config.ca }),
    ...(config.clientCertificate === undefined ? {} : { cert: config.clientCertificate }),
    ...(config.clientKey === undefined ? {} : { key: config.clientKey }),
  };
  return { process: child, url, startMs, tls };
}

/** Ends a server in order. */
export async function stopApi(api: Pick<RunningApi, 'process'>): Promise<void> {
  if (api.process.exitCode !== null) return;
  api.process.kill('SIGTERM');
  await once(api.process, 'exit');
}
