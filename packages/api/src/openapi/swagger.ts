import type { OpenApiNode } from './components.ts';

/** A v3 document as `openApiV3` makes it. */
interface V3Document {
  readonly paths: Readonly<Record<string, OpenApiNode>>;
  readonly components: { readonly schemas: OpenApiNode };
}

const GVK = 'x-kubernetes-group-version-kind';
const methods = ['get', 'put', 'post', 'delete', 'options', 'head', 'patch'];
/** What OpenAPI v2 has no words for, and defaults, which clients of that age do not expect. */
const unknownToV2: ReadonlySet<string> = new Set(['oneOf', 'anyOf', 'allOf', 'not', 'nullable', 'default']);
/** What is left out where v2 would be too strict. */
const structure: ReadonlySet<string> = new Set(['type', 'properties', 'items', 'additionalProperties', 'required']);

/**
 * The OpenAPI v2 document (Swagger) of a server: all v3 documents in one, for clients that know
 * nothing newer. What v2 cannot say (alternatives, nullable values) is left out, as a Kubernetes
 * server does, so that a client rather accepts too much.
 */
export function openApiV2(documents: Iterable<object>): object {
  const paths: OpenApiNode = {};
  const definitions: Record<string, OpenApiNode> = {};
  let info: unknown;
  for (const document of documents as Iterable<V3Document & { readonly info: unknown }>) {
    info ??= document.info;
    for (const [path, item] of Object.entries(document.paths)) paths[path] = pathItem(item);
    for (const [name, schema] of Object.entries(document.components.schemas)) {
      const known = definitions[name];
      if (known === undefined) definitions[name] = schemaOf(schema as OpenApiNode);
      // Options belong to every group version: each document names its own only.
      else addKinds(known, (schema as OpenApiNode)[GVK]);
    }
  }
  return {
    swagger: '2.0',
    info,
    paths: inNameOrder(paths),
    definitions: inNameOrder(definitions),
    securityDefinitions: {
      BearerToken: { description: 'A bearer token.', type: 'apiKey', name: 'authorization', in: 'header' },
    },
    security: [{ BearerToken: [] }],
  };
}

function addKinds(definition: OpenApiNode, kinds: unknown): void {
  if (!Array.isArray(kinds)) return;
  const present = (definition[GVK] ?? []) as unknown[];
  const seen = new Set(present.map((kind) => JSON.stringify(kind)));
  definition[GVK] = [...present, ...kinds.filter((kind) => !seen.has(JSON.stringify(kind)))];
}

function inNameOrder<T>(record: Record<string, T>): Record<string, T> {
  return Object.fromEntries(Object.entries(record).sort(([a], [b]) => (a < b ? -1 : 1)));
}

function pathItem(item: OpenApiNode): OpenApiNode {
  const result: OpenApiNode = {};
  for (const method of methods) {
    if (item[method] !== undefined) result[method] = operation(item[method] as OpenApiNode);
  }
  if (item.parameters !== undefined) result.parameters = (item.parameters as OpenApiNode[]).map(parameter);
  return result;
}

function operation(v3: OpenApiNode): OpenApiNode {
  const { requestBody, responses, parameters, ...rest } = v3;
  const consumed = (requestBody as OpenApiNode | undefined)?.content as Record<string, OpenApiNode> | undefined;
  const answers = Object.entries(responses as Record<string, OpenApiNode>);
  const produced = answers.flatMap(([, answer]) => Object.keys((answer.content as object | undefined) ?? {}));
  const body: OpenApiNode[] = [];
  const [first] = Object.values(consumed ?? {});
  if (first !== undefined) {
    const required = (requestBody as OpenApiNode).required === true ? { required: true } : {};
    body.push({ name: 'body', in: 'body', ...required, schema: schemaOf(first.schema as OpenApiNode) });
  }
  const all = [...body, ...((parameters as OpenApiNode[] | undefined) ?? []).map(parameter)];
  return {
    ...rest,
    consumes: consumed === undefined ? ['*/*'] : Object.keys(consumed),
    produces: [...new Set(produced)],
    schemes: ['https'],
    ...(all.length === 0 ? {} : { parameters: all }),
    responses: Object.fromEntries(answers.map(([code, answer]) => [code, response(answer)])),
  };
}

/** A parameter of path or query: its type stands in itself, not in a schema. */
function parameter({ schema, ...rest }: OpenApiNode): OpenApiNode {
  return { ...rest, ...(schema as OpenApiNode) };
}

function response({ description, content }: OpenApiNode): OpenApiNode {
  const [first] = Object.values((content ?? {}) as Record<string, OpenApiNode>);
  return { description, ...(first === undefined ? {} : { schema: schemaOf(first.schema as OpenApiNode) }) };
}

/** A schema in the words of v2. */
function schemaOf(v3: OpenApiNode): OpenApiNode {
  const reference = v3.$ref ?? singleReference(v3.allOf);
  if (reference !== undefined) {
    const $ref = String(reference).replace('#/components/schemas/', '#/definitions/');
    const { allOf: _, $ref: __, default: ___, ...rest } = v3;
    return { $ref, ...rest };
  }
  const untyped =
    v3['x-kubernetes-int-or-string'] === true ||
    v3['x-kubernetes-preserve-unknown-fields'] === true ||
    v3.nullable === true;
  const result: OpenApiNode = {};
  for (const [key, value] of Object.entries(v3)) {
    if (!unknownToV2.has(key) && !(untyped && structure.has(key))) result[key] = innerOf(key, value);
  }
  // int-or-string and quantities are alternatives in v3: in v2 clients are told of the text.
  if (Array.isArray(v3.oneOf) && v3.type === undefined && v3['x-kubernetes-int-or-string'] !== true) {
    result.type = 'string';
  }
  return result;
}

function innerOf(key: string, value: unknown): unknown {
  if (key === 'items' || (key === 'additionalProperties' && typeof value === 'object')) {
    return schemaOf(value as OpenApiNode);
  }
  if (key !== 'properties') return value;
  return Object.fromEntries(
    Object.entries(value as OpenApiNode).map(([name, one]) => [name, schemaOf(one as OpenApiNode)]),
  );
}

function singleReference(allOf: unknown): unknown {
  return Array.isArray(allOf) && allOf.length === 1 ? (allOf[0] as OpenApiNode).$ref : undefined;
}
