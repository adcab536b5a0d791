import type { Clock } from '../../sys/clock.ts';
import type { Log } from '../../sys/role.ts';
import type { ServedResource } from '../resources/served-resources.ts';
import { type KubeObject, recordOf } from '../watch/kube-object.ts';
import type { RestContext } from './rest-context.ts';

/** How long an Event is kept after it was last seen; as the real server. */
export const eventLifetimeMs = 3_600_000;
const sweepEveryMs = 60_000;

/** True for the resource whose objects go by themselves. */
export function isEvent(resource: ServedResource): boolean {
  return resource.plural === 'events' && resource.group === '';
}

/** Deletes Events an hour after they were last seen; returns how to stop. */
export function expireEvents(context: RestContext, clock: Clock, log: Log): () => void {
  let cancel: () => void = () => {};
  const sweep = (): void => {
    cancel = clock.after(sweepEveryMs, () => {
      removeExpired(context, clock.now()).catch((error: unknown) =>
        log('error', 'cannot remove old events', { error: String(error) }),
      );
      sweep();
    });
  };
  sweep();
  return () => cancel();
}

/** Removes the Events last seen more than an hour before `nowMs`; resolves to their number. */
async function removeExpired(context: RestContext, nowMs: number): Promise<number> {
  const { prefix } = context.served.find('', 'v1', 'events')!;
  const old = context.cache
    .resource(prefix)
    .list('')
    .filter(({ object }) => lastSeenMs(object) + eventLifetimeMs <= nowMs);
  // An Event that was seen again in between has another revision, and stays.
  const results = await Promise.all(
    old.map(({ key, modRevision }) => context.storage.commit({ key, expect: modRevision, value: undefined })),
  );
  return results.filter((result) => result.ok).length;
}

/** When an Event was last seen, Unix milliseconds; 0 when it does not say. */
function lastSeenMs(event: KubeObject): number {
  const series = recordOf(event.series);
  const times = [event.metadata.creationTimestamp, event.lastTimestamp, event.eventTime, series?.lastObservedTime];
  return Math.max(0, ...times.map((time) => (typeof time === 'string' ? Date.parse(time) || 0 : 0)));
}
