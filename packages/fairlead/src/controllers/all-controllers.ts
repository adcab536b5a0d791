import type { Controller } from './controller.ts';
import { deploymentController } from './deployment/controller.ts';
import { endpointSliceController } from './endpointslice/controller.ts';
import { replicaSetController } from './replicaset/controller.ts';
import { scheduler } from './scheduler/controller.ts';

/** Every controller, in the order they start. */
export const allControllers: readonly Controller[] = [
  scheduler,
  replicaSetController,
  deploymentController,
  endpointSliceController,
];
