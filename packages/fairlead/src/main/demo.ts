import { existsSync, readFileSync } from 'node:fs';
import { connect, loadKubeconfig } from '@fairlead/client';
import { applyManifest } from '../cli/apply.ts';
import { systemClock, systemRandom } from '../sys/clock.ts';
import { nodeHttp } from '../sys/node-http.ts';
import type { ListenAddress } from './settings.ts';

const demoHost = 'shop.localhost';
/** One request for each Service of the demo. */
const demoUrls: readonly URL[] = ['', 'catalog', 'checkout']
  .map((path) => new URL(`http://${demoHost}/${path}`))
  .concat(new URL('http://catalog-v2.localhost/'));

const retryMs = 100;
const patienceMs = 60_000;

/** The demo's manifest: beside this module in a built package, in examples/ in a clone. */
function demoManifest(): string {
  const built = new URL('./shop.yaml', import.meta.url);
  const source = new URL('../../../../examples/shop.yaml', import.meta.url);
  return readFileSync(existsSync(built) ? built : source, 'utf8');
}

/** Applies the demo application, as `fairlead apply -f examples/shop.yaml` does. */
async function applyShop(kubeconfig: string): Promise<void> {
  const client = connect(loadKubeconfig(kubeconfig), { clock: systemClock, random: systemRandom });
  try {
    await applyManifest(client, demoManifest(), () => {});
  } finally {
    await client.close();
  }
}

/** Status of one GET through the gateway; undefined when nothing answered. */
function statusOf({ host, port }: ListenAddress, url: URL): Promise<number | undefined> {
  const headers = { host: url.host };
  return new Promise((resolve) => {
    const asked = nodeHttp.request({
      host: host === '0.0.0.0' || host === '::' ? '127.0.0.1' : host,
      port,
      path: url.pathname,
      headers,
    });
    asked.setTimeout(5000, () => asked.destroy());
    asked.on('error', () => resolve(undefined));
    asked.on('response', (response) => {
      response.resume();
      resolve(response.statusCode);
    });
    asked.end();
  });
}

/**
 * Applies the demo and resolves to its host once its routes answer through the gateway.
 * @throws Error when they still do not after a minute, or the reason of `stop`
 */
export async function startDemo(kubeconfig: string, gateway: ListenAddress, stop: AbortSignal): Promise<string> {
  await applyShop(kubeconfig);
  const deadline = systemClock.monotonicMs() + patienceMs;
  for (const url of demoUrls) {
    for (;;) {
      const status = await statusOf(gateway, url);
      if (status === 200) break;
      if (systemClock.monotonicMs() > deadline) throw new Error(`${url} answers ${status ?? 'nothing'}`);
      await systemClock.sleep(retryMs, stop);
    }
  }
  return demoHost;
}
