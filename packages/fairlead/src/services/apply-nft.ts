import type { Clock } from '../sys/clock.ts';
import type { Log } from '../sys/role.ts';
import { type NftOperationCount, NftTransaction } from '../wire/nft/transaction.ts';
import type { IpFamily } from './cidr.ts';
import type { RunNft } from './nft-command.ts';
import { type NftLayoutOptions, nftFamilyOf, nftTableName } from './nft-layout.ts';
import { NftPlanner, type ProgramChanges } from './nft-planner.ts';
import type { ServiceProgram } from './program.ts';

/** What the applier needs from outside. */
export interface NftApplierOptions extends NftLayoutOptions {
  readonly runNft: RunNft;
  readonly clock: Clock;
  readonly log: Log;
  /** Default: both. */
  readonly families?: readonly IpFamily[];
  /** Called with the size of each committed transaction. */
  readonly onCommit?: (family: IpFamily, count: NftOperationCount) => void;
}

/** Between emptying a chain and deleting it. Kernels before 6.2 need a pause; a second is kube-proxy's. */
const chainGraceMs = 2000;

interface FamilyState {
  readonly family: IpFamily;
  /** Absent before the first transaction and after a failed one. */
  planner: NftPlanner | undefined;
}

/** Installs programs in the kernel. One call at a time. */
export interface NftApplier {
  /** Installs the changes; rejects when a family refused them: then the next call, even an empty one, installs all. */
  apply(changes: ProgramChanges): Promise<void>;
  /** Removes the tables. */
  remove(): Promise<void>;
}

/** The kernel as the data plane: one table per family, one transaction per family and change. */
export function createNftApplier(options: NftApplierOptions): NftApplier {
  const programs = new Map<string, ServiceProgram>();
  const states = (options.families ?? (['IPv4', 'IPv6'] as const)).map((family): FamilyState => {
    return { family, planner: undefined };
  });
  let cancelRemoval: (() => void) | undefined;
  let last: Promise<unknown> = Promise.resolve();
  let removed = false;

  /** Transactions never overlap: the second's meaning depends on the first's fate. */
  const serialize = <T>(work: () => Promise<T>): Promise<T> => {
    const result = last.then(work, work);
    last = result.catch(() => undefined);
    return result;
  };

  const commit = async (state: FamilyState, transaction: NftTransaction): Promise<void> => {
    if (transaction.isEmpty) return;
    try {
      await options.runNft(transaction.text());
    } catch (error) {
      state.planner = undefined;
      throw error;
    }
    options.onCommit?.(state.family, transaction.count);
  };

  const scheduleRemoval = (): void => {
    if (cancelRemoval !== undefined || removed) return;
    if (!states.some((state) => (state.planner?.retiredChains ?? 0) > 0)) return;
    cancelRemoval = options.clock.after(chainGraceMs, () => {
      cancelRemoval = undefined;
      void serialize(async () => {
        if (removed) return;
        for (const state of states) {
          if (state.planner === undefined) continue;
          await commit(state, state.planner.planChainRemoval()).catch((error: unknown) => {
            options.log('warn', 'Cannot delete retired chains; the next change rebuilds the table', {
              family: state.family,
              error: String(error),
            });
          });
        }
      });
    });
  };

  const applyTo = async (state: FamilyState, changes: ProgramChanges): Promise<void> => {
    const everything = state.planner === undefined;
    state.planner ??= new NftPlanner(state.family, options);
    await commit(state, state.planner.plan(everything ? programs : changes));
  };

  return {
    apply: (changes) =>
      serialize(async () => {
        if (removed) return;
        for (const [key, program] of changes) {
          if (program === undefined) programs.delete(key);
          else programs.set(key, program);
        }
        const results = await Promise.allSettled(states.map((state) => applyTo(state, changes)));
        scheduleRemoval();
        const refused = results.find((result) => result.status === 'rejected');
        if (refused !== undefined) throw refused.reason;
      }),
    remove: () =>
      serialize(async () => {
        removed = true;
        cancelRemoval?.();
        for (const state of states) {
          const transaction = new NftTransaction(nftFamilyOf(state.family), nftTableName);
          transaction.deleteTable();
          await options.runNft(transaction.text());
        }
      }),
  };
}
