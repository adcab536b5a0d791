// Generated from src/schema by scripts/generate-types.ts; do not edit.
import type { GroupVersionKind, ListMeta, ObjectMeta } from './meta-v1.ts';

/** `apidiscovery.v2.APIGroupDiscovery` */
export interface APIGroupDiscovery {
  kind?: string | undefined;
  apiVersion?: string | undefined;
  metadata?: ObjectMeta | undefined;
  versions?: APIVersionDiscovery[] | undefined;
}

/** `apidiscovery.v2.APIGroupDiscoveryList` */
export interface APIGroupDiscoveryList {
  kind?: string | undefined;
  apiVersion?: string | undefined;
  metadata?: ListMeta | undefined;
  items?: APIGroupDiscovery[] | undefined;
}

/** `apidiscovery.v2.APIResourceDiscovery` */
export interface APIResourceDiscovery {
  resource?: string | undefined;
  responseKind?: GroupVersionKind | undefined;
  scope?: string | undefined;
  singularResource?: string | undefined;
  verbs?: string[] | undefined;
  shortNames?: string[] | undefined;
  categories?: string[] | undefined;
  subresources?: APISubresourceDiscovery[] | undefined;
}

/** `apidiscovery.v2.APISubresourceDiscovery` */
export interface APISubresourceDiscovery {
  subresource?: string | undefined;
  responseKind?: GroupVersionKind | undefined;
  acceptedTypes?: GroupVersionKind[] | undefined;
  verbs?: string[] | undefined;
}

/** `apidiscovery.v2.APIVersionDiscovery` */
export interface APIVersionDiscovery {
  version?: string | undefined;
  resources?: APIResourceDiscovery[] | undefined;
  freshness?: string | undefined;
}
