import { existsSync, readFileSync } from 'node:fs';
import { connect, loadKubeconfig } from '@fairlead/client';
import { applyManifest } from '../cli/apply.ts';
import { systemClock, systemRandom } from '../sys/clock.ts';

/** The demo's manifest: beside this module in a built package, in examples/ in a clone. */
function demoManifest(): string {
  const built = new URL('./shop.yaml', import.meta.url);
  const source = new URL('../../../../examples/shop.yaml', import.meta.url);
  return readFileSync(existsSync(built) ? built : source, 'utf8');
}

/** Applies the demo application, as `fairlead apply -f examples/shop.yaml` does. */
export async function applyDemo(kubeconfig: string): Promise<void> {
  const client = connect(loadKubeconfig(kubeconfig), { clock: systemClock, random: systemRandom });
  try {
    await applyManifest(client, demoManifest(), () => {});
  } finally {
    await client.close();
  }
}
