import type { Container, Pod, Stored } from '@fairlead/api';
import type { ContainerCommand } from '../runtime/command.ts';
import type { ProcessExit } from '../runtime/protocol.ts';
import type { Sandbox } from '../sandbox/sandbox.ts';

/** A running container attempt. */
export interface RunningContainer {
  /** As the runtime knows it. */
  readonly processId: string;
  readonly container: Container;
  readonly pid: number;
  /** Resolves when this attempt is over. */
  readonly ended: Promise<void>;
}

/** Drives one Pod from its assignment to this node until nothing of it is left. */
export interface PodWorker {
  readonly uid: string;
  /** The object changed. */
  update(pod: Stored<Pod>): void;
  /** The object is gone from the API: everything is killed at once. */
  removed(): void;
  /** A process of this Pod ended. */
  exited(container: string, attempt: number, exit: ProcessExit): void;
  /** The runtime process is gone and with it the parents of all processes. */
  runtimeLost(): void;
  /** A running container, for exec and attach; a text says why there is none. */
  running(container: string): RunningContainer | string;
  /** How to enter a running container; a text says why it cannot be entered. */
  enter(container: string, command: readonly string[]): Promise<ContainerCommand | string>;
  readonly sandbox: Sandbox | undefined;
  /** Plans again now: an image alias or the like changed. */
  retry(): void;
  /** The node is back after it was taken for lost: what the API says about the Pod is put right. */
  restoreStatus(): void;
  /** Leaves everything running and forgets it: the agent stops. */
  detach(): void;
  /** Resolves when nothing is left of the Pod on this node. */
  readonly gone: Promise<void>;
}
