/** What tests of the whole server start and ask with. Not used by the product. */
import type { ApiClient } from '@fairlead/client';
import { systemClock, systemRandom } from '../sys/clock.ts';
import type { DnsOptions } from './dns-options.ts';

/** Options of a server of one test: on the loopback, without upstreams, with two workers. */
export function optionsFor(client: ApiClient, more: Partial<DnsOptions> = {}): DnsOptions {
  return {
    client,
    listen: [{ address: '127.0.0.1', port: 0 }],
    clusterDomain: 'cluster.local',
    upstreams: [],
    workers: 2,
    clock: systemClock,
    random: systemRandom,
    log: () => {},
    ...more,
  };
}

/** Asks until the answer is as wanted; the test's deadline ends it otherwise. */
export async function askUntil(ask: () => Promise<string[]>, isDone: (answer: string[]) => boolean): Promise<string[]> {
  for (;;) {
    const answer = await ask();
    if (isDone(answer)) return answer;
    await systemClock.sleep(5);
  }
}
