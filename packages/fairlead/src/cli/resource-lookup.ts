import { apiVersionOf, type ObjectMeta, type ResourceRef } from '@fairlead/api';
import { type ResourceFacts, resourceByKind, resourceFacts } from '@fairlead/api/schema';
import type { ApiClient } from '@fairlead/client';
import { UsageError } from './usage-error.ts';

/** Any object, as a manifest or an answer holds it. */
export interface AnyObject {
  readonly apiVersion?: string | undefined;
  readonly kind?: string | undefined;
  readonly metadata?: ObjectMeta | undefined;
  readonly [field: string]: unknown;
}

type AnyRef = ResourceRef<AnyObject>;

/**
 * The resource that a user names as kubectl takes it: plural, singular, short name or kind, in any
 * case, with or without group (`ingresses.networking.k8s.io`). Built-in ones need no request.
 */
export async function findResource(client: ApiClient, name: string): Promise<AnyRef> {
  const wanted = name.toLowerCase();
  const matches = (facts: Names & { readonly group: string }): boolean =>
    namesOf(facts).some((each) => each === wanted || (facts.group !== '' && `${each}.${facts.group}` === wanted));
  // The core group first: `events` are those of v1.
  const builtIn = resourceFacts.filter(matches).sort((a, b) => (a.group < b.group ? -1 : 1))[0];
  if (builtIn !== undefined) return refOf(builtIn);
  const found = (await discoverResources(client)).find(matches);
  if (found === undefined) throw new UsageError(`the server does not have a resource type "${name}"`);
  return refOf(found);
}

/** The resource that holds objects of a kind. */
export async function resourceOfKind(client: ApiClient, apiVersion: string, kind: string): Promise<AnyRef> {
  const builtIn = resourceByKind(apiVersion, kind);
  if (builtIn !== undefined) return refOf(builtIn);
  const found = (await discoverResources(client)).find(
    (each) => each.kind === kind && apiVersionOf(each) === apiVersion,
  );
  if (found === undefined) throw new UsageError(`no resource for kind "${kind}" in version "${apiVersion}"`);
  return refOf(found);
}

/** `TYPE/NAME`, as kubectl prints objects: `service/web`, `deployment.apps/web`. */
export function displayName(ref: Pick<AnyRef, 'group' | 'kind'>, name: string): string {
  const kind = ref.kind.toLowerCase();
  return `${ref.group === '' ? kind : `${kind}.${ref.group}`}/${name}`;
}

type Names = Pick<ResourceFacts, 'plural' | 'singular' | 'kind' | 'shortNames'>;
type Served = Names & Pick<ResourceFacts, 'group' | 'version' | 'namespaced'>;

function namesOf(facts: Names): string[] {
  return [facts.plural, facts.singular, facts.kind.toLowerCase(), ...facts.shortNames];
}

function refOf({ group, version, plural, kind, namespaced }: Served): AnyRef {
  return { group, version, plural, kind, namespaced };
}

/** What discovery says about the named groups, each in its preferred version. */
async function discoverResources(client: ApiClient): Promise<Served[]> {
  interface GroupList {
    readonly groups: readonly { readonly name: string; readonly preferredVersion: { readonly version: string } }[];
  }
  interface ResourceList {
    readonly resources: readonly {
      readonly name: string;
      readonly singularName: string;
      readonly kind: string;
      readonly namespaced: boolean;
      readonly shortNames?: readonly string[];
    }[];
  }
  const { groups } = (await client.request('GET', '/apis')) as GroupList;
  const lists = await Promise.all(
    groups.map(async ({ name: group, preferredVersion: { version } }) => {
      const { resources } = (await client.request('GET', `/apis/${group}/${version}`)) as ResourceList;
      return resources
        .filter((resource) => !resource.name.includes('/'))
        .map(({ name: plural, singularName: singular, kind, namespaced, shortNames = [] }): Served => {
          return { group, version, plural, singular, kind, namespaced, shortNames };
        });
    }),
  );
  return lists.flat();
}
