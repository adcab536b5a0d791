import { dns1123SubdomainErrors } from '../../names.ts';
import { isJsonObject, jsonEqual } from '../../own-property.ts';
import { type FieldCause, invalid, required } from '../field-cause.ts';
import {
  checkImmutable,
  checkName,
  checkQualifiedName,
  type JsonObject,
  numberIn,
  objectIn,
  textIn,
} from './fields.ts';

const TEXT_MAX = 128;
const NOTE_MAX = 1024;

/** Names of the fields that the two forms of an Event call differently. */
interface EventForm {
  readonly about: string;
  readonly controller: string;
  readonly note: string;
}

/** Checks an Event of the core group. */
export function validateEvent(event: JsonObject): FieldCause[] {
  return checkPlaceAndWriter(event, {
    about: 'involvedObject',
    controller: 'reportingComponent',
    note: 'message',
  });
}

/** Fields of the newer form that stay as they are, in the order of the checks, by their names in messages. */
const fixedFields = [
  ['regarding', 'involvedObject'],
  ['reason', 'reason'],
  ['note', 'message'],
  ['deprecatedSource', 'source'],
  ['deprecatedFirstTimestamp', 'firstTimestamp'],
  ['deprecatedLastTimestamp', 'lastTimestamp'],
  ['deprecatedCount', 'count'],
  // A Kubernetes server says it twice.
  ['reason', 'reason'],
  ['type', 'type'],
  ['eventTime', 'eventTime'],
  ['action', 'action'],
  ['related', 'related'],
  ['reportingController', 'reportingController'],
  ['reportingInstance', 'reportingInstance'],
] as const;

/** Checks an Event of events.k8s.io: the newer fields are required, and only the series may change. */
export function validateNewEvent(event: JsonObject, old: JsonObject | undefined): FieldCause[] {
  if (old !== undefined) {
    const series = jsonEqual(event.series ?? null, old.series ?? null) ? [] : seriesCauses(event);
    return [
      ...series,
      ...fixedFields.flatMap(([field, shown]) => checkImmutable(content(event[field]), content(old[field]), shown)),
    ];
  }
  const causes = checkPlaceAndWriter(event, { about: 'regarding', controller: 'reportingController', note: 'note' });
  causes.push(...seriesCauses(event));
  if (textIn(event, 'eventTime') === '') causes.push(required('eventTime'));
  const type = textIn(event, 'type');
  if (type !== 'Normal' && type !== 'Warning') causes.push(invalid('type', '', `has invalid value: ${type}`));
  return causes;
}

/** An empty object is as none: the stored form writes one for a source. */
function content(value: unknown): unknown {
  return isJsonObject(value) && Object.keys(value).length === 0 ? undefined : value;
}

function seriesCauses(event: JsonObject): FieldCause[] {
  if (event.series === undefined) return [];
  const series = objectIn(event, 'series');
  const causes: FieldCause[] = [];
  if ((numberIn(series, 'count') ?? 0) < 2) causes.push(invalid('series.count', '', 'should be at least 2'));
  if (textIn(series, 'lastObservedTime') === '') causes.push(required('series.lastObservedTime'));
  return causes;
}

/**
 * An Event without `eventTime` is of the old sort: it lives in the namespace of what it is about. One with it says
 * who reports, and about an object without namespace it may be written in two namespaces only.
 */
function checkPlaceAndWriter(event: JsonObject, form: EventForm): FieldCause[] {
  const about = textIn(objectIn(event, form.about), 'namespace');
  const namespace = textIn(objectIn(event, 'metadata'), 'namespace');
  const misplaced = [invalid('involvedObject.namespace', about, 'does not match event.namespace')];
  const nameCauses = checkName(namespace, 'namespace', dns1123SubdomainErrors);
  if (textIn(event, 'eventTime') === '') {
    const fits = about === '' ? namespace === 'default' : namespace === about;
    return [...(fits ? [] : misplaced), ...nameCauses];
  }
  const causes = about === '' && namespace !== 'default' && namespace !== 'kube-system' ? misplaced : [];
  const controller = textIn(event, form.controller);
  if (controller === '') causes.push(required(form.controller));
  causes.push(...checkQualifiedName(controller, form.controller));
  for (const name of ['reportingInstance', 'action', 'reason']) {
    const text = textIn(event, name);
    if (text === '') causes.push(required(name));
    else if (text.length > TEXT_MAX) causes.push(invalid(name, '', `can have at most ${TEXT_MAX} characters`));
  }
  if (textIn(event, form.note).length > NOTE_MAX) {
    causes.push(invalid('message', '', `can have at most ${NOTE_MAX} characters`));
  }
  return [...causes, ...nameCauses];
}
