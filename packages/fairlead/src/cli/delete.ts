import { type ApiClient, type DeleteOptions, isNotFound } from '@fairlead/client';
import type { Print } from './apply.ts';
import { readManifests } from './manifest.ts';
import { displayName, findResource, resourceOfKind } from './resource-lookup.ts';
import { UsageError } from './usage-error.ts';

/** What `fairlead delete` was asked for: files, or a type with names or a selector. */
export interface DeleteCommandOptions {
  /** What the manifests hold is deleted. */
  readonly files?: readonly string[];
  readonly type?: string;
  readonly names?: readonly string[];
  readonly namespace?: string;
  readonly selector?: string;
  readonly ignoreNotFound?: boolean;
  readonly gracePeriodSeconds?: number;
  readonly propagationPolicy?: DeleteOptions['propagationPolicy'];
}

/** `fairlead delete -f FILE...`, `delete TYPE NAME...` or `delete TYPE -l SELECTOR`. */
export async function deleteCommand(client: ApiClient, options: DeleteCommandOptions, print: Print): Promise<void> {
  const how: DeleteOptions = {
    propagationPolicy: options.propagationPolicy ?? 'Background',
    ...(options.gracePeriodSeconds === undefined ? {} : { gracePeriodSeconds: options.gracePeriodSeconds }),
  };
  const targets = await listTargets(client, options);
  for (const { ref, name } of targets) {
    try {
      await client.delete(ref, name, how);
      print(`${displayName(ref, name.name)} deleted`);
    } catch (error) {
      if (options.ignoreNotFound !== true || !isNotFound(error)) throw error;
    }
  }
  if (targets.length === 0) print('No resources found');
}

interface Target {
  readonly ref: Awaited<ReturnType<typeof findResource>>;
  readonly name: { readonly name: string; readonly namespace?: string };
}

async function listTargets(client: ApiClient, options: DeleteCommandOptions): Promise<Target[]> {
  const defaultNamespace = options.namespace ?? 'default';
  if (options.files !== undefined && options.files.length > 0) {
    const targets = readManifests(options.files).map(async (object): Promise<Target> => {
      const ref = await resourceOfKind(client, object.apiVersion ?? '', object.kind ?? '');
      const name = object.metadata?.name ?? '';
      return {
        ref,
        name: ref.namespaced ? { name, namespace: object.metadata?.namespace ?? defaultNamespace } : { name },
      };
    });
    return Promise.all(targets);
  }
  if (options.type === undefined) throw new UsageError('give a type and names, or -f FILE');
  const ref = await findResource(client, options.type);
  const home = ref.namespaced ? { namespace: defaultNamespace } : {};
  const names = options.names ?? [];
  if (names.length > 0) return names.map((name) => ({ ref, name: { name, ...home } }));
  if (options.selector === undefined) throw new UsageError(`give names of ${ref.plural}, or a selector`);
  const { items } = await client.list(ref, { ...home, labelSelector: options.selector });
  return items.map((item) => ({ ref, name: { name: item.metadata.name, ...home } }));
}
