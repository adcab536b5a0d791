import type { Endpoint, EndpointSlice, Stored } from '@fairlead/api';
import { deepEqual } from '@fairlead/client';
import { type AddressType, portsKey, type SliceGroup } from './desired-endpoints.ts';

/** Content of a slice that does not exist yet. */
export type NewSlice = Pick<EndpointSlice, 'addressType' | 'endpoints' | 'ports'>;

/** The writes that bring slices to the wanted state; unchanged slices appear nowhere. */
export interface SlicePlan {
  readonly create: readonly NewSlice[];
  readonly update: readonly Stored<EndpointSlice>[];
  readonly remove: readonly Stored<EndpointSlice>[];
}

/** Kubernetes' default; a slice holds at most 1,000. */
export const maxEndpointsPerSlice = 100;

/**
 * Plans few, small writes: every slice write goes to every node.
 *
 * Per group: remove and update in place; fill slices that are written anyway; then the fullest slice
 * that has room for all that is left; then new slices. Never rebalance. A slice of a port set that is
 * no longer wanted is rewritten instead of deleted beside a creation. A family without endpoints keeps
 * one empty slice.
 */
export function planSlices(
  groups: readonly SliceGroup[],
  existing: readonly Stored<EndpointSlice>[],
  families: readonly AddressType[],
  identity: (endpoint: Endpoint) => string = identityOf,
): SlicePlan {
  const create: NewSlice[] = [];
  const update = new Map<string, Stored<EndpointSlice>>();
  const free: Stored<EndpointSlice>[] = [];
  const complete = [...groups];
  for (const addressType of families) {
    if (!groups.some((group) => group.addressType === addressType))
      complete.push({ addressType, ports: [], endpoints: [] });
  }
  const byGroup = new Map<string, Stored<EndpointSlice>[]>();
  for (const slice of [...existing].sort((a, b) => (a.metadata.name < b.metadata.name ? -1 : 1))) {
    const key = `${slice.addressType} ${portsKey(slice.ports)}`;
    byGroup.set(key, [...(byGroup.get(key) ?? []), slice]);
  }
  for (const group of complete) {
    const key = `${group.addressType} ${portsKey(group.ports)}`;
    const slices = byGroup.get(key) ?? [];
    byGroup.delete(key);
    planGroup(group, slices, identity, { create, update, free });
  }
  for (const slices of byGroup.values()) free.push(...slices);

  // Recycle: one write that turns an unwanted slice into a wanted one.
  const left: NewSlice[] = [];
  for (const wanted of create) {
    const at = free.findIndex((slice) => slice.addressType === wanted.addressType);
    const [slice] = at < 0 ? [] : free.splice(at, 1);
    if (slice === undefined) left.push(wanted);
    else update.set(slice.metadata.name, { ...slice, endpoints: wanted.endpoints, ports: wanted.ports });
  }
  return { create: left, update: [...update.values()], remove: free };
}

interface Output {
  readonly create: NewSlice[];
  readonly update: Map<string, Stored<EndpointSlice>>;
  readonly free: Stored<EndpointSlice>[];
}

function planGroup(
  group: SliceGroup,
  slices: readonly Stored<EndpointSlice>[],
  identity: (endpoint: Endpoint) => string,
  output: Output,
): void {
  const wanted = new Map(group.endpoints.map((endpoint) => [identity(endpoint), endpoint]));
  const contents = new Map<Stored<EndpointSlice>, Endpoint[]>();
  const touched = new Set<Stored<EndpointSlice>>();
  for (const slice of slices) {
    const kept: Endpoint[] = [];
    for (const endpoint of slice.endpoints ?? []) {
      const id = identity(endpoint);
      const next = wanted.get(id);
      if (next === undefined) {
        touched.add(slice);
        continue;
      }
      // Taken: the same endpoint in another slice is a duplicate and goes.
      wanted.delete(id);
      const same = deepEqual(endpoint, next);
      if (!same) touched.add(slice);
      kept.push(same ? endpoint : next);
    }
    contents.set(slice, kept);
  }
  const rest = [...wanted.values()];
  const roomOf = (slice: Stored<EndpointSlice>): number => maxEndpointsPerSlice - (contents.get(slice)?.length ?? 0);
  const fill = (slice: Stored<EndpointSlice>): void => {
    touched.add(slice);
    contents.get(slice)?.push(...rest.splice(0, roomOf(slice)));
  };
  for (const slice of [...touched]) if (rest.length > 0 && roomOf(slice) > 0) fill(slice);
  while (rest.length >= maxEndpointsPerSlice) {
    output.create.push(newSlice(group, rest.splice(0, maxEndpointsPerSlice)));
  }
  if (rest.length > 0) {
    const fitting = slices.filter((slice) => roomOf(slice) >= rest.length).sort((a, b) => roomOf(a) - roomOf(b))[0];
    if (fitting === undefined) output.create.push(newSlice(group, rest.splice(0)));
    else fill(fitting);
  }
  if (slices.length === 0 && group.endpoints.length === 0) output.create.push(newSlice(group, []));
  const empty = slices.filter((slice) => contents.get(slice)?.length === 0);
  // The last slice of an empty group stays, so that readers know that there is nothing.
  const spared = group.endpoints.length === 0 && empty.length === slices.length ? empty[0] : undefined;
  for (const slice of slices) {
    if (empty.includes(slice) && slice !== spared) output.free.push(slice);
    else if (touched.has(slice)) {
      output.update.set(slice.metadata.name, { ...slice, endpoints: contents.get(slice) ?? [] });
    }
  }
}

function newSlice({ addressType, ports }: SliceGroup, endpoints: readonly Endpoint[]): NewSlice {
  return { addressType, ...(ports.length === 0 ? {} : { ports: [...ports] }), endpoints: [...endpoints] };
}

/** A Pod's endpoint is the same as long as Pod and address are. */
function identityOf({ addresses, targetRef }: Endpoint): string {
  return `${targetRef?.uid ?? ''} ${addresses[0] ?? ''}`;
}
