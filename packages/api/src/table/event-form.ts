import { isJsonObject } from '../own-property.ts';
import type { Event } from '../types.ts';

/** An Event in the form of the core group, with times that may be null. */
export type CoreEvent = Partial<Event>;

/** Reads an Event of either API group: events.k8s.io names the same fields differently. */
export function coreEventOf(object: object): CoreEvent {
  if (!('regarding' in object || 'deprecatedSource' in object)) return object as CoreEvent;
  const event = object as Readonly<Record<string, unknown>>;
  const form: Record<string, unknown> = {
    ...event,
    involvedObject: event.regarding,
    message: event.note,
    source: isJsonObject(event.deprecatedSource) ? event.deprecatedSource : {},
    firstTimestamp: event.deprecatedFirstTimestamp,
    lastTimestamp: event.deprecatedLastTimestamp,
    count: event.deprecatedCount,
    reportingComponent: event.reportingController,
  };
  return form as CoreEvent;
}
