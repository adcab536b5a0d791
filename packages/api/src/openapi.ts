import type { ResourceFacts } from './schema/resource-facts.ts';

/** The OpenAPI v3 document of one group version (`v1`, `apps/v1`), with schemas and operations. */
export function openApiV3(_groupVersion: string, _resources: readonly ResourceFacts[]): object {
  return {};
}
