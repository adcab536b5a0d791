import { pods } from '@fairlead/api';
import { type ApiClient, startInformer } from '@fairlead/client';
import { type Collection, informerCollection, mapCollection } from '../collections/index.ts';
import { compileHostPorts, stripHostPortPod } from './host-ports.ts';
import type { ServiceProgram } from './program.ts';

/** Programs of the host ports of a node's Pods, by `namespace/name` of the Pod. */
export interface HostPortWatch {
  readonly programs: Collection<ServiceProgram>;
  stop(): void;
}

/** Watches the Pods of a node. A Pod that changes otherwise than in its host ports changes nothing here. */
export function watchHostPorts(client: ApiClient, nodeName: string): HostPortWatch {
  const fieldSelector = `spec.nodeName=${nodeName}`;
  // An informer's own type says that it strips any kind; it is only asked for its own.
  const informer = startInformer(client, pods, { fieldSelector }, { strip: stripHostPortPod as never });
  return {
    programs: mapCollection('host ports', informerCollection('pods of the node', informer), compileHostPorts),
    stop: () => informer.stop(),
  };
}
