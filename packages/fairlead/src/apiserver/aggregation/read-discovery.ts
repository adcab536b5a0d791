import { openApiV2 } from '@fairlead/api/openapi';
import { recordOf } from '../watch/kube-object.ts';
import type { RemoteService } from './remote-service.ts';

type Json = Readonly<Record<string, unknown>>;

function recordsOf(value: unknown): Json[] {
  return Array.isArray(value) ? (value as Json[]) : [];
}

/** The resources of a group version in an aggregated discovery document; `undefined` where it is not in it. */
export function resourcesInAggregated(document: unknown, { group, version }: RemoteService): Json[] | undefined {
  const found = recordsOf(recordOf(document)?.items)
    .filter((item) => recordOf(item.metadata)?.name === group)
    .flatMap((item) => recordsOf(item.versions))
    .find((one) => one.version === version);
  return found === undefined ? undefined : recordsOf(found.resources);
}

/** The resources of an APIResourceList in the form of aggregated discovery: subresources lie in their resources. */
export function resourcesInList(list: unknown, { group, version }: RemoteService): Json[] {
  const entries = recordsOf(recordOf(list)?.resources);
  const kindOf = (entry: Json): Json => ({
    group: entry.group === undefined || entry.group === '' ? group : entry.group,
    version: entry.version === undefined || entry.version === '' ? version : entry.version,
    kind: entry.kind,
  });
  return entries
    .filter(({ name }) => !String(name).includes('/'))
    .map((entry) => {
      const subresources = entries
        .filter(({ name }) => String(name).startsWith(`${String(entry.name)}/`))
        .map((sub) => ({
          subresource: String(sub.name).slice(String(entry.name).length + 1),
          responseKind: kindOf(sub),
          verbs: sub.verbs ?? [],
        }));
      return {
        resource: entry.name,
        responseKind: kindOf(entry),
        scope: entry.namespaced === true ? 'Namespaced' : 'Cluster',
        singularResource: entry.singularName ?? '',
        verbs: entry.verbs ?? [],
        ...(entry.shortNames === undefined ? {} : { shortNames: entry.shortNames }),
        ...(entry.categories === undefined ? {} : { categories: entry.categories }),
        ...(subresources.length === 0 ? {} : { subresources }),
      };
    });
}

/** The hash of the OpenAPI v3 document of a group version, out of the index of all. */
export function openApiHashIn(index: unknown, { group, version }: RemoteService): string | undefined {
  const url = recordOf(recordOf(recordOf(index)?.paths)?.[`apis/${group}/${version}`])?.serverRelativeURL;
  return typeof url === 'string' ? (/[?&]hash=([^&]+)/.exec(url)?.[1] ?? '') : undefined;
}

/** A group version's OpenAPI v3 document; `undefined` for what cannot be told in a document of all of them. */
export function openApiIn(text: string): object | undefined {
  try {
    const document = JSON.parse(text) as object;
    openApiV2([document]);
    return document;
  } catch {
    return undefined;
  }
}
