// Hot path: every change of the store arrives here.
import type { Clock, Random } from '../../../sys/clock.ts';
import type { Log } from '../../../sys/role.ts';
import type { EtcdClient } from './etcd-client.ts';
import { EtcdError, type EtcdStream } from './grpc-connection.ts';
import { decodeWatch, encodeWatch, etcdCalls, type WatchChange } from './messages.ts';

/** What {@link followChanges} works on. */
export interface FollowOptions {
  readonly client: EtcdClient;
  /** Without the slash at the end. */
  readonly prefix: string;
  readonly clock: Clock;
  readonly random: Random;
  readonly log: Log;
  /** The revision up to which all is known: a new watch starts behind it. */
  position(): number;
  /** Whole revisions, in order; no changes: there were none up to `revision`. */
  onChanges(changes: readonly WatchChange[], revision: number): void;
  /** History behind the position is gone up to `oldest`: the owner must read the state anew. */
  onGap(oldest: number): Promise<void>;
}

/** A watch that is opened again whenever it ends. */
export interface Following {
  /** True while etcd tells changes. */
  readonly connected: boolean;
  stop(): void;
}

const pauseMs = { least: 20, most: 1_000 } as const;

/** Follows all changes under a prefix until stopped; each revision comes once. */
export function followChanges(options: FollowOptions): Following {
  const { client, prefix, clock, random, log } = options;
  let stopped = false;
  let connected = false;
  let failures = 0;
  let stream: EtcdStream | undefined;
  let cancel = (): void => undefined;

  const again = (error: unknown): void => {
    connected = false;
    stream = undefined;
    if (stopped) return;
    failures += 1;
    const waitMs = Math.min(pauseMs.least * 2 ** (failures - 1), pauseMs.most) * (0.5 + random());
    if (failures === 3) log('warn', 'no changes from etcd', { error: (error as Error).message });
    cancel = clock.after(waitMs, () => void open());
  };

  const open = async (): Promise<void> => {
    let parts: WatchChange[] = [];
    let gap: number | undefined;
    try {
      const opened = await client.stream(etcdCalls.watch, {
        onMessage(bytes) {
          const answer = decodeWatch(bytes);
          if (answer.canceled) {
            if (answer.compactRevision > 0) gap = answer.compactRevision;
            opened.close();
            return;
          }
          if (!connected && failures >= 3) log('warn', 'etcd sends changes again');
          connected = true;
          failures = 0;
          if (answer.created) return;
          parts = parts.length === 0 ? [...answer.changes] : [...parts, ...answer.changes];
          if (answer.fragment) return;
          const changes = parts;
          parts = [];
          options.onChanges(changes, changes.at(-1)?.entry.modRevision ?? answer.storeRevision);
        },
        onEnd(error) {
          if (gap === undefined || stopped) return again(error);
          connected = false;
          options.onGap(gap).then(
            () => (stopped ? undefined : open()),
            (failure: unknown) => again(failure),
          );
        },
      });
      stream = opened;
      if (stopped) opened.close();
      else opened.send(encodeWatch(`${prefix}/`, options.position(), false));
    } catch (error) {
      again(error instanceof EtcdError ? error : new EtcdError('Unavailable', String(error), error));
    }
  };
  void open();
  return {
    get connected() {
      return connected;
    },
    stop() {
      stopped = true;
      cancel();
      stream?.close();
    },
  };
}
