/**
 * What the DNS server has installed: one record set list per owner name, as plain
 * readonly data, so that a change is one name.
 */

/** A domain name in text: lower-case, no trailing dot, escaped as in RFC 1035 5.1. */
export type OwnerName = string;

/** An address record that goes along in the additional section. */
export interface GlueAddress {
  readonly owner: OwnerName;
  /** IPv4 or IPv6 literal. */
  readonly address: string;
}

/** One SRV record (RFC 2782). */
export interface SrvTarget {
  readonly priority: number;
  readonly weight: number;
  readonly port: number;
  readonly target: OwnerName;
}

/** All records of one type at one name. `ttl` in seconds. */
export type RecordSet =
  | {
      readonly type: 'A' | 'AAAA';
      readonly ttl: number;
      readonly addresses: readonly string[];
      /** Most addresses in an answer; absent: all. */
      readonly maxAnswers?: number;
      /** How often each address comes first, e.g. [3, 1]; absent: equally often. */
      readonly weights?: readonly number[];
      /** Clients of one network get the same address first. */
      readonly isSticky?: boolean;
      /** Addresses that share so many leading bits with the client's come first. */
      readonly preferredPrefixBits?: number;
      /** Only in what is read back from the table: which address comes first, turn by turn, by the weights. */
      readonly schedule?: readonly number[];
    }
  | {
      readonly type: 'SRV';
      readonly ttl: number;
      readonly services: readonly SrvTarget[];
      readonly glue: readonly GlueAddress[];
    }
  | {
      readonly type: 'PTR';
      readonly ttl: number;
      readonly targets: readonly OwnerName[];
      /** Where several sources name one address, cluster IPs hide endpoints. */
      readonly rank: 'cluster-ip' | 'endpoint';
    }
  | { readonly type: 'CNAME'; readonly ttl: number; readonly target: OwnerName }
  | { readonly type: 'TXT'; readonly ttl: number; readonly texts: readonly string[] }
  | {
      readonly type: 'NS';
      readonly ttl: number;
      readonly targets: readonly OwnerName[];
      readonly glue: readonly GlueAddress[];
    }
  /** The zone's SOA; its content comes from {@link ZoneFacts} and the serial of the moment. */
  | { readonly type: 'SOA'; readonly ttl: number };

/** Addresses of one family at one name. */
export type AddressSet = Extract<RecordSet, { type: 'A' | 'AAAA' }>;

/** The record sets of one name, at most one per type. Empty: the name exists, every type is NODATA (RFC 8020). */
export type NameRecords = readonly RecordSet[];

/** Output of compile: what one source object contributes. */
export type CompiledRecords = ReadonlyMap<OwnerName, NameRecords>;

/** What a zone's SOA says (RFC 1035 3.3.13); times in seconds. */
export interface ZoneFacts {
  readonly origin: OwnerName;
  readonly primary: OwnerName;
  readonly mailbox: OwnerName;
  readonly refresh: number;
  readonly retry: number;
  readonly expire: number;
  /** TTL of negative answers, and of the SOA record itself. */
  readonly negativeTtl: number;
}

/** Names with their records; they are kept in their answers' wire form and decoded when asked for. */
export interface NameTable {
  get(owner: OwnerName): NameRecords | undefined;
  entries(): Iterable<readonly [OwnerName, NameRecords]>;
}

/** The whole program of a server. */
export interface DnsProgram {
  /** The cluster's zone. */
  readonly zone: ZoneFacts;
  /** Further zones that we have all names of. */
  readonly otherZones: readonly ZoneFacts[];
  readonly names: NameTable;
}

/** SOA content of a cluster zone; negative answers live `ttlSeconds`. */
export function clusterZone(origin: OwnerName, ttlSeconds: number): ZoneFacts {
  return {
    origin,
    primary: `ns.dns.${origin}`,
    mailbox: `hostmaster.${origin}`,
    refresh: 7200,
    retry: 1800,
    expire: 86400,
    negativeTtl: ttlSeconds,
  };
}
