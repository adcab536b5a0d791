import { fieldStructure, schemaForKind } from '@fairlead/api/schema';
import { type ApiClient, isNotFound } from '@fairlead/client';
import { applyPatch, lastApplied, withLastApplied, withoutNulls } from './last-applied.ts';
import { parseManifest, readManifests } from './manifest.ts';
import { type AnyObject, displayName, resourceOfKind } from './resource-lookup.ts';

/** Takes one line of output, without its newline. */
export type Print = (line: string) => void;

export interface ApplyOptions {
  /** Files, folders, or `-`. */
  readonly files: readonly string[];
  /** For objects that name none. Default `default`. */
  readonly namespace?: string;
}

/** `fairlead apply -f FILE...`: prints `service/web created`, `configured` or `unchanged`, as kubectl does. */
export async function applyCommand(client: ApiClient, options: ApplyOptions, print: Print): Promise<void> {
  await applyObjects(client, readManifests(options.files), options.namespace ?? 'default', print);
}

/** Applies the text of a manifest. */
export async function applyManifest(
  client: ApiClient,
  text: string,
  print: Print,
  namespace = 'default',
): Promise<void> {
  await applyObjects(client, parseManifest(text, 'manifest'), namespace, print);
}

async function applyObjects(
  client: ApiClient,
  objects: readonly AnyObject[],
  namespace: string,
  print: Print,
): Promise<void> {
  for (const manifest of objects) {
    const object = withoutNulls(manifest) as AnyObject;
    const ref = await resourceOfKind(client, object.apiVersion ?? '', object.kind ?? '');
    const home = ref.namespaced ? { namespace: object.metadata?.namespace ?? namespace } : {};
    const wanted = withLastApplied({ ...object, metadata: { ...object.metadata, ...home } });
    const name = { name: object.metadata?.name ?? '', ...home };
    const outcome = await applyObject(client, ref, name, wanted);
    print(`${displayName(ref, name.name)} ${outcome}`);
  }
}

async function applyObject(
  client: ApiClient,
  ref: Parameters<typeof client.create<AnyObject>>[0],
  name: { readonly name: string; readonly namespace?: string },
  wanted: AnyObject,
): Promise<'created' | 'configured' | 'unchanged'> {
  const writer = { fieldManager: 'fairlead-client-side-apply' };
  let stored: AnyObject & { readonly metadata: { readonly resourceVersion: string } };
  try {
    stored = await client.get(ref, name);
  } catch (error) {
    if (!isNotFound(error)) throw error;
    await client.create(ref, wanted, writer);
    return 'created';
  }
  const schema = schemaForKind(wanted.apiVersion ?? '', wanted.kind ?? '');
  const structure = schema === undefined ? undefined : fieldStructure(schema.id);
  const patch = applyPatch(lastApplied(stored), wanted, structure);
  const after = await client.patch(ref, name, structure === undefined ? 'merge' : 'strategic', patch, writer);
  return after.metadata.resourceVersion === stored.metadata.resourceVersion ? 'unchanged' : 'configured';
}
