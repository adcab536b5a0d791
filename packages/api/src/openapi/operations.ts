import { type CustomSchema, customTypeId } from '../crd/openapi.ts';
import { schemaForKind } from '../schema/lookup.ts';
import type { ResourceFacts } from '../schema/resource-facts.ts';
import type { OpenApiNode } from './components.ts';
import {
  bodyParameters,
  deleteManyParameters,
  deleteParameters,
  inNameOrder,
  listParameters,
  pathParameter,
  prettyParameter,
} from './parameters.ts';
import { schemaRef } from './schema-name.ts';

const MEDIA_TYPES = ['application/json', 'application/yaml', 'application/vnd.kubernetes.protobuf'];
const DEFAULT_PATCH_TYPES = [
  'application/apply-patch+yaml',
  'application/json-patch+json',
  'application/merge-patch+json',
  'application/strategic-merge-patch+json',
];

/** The operations of one group version, and the types they mention. */
export interface Operations {
  readonly paths: OpenApiNode;
  readonly typeIds: ReadonlySet<string>;
}

/** A place of operations: what they are on and how their ids are built. */
interface Target {
  readonly resource: ResourceFacts;
  readonly kind: { readonly group: string; readonly version: string; readonly kind: string };
  readonly typeId: string;
  /** Set where the list's type is not in the schema table. */
  readonly listTypeId: string | undefined;
  /** Middle and end of operation ids: `CoreV1`, `NamespacedServiceStatus`. */
  readonly idGroup: string;
  readonly idName: string;
  readonly subresource?: string;
}

/** Operations of every verb and subresource of the resources. */
export function operationsOf(
  groupVersion: string,
  resources: readonly ResourceFacts[],
  custom: readonly CustomSchema[] = [],
): Operations {
  const root = groupVersion.includes('/') ? `/apis/${groupVersion}` : `/api/${groupVersion}`;
  const paths: OpenApiNode = {};
  const typeIds = new Set<string>();
  for (const resource of resources) {
    const own = custom.find(({ kind }) => kind === resource.kind);
    const schema =
      own === undefined
        ? schemaForKind(groupVersion, resource.kind)
        : { id: customTypeId(resource.group, resource.version, resource.kind) };
    if (schema === undefined) continue;
    const idGroup = `${pascal(resource.group === '' ? 'core' : (resource.group.split('.')[0] ?? ''))}${pascal(resource.version)}`;
    const scope = resource.namespaced ? 'Namespaced' : '';
    const kind = { group: resource.group, version: resource.version, kind: resource.kind };
    const listTypeId = own === undefined ? undefined : customTypeId(resource.group, resource.version, own.listKind);
    const target: Target = {
      resource,
      kind,
      typeId: schema.id,
      listTypeId,
      idGroup,
      idName: `${scope}${resource.kind}`,
    };
    const base = resource.namespaced
      ? `${root}/namespaces/{namespace}/${resource.plural}`
      : `${root}/${resource.plural}`;
    const place = resource.namespaced ? [pathParameter('namespace')] : [];
    const collection = collectionOperations(target, typeIds);
    if (Object.keys(collection).length > 0) paths[base] = { ...collection, parameters: [...place, prettyParameter] };
    const item = itemOperations(target, resource.verbs, typeIds);
    if (Object.keys(item).length > 0)
      paths[`${base}/{name}`] = { ...item, parameters: [pathParameter('name'), ...place, prettyParameter] };
    if (resource.namespaced && resource.verbs.includes('list')) {
      const id = `list${idGroup}${resource.kind}ForAllNamespaces`;
      paths[`${root}/${resource.plural}`] = {
        get: listOperation({ ...target }, id, typeIds),
        parameters: inNameOrder([...listParameters, prettyParameter]),
      };
    }
    for (const sub of resource.subresources) {
      const [group = '', version = '', name = ''] = subKind(sub.kind);
      const subSchema =
        own !== undefined && name === resource.kind
          ? schema
          : schemaForKind(group === '' ? version : `${group}/${version}`, name);
      if (subSchema === undefined) continue;
      const subTarget: Target = {
        ...target,
        kind: { group, version, kind: name },
        typeId: subSchema.id,
        idName: `${scope}${resource.kind}${pascal(sub.name)}`,
        subresource: sub.name,
      };
      const operations = itemOperations(subTarget, sub.verbs, typeIds);
      if (sub.verbs.includes('create')) operations.post = writeOperation(subTarget, 'create', 'post', typeIds);
      if (Object.keys(operations).length === 0) continue;
      paths[`${base}/{name}/${sub.name}`] = {
        ...operations,
        parameters: [pathParameter('name'), ...place, prettyParameter],
      };
    }
  }
  return { paths: Object.fromEntries(Object.entries(paths).sort(([a], [b]) => (a < b ? -1 : 1))), typeIds };
}

/** `group/version/Kind`, where the core group may be written with nothing or without its slash. */
function subKind(text: string): readonly string[] {
  const parts = text.split('/');
  return parts.length === 2 ? ['', ...parts] : parts;
}

function collectionOperations(target: Target, typeIds: Set<string>): OpenApiNode {
  const { verbs } = target.resource;
  const operations: OpenApiNode = {};
  if (verbs.includes('list')) {
    operations.get = {
      ...listOperation(target, `list${target.idGroup}${target.idName}`, typeIds),
      parameters: listParameters,
    };
  }
  if (verbs.includes('create')) operations.post = writeOperation(target, 'create', 'post', typeIds);
  if (verbs.includes('deletecollection')) {
    operations.delete = {
      ...describe(target, `delete${target.idGroup}Collection${target.idName}`, 'deletecollection'),
      parameters: deleteManyParameters,
      requestBody: body('meta.v1.DeleteOptions', ['*/*'], typeIds, false),
      responses: answers(['200'], 'meta.v1.Status', typeIds),
    };
  }
  return operations;
}

function itemOperations(target: Target, verbs: readonly string[], typeIds: Set<string>): OpenApiNode {
  const operations: OpenApiNode = {};
  if (verbs.includes('get')) {
    operations.get = {
      ...describe(target, `read${target.idGroup}${target.idName}`, 'get'),
      responses: answers(['200'], target.typeId, typeIds),
    };
  }
  if (verbs.includes('update')) operations.put = writeOperation(target, 'replace', 'put', typeIds);
  if (verbs.includes('delete')) {
    const answer = target.resource.deleteReturns === target.resource.kind ? target.typeId : 'meta.v1.Status';
    operations.delete = {
      ...describe(target, `delete${target.idGroup}${target.idName}`, 'delete'),
      parameters: deleteParameters,
      requestBody: body('meta.v1.DeleteOptions', ['*/*'], typeIds, false),
      responses: answers(['200', '202'], answer, typeIds),
    };
  }
  if (verbs.includes('patch')) {
    operations.patch = {
      ...describe(target, `patch${target.idGroup}${target.idName}`, 'patch'),
      parameters: bodyParameters(true),
      requestBody: body('meta.v1.Patch', target.resource.patchContentTypes ?? DEFAULT_PATCH_TYPES, typeIds, true),
      responses: answers(['200', '201'], target.typeId, typeIds),
    };
  }
  return operations;
}

function listOperation(target: Target, operationId: string, typeIds: Set<string>): OpenApiNode {
  const { resource } = target;
  const list = schemaForKind(
    resource.group === '' ? resource.version : `${resource.group}/${resource.version}`,
    resource.listKind ?? `${resource.kind}List`,
  );
  return {
    ...describe(target, operationId, 'list'),
    responses: answers(['200'], target.listTypeId ?? list?.id ?? target.typeId, typeIds, [
      ...MEDIA_TYPES,
      'application/json;stream=watch',
    ]),
  };
}

function writeOperation(
  target: Target,
  verb: 'create' | 'replace',
  action: 'post' | 'put',
  typeIds: Set<string>,
): OpenApiNode {
  return {
    ...describe(target, `${verb}${target.idGroup}${target.idName}`, action),
    parameters: bodyParameters(false),
    requestBody: body(target.typeId, ['*/*'], typeIds, true),
    responses: answers(action === 'post' ? ['200', '201', '202'] : ['200', '201'], target.typeId, typeIds),
  };
}

function describe(target: Target, operationId: string, action: string): OpenApiNode {
  const tag = `${target.idGroup.charAt(0).toLowerCase()}${target.idGroup.slice(1)}`.replace(/V(\d)/, '_v$1');
  return {
    tags: [tag],
    description: descriptionOfAction(target, action),
    operationId,
    'x-kubernetes-action': action,
    'x-kubernetes-group-version-kind': target.kind,
  };
}

/** What an operation does, in our own words. */
function descriptionOfAction({ resource, subresource }: Target, action: string): string {
  const what = subresource === undefined ? `${article(resource.kind)}` : `${subresource} of ${article(resource.kind)}`;
  switch (action) {
    case 'get':
      return `Reads ${what}.`;
    case 'list':
      return `Lists objects of kind ${resource.kind}, or watches them.`;
    case 'post':
      return `Creates ${what}.`;
    case 'put':
      return `Replaces ${what}.`;
    case 'patch':
      return `Changes parts of ${what}.`;
    case 'delete':
      return `Deletes ${what}.`;
    default:
      return `Deletes all objects of kind ${resource.kind} that the parameters choose.`;
  }
}

function article(kind: string): string {
  return `${/^[AEIO]/.test(kind) ? 'an' : 'a'} ${kind}`;
}

function body(typeId: string, mediaTypes: readonly string[], typeIds: Set<string>, required: boolean): OpenApiNode {
  typeIds.add(typeId);
  return { content: content(typeId, mediaTypes), ...(required ? { required } : {}) };
}

function answers(
  codes: readonly string[],
  typeId: string,
  typeIds: Set<string>,
  mediaTypes = MEDIA_TYPES,
): OpenApiNode {
  typeIds.add(typeId);
  const texts: Readonly<Record<string, string>> = { '200': 'OK', '201': 'Created', '202': 'Accepted' };
  const entries = codes.map((code) => [code, { description: texts[code] ?? '', content: content(typeId, mediaTypes) }]);
  return { ...Object.fromEntries(entries), '401': { description: 'Unauthorized' } };
}

function content(typeId: string, mediaTypes: readonly string[]): OpenApiNode {
  return Object.fromEntries(mediaTypes.map((mediaType) => [mediaType, { schema: schemaRef(typeId) }]));
}

function pascal(text: string): string {
  return text.charAt(0).toUpperCase() + text.slice(1);
}
