// A process that runs node agents inside the network namespace it was started in, at the command of a test.
import { join } from 'node:path';
import { type Pod, pods, type ResourceRef, type Stored } from '@fairlead/api';
import { FakeApi } from '@fairlead/client/fake-api';
import { systemClock, systemRandom } from '../../sys/clock.ts';
import type { Running } from '../../sys/role.ts';
import { createNodeNamespaces, type NodeNamespaces } from '../node-namespaces.ts';
import { startEdgeRoutes } from '../overlay/edge-routes.ts';
import { type NodeAgent, startNodeAgent } from '../start.ts';

/** What a test asks for; every message gets one answer. */
export type FixtureRequest =
  | { readonly op: 'create'; readonly ref: ResourceRef<unknown>; readonly object: object }
  | {
      readonly op: 'start';
      readonly instance: string;
      readonly dataDir: string;
      readonly mode: 'kernel' | 'userspace';
      readonly nodeName: string;
      readonly nodeIps: readonly string[];
      readonly families?: readonly (4 | 6)[];
      readonly overlay: boolean;
    }
  /** Waits until the Pod is in a state; answers with the Pod, or null when it is gone. */
  | { readonly op: 'await'; readonly namespace: string; readonly name: string; readonly until: PodMilestone }
  | { readonly op: 'delete'; readonly namespace: string; readonly name: string; readonly graceSeconds?: number }
  | { readonly op: 'fetch'; readonly url: string; readonly method?: string; readonly headers?: Record<string, string> }
  | {
      readonly op: 'createNodes';
      readonly instance: string;
      readonly count: number;
      readonly serviceCidrs: readonly string[];
    }
  | { readonly op: 'removeNodes' }
  | { readonly op: 'edge'; readonly dataDir: string; readonly podCidrs: readonly string[] }
  | { readonly op: 'events' }
  | { readonly op: 'detach' }
  | { readonly op: 'stop' };

/** What a test waits for: a state that a Pod is seen in. */
export type PodMilestone = 'ready' | 'unready' | 'over' | 'gone' | 'restarted' | 'blocked';

const api = new FakeApi();
const lines: string[] = [];
let agent: NodeAgent | undefined;
let machine: NodeNamespaces | undefined;
let edge: Running | undefined;

function reached(pod: Stored<Pod> | undefined, until: PodMilestone): boolean {
  if (until === 'gone') return pod === undefined;
  const ready = pod?.status?.conditions?.find((condition) => condition.type === 'Ready')?.status;
  switch (until) {
    case 'ready':
      return ready === 'True';
    case 'unready':
      return ready === 'False';
    case 'over':
      return pod?.status?.phase === 'Succeeded' || pod?.status?.phase === 'Failed';
    case 'restarted':
      return ready === 'True' && (pod?.status?.containerStatuses?.[0]?.restartCount ?? 0) > 0;
    case 'blocked':
      return (pod?.status?.containerStatuses?.[0]?.state?.waiting?.message ?? '') !== '';
  }
}

async function waitFor(namespace: string, name: string, until: PodMilestone): Promise<Stored<Pod> | null> {
  const present = await api.get(pods, { namespace, name }).catch(() => undefined);
  if (reached(present, until)) return present ?? null;
  const ending = new AbortController();
  try {
    for await (const event of api.watch(pods, { namespace, sendInitialEvents: true, signal: ending.signal })) {
      if (event.type === 'BOOKMARK' || event.type === 'ERROR' || event.object.metadata.name !== name) continue;
      const pod = event.type === 'DELETED' ? undefined : event.object;
      if (reached(pod, until)) return pod ?? null;
    }
  } finally {
    ending.abort();
  }
  throw new Error(`the watch ended before ${namespace}/${name} was ${until}`);
}

async function handle(request: FixtureRequest): Promise<unknown> {
  switch (request.op) {
    case 'create':
      return api.create(request.ref, request.object);
    case 'start': {
      agent = await startNodeAgent({
        ...request,
        client: api,
        clock: systemClock,
        random: systemRandom,
        log: (level, message, fields) => lines.push(`${level} ${message} ${JSON.stringify(fields ?? {})}`),
        clusterDomain: 'cluster.local',
        clusterDns: undefined,
        images: [],
        logListen: { host: '127.0.0.1', port: 0 },
        logToken: 'secret',
      });
      return agent.info;
    }
    case 'await':
      return waitFor(request.namespace, request.name, request.until);
    case 'delete': {
      const grace = request.graceSeconds === undefined ? {} : { gracePeriodSeconds: request.graceSeconds };
      return api.delete(pods, { namespace: request.namespace, name: request.name }, grace);
    }
    case 'fetch': {
      const { method = 'GET', headers = {} } = request;
      const response = await fetch(request.url, { method, headers: { connection: 'close', ...headers } });
      return { status: response.status, text: await response.text() };
    }
    case 'createNodes':
      machine = await createNodeNamespaces(request);
      return machine.nodes;
    case 'removeNodes':
      await edge?.stop();
      return machine?.remove();
    case 'edge':
      edge = await startEdgeRoutes({
        client: api,
        clock: systemClock,
        random: systemRandom,
        log: () => {},
        podCidrs: request.podCidrs,
        stateFile: join(request.dataDir, 'edge-sysctls.json'),
      });
      return null;
    case 'events':
      return lines;
    case 'detach':
      return agent?.detach();
    case 'stop':
      return agent?.stop();
  }
}

process.on('message', (message: { id: number; request: FixtureRequest }) => {
  handle(message.request).then(
    (answer) => process.send?.({ id: message.id, answer: answer ?? null }),
    (error: Error) => process.send?.({ id: message.id, error: `${error.stack}\n${lines.join('\n')}` }),
  );
});
process.on('disconnect', () => process.exit(0));
