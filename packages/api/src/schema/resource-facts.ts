/** A column of a Table answer. Priority 1 columns are shown by `-o wide` only. */
export interface ColumnFacts {
  readonly name: string;
  readonly type: string;
  readonly format: string;
  readonly priority: number;
}

/** A subresource: `group/version/Kind` of its body and the verbs it takes. */
export interface SubresourceFacts {
  readonly name: string;
  readonly kind: string;
  readonly verbs: readonly string[];
}

/** What a real server says in discovery about one resource, and what its answers look like. */
export interface ResourceFacts {
  /** Empty for the core group. */
  readonly group: string;
  readonly version: string;
  readonly kind: string;
  readonly plural: string;
  readonly singular: string;
  readonly shortNames: readonly string[];
  readonly categories: readonly string[];
  readonly namespaced: boolean;
  readonly verbs: readonly string[];
  readonly storageVersionHash?: string;
  readonly subresources: readonly SubresourceFacts[];
  readonly patchContentTypes?: readonly string[];
  /** `Status`, or the kind whose object a DELETE answers with. */
  readonly deleteReturns?: string | null;
  readonly listKind?: string | null;
  readonly columns: readonly ColumnFacts[];
  readonly fieldSelectors: readonly string[];
  /** Text of the 400 for an unknown field selector named `no.such`. */
  readonly unknownFieldSelector?: string | null;
  /** `false`: the types of this resource are not in the schema table. */
  readonly schemaFacts?: boolean;
}
