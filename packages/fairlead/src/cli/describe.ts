import { type Event, endpointSlices, events, type ObjectReference } from '@fairlead/api';
import type { ApiClient } from '@fairlead/client';
import type { Print } from './apply.ts';
import { LAST_APPLIED } from './last-applied.ts';
import { alignColumns } from './print-table.ts';
import { type AnyObject, findResource } from './resource-lookup.ts';

/** What `fairlead describe` was asked for. */
export interface DescribeOptions {
  readonly type: string;
  readonly names: readonly string[];
  readonly namespace?: string;
  /** Milliseconds since the Unix epoch, for the age of events. */
  readonly now: number;
}

/** `fairlead describe TYPE [NAME...]`: every field by its name, then the events about the object. */
export async function describeCommand(client: ApiClient, options: DescribeOptions, print: Print): Promise<void> {
  const ref = await findResource(client, options.type);
  const home = ref.namespaced ? { namespace: options.namespace ?? 'default' } : {};
  const objects =
    options.names.length === 0
      ? (await client.list(ref, home)).items
      : await Promise.all(options.names.map((name) => client.get(ref, { name, ...home })));
  for (const [at, object] of objects.entries()) {
    if (at > 0) print('\n');
    describeObject(object, print);
    if (ref.kind === 'Service' && ref.group === '') await describeEndpoints(client, object, print);
    const about = { ...home, fieldSelector: `involvedObject.name=${object.metadata.name}` };
    const found = (await client.list(events, about)).items.filter((event) => isAbout(event.involvedObject, object));
    describeEvents(found, options.now, print);
  }
}

/** `Endpoints: 10.244.0.2:8080,…` of a Service, ready ones only. */
async function describeEndpoints(client: ApiClient, service: AnyObject, print: Print): Promise<void> {
  const { name = '', namespace = '' } = service.metadata ?? {};
  const slices = await client.list(endpointSlices, { namespace, labelSelector: `kubernetes.io/service-name=${name}` });
  const ready = slices.items.flatMap((slice) =>
    (slice.ports ?? []).flatMap(({ port }) =>
      (slice.endpoints ?? [])
        .filter((endpoint) => endpoint.conditions?.ready !== false)
        .flatMap((endpoint) =>
          endpoint.addresses.map((address) => (address.includes(':') ? `[${address}]:${port}` : `${address}:${port}`)),
        ),
    ),
  );
  print(`Endpoints: ${ready.join(',') || '<none>'}`);
}

function isAbout(reference: ObjectReference, object: AnyObject): boolean {
  return reference.uid === object.metadata?.uid;
}

/** Fields that say nothing to a reader. */
const hidden = new Set(['apiVersion', 'kind', 'metadata', 'managedFields', LAST_APPLIED]);

function describeObject(object: AnyObject, print: Print): void {
  const {
    name = '',
    namespace,
    labels,
    annotations,
    creationTimestamp,
    ownerReferences,
    deletionTimestamp,
  } = object.metadata ?? {};
  const owner = ownerReferences?.find((reference) => reference.controller === true);
  const shown = Object.fromEntries(Object.entries(annotations ?? {}).filter(([key]) => !hidden.has(key)));
  const head: [string, unknown][] = [
    ['name', name],
    ['namespace', namespace],
    ['labels', labels],
    ['annotations', Object.keys(shown).length === 0 ? undefined : shown],
    ['created', creationTimestamp],
    ['terminating since', deletionTimestamp],
    ['controlled by', owner === undefined ? undefined : `${owner.kind}/${owner.name}`],
  ];
  const { spec, status, ...rest } = object;
  const body = Object.entries(rest).filter(([key]) => !hidden.has(key));
  // The fields of spec are what the object is about: they stand at the top level.
  const fields = [
    ...head,
    ...Object.entries((spec ?? {}) as Record<string, unknown>),
    ...body,
    ['status', status] as const,
  ];
  const rows = fields.filter(([, value]) => value !== undefined && value !== null);
  const width = Math.max(...rows.map(([key]) => titleOf(key).length)) + 2;
  for (const [key, value] of rows) printField(titleOf(key), value, '', width, print);
}

function printField(title: string, value: unknown, indent: string, width: number, print: Print): void {
  if (typeof value !== 'object' || value === null) {
    print(`${indent}${`${title}:`.padEnd(width)}${String(value)}`);
    return;
  }
  const entries: readonly (readonly [string, unknown])[] = Array.isArray(value)
    ? value.map((item: unknown, at) => [String(at + 1), item] as const)
    : Object.entries(value);
  if (entries.length === 0) {
    print(`${indent}${`${title}:`.padEnd(width)}<none>`);
    return;
  }
  if (entries.every(([, item]) => typeof item !== 'object' || item === null)) {
    const text = entries.map(([key, item]) => (Array.isArray(value) ? String(item) : `${key}=${String(item)}`));
    print(`${indent}${`${title}:`.padEnd(width)}${text.join(Array.isArray(value) ? ', ' : ' ')}`);
    return;
  }
  print(`${indent}${title}:`);
  const inner = Math.max(...entries.map(([key]) => (Array.isArray(value) ? key : titleOf(key)).length)) + 2;
  for (const [key, item] of entries)
    printField(Array.isArray(value) ? key : titleOf(key), item, `${indent}  `, inner, print);
}

/** `clusterIPs` → `Cluster IPs`, `targetPort` → `Target Port`. */
function titleOf(field: string): string {
  const words = field.replace(/([a-z])([A-Z])/g, '$1 $2');
  return (words.charAt(0).toUpperCase() + words.slice(1)).replace(/\bIp\b/, 'IP');
}

function describeEvents(list: readonly Event[], now: number, print: Print): void {
  if (list.length === 0) {
    print('Events: <none>');
    return;
  }
  const last = (event: Event): string =>
    event.lastTimestamp ?? event.eventTime ?? event.metadata.creationTimestamp ?? '';
  const rows = [...list]
    .sort((a, b) => (last(a) < last(b) ? -1 : 1))
    .map((event) => {
      const age = formatAge(now - Date.parse(last(event)));
      const often = (event.count ?? 1) > 1 ? `${age} (x${event.count})` : age;
      return [
        event.type ?? '',
        event.reason ?? '',
        often,
        event.source?.component ?? event.reportingComponent ?? '',
        event.message ?? '',
      ];
    });
  print('Events:');
  for (const line of alignColumns([['TYPE', 'REASON', 'AGE', 'FROM', 'MESSAGE'], ...rows])) print(`  ${line}`);
}

/** `45s`, `7m`, `3h`, `2d`. */
function formatAge(ageMs: number): string {
  const seconds = Math.max(0, Math.floor(ageMs / 1000));
  if (seconds < 120) return `${seconds}s`;
  if (seconds < 7_200) return `${Math.floor(seconds / 60)}m`;
  return seconds < 172_800 ? `${Math.floor(seconds / 3_600)}h` : `${Math.floor(seconds / 86_400)}d`;
}
