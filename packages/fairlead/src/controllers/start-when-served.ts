import { apiVersionOf, type ResourceRef } from '@fairlead/api';
import type { Controller, ControllerContext } from './controller.ts';

/** How often a server is asked again for what it did not serve. */
const askEveryMs = 30_000;
const retryMs = 1000;

/**
 * Starts controllers without needs at once, the others when the server has what they need: an informer of a
 * resource that is not served would ask for ever. Returns what ends the waiting.
 */
export function startWhenServed(
  controllers: readonly Controller[],
  context: ControllerContext,
  start: (controller: Controller) => void,
): () => void {
  const { client, clock, log } = context;
  let waiting = controllers.filter((controller) => (controller.needs ?? []).length > 0);
  for (const controller of controllers) if (!waiting.includes(controller)) start(controller);
  let stopped = false;
  let cancel: () => void = () => {};
  const ask = async (): Promise<void> => {
    let delay = askEveryMs;
    try {
      const versions = new Set(waiting.flatMap((controller) => (controller.needs ?? []).map(apiVersionOf)));
      const served = new Set<string>();
      for (const version of versions) {
        const path = version.includes('/') ? `/apis/${version}` : `/api/${version}`;
        const list = await client.request('GET', path).catch((error: { code?: number }) => {
          if (error.code === 404) return { resources: [] };
          throw error;
        });
        for (const { name } of (list as { resources?: { name: string }[] }).resources ?? []) {
          served.add(`${version} ${name}`);
        }
      }
      const isServed = (ref: ResourceRef<unknown>): boolean => served.has(`${apiVersionOf(ref)} ${ref.plural}`);
      const ready = waiting.filter((controller) => (controller.needs ?? []).every(isServed));
      if (stopped) return;
      waiting = waiting.filter((controller) => !ready.includes(controller));
      for (const controller of ready) start(controller);
    } catch (error) {
      log('debug', 'cannot ask what is served yet', { error: (error as Error).message });
      delay = retryMs;
    }
    if (!stopped && waiting.length > 0) cancel = clock.after(delay, () => void ask());
  };
  if (waiting.length > 0) void ask();
  return () => {
    stopped = true;
    cancel();
  };
}
