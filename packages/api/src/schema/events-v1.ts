import type { SchemaTypes } from './schema-type.ts';

/** Types of events-v1, with fields in the order a Kubernetes server writes them. */
export const eventsV1: SchemaTypes = {
  'events.v1.Event': {
    gvk: ['events.k8s.io/v1/Event'],
    fields: {
      kind: { type: 'string', omit: 'empty', typeMeta: true },
      apiVersion: { type: 'string', omit: 'empty', typeMeta: true },
      metadata: { type: 'object', ref: 'meta.v1.ObjectMeta', zeroDefault: true, omit: 'never', tag: 1 },
      eventTime: { type: 'string', ref: 'meta.v1.MicroTime', required: true, omit: 'never', tag: 2 },
      series: { type: 'object', ref: 'events.v1.EventSeries', omit: 'empty', pointer: true, tag: 3 },
      reportingController: { type: 'string', omit: 'empty', tag: 4 },
      reportingInstance: { type: 'string', omit: 'empty', tag: 5 },
      action: { type: 'string', omit: 'empty', tag: 6 },
      reason: { type: 'string', omit: 'empty', tag: 7 },
      regarding: { type: 'object', ref: 'core.v1.ObjectReference', zeroDefault: true, omit: 'empty', tag: 8 },
      related: { type: 'object', ref: 'core.v1.ObjectReference', omit: 'empty', pointer: true, tag: 9 },
      note: { type: 'string', omit: 'empty', tag: 10 },
      type: { type: 'string', omit: 'empty', tag: 11 },
      deprecatedSource: { type: 'object', ref: 'core.v1.EventSource', zeroDefault: true, omit: 'empty', tag: 12 },
      deprecatedFirstTimestamp: { type: 'string', ref: 'meta.v1.Time', omit: 'empty', tag: 13 },
      deprecatedLastTimestamp: { type: 'string', ref: 'meta.v1.Time', omit: 'empty', tag: 14 },
      deprecatedCount: { type: 'integer', format: 'int32', omit: 'empty', tag: 15 },
    },
  },
  'events.v1.EventList': {
    gvk: ['events.k8s.io/v1/EventList'],
    fields: {
      kind: { type: 'string', omit: 'empty', typeMeta: true },
      apiVersion: { type: 'string', omit: 'empty', typeMeta: true },
      metadata: { type: 'object', ref: 'meta.v1.ListMeta', zeroDefault: true, omit: 'empty', tag: 1 },
      items: {
        type: 'array',
        items: { type: 'object', ref: 'events.v1.Event', zeroDefault: true },
        required: true,
        omit: 'never',
        tag: 2,
      },
    },
  },
  'events.v1.EventSeries': {
    fields: {
      count: { type: 'integer', format: 'int32', required: true, zeroDefault: true, omit: 'never', tag: 1 },
      lastObservedTime: { type: 'string', ref: 'meta.v1.MicroTime', required: true, omit: 'never', tag: 2 },
    },
  },
};
