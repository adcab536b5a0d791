export { type OldValue, oldItem, oldProperty } from './correlate.ts';
export { applySchemaDefaults, hasDefaults } from './default.ts';
export {
  type Definition,
  type DefinitionNames,
  type DefinitionVersion,
  defaultDefinition,
} from './definition.ts';
export { definitionCauses } from './definition-causes.ts';
export { schemaPath } from './definition-parts.ts';
export { embeddedCauses } from './embedded.ts';
export { type JsonPath, jsonPathValues, parseJsonPath } from './json-path.ts';
export { itemsOf, type JsonSchema, propertyOf, type ValidationRule } from './json-schema.ts';
export { LinearPattern } from './linear-pattern.ts';
export { listTypeCauses } from './list-type.ts';
export { type CustomSchema, customTypeId } from './openapi.ts';
export { type PrinterColumn, printerCells, printerColumns } from './printer-columns.ts';
export { prune } from './prune.ts';
export { valueCauses } from './validate-value.ts';
