import { parseIp } from '@fairlead/api';
import type { AddressBook } from './address-book.ts';
import type { AddressRequest, Family } from './address-request.ts';
import { type CompiledPool, isBuggy, poolHolds, poolOffers } from './compiled-pool.ts';

/** Reasons of the condition `fairlead.dev/AddressesAssigned`. */
export type AddressReason =
  | 'Assigned'
  | 'NoPool'
  | 'PoolExhausted'
  | 'NotInPool'
  | 'AddressInUse'
  | 'NotShareable'
  | 'InvalidRequest';

/** What a Service gets. */
export interface AddressDecision {
  /** In the order of the families. */
  readonly addresses: readonly string[];
  readonly reason: AddressReason;
  readonly message: string;
}

/** What {@link decideAddresses} looks at. Nothing of it is changed. */
export interface AllocationView {
  readonly book: AddressBook;
  /** All pools, in the order in which they are tried. */
  readonly pools: readonly CompiledPool[];
  readonly serves: (pool: CompiledPool) => boolean;
  /** Addresses of nodes: never handed out. */
  readonly isReserved: (address: string) => boolean;
}

type Choice =
  | { readonly ok: true; readonly address: string }
  | { readonly ok: false; readonly reason: AddressReason; readonly message: string };

const refuse = (reason: AddressReason, message: string): Choice => ({ ok: false, reason, message });

/** The first pool that counts an address as its own. */
export function poolOfAddress(pools: readonly CompiledPool[], address: string): CompiledPool | undefined {
  return pools.find((pool) => poolOffers(pool, address)) ?? pools.find((pool) => poolHolds(pool, address));
}

/** The address asked for, if a pool that serves the Service has it and nobody else. */
function chooseWanted(request: AddressRequest, wanted: string, view: AllocationView): Choice {
  const having = view.pools.filter((pool) => poolOffers(pool, wanted));
  const pool = having.find((one) => view.serves(one) && (request.pool === undefined || one.name === request.pool));
  if (pool === undefined) {
    const others = having.map((one) => one.name).join(', ');
    const more = others === '' ? '' : `; pool ${others} has it, but does not serve this Service`;
    return refuse('NotInPool', `${wanted} is in no AddressPool for this Service${more}`);
  }
  if (view.isReserved(wanted)) return refuse('AddressInUse', `${wanted} is the address of a node`);
  const conflict = view.book.conflict(wanted, request.key, request.sharing);
  return conflict === undefined ? { ok: true, address: wanted } : refuse(conflict.reason, conflict.message);
}

/** Pools that may serve the Service without an address asked for, or why there is none. */
function poolsFor(request: AddressRequest, family: Family, view: AllocationView): CompiledPool[] | Choice {
  if (request.pool !== undefined) {
    const named = view.pools.find((pool) => pool.name === request.pool);
    if (named === undefined) return refuse('NoPool', `there is no AddressPool ${request.pool}`);
    if (!view.serves(named)) return refuse('NoPool', `AddressPool ${request.pool} does not serve this Service`);
    if (named.ranges.some((range) => range.family === family)) return [named];
    return refuse('NoPool', `AddressPool ${request.pool} has no IPv${family} addresses`);
  }
  const pools = view.pools.filter(
    (pool) => pool.autoAssign && view.serves(pool) && pool.ranges.some((range) => range.family === family),
  );
  return pools.length > 0 ? pools : refuse('NoPool', `no AddressPool assigns IPv${family} addresses to this Service`);
}

const skipBuggy = { id: 'without buggy', isSkipped: isBuggy };
const skipNone = { id: 'all', isSkipped: () => false };

function chooseFree(request: AddressRequest, family: Family, view: AllocationView): Choice {
  const pools = poolsFor(request, family, view);
  if (!Array.isArray(pools)) return pools as Choice;
  const { book } = view;
  if (request.sharing.key !== '') {
    const fits = (address: string): boolean =>
      parseIp(address)?.family === family && book.conflict(address, request.key, request.sharing) === undefined;
    for (const pool of pools) {
      const shared = book.shared(request.sharing.key).filter((one) => poolOffers(pool, one) && fits(one));
      if (shared.length > 0) return { ok: true, address: shared.sort()[0]! };
    }
  }
  for (const pool of pools) {
    const skip = pool.avoidBuggy ? skipBuggy : skipNone;
    for (const range of pool.ranges) {
      const address = range.family === family ? book.firstFree(range, skip, view.isReserved) : undefined;
      if (address !== undefined) return { ok: true, address };
    }
  }
  const names = pools.map((pool) => pool.name).join(', ');
  return refuse(
    'PoolExhausted',
    `no IPv${family} address is free in ${pools.length === 1 ? 'pool' : 'pools'} ${names}`,
  );
}

/** Whether what the Service has is still what it asks for. */
function stillFits(request: AddressRequest, family: Family, current: string, view: AllocationView): boolean {
  const wanted = request.wanted.get(family);
  if (wanted !== undefined && wanted !== current) return false;
  return request.pool === undefined || poolOfAddress(view.pools, current)?.name === request.pool;
}

function chooseFor(request: AddressRequest, family: Family, current: string | undefined, view: AllocationView): Choice {
  const held = current !== undefined && view.book.conflict(current, request.key, request.sharing) === undefined;
  if (held && stillFits(request, family, current, view)) return { ok: true, address: current };
  const wanted = request.wanted.get(family);
  return wanted === undefined ? chooseFree(request, family, view) : chooseWanted(request, wanted, view);
}

/**
 * The addresses of a Service: what it has as long as it fits, else what it asks for, else the lowest free ones.
 * Where something better cannot be had, it keeps what it has. Pure.
 * @param current what its status says
 */
export function decideAddresses(
  request: AddressRequest,
  current: readonly string[],
  view: AllocationView,
): AddressDecision {
  const problems: Choice[] = request.problems.map((problem) => refuse('InvalidRequest', problem));
  const addresses: string[] = [];
  let missing = 0;
  for (const family of request.families) {
    const own = current.find((address) => parseIp(address)?.family === family);
    const choice = chooseFor(request, family, own, view);
    if (choice.ok) {
      addresses.push(choice.address);
      continue;
    }
    problems.push(choice);
    // An address in somebody else's hands cannot stay; one that only is not the wanted one can.
    if (own !== undefined && view.book.conflict(own, request.key, request.sharing) === undefined) addresses.push(own);
    else missing++;
  }
  const kept = missing > 0 && request.allFamilies ? [] : addresses;
  const first = problems.find((problem) => !problem.ok);
  const messages = problems.flatMap((problem) => (problem.ok ? [] : [problem.message]));
  if (first === undefined || first.ok) {
    const from = kept.map((address) => {
      const pool = poolOfAddress(view.pools, address);
      return pool === undefined
        ? `${address}, which is in no AddressPool any more`
        : `${address} from pool ${pool.name}`;
    });
    return { addresses: kept, reason: 'Assigned', message: from.join(', ') };
  }
  return { addresses: kept, reason: first.reason, message: messages.join('; ') };
}
