import type { ResourceRef } from '@fairlead/api';
import {
  type ApiClient,
  ApiError,
  type Informer,
  type InformerChange,
  type InformerOptions,
  isNotFound,
  startInformer,
} from '@fairlead/client';
import type { Clock } from '../sys/clock.ts';
import type { DnsSource } from './dns-source.ts';

/** How often a kind that the API does not serve is looked for again. */
const retryMs = 10_000;
const failureMs = 500;

/** A source of objects of a kind that may not be installed: until it is, there are none. */
export interface OptionalSource<T> extends DnsSource<T> {
  stop(): void;
}

/** Options of {@link startOptionalInformer}. */
export interface OptionalInformerOptions extends InformerOptions {
  readonly clock: Clock;
  /** Told once when we may not list the kind, which then counts as not there. Default: it is waited for. */
  readonly onForbidden?: () => void;
}

/**
 * An informer that begins once the API serves the kind. `synced` resolves when the API has said that it does
 * not, or with the informer's first list.
 */
export function startOptionalInformer<T>(
  client: ApiClient,
  ref: ResourceRef<T>,
  { onForbidden, ...options }: OptionalInformerOptions,
): OptionalSource<T> {
  const { clock } = options;
  const stopping = new AbortController();
  const listeners = new Set<(changes: readonly InformerChange<T>[]) => void>();
  const { promise: synced, resolve: markSynced } = Promise.withResolvers<void>();
  let informer: Informer<T> | undefined;
  let isToldForbidden = onForbidden === undefined;
  const run = async (): Promise<void> => {
    while (!stopping.signal.aborted) {
      let served = await isServed(client, ref);
      if (stopping.signal.aborted) return;
      if (served === 'forbidden') {
        if (!isToldForbidden) onForbidden?.();
        isToldForbidden = true;
        served = onForbidden === undefined ? undefined : false;
      }
      if (served === true) {
        informer = startInformer(client, ref, {}, options);
        for (const listener of listeners) informer.subscribe(listener);
        await informer.synced;
        return markSynced();
      }
      if (served === false) markSynced();
      await clock.sleep(served === false ? retryMs : failureMs, stopping.signal).catch(() => undefined);
    }
  };
  void run();
  return {
    synced,
    get: (key) => informer?.get(key),
    subscribe(listener) {
      listeners.add(listener);
      const unsubscribe = informer?.subscribe(listener);
      return () => {
        listeners.delete(listener);
        unsubscribe?.();
      };
    },
    stop() {
      stopping.abort();
      informer?.stop();
    },
  };
}

/** Absent: the API did not answer. */
async function isServed(client: ApiClient, ref: ResourceRef<unknown>): Promise<boolean | 'forbidden' | undefined> {
  try {
    await client.list(ref, { limit: 1 });
    return true;
  } catch (error) {
    if (error instanceof ApiError && error.code === 403) return 'forbidden';
    return isNotFound(error) ? false : undefined;
  }
}
