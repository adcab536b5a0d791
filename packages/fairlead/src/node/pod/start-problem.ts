import { ContainerConfigError } from '../environment/container-env.ts';
import { MountError } from '../volumes/machine-volumes.ts';

/** Why a container waits whose start has failed with an error, as its status shows it. */
export function startProblem(error: unknown): { readonly reason: string; readonly message: string } {
  const { message } = error as Error;
  if (error instanceof MountError) return { reason: 'ContainerCreating', message };
  if (error instanceof ContainerConfigError) return { reason: 'CreateContainerConfigError', message };
  return { reason: 'CreateContainerError', message };
}

/** The event that tells of such a reason. */
export function problemEvent(reason: string): string {
  if (reason === 'ContainerCreating') return 'FailedMount';
  return reason === 'ErrImageNeverPull' ? reason : 'Failed';
}
