import { jsonEqual } from '../own-property.ts';
import { duplicate, type FieldCause, invalid, required } from '../schema/field-cause.ts';
import type { DefinitionVersion } from './definition.ts';
import { parseJsonPath } from './json-path.ts';
import { itemsOf, type JsonSchema, propertyOf } from './json-schema.ts';

/** A part that versions may have in common: then Kubernetes knows it once, outside of the versions. */
type Part = 'schema' | 'subresources' | 'additionalPrinterColumns' | 'selectableFields';

const columnTypes = ['boolean', 'date', 'integer', 'number', 'string'];
const columnFormats = ['byte', 'date', 'date-time', 'double', 'float', 'int32', 'int64', 'password'];

/** Whether all versions have the same in a part, if only nothing. */
export function isCommon(versions: readonly DefinitionVersion[], part: Part): boolean {
  return versions.every((version) => jsonEqual(version[part] ?? null, versions[0]?.[part] ?? null));
}

/** Where Kubernetes says that the schema of a version is: one for all versions has a place of its own. */
export function schemaPath(versions: readonly DefinitionVersion[], index: number): string {
  return isCommon(versions, 'schema')
    ? 'spec.validation.openAPIV3Schema'
    : `spec.versions[${index}].schema.openAPIV3Schema`;
}

/** Mistakes in subresources, columns and selectable fields that only the version at `index` has. */
export function ownPartCauses(versions: readonly DefinitionVersion[], index: number): FieldCause[] {
  const version = versions[index]!;
  const path = `spec.versions[${index}]`;
  const causes: FieldCause[] = [];
  if (version.deprecated !== true && version.deprecationWarning !== undefined) {
    const text = 'can only be set for deprecated versions';
    causes.push(invalid(`${path}.deprecationWarning`, version.deprecationWarning, text));
  }
  return [...causes, ...partCauses(version, path, (part) => !isCommon(versions, part))];
}

/** Mistakes in those of these parts that all versions have in common. */
export function commonPartCauses(versions: readonly DefinitionVersion[]): FieldCause[] {
  const [first] = versions;
  return first === undefined ? [] : partCauses(first, 'spec', (part) => isCommon(versions, part));
}

function partCauses(version: DefinitionVersion, path: string, isHere: (part: Part) => boolean): FieldCause[] {
  return [
    ...(isHere('subresources') ? scaleCauses(version, `${path}.subresources.scale`) : []),
    ...(isHere('additionalPrinterColumns') ? columnCauses(version, `${path}.additionalPrinterColumns`) : []),
    ...(isHere('selectableFields') ? selectableCauses(version, `${path}.selectableFields`) : []),
  ];
}

function scaleCauses(version: DefinitionVersion, path: string): FieldCause[] {
  const scale = version.subresources?.scale;
  if (scale === undefined) return [];
  const causes: FieldCause[] = [];
  const check = (
    name: 'specReplicasPath' | 'statusReplicasPath' | 'labelSelectorPath',
    roots: readonly string[],
    shown: string,
    needed: boolean,
  ): void => {
    const value = scale[name] ?? '';
    const field = `${path}.${name}`;
    if (value === '') {
      if (needed) causes.push(required(field));
    } else if (!value.startsWith('.')) {
      causes.push(invalid(field, value, 'must be a simple json path starting with .'));
    } else if (!roots.some((root) => value.startsWith(root))) {
      causes.push(invalid(field, value, `should be a json path under ${shown}`));
    }
  };
  check('specReplicasPath', ['.spec.'], '.spec', true);
  check('statusReplicasPath', ['.status.'], '.status', true);
  check('labelSelectorPath', ['.spec.', '.status.'], 'either .spec or .status', false);
  return causes;
}

function columnCauses(version: DefinitionVersion, path: string): FieldCause[] {
  const causes: FieldCause[] = [];
  for (const [index, column] of (version.additionalPrinterColumns ?? []).entries()) {
    const place = `${path}[${index}]`;
    const types = `must be one of ${columnTypes.join(',')}`;
    if (column.name === '') causes.push(required(`${place}.name`));
    if (column.type === '') causes.push(required(`${place}.type`, types));
    else if (!columnTypes.includes(column.type)) causes.push(invalid(`${place}.type`, column.type, types));
    if ((column.format ?? '') !== '' && !columnFormats.includes(column.format!)) {
      causes.push(invalid(`${place}.format`, column.format, `must be one of ${columnFormats.join(',')}`));
    }
    if (column.jsonPath === '') causes.push(required(`${place}.JSONPath`));
    else if (!column.jsonPath.startsWith('.')) {
      causes.push(invalid(`${place}.JSONPath`, column.jsonPath, 'must be a simple json path starting with .'));
    }
  }
  return causes;
}

function selectableCauses(version: DefinitionVersion, path: string): FieldCause[] {
  const { selectableFields = [] } = version;
  if (selectableFields.length === 0) return [];
  if (version.schema === undefined) return [invalid(path, '', 'may only be set when validations.schema is included')];
  const causes: FieldCause[] = [];
  const seen = new Set<string>();
  for (const [index, { jsonPath }] of selectableFields.entries()) {
    const place = `${path}[${index}].jsonPath`;
    if (jsonPath === '') {
      causes.push(required(place));
      continue;
    }
    const why = selectableFault(jsonPath, version.schema.openAPIV3Schema);
    if (why !== undefined) causes.push(invalid(place, jsonPath, why));
    if (seen.has(jsonPath)) causes.push(duplicate(place, jsonPath));
    seen.add(jsonPath);
  }
  return causes;
}

function selectableFault(jsonPath: string, root: JsonSchema | undefined): string | undefined {
  if (!/^[.[]/.test(jsonPath)) return `is an invalid path: expected [ or . but got: ${jsonPath}`;
  const steps = parseJsonPath(jsonPath);
  if (steps === undefined || !jsonPath.startsWith('.') || steps.some((step) => typeof step !== 'string')) {
    return 'is an invalid path: must be a simple path of field names';
  }
  let schema = root;
  for (const step of steps) schema = typeof step === 'string' ? propertyOf(schema, step) : itemsOf(schema);
  if (schema === undefined) return 'is an invalid path: does not refer to a valid field';
  if (steps[0] === 'metadata') return 'must not point to fields in metadata';
  if (['string', 'boolean', 'integer'].includes(schema.type ?? '')) return undefined;
  return 'must point to a field of type string, boolean or integer. Enum string fields and strings with formats are allowed.';
}
