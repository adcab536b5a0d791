import type { ObjectMeta, ResourceRef } from '@fairlead/api';

/** What DNS reads of a Gateway of the Gateway API. */
export interface DnsGateway {
  metadata?: ObjectMeta | undefined;
  spec?: { listeners?: { name?: string; hostname?: string | undefined }[] | undefined } | undefined;
  /** `type` is `IPAddress` (the default) or `Hostname`. */
  status?: { addresses?: { type?: string | undefined; value: string }[] | undefined } | undefined;
}

/** What DNS reads of an HTTPRoute, GRPCRoute or TLSRoute. */
export interface DnsRoute {
  metadata?: ObjectMeta | undefined;
  spec?:
    | {
        hostnames?: string[] | undefined;
        parentRefs?:
          | {
              group?: string | undefined;
              kind?: string | undefined;
              namespace?: string | undefined;
              name: string;
              sectionName?: string | undefined;
            }[]
          | undefined;
      }
    | undefined;
}

const group = 'gateway.networking.k8s.io';

/** Handle of Gateways. */
export const gateways: ResourceRef<DnsGateway> = {
  group,
  version: 'v1',
  plural: 'gateways',
  kind: 'Gateway',
  namespaced: true,
};

/** Handles of the kinds of routes that have host names. */
export const hostRoutes: readonly ResourceRef<DnsRoute>[] = [
  { group, version: 'v1', plural: 'httproutes', kind: 'HTTPRoute', namespaced: true },
  { group, version: 'v1', plural: 'grpcroutes', kind: 'GRPCRoute', namespaced: true },
  { group, version: 'v1alpha2', plural: 'tlsroutes', kind: 'TLSRoute', namespaced: true },
];
