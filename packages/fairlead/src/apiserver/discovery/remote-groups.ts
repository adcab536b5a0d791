/** A group version that another server serves, as far as discovery tells of it. */
export interface RemoteGroupVersion {
  readonly group: string;
  readonly version: string;
  readonly groupPriority: number;
  readonly versionPriority: number;
  /** Its resources in the form of aggregated discovery; empty while it has never been reached. */
  readonly resources: readonly object[];
  /** False: it cannot be reached now, and its resources are those of before. */
  readonly fresh: boolean;
  /** Hash of its OpenAPI v3 document; absent: it has none. */
  readonly openApiHash?: string;
  /** That document, for those of all group versions in one; absent: none, or none that can be understood. */
  readonly openApi?: object;
}

/** The group versions that other servers serve. */
export interface RemoteGroups {
  /** Grows with every change of {@link groupVersions}. */
  readonly generation: number;
  readonly groupVersions: readonly RemoteGroupVersion[];
}

/** No other servers. */
export const noRemoteGroups: RemoteGroups = { generation: 0, groupVersions: [] };
