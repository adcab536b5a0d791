import { type CustomSchema, customSchemas } from './crd/openapi.ts';
import { componentSchemas } from './openapi/components.ts';
import { operationsOf } from './openapi/operations.ts';
import type { ResourceFacts } from './schema/resource-facts.ts';

export { openApiV2 } from './openapi/swagger.ts';
export { encodeSwagger } from './openapi/swagger-protobuf.ts';

/** Version of Kubernetes whose API the documents describe. */
const API_LEVEL = 'v1.34.0';

/**
 * The OpenAPI v3 document of one group version (`v1`, `apps/v1`): an operation for
 * every verb of the given resources, and the schemas they need. kubectl reads it
 * for `explain`, to learn whether the server validates fields (the parameter
 * `fieldValidation` of a PATCH) and to build strategic merge patches.
 * `custom`: the kinds of definitions among the resources.
 * The same arguments give the same document, key order included.
 */
export function openApiV3(
  groupVersion: string,
  resources: readonly ResourceFacts[],
  custom: readonly CustomSchema[] = [],
): object {
  const [first = '', second = ''] = groupVersion.split('/');
  const group = second === '' ? '' : first;
  const version = second === '' ? first : second;
  const served = resources.filter((resource) => resource.group === group && resource.version === version);
  const { paths, typeIds } = operationsOf(groupVersion, served, custom);
  const metaOfCustom = custom.length > 0 ? ['meta.v1.ObjectMeta', 'meta.v1.ListMeta'] : [];
  return {
    openapi: '3.0.0',
    info: { title: 'Kubernetes', version: API_LEVEL },
    paths,
    components: {
      schemas: {
        ...componentSchemas([...typeIds, ...metaOfCustom, 'meta.v1.WatchEvent'], [groupVersion]),
        ...Object.assign({}, ...custom.map((one) => customSchemas(group, version, one))),
      },
    },
  };
}
