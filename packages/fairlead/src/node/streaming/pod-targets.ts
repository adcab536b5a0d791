import { join } from 'node:path';
import type { Pod } from '@fairlead/api';
import type { Informer } from '@fairlead/client';
import type { PodWorker } from '../pod/worker-contract.ts';
import type { RuntimeClient } from '../runtime/runtime-client.ts';
import { NETNS_DIR } from '../sandbox/sandbox.ts';
import { runAttachSession } from './attach-session.ts';
import type { Refusal, StreamTargets } from './stream-server.ts';

/** Finds what clients exec into, attach to and forward to among a node's Pods. */
export function podTargets(
  informer: Pick<Informer<Pod>, 'get'>,
  workers: ReadonlyMap<string, PodWorker>,
  runtime: () => RuntimeClient,
): StreamTargets {
  const workerOf = (namespace: string, name: string): PodWorker | Refusal => {
    const uid = informer.get(`${namespace}/${name}`)?.metadata.uid;
    const worker = uid === undefined ? undefined : workers.get(uid);
    return worker ?? { code: 404, message: `pods "${name}" not found` };
  };
  return {
    async exec(namespace, name, container, command) {
      const worker = workerOf(namespace, name);
      if ('message' in worker) return worker;
      if (command.length === 0) return { code: 400, message: 'you must specify a command' };
      const entered = await worker.enter(container, command);
      return typeof entered === 'string' ? { code: 500, message: entered } : entered;
    },
    attach(namespace, name, container, request) {
      const worker = workerOf(namespace, name);
      if ('message' in worker) return worker;
      const target = worker.running(container);
      if (typeof target === 'string') return { code: 500, message: target };
      const { stdin, stdinOnce = false, tty = false } = target.container;
      if (request.stdin && stdin !== true) {
        return { code: 400, message: `container "${container}" does not take input: its spec.stdin is not true` };
      }
      const { processId, ended } = target;
      return (streams) => runAttachSession(streams, { processId, tty, stdinOnce, ended }, runtime());
    },
    portForward(namespace, name) {
      const worker = workerOf(namespace, name);
      if ('message' in worker) return worker;
      const { sandbox } = worker;
      if (sandbox === undefined) return { code: 500, message: `pod "${name}" has no address yet` };
      const netnsPath = sandbox.netns === undefined ? undefined : join(NETNS_DIR, sandbox.netns);
      return { podIps: sandbox.podIps, netnsPath };
    },
  };
}
