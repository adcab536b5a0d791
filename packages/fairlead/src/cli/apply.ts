import { fieldStructure, schemaForKind } from '@fairlead/api/schema';
import { type ApiClient, ApiError, isNotFound, patchMediaTypes, resourcePath, withQuery } from '@fairlead/client';
import { applyPatch, lastApplied, withLastApplied } from './last-applied.ts';
import { parseManifest, readManifests } from './manifest.ts';
import { type AnyObject, displayName, resourceOfKind } from './resource-lookup.ts';
import { UsageError } from './usage-error.ts';

/** Takes one line of output, without its newline. */
export type Print = (line: string) => void;

/** What `fairlead apply` was asked for. */
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
  const errors: Error[] = [];
  for (const object of objects) {
    try {
      print(await applyObject(client, object, namespace));
    } catch (error) {
      // One refused object does not hold up the others; what is told at the end is enough to find it.
      if (!(error instanceof ApiError || error instanceof UsageError) || objects.length === 1) throw error;
      const named = `${object.kind} ${object.metadata?.name}: ${error.message}`;
      errors.push(
        error instanceof ApiError
          ? new ApiError(error.code, error.reason, named, { cause: error })
          : new UsageError(named),
      );
    }
  }
  if (errors.length === 1) throw errors[0];
  if (errors.length > 1) throw new UsageError(errors.map((error) => error.message).join('\nerror: '));
}

async function applyObject(client: ApiClient, manifest: AnyObject, defaultNamespace: string): Promise<string> {
  const ref = await resourceOfKind(client, manifest.apiVersion ?? '', manifest.kind ?? '');
  const name = manifest.metadata?.name ?? '';
  const namespace = ref.namespaced ? (manifest.metadata?.namespace ?? defaultNamespace) : undefined;
  const metadata = { ...manifest.metadata, ...(namespace === undefined ? {} : { namespace }) };
  const wanted = withLastApplied({ ...manifest, metadata });
  const target = { name, ...(namespace === undefined ? {} : { namespace }) };
  // As kubectl: an unknown or repeated field is an error, not a warning.
  const query = { fieldManager: 'fairlead-client-side-apply', fieldValidation: 'Strict' };
  const display = displayName(ref, name);
  let stored: AnyObject;
  try {
    stored = await client.get(ref, target);
  } catch (error) {
    if (!isNotFound(error)) throw error;
    await client.request('POST', withQuery(resourcePath(ref, { namespace }), query), wanted);
    return `${display} created`;
  }
  const schema = schemaForKind(wanted.apiVersion ?? '', wanted.kind ?? '');
  const structure = schema === undefined ? undefined : fieldStructure(schema.id);
  const patch = applyPatch(lastApplied(stored), wanted, structure);
  const path = withQuery(resourcePath(ref, target), query);
  const mediaType = patchMediaTypes[structure === undefined ? 'merge' : 'strategic'];
  const after = (await client.request('PATCH', path, patch, { 'content-type': mediaType })) as AnyObject;
  const same = after.metadata?.resourceVersion === stored.metadata?.resourceVersion;
  return `${display} ${same ? 'unchanged' : 'configured'}`;
}
