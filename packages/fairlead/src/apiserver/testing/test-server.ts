import { mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { systemClock } from '../../sys/clock.ts';
import type { InProcessClient } from '../client/in-process-client.ts';
import { type ApiServerOptions, type RunningApiServer, startApiServer } from '../start.ts';

/** A server that a test has for itself. */
export interface TestServer extends RunningApiServer {
  client(userAgent?: string): InProcessClient;
}

/** A server on a port of the kernel's choice, whose history lasts longer than a test. */
export function testServerOptions(dataDir: string): ApiServerOptions {
  return {
    dataDir,
    listen: [{ host: '127.0.0.1', port: 0 }],
    advertiseAddress: '127.0.0.1',
    advertisePort: 0,
    serviceCidr: '10.96.0.0/16',
    nodePortRange: '30000-32767',
    clusterDomain: 'cluster.local',
    clock: systemClock,
    log: () => {},
    compactEveryMs: 300_000,
    logToken: 'secret',
  };
}

/**
 * Starts the real server with {@link testServerOptions}, but for what `options` say. A data directory that nobody
 * named is made, and removed with the server's end. What it writes by itself has been written, unless the test has a clock.
 */
export async function startTestServer(options: Partial<ApiServerOptions> = {}): Promise<TestServer> {
  const dataDir = options.dataDir ?? mkdtempSync(join(tmpdir(), 'fairlead-api-'));
  const running = await startApiServer({ ...testServerOptions(dataDir), ...options });
  // The clock of a test may stand still.
  if (options.clock === undefined) await running.settled;
  return {
    ...running,
    client: (userAgent) => running.client(userAgent) as InProcessClient,
    async stop() {
      await running.stop();
      if (options.dataDir === undefined) rmSync(dataDir, { recursive: true, force: true });
    },
  };
}
