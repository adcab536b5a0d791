import { humanDuration } from '../duration.ts';
import { nameOf, UNKNOWN } from './cells.ts';
import type { CoreEvent } from './event-form.ts';
import { coreEventOf } from './event-form.ts';

/** LAST SEEN, TYPE, REASON, OBJECT, SUBOBJECT, SOURCE, MESSAGE, FIRST SEEN, COUNT, NAME */
export function eventCells(object: object, nowMs: number): unknown[] {
  const event = coreEventOf(object);
  const first = since(event.firstTimestamp ?? event.eventTime, nowMs);
  const last = event.series?.lastObservedTime ?? event.lastTimestamp;
  const target = event.involvedObject;
  return [
    last ? since(last, nowMs) : first,
    event.type ?? '',
    event.reason ?? '',
    target?.name ? `${(target.kind ?? '').toLowerCase()}/${target.name}` : (target?.kind ?? '').toLowerCase(),
    target?.fieldPath ?? '',
    sourceText(event),
    (event.message ?? '').trim(),
    first,
    event.series?.count ?? (event.count || 1),
    nameOf(event),
  ];
}

function since(time: string | null | undefined, nowMs: number): string {
  return time ? humanDuration(nowMs - Date.parse(time)) : UNKNOWN;
}

function sourceText({ source, reportingComponent, reportingInstance }: CoreEvent): string {
  const component = source?.component || reportingComponent || '';
  const host = source?.component ? source.host : source?.host || reportingInstance;
  return host ? `${component}, ${host}` : component;
}
