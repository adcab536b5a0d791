// Generated from src/schema by scripts/generate-types.ts; do not edit.
import type { EventSource, ObjectReference } from './core-v1.ts';
import type { ListMeta, MicroTime, ObjectMeta, Time } from './meta-v1.ts';

/** `events.v1.Event` */
export interface EventsEvent {
  kind?: string | undefined;
  apiVersion?: string | undefined;
  metadata?: ObjectMeta | undefined;
  eventTime: MicroTime;
  series?: EventsEventSeries | undefined;
  reportingController?: string | undefined;
  reportingInstance?: string | undefined;
  action?: string | undefined;
  reason?: string | undefined;
  regarding?: ObjectReference | undefined;
  related?: ObjectReference | undefined;
  note?: string | undefined;
  type?: string | undefined;
  deprecatedSource?: EventSource | undefined;
  deprecatedFirstTimestamp?: Time | undefined;
  deprecatedLastTimestamp?: Time | undefined;
  deprecatedCount?: number | undefined;
}

/** `events.v1.EventList` */
export interface EventsEventList {
  kind?: string | undefined;
  apiVersion?: string | undefined;
  metadata?: ListMeta | undefined;
  items: EventsEvent[];
}

/** `events.v1.EventSeries` */
export interface EventsEventSeries {
  count: number;
  lastObservedTime: MicroTime;
}
