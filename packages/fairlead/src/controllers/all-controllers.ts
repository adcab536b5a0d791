import type { Controller } from './controller.ts';
import { deploymentController } from './deployment/controller.ts';
import { endpointsController } from './endpoints/controller.ts';
import { endpointSliceController } from './endpointslice/controller.ts';
import { endpointSliceMirroringController } from './endpointslice-mirroring/controller.ts';
import { garbageCollector } from './garbage-collector/controller.ts';
import { namespaceController } from './namespace/controller.ts';
import { nodeIpamController } from './node/ipam-controller.ts';
import { nodeLifecycleController } from './node/lifecycle-controller.ts';
import { podGarbageCollector } from './pod-gc/controller.ts';
import { replicaSetController } from './replicaset/controller.ts';
import { scheduler } from './scheduler/controller.ts';
import { rootCaPublisher, serviceAccountController } from './serviceaccount/controller.ts';

/** Every controller, in the order they start. */
export const allControllers: readonly Controller[] = [
  nodeIpamController,
  scheduler,
  replicaSetController,
  deploymentController,
  endpointSliceController,
  endpointsController,
  endpointSliceMirroringController,
  nodeLifecycleController,
  serviceAccountController,
  rootCaPublisher,
  namespaceController,
  garbageCollector,
  podGarbageCollector,
];
