import { type ConfigMap, configMaps, type ResourceRef, type Secret, secrets } from '@fairlead/api';
import { type ApiClient, type Informer, startInformer } from '@fairlead/client';
import type { Clock, Random } from '../../sys/clock.ts';
import type { Log } from '../../sys/role.ts';

/** Tells when a ConfigMap or Secret changes; one watch per object, however many Pods use it. */
export interface ConfigWatch {
  /** Calls back at every change after the first state. Returns what ends it. */
  watch(plural: 'configmaps' | 'secrets', namespace: string, name: string, onChange: () => void): () => void;
  stop(): void;
}

interface Entry {
  readonly informer: Informer<ConfigMap | Secret>;
  readonly listeners: Set<() => void>;
}

/** Makes a watch without any object yet. */
export function createConfigWatch(
  client: ApiClient,
  surroundings: { readonly clock: Clock; readonly random: Random; readonly log: Log },
): ConfigWatch {
  const entries = new Map<string, Entry>();
  const open = (plural: string, namespace: string, name: string): Entry => {
    const ref = (plural === 'secrets' ? secrets : configMaps) as ResourceRef<ConfigMap | Secret>;
    const selection = { namespace, fieldSelector: `metadata.name=${name}` };
    const informer = startInformer(client, ref, selection, surroundings);
    const listeners = new Set<() => void>();
    void informer.synced.then(() => {
      let first = true;
      informer.subscribe(() => {
        // The present content comes first; who listens has read it or is about to.
        if (first) return;
        for (const listener of listeners) listener();
      });
      first = false;
      for (const listener of listeners) listener();
    });
    return { informer, listeners };
  };
  return {
    watch(plural, namespace, name, onChange) {
      const key = `${plural}/${namespace}/${name}`;
      let entry = entries.get(key);
      if (entry === undefined) {
        entry = open(plural, namespace, name);
        entries.set(key, entry);
      }
      const { informer, listeners } = entry;
      // A function of its own, so that one listener given twice counts twice.
      const listener = (): void => onChange();
      listeners.add(listener);
      return () => {
        listeners.delete(listener);
        if (listeners.size > 0 || entries.get(key)?.listeners !== listeners) return;
        entries.delete(key);
        informer.stop();
      };
    },
    stop() {
      for (const { informer } of entries.values()) informer.stop();
      entries.clear();
    },
  };
}
