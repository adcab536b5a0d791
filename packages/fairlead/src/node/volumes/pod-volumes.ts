import type { Pod, ServiceAccountTokenProjection, Stored } from '@fairlead/api';
import type { Clock } from '../../sys/clock.ts';
import type { Log } from '../../sys/role.ts';
import type { ConfigWatch } from '../environment/config-watch.ts';
import type { ConfigSource } from '../environment/container-env.ts';
import type { PodFacts } from '../environment/field-ref.ts';
import { configRefs } from './config-refs.ts';
import { prepareVolumes } from './volumes.ts';

/** The volumes of one Pod, made when its first container starts and kept up to date from then on. */
export interface PodVolumes {
  /** Makes them; rejects with `ContainerConfigError`. Does nothing once they are there. */
  prepare(pod: Stored<Pod>, facts: PodFacts): Promise<void>;
  /** Keeps those that a predecessor made up to date. */
  resume(pod: Stored<Pod>, facts: PodFacts): void;
  stop(): void;
}

/** Where the volumes of a Pod lie, and what they are made from. */
export interface PodVolumesOptions {
  readonly podDir: string;
  readonly source: ConfigSource;
  readonly watch: ConfigWatch;
  readonly clock: Clock;
  readonly log: Log;
  /** Something that volumes are made from came or changed before they could be made. */
  readonly onAppeared: () => void;
}

interface CachedToken {
  readonly token: string;
  /** Milliseconds since the epoch. */
  readonly renewAt: number;
}

/** A token is renewed after this part of its life, as the kubelet does. */
const RENEW_AFTER = 0.8;
const RETRY_MS = 5000;
/** A day: timers take no more than 24 days, and clocks may be set. */
const LONGEST_WAIT_MS = 86_400_000;

/** Nothing is made yet. */
export function createPodVolumes(options: PodVolumesOptions): PodVolumes {
  const { clock, log, source } = options;
  const tokens = new Map<string, CachedToken>();
  const unwatch: (() => void)[] = [];
  let made = false;
  let watching = false;
  let stopped = false;
  let making: Promise<void> | undefined;
  let busy: Promise<void> = Promise.resolve();
  let cancelTimer: () => void = () => {};

  const tokenFor = async (pod: Pod, projection: ServiceAccountTokenProjection): Promise<string> => {
    const key = `${projection.audience ?? ''} ${projection.expirationSeconds ?? ''}`;
    const known = tokens.get(key);
    if (known !== undefined && known.renewAt > clock.now()) return known.token;
    const issued = await source.token(pod, projection.audience, projection.expirationSeconds ?? 3600);
    const lifeMs = issued.expiresAt - clock.now();
    tokens.set(key, { token: issued.token, renewAt: clock.now() + lifeMs * RENEW_AFTER });
    return issued.token;
  };
  const write = async (pod: Stored<Pod>, facts: PodFacts): Promise<void> => {
    await prepareVolumes(pod, options.podDir, facts, {
      ...source,
      tokenFor: (projection) => tokenFor(pod, projection),
    });
    made = true;
  };
  const arm = (pod: Stored<Pod>, facts: PodFacts, failed: boolean): void => {
    cancelTimer();
    if (stopped) return;
    const next = Math.min(...[...tokens.values()].map((token) => token.renewAt), Number.POSITIVE_INFINITY);
    const wait = failed ? RETRY_MS : Math.max(RETRY_MS / 5, next - clock.now());
    if (!Number.isFinite(wait)) return;
    cancelTimer = clock.after(Math.min(wait, LONGEST_WAIT_MS), () => refresh(pod, facts));
  };
  /** What cannot be read now stays as it was. */
  const refresh = (pod: Stored<Pod>, facts: PodFacts): void => {
    busy = busy.then(async () => {
      if (stopped) return;
      let failed = false;
      try {
        await write(pod, facts);
      } catch (error) {
        failed = true;
        log('warn', 'cannot refresh volumes yet', { pod: pod.metadata.name, error: (error as Error).message });
      }
      arm(pod, facts, failed);
    });
  };
  const follow = (pod: Stored<Pod>, facts: PodFacts): void => {
    if (watching || stopped) return;
    watching = true;
    const { namespace = 'default' } = pod.metadata;
    for (const { plural, name } of configRefs(pod)) {
      const onChange = (): void => {
        if (made) refresh(pod, facts);
        else if (making === undefined) options.onAppeared();
      };
      unwatch.push(options.watch.watch(plural, namespace, name, onChange));
    }
  };

  return {
    prepare(pod, facts) {
      if (made || (pod.spec?.volumes ?? []).length === 0) return Promise.resolve();
      // Containers start side by side.
      follow(pod, facts);
      making ??= write(pod, facts)
        .then(() => arm(pod, facts, false))
        .finally(() => {
          making = undefined;
        });
      return making;
    },
    resume(pod, facts) {
      if ((pod.spec?.volumes ?? []).length === 0) return;
      made = true;
      follow(pod, facts);
      refresh(pod, facts);
    },
    stop() {
      stopped = true;
      cancelTimer();
      for (const end of unwatch) end();
    },
  };
}
