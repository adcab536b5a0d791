import { type LoadKind, runOpenLoop } from './open-loop.ts';

// A load in a process of its own: `open-loop-process.ts SECONDS`, the kinds of requests and the report over IPC.

process.once('message', async (kinds: readonly LoadKind[]) => {
  process.send?.(await runOpenLoop(kinds, Number(process.argv[2])));
  process.disconnect?.();
});
process.send?.('ready');
