import { printerCells } from '@fairlead/api/crd/index';
import { parseJson } from '@fairlead/api/json-number';
import { type TableContent, tableRows } from '@fairlead/api/table';
import type { CollectionTag, DocumentOptions, ScalarTag, SchemaOptions, ToStringOptions } from 'yaml';
import type { ServedResource } from '../resources/served-resources.ts';
import type { ApiAnswer } from '../server/api-request.ts';
import { parseMediaTypes, type Representation } from '../server/media-type.ts';
import { badRequest } from '../server/status-error.ts';
import type { StoredObject } from '../watch/stored-object.ts';
import { yamlLibrary } from './yaml-library.ts';

/** How objects of one answer are written. */
export interface ObjectForm {
  readonly resource: ServedResource;
  readonly representation: Representation;
  /** `includeObject` of a Table. */
  readonly includeObject: 'Metadata' | 'Object' | 'None';
  readonly nowMs: number;
}

/** Reads the form of the answer; throws 400 for a bad `includeObject`. */
export function objectForm(
  resource: ServedResource,
  representation: Representation,
  query: URLSearchParams,
  nowMs: number,
): ObjectForm {
  const given = query.get('includeObject') ?? '';
  if (representation.as === 'Table' && !['', 'Metadata', 'Object', 'None'].includes(given)) {
    throw badRequest(
      `Unable to convert to Table as requested: includeObject: Invalid value: "${given}": must be 'Metadata', 'Object', 'None', or empty`,
    );
  }
  return {
    resource,
    representation,
    includeObject: given === 'Object' || given === 'None' ? given : 'Metadata',
    nowMs,
  };
}

/** JSON text of one object as the client asked for it. */
export function objectText(form: ObjectForm, stored: StoredObject): string {
  const { as, asVersion } = form.representation;
  if (as === undefined) return stored.json;
  if (as === 'Table') {
    return JSON.stringify(table(form, [stored], versionOf(stored), true));
  }
  return JSON.stringify(partial(stored, asVersion));
}

/** Revision 0 is an object that is shown but not stored: a dry run. */
function versionOf(stored: StoredObject): object {
  return stored.modRevision === 0 ? {} : { resourceVersion: String(stored.modRevision) };
}

/** A Table; without column definitions for all but the first event of a watch. */
export function table(
  form: ObjectForm,
  objects: readonly StoredObject[],
  metadata: object,
  withColumns: boolean,
): object {
  const { representation } = form;
  const content = tableContent(form, objects);
  return {
    kind: 'Table',
    apiVersion: `meta.k8s.io/${representation.asVersion}`,
    metadata,
    columnDefinitions: withColumns ? content.columnDefinitions.map((column) => ({ description: '', ...column })) : null,
    rows: content.rows.map((row, index) => ({ cells: row.cells, object: rowObject(form, objects[index]!) })),
  };
}

function tableContent({ resource, nowMs }: ObjectForm, stored: readonly StoredObject[]): TableContent {
  const { facts, custom } = resource;
  const objects = stored.map(({ object }) => object);
  if (custom === undefined) return tableRows(facts, objects, nowMs);
  const rows = objects.map((object) => ({ cells: printerCells(object, custom.columns, nowMs), object }));
  return { columnDefinitions: facts.columns, rows };
}

function rowObject(form: ObjectForm, stored: StoredObject): unknown {
  if (form.includeObject === 'None') return null;
  if (form.includeObject === 'Object') return stored.object;
  return partial(stored, form.representation.asVersion);
}

function partial(stored: StoredObject, version: string): object {
  return {
    kind: 'PartialObjectMetadata',
    apiVersion: `meta.k8s.io/${version}`,
    metadata: stored.object.metadata,
  };
}

/** JSON text of a list. Items of built-in kinds carry no kind of their own. */
export function listText(form: ObjectForm, objects: readonly StoredObject[], metadata: object): string {
  const { as, asVersion } = form.representation;
  if (as === 'Table') return JSON.stringify(table(form, objects, metadata, true));
  if (as === 'PartialObjectMetadata') {
    return JSON.stringify({
      kind: 'PartialObjectMetadataList',
      apiVersion: `meta.k8s.io/${asVersion}`,
      metadata,
      items: objects.length === 0 ? null : objects.map((stored) => partial(stored, asVersion)),
    });
  }
  const { kind, apiVersion, facts, custom } = form.resource;
  const typeMeta = `{"kind":"${kind}","apiVersion":"${apiVersion}",`;
  const items = objects.map(({ json }) =>
    custom === undefined && json.startsWith(typeMeta) ? `{${json.slice(typeMeta.length)}` : json,
  );
  const head = { kind: facts.listKind ?? `${kind}List`, apiVersion, metadata };
  return `${JSON.stringify(head).slice(0, -1)},"items":[${items.join(',')}]}`;
}

/** The package's own expression takes a dot without digits for a number. */
const realFloat = /^[-+]?(?:\d[\d_]*\.[\d_]*|\.[\d_]*\d[\d_]*)$/;

function isFloat(tag: string | CollectionTag | ScalarTag): tag is ScalarTag {
  return typeof tag !== 'string' && !('collection' in tag) && 'test' in tag && tag.test?.test('.') === true;
}

/** YAML as Go writes it. A lone dot, as managed fields have, is no number there. */
const yamlOptions: ToStringOptions & DocumentOptions & SchemaOptions = {
  lineWidth: 0,
  version: '1.1',
  indentSeq: false,
  customTags: (tags) => tags.map((tag) => (isFloat(tag) ? { ...tag, test: realFloat } : tag)),
};

/** The answer with a JSON text as its body, in the format the client asked for. */
export function textAnswer(status: number, representation: Representation, text: string): ApiAnswer {
  if (representation.format === 'yaml') {
    return {
      status,
      headers: { 'content-type': 'application/yaml' },
      body: yamlLibrary().stringify(sortKeys(parseJson(text)), yamlOptions),
    };
  }
  return { status, headers: { 'content-type': 'application/json' }, body: `${text}\n` };
}

/** A refusal in YAML for who asked for that. */
export function inAskedFormat(accept: string | undefined, answer: ApiAnswer): ApiAnswer {
  const isStatus = answer.headers['content-type'] === 'application/json' && typeof answer.body === 'string';
  if (!isStatus || accept === undefined || !accept.includes('yaml')) return answer;
  const first = parseMediaTypes(accept).find(({ type }) => /^(?:application\/(?:json|yaml)|\*\/\*)$/.test(type));
  if (first?.type !== 'application/yaml') return answer;
  const body = yamlLibrary().stringify(sortKeys(JSON.parse(String(answer.body))), yamlOptions);
  return { ...answer, headers: { ...answer.headers, 'content-type': 'application/yaml' }, body };
}

/** YAML answers have their keys in order, as Go writes maps. */
function sortKeys(value: unknown): unknown {
  if (Array.isArray(value)) return value.map(sortKeys);
  if (typeof value !== 'object' || value === null) return value;
  return Object.fromEntries(
    Object.entries(value)
      .sort(([a], [b]) => (a < b ? -1 : 1))
      .map(([key, item]) => [key, sortKeys(item)]),
  );
}
