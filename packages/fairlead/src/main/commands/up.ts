import { systemClock } from '../../sys/clock.ts';
import { createLog } from '../../telemetry/log.ts';
import type { Machine } from '../cluster-options.ts';
import type { Setting, SettingValues } from '../settings.ts';
import { runUp, type UpWishes } from '../up.ts';
import { upSettings, validateUpOptions } from '../up-options.ts';

/** Settings of `fairlead up`. */
export const settings: readonly Setting[] = upSettings;

/** Signals ask to stop; Ctrl-C after that asks to be quick, whatever stays behind. */
function wishesFromSignals(): UpWishes {
  const stop = Promise.withResolvers<void>();
  const stopAtOnce = Promise.withResolvers<void>();
  let isStopping = false;
  for (const signal of ['SIGTERM', 'SIGINT', 'SIGHUP'] as const) {
    process.on(signal, () => {
      if (isStopping && signal === 'SIGINT') stopAtOnce.resolve();
      isStopping = true;
      stop.resolve();
    });
  }
  return { stop: stop.promise, stopAtOnce: stopAtOnce.promise };
}

/**
 * `fairlead up`: everything on this machine, until a signal. Resolves to the exit status.
 * @throws ConfigurationError with all problems together.
 */
export async function run(values: SettingValues, machine: Machine): Promise<number> {
  const options = validateUpOptions(values, machine);
  const log = createLog({ level: options.logLevel, fields: { role: 'up' } });
  const wishes = wishesFromSignals();
  if (options.mode === 'userspace' && machine.kernelModeObstacle !== undefined) {
    process.stdout.write(`userspace mode: kernel mode ${machine.kernelModeObstacle}\n`);
  }
  return runUp(
    options,
    {
      async createNodes(request) {
        const { createNodeNamespaces, ensureMachineLink } = await import('../../node/node-namespaces.ts');
        if (request.count > 1) return createNodeNamespaces({ ...request, clock: systemClock, log });
        const link = await ensureMachineLink(request.instance, request.serviceCidrs);
        return { nodes: [], remove: link.remove };
      },
      program: [process.execPath, process.argv[1] ?? ''],
      clock: systemClock,
      log,
      async startDemo(kubeconfig, gateway, stop) {
        const { startDemo } = await import('../demo.ts');
        return startDemo(kubeconfig, gateway, stop);
      },
      print: (line) => process.stdout.write(`${line}\n`),
    },
    wishes,
  );
}
