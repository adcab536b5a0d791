import type { SchemaTypes } from './schema-type.ts';

/** Tables, with fields in the order a Kubernetes server writes them. */
export const metaV1Table: SchemaTypes = {
  'meta.v1.Table': {
    inOpenAPI: false,
    protobuf: false,
    fields: {
      kind: { type: 'string', omit: 'empty', typeMeta: true },
      apiVersion: { type: 'string', omit: 'empty', typeMeta: true },
      metadata: { type: 'object', ref: 'meta.v1.ListMeta', omit: 'empty' },
      columnDefinitions: {
        type: 'array',
        items: { type: 'object', ref: 'meta.v1.TableColumnDefinition' },
        omit: 'never',
      },
      rows: { type: 'array', items: { type: 'object', ref: 'meta.v1.TableRow' }, omit: 'never' },
    },
  },
  'meta.v1.TableColumnDefinition': {
    inOpenAPI: false,
    protobuf: false,
    fields: {
      name: { type: 'string', omit: 'never' },
      type: { type: 'string', omit: 'never' },
      format: { type: 'string', omit: 'never' },
      description: { type: 'string', omit: 'never' },
      priority: { type: 'integer', format: 'int32', omit: 'never' },
    },
  },
  'meta.v1.TableOptions': {
    inOpenAPI: false,
    fields: {
      kind: { type: 'string', omit: 'empty', typeMeta: true },
      apiVersion: { type: 'string', omit: 'empty', typeMeta: true },
      includeObject: { type: 'string', omit: 'empty', tag: 1 },
    },
  },
  'meta.v1.TableRow': {
    inOpenAPI: false,
    protobuf: false,
    fields: {
      cells: { type: 'array', items: { type: 'any' }, omit: 'never' },
      conditions: { type: 'array', items: { type: 'object', ref: 'meta.v1.TableRowCondition' }, omit: 'empty' },
      object: { type: 'object', ref: 'runtime.RawExtension', omit: 'empty' },
    },
  },
  'meta.v1.TableRowCondition': {
    inOpenAPI: false,
    protobuf: false,
    fields: {
      type: { type: 'string', omit: 'never' },
      status: { type: 'string', omit: 'never' },
      reason: { type: 'string', omit: 'empty' },
      message: { type: 'string', omit: 'empty' },
    },
  },
};
