export { jsonPatch } from '../patch/json-patch.ts';
export { mergePatch, requireObjectPatch } from '../patch/merge-patch.ts';
export { strategicMergePatch } from '../patch/strategic-merge.ts';
export { childStructure, fieldStructure, structureFields } from '../structure.ts';
export { schemaTypes } from './all-types.ts';
export { goMapText } from './conversion-text.ts';
export { type DecodedObject, type DecodingFault, type DecodingSource, decodeObject } from './decode.ts';
export { applyDefaults } from './defaults.ts';
export type { FieldCause, FieldCauseReason } from './field-cause.ts';
export { jsonKind } from './go-type-name.ts';
export { overflowingNumber, parseJsonStrict, type StrictJson } from './json-text.ts';
export { gvkOf, resourceByKind, resourceFor, schemaForKind } from './lookup.ts';
export {
  decodeProtobufObject,
  decodeProtobufType,
  openProtobufEnvelope,
  type ProtobufEnvelope,
  type ProtobufObject,
} from './protobuf.ts';
export type { ColumnFacts, ResourceFacts, SubresourceFacts } from './resource-facts.ts';
export { resourceFacts } from './resources.ts';
export { SchemaError, type SchemaErrorCode } from './schema-error.ts';
export type { JsonType, SchemaField, SchemaType, SchemaTypes, SchemaValue } from './schema-type.ts';
export { type ValidationOptions, validateObject } from './validate.ts';
