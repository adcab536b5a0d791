import { componentSchemas } from './openapi/components.ts';
import { operationsOf } from './openapi/operations.ts';
import type { ResourceFacts } from './schema/resource-facts.ts';

/** Version of Kubernetes whose API the documents describe. */
const API_LEVEL = 'v1.34.0';

/**
 * The OpenAPI v3 document of one group version (`v1`, `apps/v1`): an operation for
 * every verb of the given resources, and the schemas they need. kubectl reads it
 * for `explain`, to learn whether the server validates fields (the parameter
 * `fieldValidation` of a PATCH) and to build strategic merge patches.
 * The same arguments give the same document, key order included.
 */
export function openApiV3(groupVersion: string, resources: readonly ResourceFacts[]): object {
  const [first = '', second = ''] = groupVersion.split('/');
  const group = second === '' ? '' : first;
  const version = second === '' ? first : second;
  const served = resources.filter((resource) => resource.group === group && resource.version === version);
  const { paths, typeIds } = operationsOf(groupVersion, served);
  return {
    openapi: '3.0.0',
    info: { title: 'Kubernetes', version: API_LEVEL },
    paths,
    components: { schemas: componentSchemas([...typeIds, 'meta.v1.WatchEvent'], [groupVersion]) },
  };
}
