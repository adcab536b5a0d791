/** An address and port of a connection. */
export interface TapPlace {
  readonly ip: string;
  readonly port: number;
}

/** What a data plane tells of; times are ISO 8601. */
export type TapRow =
  /** A request that a gateway has answered: a line of its access log. */
  | {
      readonly kind: 'request';
      readonly time: string;
      readonly client: string;
      readonly method?: string;
      readonly host?: string;
      readonly target?: string;
      readonly protocol?: string;
      /** 0: no answer. */
      readonly status: number;
      readonly durationMs: number;
      /** `namespace/service:port`. */
      readonly backend?: string;
      /** `address:port` of the endpoint. */
      readonly upstream?: string;
      readonly reason?: string;
    }
  /** A query to DNS. */
  | {
      readonly kind: 'query';
      readonly time: string;
      readonly client: string;
      readonly protocol: string;
      readonly type: string;
      readonly name: string;
      /** Name of the response code, or `looked up`. */
      readonly answer: string;
    }
  /** A new connection that the kernel translates. */
  | {
      readonly kind: 'connection';
      readonly time: string;
      readonly protocol: string;
      readonly client: TapPlace;
      readonly to: TapPlace;
      readonly endpoint: TapPlace;
    };

/** Kinds of rows. */
export const TAP_KINDS = ['request', 'query', 'connection'] as const;
/** One of {@link TAP_KINDS}. */
export type TapKind = (typeof TAP_KINDS)[number];

/** Reads a line of a feed: a row, or how many rows were dropped. */
export function readTapLine(line: string): TapRow | { readonly kind: 'dropped'; readonly dropped: number } {
  const row = JSON.parse(line) as Record<string, unknown>;
  const kind = 'dropped' in row ? 'dropped' : 'endpoint' in row ? 'connection' : 'answer' in row ? 'query' : 'request';
  return { kind, ...row } as ReturnType<typeof readTapLine>;
}

/** The address of `address:port`, where IPv6 ones stand in brackets. */
export function addressOf(place: string): string {
  return place.slice(0, place.lastIndexOf(':')).replace(/^\[(.*)\]$/, '$1');
}
