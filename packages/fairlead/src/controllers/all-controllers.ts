import type { Controller } from './controller.ts';
import { cronJobController } from './cronjob/controller.ts';
import { daemonSetController } from './daemonset/controller.ts';
import { deploymentController } from './deployment/controller.ts';
import { disruptionController } from './disruption/controller.ts';
import { endpointsController } from './endpoints/controller.ts';
import { endpointSliceController } from './endpointslice/controller.ts';
import { endpointSliceMirroringController } from './endpointslice-mirroring/controller.ts';
import { garbageCollector } from './garbage-collector/controller.ts';
import { horizontalPodAutoscalerController } from './horizontalpodautoscaling/controller.ts';
import { jobController } from './job/controller.ts';
import { lbAddressesController } from './lb-addresses/controller.ts';
import { namespaceController } from './namespace/controller.ts';
import { nodeIpamController } from './node/ipam-controller.ts';
import { nodeLifecycleController } from './node/lifecycle-controller.ts';
import { persistentVolumeBinder } from './persistentvolume/binder.ts';
import { ephemeralVolumeController } from './persistentvolume/ephemeral-claims.ts';
import { folderProvisioner } from './persistentvolume/folder-provisioner.ts';
import { claimProtectionController, volumeProtectionController } from './persistentvolume/protection.ts';
import { podGarbageCollector } from './pod-gc/controller.ts';
import { replicaSetController, replicationControllerController } from './replicaset/controller.ts';
import { resourceQuotaController } from './resourcequota/controller.ts';
import { scheduler } from './scheduler/controller.ts';
import { serviceCidrController } from './service-cidr/controller.ts';
import { serviceConditionsController } from './service-conditions/controller.ts';
import { rootCaPublisher, serviceAccountController } from './serviceaccount/controller.ts';
import { statefulSetController } from './statefulset/controller.ts';

/** Every controller, in the order they start. */
export const allControllers: readonly Controller[] = [
  nodeIpamController,
  scheduler,
  replicaSetController,
  replicationControllerController,
  deploymentController,
  statefulSetController,
  daemonSetController,
  jobController,
  cronJobController,
  disruptionController,
  horizontalPodAutoscalerController,
  resourceQuotaController,
  serviceCidrController,
  endpointSliceController,
  endpointsController,
  endpointSliceMirroringController,
  lbAddressesController,
  nodeLifecycleController,
  serviceAccountController,
  rootCaPublisher,
  namespaceController,
  garbageCollector,
  podGarbageCollector,
  persistentVolumeBinder,
  claimProtectionController,
  volumeProtectionController,
  ephemeralVolumeController,
  folderProvisioner,
  serviceConditionsController,
];
