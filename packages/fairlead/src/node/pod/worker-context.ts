import type { Service } from '@fairlead/api';
import type { ApiClient, EventRecorder } from '@fairlead/client';
import type { Clock } from '../../sys/clock.ts';
import type { Log } from '../../sys/role.ts';
import type { ConfigWatch } from '../environment/config-watch.ts';
import type { ConfigSource } from '../environment/container-env.ts';
import type { ImageAlias } from '../images.ts';
import type { RuntimeClient } from '../runtime/runtime-client.ts';
import type { SandboxDriver } from '../sandbox/sandbox.ts';
import type { PodStore } from './pod-files.ts';

/** What all Pod workers of a node share. */
export interface WorkerContext {
  readonly client: ApiClient;
  readonly clock: Clock;
  readonly log: Log;
  readonly recorder: EventRecorder;
  readonly nodeName: string;
  /** The node's InternalIPs, one per family, the preferred one first. */
  readonly nodeIps: readonly string[];
  readonly stateDir: string;
  readonly store: PodStore;
  readonly sandboxes: SandboxDriver;
  readonly source: ConfigSource;
  readonly configWatch: ConfigWatch;
  /** The present runtime; another one after the runtime was lost. */
  readonly runtime: () => RuntimeClient;
  readonly images: () => readonly ImageAlias[];
  readonly services: () => Iterable<Service>;
  /** Whether the API's copy of the Node says Ready. */
  readonly nodeReady: () => boolean;
}
