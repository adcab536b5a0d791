import type { Service, Stored } from '@fairlead/api';
import type { AddressPool } from '@fairlead/api/fairlead-dev/types';
import { AddressBook } from './address-book.ts';
import { readAddressRequest } from './address-request.ts';
import { comparePools, compilePool, poolServes } from './compiled-pool.ts';
import { type AddressDecision, decideAddresses } from './decide-addresses.ts';

/** What a user writes of a pool. */
export type PoolSpec = AddressPool['spec'];

/** A stored pool. */
export function pool(name: string, spec: PoolSpec, status?: AddressPool['status']): Stored<AddressPool> {
  const metadata = { name, uid: name, resourceVersion: '1', creationTimestamp: '', generation: 1 };
  return { metadata, spec, ...(status === undefined ? {} : { status }) };
}

/** What differs between the Services of a test. */
export interface ServiceText {
  readonly annotations?: Record<string, string>;
  readonly labels?: Record<string, string>;
  readonly spec?: Service['spec'];
}

/** A stored Service of type LoadBalancer. */
export function service(name: string, { annotations = {}, labels = {}, spec = {} }: ServiceText = {}): Stored<Service> {
  return {
    metadata: {
      name,
      namespace: 'default',
      uid: name,
      resourceVersion: '1',
      creationTimestamp: '',
      annotations,
      labels,
    },
    spec: { type: 'LoadBalancer', selector: { app: name }, ports: [{ port: 80 }], ...spec },
  };
}

/** What a decision depends on. */
export interface World {
  readonly pools: readonly Stored<AddressPool>[];
  readonly others?: readonly (readonly [Stored<Service>, ...string[]])[];
  readonly namespaceLabels?: Record<string, string>;
  readonly reserved?: readonly string[];
}

/** One decision in a world given as objects. */
export function decide(of: Stored<Service>, current: readonly string[], world: World): AddressDecision {
  const book = new AddressBook();
  for (const [other, ...addresses] of world.others ?? []) {
    const request = readAddressRequest(other);
    book.assign(request.key, addresses, request.sharing);
  }
  const request = readAddressRequest(of);
  book.assign(request.key, current, request.sharing);
  const pools = world.pools.map(compilePool).sort(comparePools);
  return decideAddresses(request, current, {
    book,
    pools,
    serves: (one) => poolServes(one, request, world.namespaceLabels),
    isReserved: (address) => world.reserved?.includes(address) === true,
  });
}
