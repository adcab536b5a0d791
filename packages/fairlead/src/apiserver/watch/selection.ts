// Hot path: matches() runs per watcher and event.
import { type LabelRequirement, matchesLabels, parseLabelSelector } from '@fairlead/api';
import type { ServedResource } from '../resources/served-resources.ts';
import { badRequest } from '../server/status-error.ts';
import type { KubeObject } from './kube-object.ts';
import type { StoredObject } from './stored-object.ts';

/** One term of a field selector. */
export interface FieldTerm {
  readonly path: readonly string[];
  readonly value: string;
  readonly equal: boolean;
}

/** What a list or watch is about: namespace, labels and fields. */
export interface Selection {
  /** Empty: all namespaces. */
  readonly namespace: string;
  /** Set when a field selector names one object. */
  readonly name: string | undefined;
  readonly labels: readonly LabelRequirement[];
  readonly fields: readonly FieldTerm[];
  /** True when every object of the namespace matches. */
  readonly everything: boolean;
}

/** Reads `labelSelector` and `fieldSelector`; throws 400 for bad ones and unsupported fields. */
export function parseSelection(resource: ServedResource, namespace: string, query: URLSearchParams): Selection {
  const parsed = parseLabelSelector(query.get('labelSelector') ?? '');
  if (!parsed.ok) throw badRequest(parsed.error);
  const labels = parsed.requirements;
  const all = parseFieldSelector(resource, query.get('fieldSelector') ?? '');
  const named = all.find((term) => term.equal && term.path.join('.') === 'metadata.name');
  const fields = all;
  return {
    namespace,
    name: named?.value,
    labels,
    fields,
    everything: labels.length === 0 && fields.length === 0,
  };
}

/** True when an object meets the labels and fields of a selection (the namespace is the caller's). */
export function matches(selection: Selection, stored: StoredObject): boolean {
  if (selection.everything) return true;
  const { object } = stored;
  if (!matchesLabels(selection.labels, object.metadata.labels)) return false;
  for (const { path, value, equal } of selection.fields) {
    if ((fieldText(object, path) === value) !== equal) return false;
  }
  return true;
}

function parseFieldSelector(resource: ServedResource, text: string): FieldTerm[] {
  const terms: FieldTerm[] = [];
  if (text.trim() === '') return terms;
  for (const part of splitTerms(text)) {
    const match = /^([^=!]*)(==|!=|=)(.*)$/s.exec(part);
    if (match === null) throw badRequest(`invalid selector: '${text}'; can't understand '${part}'`);
    const field = match[1]!.trim();
    if (!resource.facts.fieldSelectors.includes(field)) {
      const told = resource.facts.unknownFieldSelector ?? 'field label not supported: no.such';
      throw badRequest(told.replace('no.such', field));
    }
    // Here the original tells the character by its number.
    const plain = /(?<!\\)(?:\\\\)*([=,])/.exec(match[3]!)?.[1];
    if (plain !== undefined) {
      throw badRequest(`invalid field selector: unescaped character in value: ${plain.charCodeAt(0)}`);
    }
    terms.push({
      path: field.split('.'),
      value: match[3]!.replaceAll(/\\([\\,=])/g, '$1'),
      equal: match[2] !== '!=',
    });
  }
  return terms;
}

/** Splits at commas that no backslash escapes. */
function splitTerms(text: string): string[] {
  return text.split(/(?<!\\),/).filter((part) => part !== '');
}

/** Text of a field as selectors compare it; an absent one is empty, or `false` for flags. */
function fieldText(object: KubeObject, path: readonly string[]): string {
  let value: unknown = object;
  // Events call the whole reference by the name of the part: `source` is `source.component`.
  const steps = path.length === 1 && path[0] === 'source' ? ['source', 'component'] : path;
  for (const step of steps) {
    if (typeof value !== 'object' || value === null) return '';
    value = (value as Record<string, unknown>)[step];
  }
  if (value === undefined || value === null) return steps.at(-1) === 'unschedulable' ? 'false' : '';
  return typeof value === 'object' ? '' : String(value);
}
