import type { NftTransaction } from '../wire/nft/transaction.ts';
import { ServiceProxyError } from './nft-command.ts';
import type { NftPlanner, ProgramChanges } from './nft-planner.ts';

/** Services whose part of a transaction the kernel refused, with what it said. */
export type RefusedServices = ReadonlyMap<string, string>;

/** Commits a transaction; rejects when nothing of it is installed. */
export type CommitTransaction = (transaction: NftTransaction) => Promise<void>;

/** Whether the kernel did not like what it got, as opposed to an nft that cannot work at all. */
export function isRefusal(error: unknown): error is ServiceProxyError {
  return error instanceof ServiceProxyError && error.code === 'refused';
}

/** When so many are found, the fault is not a Service's own: groups are then refused as a whole. */
const mostIsolated = 50;

/**
 * Installs all changes that the kernel takes, halving what it refuses until single Services are left.
 *
 * The planner must know the table's state. Costs about log2(changes) transactions for each refused
 * Service, over ever smaller parts.
 */
export async function installInParts(
  planner: NftPlanner,
  commit: CommitTransaction,
  changes: ProgramChanges,
): Promise<RefusedServices> {
  const refused = new Map<string, string>();
  const install = async (part: readonly string[]): Promise<void> => {
    if (part.length === 0) return;
    try {
      await commit(planner.plan(new Map(part.map((key) => [key, changes.get(key)]))));
      return;
    } catch (error) {
      if (!isRefusal(error)) throw error;
      planner.rollback();
      if (part.length === 1 || refused.size >= mostIsolated) {
        for (const key of part) refused.set(key, error.message);
        return;
      }
    }
    const middle = part.length >> 1;
    await install(part.slice(0, middle));
    await install(part.slice(middle));
  };
  await install([...changes.keys()]);
  return refused;
}
