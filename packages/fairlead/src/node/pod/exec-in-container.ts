import type { Container, Pod, Stored } from '@fairlead/api';
import type { ProbeOutcome } from '../probes/run-probe.ts';
import type { Sandbox } from '../sandbox/sandbox.ts';
import { prepareLaunch } from './launch.ts';
import type { WorkerContext } from './worker-context.ts';

/** Runs a probe's or hook's command with a container's environment and mounts. */
export async function execInContainer(
  context: WorkerContext,
  pod: Stored<Pod>,
  container: Container,
  sandbox: Sandbox | undefined,
  command: readonly string[],
  timeoutMs: number,
): Promise<ProbeOutcome> {
  if (sandbox === undefined) return { ok: false, detail: 'no sandbox' };
  const launch = await prepareLaunch(context, pod, container, 0, sandbox);
  if (!launch.ok) return { ok: false, detail: launch.message };
  const { wrapper, env, cwd } = launch.spec;
  const result = await context
    .runtime()
    .exec({ command, wrapper, env, cwd, timeoutMs })
    .catch((error: Error) => ({ exitCode: 1, output: error.message, timedOut: false }));
  if (result.timedOut) return { ok: false, detail: `command timed out after ${timeoutMs} ms` };
  return { ok: result.exitCode === 0, detail: result.output.trim() || `exit status ${result.exitCode}` };
}
