import type { ObjectMeta, ResourceRef } from '@fairlead/api';

/** What DNS reads of a ServiceImport of the Multi-Cluster Services API (KEP-1645), v1alpha1. */
export interface ServiceImport {
  apiVersion?: string | undefined;
  kind?: string | undefined;
  metadata?: ObjectMeta | undefined;
  spec?:
    | {
        /** `ClusterSetIP` (the default) or `Headless`. */
        type?: string | undefined;
        ips?: string[] | undefined;
        ports?: { name?: string | undefined; protocol?: string | undefined; port: number }[] | undefined;
      }
    | undefined;
}

/** Handle of ServiceImports. */
export const serviceImports: ResourceRef<ServiceImport> = {
  group: 'multicluster.x-k8s.io',
  version: 'v1alpha1',
  plural: 'serviceimports',
  kind: 'ServiceImport',
  namespaced: true,
};

/** Label of the slices that belong to a ServiceImport: its name. */
export const importNameLabel = 'multicluster.kubernetes.io/service-name';
/** Label of such a slice: the cluster that its endpoints are in. */
export const sourceClusterLabel = 'multicluster.kubernetes.io/source-cluster';
