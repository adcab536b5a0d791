import type { Clock } from '../sys/clock.ts';
import type { NetlinkGroup } from '../sys/netlink.ts';
import { decodeNftNotification } from '../wire/nft/notification.ts';
import type { NftFamily } from '../wire/nft/transaction.ts';

/** Notices changes of a table that did not come from its owner. */
export interface TableMonitor {
  /**
   * Runs one transaction of the owner's on the family's table. `large`: more notifications than one
   * wants to read; then none are asked for while it runs.
   */
  during<T>(family: NftFamily, large: boolean, transaction: () => Promise<T>): Promise<T>;
  /** Runs a transaction of the owner's on another table, of which there are more notifications than can be heard. */
  aside<T>(transaction: () => Promise<T>): Promise<T>;
  stop(): void;
}

/** What a {@link TableMonitor} needs. */
export interface TableMonitorOptions {
  /** Notifications of nf_tables. */
  readonly group: NetlinkGroup;
  /** Names of the owner's tables, the same in both families. */
  readonly tables: readonly string[];
  readonly clock: Clock;
  /** The table is no longer what its owner made it. */
  readonly onForeignChange: (family: NftFamily) => void;
}

/** Foreign changes are noticed within this time. One read of an empty socket costs 2 µs. */
const pollMs = 200;

/**
 * Watches nf_tables' notifications for the owner's tables in two families.
 *
 * The kernel queues a transaction's notifications before it answers its sender. So when the owner's
 * transaction has ended, all of them are there: exactly one transaction on the table if it was
 * committed, none if it was refused. Whatever else is there is foreign.
 */
export function startTableMonitor(options: TableMonitorOptions): TableMonitor {
  const { group, clock } = options;
  /** Transactions of the owner's under way, and those seen on the table meanwhile. */
  const own = new Map<NftFamily, { seen: number }>();
  const touched = new Set<NftFamily>();
  let deaf = 0;
  let cancel: (() => void) | undefined;

  const read = (): void => {
    const foreign = new Set<NftFamily>();
    const errno = group.read((type, payload) => {
      const notification = decodeNftNotification(type, payload);
      if (notification === undefined) return;
      if (notification.kind === 'changed') {
        if (options.tables.includes(notification.table) && notification.family !== undefined) {
          touched.add(notification.family);
        }
        return;
      }
      for (const family of touched) {
        const transaction = own.get(family);
        if (transaction === undefined) foreign.add(family);
        else transaction.seen++;
      }
      touched.clear();
    });
    // Notifications were lost, and not through a transaction of ours: anything may have happened.
    if (errno < 0 && own.size === 0) for (const family of ['ip', 'ip6'] as const) foreign.add(family);
    for (const family of foreign) options.onForeignChange(family);
  };
  const poll = (): void => {
    read();
    cancel = clock.after(pollMs, poll);
  };
  cancel = clock.after(pollMs, poll);

  const unheard = async <T>(work: () => Promise<T>): Promise<T> => {
    if (deaf++ === 0) group.listen(false);
    try {
      return await work();
    } finally {
      if (--deaf === 0) group.listen(true);
    }
  };

  return {
    aside: unheard,
    during: async (family, large, transaction) => {
      read();
      const state = { seen: 0 };
      own.set(family, state);
      let committed = false;
      try {
        const result = await (large ? unheard(transaction) : transaction());
        committed = true;
        return result;
      } finally {
        read();
        own.delete(family);
        if (state.seen > (committed ? 1 : 0)) options.onForeignChange(family);
      }
    },
    stop: () => {
      cancel?.();
      cancel = undefined;
      group.close();
    },
  };
}
