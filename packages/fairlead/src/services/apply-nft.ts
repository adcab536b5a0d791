import type { Clock } from '../sys/clock.ts';
import type { Log } from '../sys/role.ts';
import { stopAll } from '../sys/stop-all.ts';
import { type NftFamily, type NftOperationCount, NftTransaction } from '../wire/nft/transaction.ts';
import type { RememberedClient } from './affinity-memory.ts';
import type { IpFamily } from './cidr.ts';
import { installInParts, isRefusal, type RefusedServices } from './isolate-refused.ts';
import { countEndpointElements, type NativeLoad, NativeLoadError } from './native-load.ts';
import { isLargeTransaction, type RunNft } from './nft-command.ts';
import type { NftLayoutOptions } from './nft-layout.ts';
import { nftFamilyOf, nftSecondTableName, nftTableName, nftTrialTableName } from './nft-names.ts';
import { NftPlanner, type ProgramChanges } from './nft-planner.ts';
import { isPlainProgram, type ServiceProgram } from './program.ts';
import { installStaged } from './staged-install.ts';
import type { TableMonitor } from './table-monitor.ts';

/** What the applier needs from outside. */
export interface NftApplierOptions extends NftLayoutOptions {
  readonly runNft: RunNft;
  /**
   * Runs nft in a process of its own, for what it may not survive: there are rules that make it abort instead of refusing
   * them. Used for whole tables with more than plain Services in them, and for Services once refused, so that the next
   * start can tell whose rules they are.
   * Default: {@link runNft}.
   */
  readonly runNftApart?: RunNft;
  /** The layout as it is now; asked whenever a whole table is made. Default: the one given here. */
  readonly currentLayout?: () => NftLayoutOptions;
  readonly clock: Clock;
  readonly log: Log;
  /** Default: both. */
  readonly families?: readonly IpFamily[];
  /** Called with the size of each committed transaction. */
  readonly onCommit?: (family: IpFamily, count: NftOperationCount) => void;
  /** Told of every transaction, so that it can tell them from foreign ones. */
  readonly monitor?: TableMonitor;
  /** What clients the present table remembers. Absent: a replaced table forgets them. */
  readonly readAffinity?: (family: NftFamily, table: string) => Promise<readonly RememberedClient[]>;
  /** Loads big tables without nft's text between. Absent: everything goes through the text. */
  readonly native?: NativeLoad;
  /** A table with so many endpoints is loaded by {@link native}. Default 10,000. */
  readonly nativeFrom?: number;
  /** Called when the kernel refuses a Service's rules; all others are installed. */
  readonly onRefused?: (service: string, family: IpFamily, message: string) => void;
}

const defaultNativeFrom = 10_000;
/** Between emptying a chain and deleting it. Kernels before 6.2 need a pause; a second is kube-proxy's. */
const chainGraceMs = 2000;
/** A refused Service is offered to the kernel again after this long: the obstacle may have been another's. */
const refusedRetryMs = 60_000;

interface FamilyState {
  readonly family: IpFamily;
  /** Absent before the first transaction and after a failed one. */
  planner: NftPlanner | undefined;
  /** Services that are left as they were, or out, until they change. */
  refused: RefusedServices;
}

/** Installs programs in the kernel. One call at a time. */
export interface NftApplier {
  /**
   * Installs the changes. Services that the kernel refuses are left out and told of. Rejects when a
   * family could not be installed at all: then the next call, even an empty one, installs everything.
   */
  apply(changes: ProgramChanges): Promise<void>;
  /** The tables are not what was installed: the next call installs everything. */
  forget(): void;
  /** Removes the tables. */
  remove(): Promise<void>;
}

/** The kernel as the data plane: one table per family, one transaction per family and change. */
export function createNftApplier(options: NftApplierOptions): NftApplier {
  const programs = new Map<string, ServiceProgram>();
  const states = (options.families ?? (['IPv4', 'IPv6'] as const)).map((family): FamilyState => {
    return { family, planner: undefined, refused: new Map() };
  });
  const layout = (): NftLayoutOptions => options.currentLayout?.() ?? options;
  let cancelRemoval: (() => void) | undefined;
  let cancelRetry: (() => void) | undefined;
  let last: Promise<unknown> = Promise.resolve();
  let removed = false;
  /** Services that were refused once: what nft makes of them is found out in a process of its own. */
  const suspects = new Set<string>();
  let native = options.native;
  const nativeFrom = options.nativeFrom ?? defaultNativeFrom;

  /** Transactions never overlap: the second's meaning depends on the first's fate. */
  const serialize = <T>(work: () => Promise<T>): Promise<T> => {
    const result = last.then(work, work);
    last = result.catch(() => undefined);
    return result;
  };

  const runBy = async (runNft: RunNft, family: IpFamily, transaction: NftTransaction): Promise<void> => {
    if (transaction.isEmpty) return;
    const large = isLargeTransaction(transaction);
    const work = (): Promise<void> => runNft(large ? transaction.parts() : transaction.text());
    await (options.monitor === undefined ? work() : options.monitor.during(nftFamilyOf(family), large, work));
    options.onCommit?.(family, transaction.count);
  };

  const run = (family: IpFamily, transaction: NftTransaction): Promise<void> =>
    runBy(options.runNft, family, transaction);
  const runApart = (family: IpFamily, transaction: NftTransaction): Promise<void> =>
    runBy(options.runNftApart ?? options.runNft, family, transaction);

  /** Runs the change of these Services; false when the kernel refused it. */
  const accepted = async (family: IpFamily, transaction: NftTransaction, keys: Iterable<string>): Promise<boolean> => {
    const suspect = suspects.size > 0 && [...keys].some((key) => suspects.has(key));
    try {
      await (suspect ? runApart : run)(family, transaction);
      return true;
    } catch (error) {
      if (isRefusal(error)) return false;
      throw error;
    }
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
          await run(state.family, state.planner.planChainRemoval()).catch((error: unknown) => {
            state.planner = undefined;
            options.log('warn', 'Cannot delete retired chains; the next change rebuilds the table', {
              family: state.family,
              error: String(error),
            });
          });
        }
      });
    });
  };

  const setRefused = (state: FamilyState, refused: RefusedServices): void => {
    for (const [service, message] of refused) {
      suspects.add(service);
      if (state.refused.get(service) === message) continue;
      options.log('warn', 'The kernel refuses a Service; all others are installed', { service, error: message });
      options.onRefused?.(service, state.family, message);
    }
    state.refused = refused;
    if (refused.size > 0 && !removed) cancelRetry ??= options.clock.after(refusedRetryMs, retryRefused);
  };

  const retryRefused = (): void => {
    cancelRetry = undefined;
    void serialize(async () => {
      for (const state of states) {
        if (removed || state.planner === undefined || state.refused.size === 0) continue;
        const changes = new Map([...state.refused.keys()].map((key) => [key, programs.get(key)]));
        setRefused(
          state,
          await installInParts(state.planner, (transaction) => runApart(state.family, transaction), changes),
        );
      }
    }).catch((error: unknown) => options.log('warn', 'Cannot retry refused Services', { error: String(error) }));
  };

  const without = (refused: RefusedServices): ReadonlyMap<string, ServiceProgram> =>
    refused.size === 0 ? programs : new Map([...programs].filter(([key]) => !refused.has(key)));

  /** Which Services the kernel refuses, found in a table that takes no packets. */
  const findRefused = async (state: FamilyState): Promise<RefusedServices> => {
    const trial = new NftPlanner(state.family, { ...layout(), table: nftTrialTableName, dormant: true });
    const commit = (transaction: NftTransaction): Promise<void> => runApart(state.family, transaction);
    try {
      await commit(trial.plan(new Map()));
      return await installInParts(trial, commit, without(state.refused));
    } finally {
      const cleanup = new NftTransaction(nftFamilyOf(state.family), nftTrialTableName);
      cleanup.deleteTable();
      await commit(cleanup).catch(() => undefined);
    }
  };

  const restoreAffinity = async (planner: NftPlanner, into: NftTransaction, family: NftFamily, table: string) => {
    if (!planner.usesAffinity || options.readAffinity === undefined) return;
    planner.restoreAffinity(into, await options.readAffinity(family, table));
  };

  const replaceByText = async (state: FamilyState): Promise<void> => {
    const family = nftFamilyOf(state.family);
    const live = (await native?.liveTable(family)) ?? nftTableName;
    const planner = new NftPlanner(state.family, layout());
    const transaction = planner.plan(without(state.refused));
    if (options.native !== undefined) transaction.deleteTable(nftSecondTableName);
    await restoreAffinity(planner, transaction, family, live);
    const isPlain = [...without(state.refused).values()].every(isPlainProgram);
    await (isPlain ? run : runApart)(state.family, transaction);
    planner.accept();
    state.planner = planner;
  };

  /** Replaces the table such that there is no moment without rules, or with half of them. */
  const replaceTable = async (state: FamilyState): Promise<void> => {
    const wanted = without(state.refused);
    const big = native !== undefined && countEndpointElements(wanted.values()) >= nativeFrom;
    if (!big || native === undefined) return replaceByText(state);
    const { family } = state;
    try {
      state.planner = await installStaged({
        family,
        layout: layout(),
        programs: wanted,
        native,
        restoreAffinity,
        runNft: options.runNftApart ?? options.runNft,
        during: (work) =>
          options.monitor === undefined ? work() : options.monitor.during(nftFamilyOf(family), true, work),
        onCommit: (count) => options.onCommit?.(family, count),
      });
    } catch (error) {
      if (!(error instanceof NativeLoadError)) throw error;
      // Both families may find out at once.
      if (native !== undefined) {
        options.log('warn', 'Elements cannot be sent to the kernel directly; from now on nft loads them', {
          error: error.message,
        });
      }
      native = undefined;
      await replaceByText(state);
    }
  };

  /** As {@link replaceTable}; false when the kernel refused the table. */
  const replaced = async (state: FamilyState): Promise<boolean> => {
    try {
      await replaceTable(state);
      return true;
    } catch (error) {
      if (isRefusal(error)) return false;
      throw error;
    }
  };

  const installEverything = async (state: FamilyState): Promise<void> => {
    if (await replaced(state)) return;
    setRefused(state, new Map([...state.refused, ...(await findRefused(state))]));
    await replaceTable(state);
  };

  const installChanges = async (state: FamilyState, planner: NftPlanner, changes: ProgramChanges): Promise<void> => {
    if (await accepted(state.family, planner.plan(changes), changes.keys())) {
      planner.accept();
      return;
    }
    planner.rollback();
    // Either the table is not what we think it is, or a Service is at fault.
    if (await replaced(state)) {
      options.log('warn', 'The table was changed by others; rebuilt', { family: state.family });
      return;
    }
    // The kernel keeps what it had of a refused Service.
    const refused = await installInParts(planner, (transaction) => runApart(state.family, transaction), changes);
    setRefused(state, new Map([...state.refused, ...refused]));
  };

  const applyTo = async (state: FamilyState, changes: ProgramChanges): Promise<void> => {
    if (state.refused.size > 0) {
      state.refused = new Map([...state.refused].filter(([key]) => !changes.has(key)));
    }
    try {
      if (state.planner === undefined) await installEverything(state);
      else await installChanges(state, state.planner, changes);
    } catch (error) {
      // What the table is like is no longer known.
      state.planner = undefined;
      throw error;
    }
  };

  return {
    apply: (changes) =>
      serialize(async () => {
        if (removed) return;
        for (const [key, program] of changes) {
          if (program !== undefined) programs.set(key, program);
          else {
            programs.delete(key);
            suspects.delete(key);
          }
        }
        const results = await Promise.allSettled(states.map((state) => applyTo(state, changes)));
        scheduleRemoval();
        const failed = results.find((result) => result.status === 'rejected');
        if (failed !== undefined) throw failed.reason;
      }),
    forget: () => {
      void serialize(async () => {
        for (const state of states) state.planner = undefined;
      });
    },
    remove: () =>
      serialize(async () => {
        removed = true;
        cancelRemoval?.();
        cancelRetry?.();
        await stopAll(
          states.map(({ family }) => () => {
            const transaction = new NftTransaction(nftFamilyOf(family), nftTableName);
            transaction.deleteTable();
            if (options.native !== undefined) transaction.deleteTable(nftSecondTableName);
            return run(family, transaction);
          }),
        );
      }),
  };
}
