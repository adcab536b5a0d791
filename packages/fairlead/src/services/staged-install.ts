import { type NftFamily, type NftOperationCount, NftTransaction } from '../wire/nft/transaction.ts';
import type { IpFamily } from './cidr.ts';
import type { NativeLoad } from './native-load.ts';
import type { RunNft } from './nft-command.ts';
import type { NftLayoutOptions } from './nft-layout.ts';
import { nftFamilyOf, nftSecondTableName, nftTableName } from './nft-names.ts';
import { NftPlanner } from './nft-planner.ts';
import type { ServiceProgram } from './program.ts';

/** What {@link installStaged} needs. */
export interface StagedInstallOptions {
  readonly family: IpFamily;
  readonly layout: NftLayoutOptions;
  readonly programs: ReadonlyMap<string, ServiceProgram>;
  readonly native: NativeLoad;
  readonly runNft: RunNft;
  /** Wraps the whole, for who watches the tables. */
  readonly during: <T>(work: () => Promise<T>) => Promise<T>;
  /** Adds what clients remember in `table` to a transaction. */
  readonly restoreAffinity: (
    planner: NftPlanner,
    into: NftTransaction,
    family: NftFamily,
    table: string,
  ) => Promise<void>;
  readonly onCommit: (count: NftOperationCount) => void;
}

/**
 * Replaces a big table by another one that is built beside it (docs/decisions/0012).
 *
 * ```
 * 1  nft      the new table, dormant: all but the elements of the sets that grow with the cluster
 * 2  netlink  those elements, in parts
 * 3  nft      affinity of clients; the new table awake, the old one gone: one transaction
 * ```
 *
 * Packets see the old table until 3. A failure before takes the new one away again, and rejects: with
 * `NativeLoadError` in 2, else as nft does.
 */
export async function installStaged(options: StagedInstallOptions): Promise<NftPlanner> {
  const { native, runNft, programs } = options;
  const family = nftFamilyOf(options.family);
  const live = await native.liveTable(family);
  const [table, other] =
    live === nftTableName ? [nftSecondTableName, nftTableName] : [nftTableName, nftSecondTableName];
  const staged = native.elements(family, table);
  const planner = new NftPlanner(options.family, { ...options.layout, table, staged });
  const build = planner.plan(programs);
  await options.during(async () => {
    try {
      await runNft(build.parts());
      await native.fill(staged);
      const swap = new NftTransaction(family, table);
      swap.wakeTable();
      swap.deleteTable(other);
      await options.restoreAffinity(planner, swap, family, other);
      await runNft(swap.parts());
    } catch (error) {
      const cleanup = new NftTransaction(family, table);
      cleanup.deleteTable();
      await runNft(cleanup.text()).catch(() => undefined);
      throw error;
    }
  });
  planner.accept();
  options.onCommit(build.count);
  return planner;
}
