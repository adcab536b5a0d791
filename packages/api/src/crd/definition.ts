import type { JsonSchema } from './json-schema.ts';

/** The names of a custom resource. */
export interface DefinitionNames {
  readonly plural: string;
  readonly singular?: string;
  readonly kind: string;
  readonly listKind?: string;
  readonly shortNames?: readonly string[];
  readonly categories?: readonly string[];
}

/** One version of a custom resource. */
export interface DefinitionVersion {
  readonly name: string;
  readonly served: boolean;
  readonly storage: boolean;
  readonly deprecated?: boolean;
  readonly deprecationWarning?: string;
  readonly schema?: { readonly openAPIV3Schema?: JsonSchema };
  readonly subresources?: {
    readonly status?: object;
    readonly scale?: {
      readonly specReplicasPath: string;
      readonly statusReplicasPath: string;
      readonly labelSelectorPath?: string;
    };
  };
  readonly additionalPrinterColumns?: readonly {
    readonly name: string;
    readonly type: string;
    readonly format?: string;
    readonly description?: string;
    readonly priority?: number;
    readonly jsonPath: string;
  }[];
  readonly selectableFields?: readonly { readonly jsonPath: string }[];
}

/** A CustomResourceDefinition as it is stored. */
export interface Definition {
  readonly metadata: {
    readonly name?: string | undefined;
    readonly annotations?: Readonly<Record<string, string>> | undefined;
  };
  readonly spec: {
    readonly group: string;
    readonly scope: string;
    readonly names: DefinitionNames;
    readonly versions: readonly DefinitionVersion[];
    readonly preserveUnknownFields?: boolean;
    readonly conversion?: {
      readonly strategy: string;
      readonly webhook?: {
        readonly conversionReviewVersions?: readonly string[];
        readonly clientConfig?: Readonly<Record<string, unknown>>;
      };
    };
  };
  readonly status?: {
    readonly acceptedNames?: DefinitionNames;
    readonly storedVersions?: readonly string[];
    readonly conditions?: readonly { readonly type: string; readonly status: string }[] | null;
  };
}

/** Fills in what a definition leaves out; changes it. */
export function defaultDefinition(definition: Record<string, unknown>): void {
  const spec = definition.spec as { names?: Record<string, unknown>; conversion?: unknown } | undefined;
  if (typeof spec !== 'object' || spec === null) return;
  const names = spec.names;
  if (typeof names === 'object' && names !== null) {
    const kind = String(names.kind ?? '');
    if ((names.singular ?? '') === '' && kind !== '') names.singular = kind.toLowerCase();
    if ((names.listKind ?? '') === '' && kind !== '') names.listKind = `${kind}List`;
  }
  if (spec.conversion === undefined) spec.conversion = { strategy: 'None' };
}
