import { dns1123SubdomainErrors } from '../../names.ts';
import { type FieldCause, invalid, required } from '../field-cause.ts';
import { checkName, checkQualifiedName, type JsonObject, numberIn, objectIn, textIn } from './fields.ts';

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

/** Checks an Event of events.k8s.io, where the newer fields are required. */
export function validateNewEvent(event: JsonObject, old: JsonObject | undefined): FieldCause[] {
  if (old !== undefined) return [];
  const causes = checkPlaceAndWriter(event, { about: 'regarding', controller: 'reportingController', note: 'note' });
  if (event.series !== undefined) {
    const series = objectIn(event, 'series');
    if ((numberIn(series, 'count') ?? 0) < 2) causes.push(invalid('series.count', '', 'should be at least 2'));
    if (textIn(series, 'lastObservedTime') === '') causes.push(required('series.lastObservedTime'));
  }
  if (textIn(event, 'eventTime') === '') causes.push(required('eventTime'));
  const type = textIn(event, 'type');
  if (type !== 'Normal' && type !== 'Warning') causes.push(invalid('type', '', `has invalid value: ${type}`));
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
