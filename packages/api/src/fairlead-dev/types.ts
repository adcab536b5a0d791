import type { ResourceRef } from '../resource-ref.ts';
import type { Condition, LabelSelector, ObjectMeta } from '../types.ts';

/** Group of Fairlead's own kinds, and prefix of its annotations, labels and conditions. */
export const fairleadGroup = 'fairlead.dev';

/** Where the Leases of addresses and the passwords of BGP peers are. */
export const announcerNamespace = 'fairlead-addresses';

interface OwnObject {
  readonly apiVersion?: string;
  readonly kind?: string;
  readonly metadata?: ObjectMeta;
}

/** Addresses for Services of type LoadBalancer (docs/decisions/0007). */
export interface AddressPool extends OwnObject {
  readonly spec: {
    /** CIDRs, `first-last` ranges and single addresses of either family. */
    readonly addresses: readonly string[];
    /** False: only for Services that ask for the pool or one of its addresses. Default true. */
    readonly autoAssign?: boolean;
    /** Leaves out IPv4 addresses that end in .0 or .255. Default false. */
    readonly avoidBuggyAddresses?: boolean;
    /** The highest is tried first. Default 0. */
    readonly priority?: number;
    readonly serviceSelector?: LabelSelector;
    readonly namespaceSelector?: LabelSelector;
    /** Serves Services of this class; absent: those without a class. */
    readonly loadBalancerClass?: string;
  };
  readonly status?: {
    readonly observedGeneration?: number;
    /** `spec.addresses` as last acted upon. */
    readonly addresses?: readonly string[];
    /** Addresses in use that the pool does not hold any more. */
    readonly retained?: readonly string[];
    readonly total?: number;
    readonly assigned?: number;
    readonly available?: number;
    readonly conditions?: readonly Condition[];
  };
}

/** Which addresses are announced on layer 2, by which nodes and where. */
export interface L2Announcement extends OwnObject {
  readonly spec?: {
    /** Names of pools; absent or empty: all. */
    readonly pools?: readonly string[];
    readonly serviceSelector?: LabelSelector;
    readonly nodeSelector?: LabelSelector;
    /** Interface names; `*` stands for any text. Absent or empty: chosen by the address. */
    readonly interfaces?: readonly string[];
  };
}

/** State of one node's session with a peer. */
export interface BgpSessionStatus {
  readonly node: string;
  readonly state: string;
  /** Why the session is not up; empty when it is. */
  readonly message?: string;
  readonly announced?: number;
  readonly since?: string;
  /** State of BFD, or why there is none; absent: not asked for. */
  readonly bfd?: string;
}

/** A BGP router that nodes announce addresses to. */
export interface BgpPeer extends OwnObject {
  readonly spec: {
    readonly address: string;
    /** Default 179. */
    readonly port?: number;
    readonly peerASN: number;
    readonly localASN: number;
    readonly sourceAddress?: string;
    readonly nodeSelector?: LabelSelector;
    /** Default 90s; 0s: no keepalives. */
    readonly holdTime?: string;
    /** Default 10s. */
    readonly connectRetry?: string;
    /** TTL of packets to a peer that is not on the link. */
    readonly multihop?: number;
    /** Accepts packets only from this many hops away or nearer (RFC 5082). */
    readonly ttlSecurity?: number;
    /** Secret in {@link announcerNamespace} with a key `password`, for TCP MD5 (RFC 2385). */
    readonly passwordSecretRef?: { readonly name: string };
    /** How long the peer keeps routes of a restarting agent (RFC 4724); absent: not at all. */
    readonly gracefulRestart?: string;
    /** Watch the link to the peer by BFD (RFC 5880, 5881); absent: not at all. */
    readonly bfd?: {
      /** Default 300ms. */
      readonly transmitInterval?: string;
      /** Default 300ms. */
      readonly receiveInterval?: string;
      /** Default 3. */
      readonly detectMultiplier?: number;
    };
  };
  readonly status?: { readonly sessions?: readonly BgpSessionStatus[] };
}

/** What is announced to BGP peers, and with which attributes. */
export interface BgpAdvertisement extends OwnObject {
  readonly spec?: {
    readonly pools?: readonly string[];
    readonly serviceSelector?: LabelSelector;
    readonly nodeSelector?: LabelSelector;
    /** Names of BGPPeers; absent or empty: all. */
    readonly peers?: readonly string[];
    /** Prefix length of IPv4 routes. Default 32. */
    readonly aggregationLength?: number;
    /** Prefix length of IPv6 routes. Default 128. */
    readonly aggregationLengthV6?: number;
    /** Only sent to peers in the same AS. */
    readonly localPreference?: number;
    /** `65000:100`, `no-export`, `no-advertise`, or large ones `65000:1:2` (RFC 8092). */
    readonly communities?: readonly string[];
  };
}

function ref<T>(kind: string, plural: string): ResourceRef<T> {
  return { group: fairleadGroup, version: 'v1alpha1', plural, kind, namespaced: false };
}

/** Typed handles of these kinds. */
export const addressPools: ResourceRef<AddressPool> = ref('AddressPool', 'addresspools');
export const l2Announcements: ResourceRef<L2Announcement> = ref('L2Announcement', 'l2announcements');
export const bgpPeers: ResourceRef<BgpPeer> = ref('BGPPeer', 'bgppeers');
export const bgpAdvertisements: ResourceRef<BgpAdvertisement> = ref('BGPAdvertisement', 'bgpadvertisements');

/** Class of Services that only Fairlead's pools serve. */
export const ownLoadBalancerClass = 'fairlead.dev/addresses';

/** Annotations of Services that concern their load balancer addresses. */
export const addressAnnotations = {
  addresses: 'fairlead.dev/addresses',
  pool: 'fairlead.dev/address-pool',
  sharingKey: 'fairlead.dev/address-sharing-key',
} as const;

/** Condition of Services that want load balancer addresses. */
export const addressCondition = 'fairlead.dev/AddressesAssigned';
