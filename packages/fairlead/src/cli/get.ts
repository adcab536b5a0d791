import type { Table } from '@fairlead/api';
import { type ApiClient, resourcePath, withQuery } from '@fairlead/client';
import { stringify } from 'yaml';
import type { Print } from './apply.ts';
import { formatTable, TABLE_ACCEPT } from './print-table.ts';
import { type AnyObject, displayName, findResource } from './resource-lookup.ts';
import { UsageError } from './usage-error.ts';

/** What `fairlead get` was asked for. */
export interface GetOptions {
  /** One or several resource types, e.g. `pods,services`. */
  readonly types: string;
  readonly names: readonly string[];
  readonly namespace?: string;
  readonly allNamespaces?: boolean;
  readonly selector?: string;
  readonly fieldSelector?: string;
  readonly output?: 'wide' | 'yaml' | 'json' | 'name';
  readonly headers?: boolean;
}

/** The rows of one type, or of one object, in the server's own words. */
async function getTable(client: ApiClient, path: string, query: Record<string, string | undefined>): Promise<Table> {
  return (await client.request('GET', withQuery(path, query), undefined, { accept: TABLE_ACCEPT })) as Table;
}

/** `fairlead get TYPE[,TYPE] [NAME...]`. */
export async function getCommand(client: ApiClient, options: GetOptions, print: Print): Promise<void> {
  const types = options.types.split(',');
  if (types.length > 1 && options.names.length > 0) throw new UsageError('give names for one type at a time');
  const objects: AnyObject[] = [];
  for (const [at, type] of types.entries()) {
    const ref = await findResource(client, type);
    const namespace = options.allNamespaces === true ? undefined : (options.namespace ?? 'default');
    const query = { labelSelector: options.selector, fieldSelector: options.fieldSelector };
    const targets = options.names.length > 0 ? options.names.map((name) => ({ namespace, name })) : [{ namespace }];
    if (options.output === 'yaml' || options.output === 'json' || options.output === 'name') {
      for (const target of targets) {
        const answer = (await client.request('GET', withQuery(resourcePath(ref, target), query))) as AnyObject;
        const items = 'name' in target ? [answer] : ((answer.items ?? []) as AnyObject[]);
        const typeFields = {
          apiVersion: ref.group === '' ? ref.version : `${ref.group}/${ref.version}`,
          kind: ref.kind,
        };
        objects.push(...items.map((item) => ({ ...typeFields, ...item })));
      }
      continue;
    }
    const tables = await Promise.all(targets.map((target) => getTable(client, resourcePath(ref, target), query)));
    const table: Table = { ...tables[0], rows: tables.flatMap((each) => each.rows ?? []) };
    if (table.rows?.length === 0) {
      if (types.length === 1)
        print(
          namespace === undefined || !ref.namespaced
            ? 'No resources found'
            : `No resources found in ${namespace} namespace.`,
        );
      continue;
    }
    if (at > 0) print('');
    const view = { wide: options.output === 'wide', namespaces: namespace === undefined && ref.namespaced };
    for (const line of formatTable(table, { ...view, headers: options.headers ?? true })) print(line);
  }
  if (options.output === 'name') {
    for (const object of objects)
      print(displayName({ ...(await findResource(client, kindOf(object))) }, object.metadata?.name ?? ''));
  } else if (options.output === 'yaml' || options.output === 'json') {
    const one =
      types.length === 1 && options.names.length === 1
        ? objects[0]
        : { apiVersion: 'v1', kind: 'List', items: objects };
    print(options.output === 'json' ? JSON.stringify(one, undefined, 2) : stringify(one).trimEnd());
  }
}

function kindOf(object: AnyObject): string {
  const group = object.apiVersion?.includes('/') === true ? object.apiVersion.split('/')[0] : '';
  return group === '' ? (object.kind ?? '') : `${object.kind}.${group}`;
}
