import { createHash } from 'node:crypto';
import type { Definition, DefinitionNames, DefinitionVersion } from '@fairlead/api/crd/index';
import type { SubresourceFacts } from '@fairlead/api/schema';
import type { WebhookContext } from '../admission/webhook-call.ts';
import type { ServedResource } from '../resources/served-resources.ts';
import { ConversionWebhook } from './conversion-webhook.ts';
import { CustomKind } from './custom-kind.ts';

/** Verbs of custom resources in the order of a real server. */
const verbs = ['delete', 'deletecollection', 'get', 'list', 'patch', 'create', 'update', 'watch'];

/** The resources an established definition is served as: one per served version. */
export function resourcesOf(definition: Definition, terminating: boolean, context: WebhookContext): ServedResource[] {
  const { spec } = definition;
  const names = definition.status?.acceptedNames ?? spec.names;
  const webhook = spec.conversion?.strategy === 'Webhook' ? new ConversionWebhook(context, definition) : undefined;
  return spec.versions
    .filter(({ served }) => served)
    .map((version) =>
      resourceOf(definition, version, names, new CustomKind(definition, version, terminating, webhook)),
    );
}

/** The prefix of a definition's objects in the store: the same for all versions. */
export function storePrefix(definition: Definition): string {
  return `/${definition.spec.group}/${definition.spec.names.plural}/`;
}

function resourceOf(
  definition: Definition,
  version: DefinitionVersion,
  names: DefinitionNames,
  custom: CustomKind,
): ServedResource {
  const { group, scope } = definition.spec;
  const namespaced = scope === 'Namespaced';
  const subresources: SubresourceFacts[] = [];
  const apiVersion = `${group}/${version.name}`;
  const subverbs = ['get', 'patch', 'update'];
  if (custom.hasStatus) subresources.push({ name: 'status', kind: `${apiVersion}/${names.kind}`, verbs: subverbs });
  if (custom.scale !== undefined) subresources.push({ name: 'scale', kind: 'autoscaling/v1/Scale', verbs: subverbs });
  return {
    facts: {
      group,
      version: version.name,
      kind: names.kind,
      plural: names.plural,
      singular: names.singular ?? names.kind.toLowerCase(),
      shortNames: names.shortNames ?? [],
      categories: names.categories ?? [],
      namespaced,
      verbs,
      storageVersionHash: versionHash(definition),
      subresources,
      patchContentTypes: [
        'application/apply-patch+yaml',
        'application/json-patch+json',
        'application/merge-patch+json',
      ],
      deleteReturns: 'Status',
      listKind: custom.listKind,
      columns: [
        { name: 'Name', type: 'string', format: 'name', priority: 0 },
        ...custom.columns.map(({ facts }) => facts),
      ],
      fieldSelectors: ['metadata.name', 'metadata.namespace', ...custom.selectable.keys()],
      unknownFieldSelector: 'field label not supported: no.such',
    },
    group,
    version: version.name,
    plural: names.plural,
    kind: names.kind,
    apiVersion,
    namespaced,
    typeId: `crd:${apiVersion}/${names.kind}`,
    prefix: storePrefix(definition),
    subresources: new Set(subresources.map(({ name }) => name)),
    custom,
  };
}

/** What tells clients that objects are stored in another version than before. */
function versionHash({ spec }: Definition): string {
  const storage = spec.versions.find((version) => version.storage)?.name ?? '';
  const digest = createHash('sha256').update(`${spec.group}/${storage}/${spec.names.kind}`).digest();
  return digest.subarray(0, 8).toString('base64');
}
