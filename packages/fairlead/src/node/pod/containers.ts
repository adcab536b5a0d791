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

/**
 * The Pod with the images that its running containers were last reported to have: what an agent that was not here when it
 * changed has to compare with.
 */
export function asReported(pod: Pod, state: PodState): Pod {
  const { initContainerStatuses = [], containerStatuses = [] } = pod.status ?? {};
  const images = new Map(
    [...initContainerStatuses, ...containerStatuses].flatMap(({ name, image, restartCount, state: now }) => {
      const { attempt } = state.containers.find((record) => record.name === name) ?? {};
      return now?.running === undefined || image === undefined || restartCount !== attempt ? [] : [[name, image]];
    }),
  );
  const reported = <T extends Container>(containers: readonly T[] = []): T[] =>
    containers.map((container) => ({ ...container, image: images.get(container.name) ?? container.image }) as T);
  const { initContainers, containers, ...spec } = pod.spec ?? { containers: [] };
  return { ...pod, spec: { ...spec, initContainers: reported(initContainers), containers: reported(containers) } };
}

/** What an event about a container refers to. */
export function about(container: string): { kind: string; apiVersion: string; fieldPath: string } {
  return { kind: 'Pod', apiVersion: 'v1', fieldPath: `spec.containers{${container}}` };
}
