import type { Container, Pod } from '@fairlead/api';
import type { ContainerRecord, PodState } from './state.ts';

/** A container of a Pod by name, init and ephemeral containers included. */
export function containerIn(pod: Pod, name: string): Container | undefined {
  const { initContainers = [], containers = [], ephemeralContainers = [] } = pod.spec ?? {};
  const all: readonly Container[] = [...initContainers, ...containers, ...ephemeralContainers];
  return all.find((container) => container.name === name);
}

/** The containers whose image changed: the one thing of a container that may change while it runs. */
export function redefinedContainers(before: Pod, after: Pod, state: PodState): readonly ContainerRecord[] {
  return state.containers.filter(({ name }) => containerIn(before, name)?.image !== containerIn(after, name)?.image);
}

/** What an event about a container refers to. */
export function about(container: string): { kind: string; apiVersion: string; fieldPath: string } {
  return { kind: 'Pod', apiVersion: 'v1', fieldPath: `spec.containers{${container}}` };
}
