export { schemaTypes } from './all-types.ts';
export type { ColumnFacts, ResourceFacts, SubresourceFacts } from './resource-facts.ts';
export { resourceFacts } from './resources.ts';
export type { JsonType, SchemaField, SchemaType, SchemaTypes, SchemaValue } from './schema-type.ts';
