import { dns1035LabelErrors, dns1123SubdomainErrors } from '../names.ts';
import { jsonEqual } from '../own-property.ts';
import { duplicate, type FieldCause, forbidden, invalid, notSupported, required } from '../schema/field-cause.ts';
import { parseJsonPath } from './json-path.ts';
import type { JsonSchema } from './json-schema.ts';
import { itemsOf, propertyOf } from './json-schema.ts';
import { sameSchemas, structuralCauses } from './structural.ts';

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

const approval = 'api-approved.kubernetes.io';
const columnTypes = ['boolean', 'date', 'integer', 'number', 'string'];
const columnFormats = ['byte', 'date', 'date-time', 'double', 'float', 'int32', 'int64', 'name', 'password'];

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

/** Every mistake of a definition beside those of its CEL rules, and of the change from `old`. */
export function definitionCauses(given: Definition, old?: Definition): FieldCause[] {
  // A body without versions holds null here.
  const definition = { ...given, spec: { ...given.spec, versions: given.spec.versions ?? [] } };
  const { spec, metadata } = definition;
  const causes: FieldCause[] = [];
  const { names } = spec;
  if (metadata.name !== `${names.plural}.${spec.group}`) {
    causes.push(invalid('metadata.name', metadata.name ?? '', 'must be spec.names.plural+"."+spec.group'));
  }
  causes.push(...groupCauses(definition, old));
  if (spec.scope === '') causes.push(required('spec.scope'));
  else if (spec.scope !== 'Cluster' && spec.scope !== 'Namespaced') {
    causes.push(notSupported('spec.scope', spec.scope, ['Cluster', 'Namespaced']));
  }
  causes.push(...versionCauses(spec.versions), ...namesCauses(names), ...conversionCauses(definition));
  if (spec.preserveUnknownFields === true && old?.spec.preserveUnknownFields !== true) {
    const text =
      'cannot set to true, set x-kubernetes-preserve-unknown-fields to true in spec.versions[*].schema instead';
    causes.push(invalid('spec.preserveUnknownFields', true, text));
  }
  causes.push(...schemaCauses(spec.versions));
  for (const [index, version] of spec.versions.entries())
    causes.push(...partCauses(version, `spec.versions[${index}]`));
  if (old !== undefined) causes.push(...updateCauses(definition, old));
  return causes;
}

function groupCauses({ spec, metadata }: Definition, old: Definition | undefined): FieldCause[] {
  const { group } = spec;
  if (group === '') return [required('spec.group')];
  const faults = dns1123SubdomainErrors(group);
  if (faults.length > 0) return faults.map((fault) => invalid('spec.group', group, fault));
  if (!group.includes('.')) return [invalid('spec.group', group, 'should be a domain with at least one dot')];
  const protectedGroup = /(?:^|\.)(?:k8s|kubernetes)\.io$/.test(group);
  const annotation = metadata.annotations?.[approval] ?? '';
  if (!protectedGroup || annotation.startsWith('unapproved') || annotation.startsWith('https://')) return [];
  if (old !== undefined && (old.metadata.annotations?.[approval] ?? '') === annotation) return [];
  const field = `metadata.annotations[${approval}]`;
  const see = 'see https://github.com/kubernetes/enhancements/pull/1111';
  return annotation === ''
    ? [required(field, `protected groups must have approval annotation "${approval}", ${see}`)]
    : [
        invalid(
          field,
          annotation,
          `protected groups must have approval annotation "${approval}" with either a URL or a reason starting with "unapproved", ${see}`,
        ),
      ];
}

function versionCauses(versions: readonly DefinitionVersion[]): FieldCause[] {
  const causes: FieldCause[] = [];
  const seen = new Set<string>();
  for (const [index, { name }] of versions.entries()) {
    for (const fault of dns1035LabelErrors(name)) causes.push(invalid(`spec.versions[${index}].name`, name, fault));
    if (seen.has(name))
      causes.push(invalid('spec.versions', shownVersions(versions), 'must contain unique version names'));
    seen.add(name);
  }
  const storage = versions.filter((version) => version.storage).length;
  if (storage !== 1) {
    causes.push(
      invalid('spec.versions', shownVersions(versions), 'must have exactly one version marked as storage version'),
    );
  }
  return causes;
}

/** Versions as a Kubernetes server shows them: by the names of its internal type, common parts left out. */
function shownVersions(versions: readonly DefinitionVersion[]): object[] {
  const common = sameSchemas(versions.map(({ schema }) => schema));
  return versions.map((version) => ({
    Name: version.name,
    Served: version.served,
    Storage: version.storage,
    Deprecated: version.deprecated ?? false,
    DeprecationWarning: version.deprecationWarning ?? null,
    Schema: common ? null : (version.schema ?? null),
    Subresources: null,
    AdditionalPrinterColumns: null,
    SelectableFields: null,
  }));
}

function namesCauses(names: DefinitionNames): FieldCause[] {
  const causes: FieldCause[] = [];
  const label = (value: string, field: string): void => {
    for (const fault of dns1035LabelErrors(value)) causes.push(invalid(field, value, fault));
  };
  const kindLike = (value: string, field: string): void => {
    for (const fault of dns1035LabelErrors(value.toLowerCase())) {
      causes.push(invalid(field, value, `may have mixed case, but should otherwise match: ${fault}`));
    }
  };
  if (names.plural === '') causes.push(required('spec.names.plural'));
  label(names.plural, 'spec.names.plural');
  if ((names.singular ?? '') !== '') label(names.singular!, 'spec.names.singular');
  for (const [index, name] of (names.shortNames ?? []).entries()) label(name, `spec.names.shortNames[${index}]`);
  if (names.kind === '') causes.push(required('spec.names.kind'));
  kindLike(names.kind, 'spec.names.kind');
  if ((names.listKind ?? '') !== '') kindLike(names.listKind!, 'spec.names.listKind');
  if (names.kind !== '' && names.kind === names.listKind) {
    causes.push(invalid('spec.names.listKind', names.listKind, 'kind and listKind may not be the same'));
  }
  for (const [index, name] of (names.categories ?? []).entries()) label(name, `spec.names.categories[${index}]`);
  return causes;
}

function conversionCauses({ spec }: Definition): FieldCause[] {
  const { conversion } = spec;
  if (conversion === undefined) return [];
  const field = 'spec.conversion';
  if (conversion.strategy === '') return [required(`${field}.strategy`)];
  if (conversion.strategy === 'None') {
    return conversion.webhook === undefined
      ? []
      : [forbidden(`${field}.webhook`, 'should not be set when strategy is not set to Webhook')];
  }
  if (conversion.strategy !== 'Webhook') {
    return [notSupported(`${field}.strategy`, conversion.strategy, ['None', 'Webhook'])];
  }
  const causes: FieldCause[] = [];
  if (conversion.webhook?.clientConfig === undefined) {
    causes.push(required(`${field}.webhookClientConfig`, 'required when strategy is set to Webhook'));
  } else if (
    (conversion.webhook.clientConfig.url === undefined) ===
    (conversion.webhook.clientConfig.service === undefined)
  ) {
    causes.push(required(`${field}.webhookClientConfig`, 'exactly one of url or service is required'));
  }
  const reviews = conversion.webhook?.conversionReviewVersions ?? [];
  if (reviews.length === 0) causes.push(required(`${field}.conversionReviewVersions`));
  else if (!reviews.includes('v1') && !reviews.includes('v1beta1')) {
    causes.push(invalid(`${field}.conversionReviewVersions`, reviews, 'must include at least one of v1, v1beta1'));
  }
  return causes;
}

function schemaCauses(versions: readonly DefinitionVersion[]): FieldCause[] {
  if (
    versions.length > 1 &&
    sameSchemas(versions.map(({ schema }) => schema)) &&
    versions[0]?.schema?.openAPIV3Schema !== undefined
  ) {
    return structuralCauses(versions[0].schema.openAPIV3Schema, 'spec.validation.openAPIV3Schema');
  }
  return versions.flatMap((version, index) => {
    const schema = version.schema?.openAPIV3Schema;
    if (schema === undefined) {
      return [required(`spec.versions[${index}].schema.openAPIV3Schema`, 'schemas are required')];
    }
    return structuralCauses(schema, schemaPath(versions, index));
  });
}

/** Where Kubernetes says that the schema of a version is: one for all versions has a place of its own. */
export function schemaPath(versions: readonly DefinitionVersion[], index: number): string {
  const common = sameSchemas(versions.map(({ schema }) => schema));
  return common ? 'spec.validation.openAPIV3Schema' : `spec.versions[${index}].schema.openAPIV3Schema`;
}

function partCauses(version: DefinitionVersion, path: string): FieldCause[] {
  const causes: FieldCause[] = [];
  const scale = version.subresources?.scale;
  if (scale !== undefined) {
    const place = `${path}.subresources.scale`;
    const check = (
      name: 'specReplicasPath' | 'statusReplicasPath' | 'labelSelectorPath',
      roots: string[],
      needed: boolean,
    ): void => {
      const value = scale[name] ?? '';
      if (value === '') {
        if (needed) causes.push(required(`${place}.${name}`));
      } else if (parseJsonPath(value) === undefined || !value.startsWith('.')) {
        causes.push(invalid(`${place}.${name}`, value, 'must be a simple json path'));
      } else if (!roots.some((root) => value.startsWith(root))) {
        causes.push(invalid(`${place}.${name}`, value, `should be a json path under ${roots.join(' or ')}`));
      }
    };
    check('specReplicasPath', ['.spec.'], true);
    check('statusReplicasPath', ['.status.'], true);
    check('labelSelectorPath', ['.spec.', '.status.'], false);
  }
  for (const [index, column] of (version.additionalPrinterColumns ?? []).entries()) {
    const place = `${path}.additionalPrinterColumns[${index}]`;
    if (column.name === '') causes.push(required(`${place}.name`));
    if (column.type === '') causes.push(required(`${place}.type`, `must be one of ${columnTypes.join(',')}`));
    else if (!columnTypes.includes(column.type))
      causes.push(invalid(`${place}.type`, column.type, `must be one of ${columnTypes.join(',')}`));
    if ((column.format ?? '') !== '' && !columnFormats.includes(column.format!)) {
      causes.push(invalid(`${place}.format`, column.format, `must be one of ${columnFormats.join(',')}`));
    }
    if (column.jsonPath === '') causes.push(required(`${place}.jsonPath`));
    else if (parseJsonPath(column.jsonPath) === undefined) {
      causes.push(invalid(`${place}.jsonPath`, column.jsonPath, 'does not point to a valid path'));
    }
  }
  const seen = new Set<string>();
  for (const [index, { jsonPath }] of (version.selectableFields ?? []).entries()) {
    const place = `${path}.selectableFields[${index}].jsonPath`;
    const steps = parseJsonPath(jsonPath);
    let schema: JsonSchema | undefined = version.schema?.openAPIV3Schema;
    for (const step of steps ?? []) schema = typeof step === 'string' ? propertyOf(schema, step) : itemsOf(schema);
    if (steps === undefined || !jsonPath.startsWith('.') || steps.some((step) => typeof step !== 'string')) {
      causes.push(invalid(place, jsonPath, 'is an invalid path: must be a simple path of field names'));
    } else if (steps[0] === 'metadata') causes.push(invalid(place, jsonPath, 'must not point to fields in metadata'));
    else if (schema === undefined)
      causes.push(invalid(place, jsonPath, `is an invalid path: does not refer to a valid field`));
    else if (!['string', 'boolean', 'integer'].includes(schema.type ?? '')) {
      causes.push(
        invalid(
          place,
          jsonPath,
          'must point to a field of type string, boolean or integer. Enum string fields and strings with formats are allowed.',
        ),
      );
    }
    if (seen.has(jsonPath)) causes.push(duplicate(place, jsonPath));
    seen.add(jsonPath);
  }
  if (version.deprecated !== true && version.deprecationWarning !== undefined) {
    causes.push(
      invalid(`${path}.deprecationWarning`, version.deprecationWarning, 'can only be set for deprecated versions'),
    );
  }
  return causes;
}

function updateCauses(definition: Definition, old: Definition): FieldCause[] {
  const causes: FieldCause[] = [];
  const { spec } = definition;
  const immutable = (field: string, value: unknown, before: unknown): void => {
    if (!jsonEqual(value ?? null, before ?? null)) causes.push(invalid(field, value, 'field is immutable'));
  };
  const established = old.status?.conditions?.some(({ type, status }) => type === 'Established' && status === 'True');
  if (established === true) {
    immutable('spec.scope', spec.scope, old.spec.scope);
    immutable('spec.names.kind', spec.names.kind, old.spec.names.kind);
  }
  immutable('spec.group', spec.group, old.spec.group);
  immutable('spec.names.plural', spec.names.plural, old.spec.names.plural);
  for (const [index, stored] of (definition.status?.storedVersions ?? []).entries()) {
    if (spec.versions.some(({ name }) => name === stored)) continue;
    const text = `missing from spec.versions; ${stored} was previously a storage version, and must remain in spec.versions until a storage migration ensures no data remains persisted in ${stored} and removes ${stored} from status.storedVersions`;
    causes.push(invalid(`status.storedVersions[${index}]`, stored, text));
  }
  return causes;
}
