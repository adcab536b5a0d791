// Generated from src/schema by scripts/generate-types.ts; do not edit.

/** `meta.v1.APIGroup` */
export interface APIGroup {
  kind?: string | undefined;
  apiVersion?: string | undefined;
  name: string;
  versions: GroupVersionForDiscovery[];
  preferredVersion?: GroupVersionForDiscovery | undefined;
  serverAddressByClientCIDRs?: ServerAddressByClientCIDR[] | undefined;
}

/** `meta.v1.APIGroupList` */
export interface APIGroupList {
  kind?: string | undefined;
  apiVersion?: string | undefined;
  groups?: APIGroup[] | undefined;
}

/** `meta.v1.APIResource` */
export interface APIResource {
  name: string;
  singularName: string;
  namespaced: boolean;
  group?: string | undefined;
  version?: string | undefined;
  kind: string;
  verbs: string[];
  shortNames?: string[] | undefined;
  categories?: string[] | undefined;
  storageVersionHash?: string | undefined;
}

/** `meta.v1.APIResourceList` */
export interface APIResourceList {
  kind?: string | undefined;
  apiVersion?: string | undefined;
  groupVersion: string;
  resources: APIResource[];
}

/** `meta.v1.APIVersions` */
export interface APIVersions {
  kind?: string | undefined;
  apiVersion?: string | undefined;
  versions?: string[] | undefined;
  serverAddressByClientCIDRs?: ServerAddressByClientCIDR[] | undefined;
}

/** `meta.v1.GroupVersionForDiscovery` */
export interface GroupVersionForDiscovery {
  groupVersion: string;
  version: string;
}

/** `meta.v1.ServerAddressByClientCIDR` */
export interface ServerAddressByClientCIDR {
  clientCIDR: string;
  serverAddress: string;
}
