import { existsSync, mkdirSync, readdirSync, readFileSync, renameSync, rmSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import type { PodState } from './state.ts';

/** Folders of one node's Pods. */
export interface PodStore {
  /** Folder of a Pod's state and volumes. */
  podDir(uid: string): string;
  /** `LOGS/NAMESPACE_POD_UID/CONTAINER/ATTEMPT.log` */
  logPath(namespace: string, pod: string, uid: string, container: string, attempt: number): string;
  save(state: PodState): void;
  load(uid: string): PodState | undefined;
  /** Uids of all Pods with a state. */
  uids(): readonly string[];
  /** Removes a Pod's state, volumes and logs. */
  remove(uid: string): void;
}

/** A state as files hold it: up to version 0.1 a sandbox had one address, `podIp`. */
type StoredPodState = PodState & {
  readonly sandbox?: { readonly podIp?: string; readonly podIps?: readonly string[] };
};

function withAddresses(state: StoredPodState): PodState {
  const { sandbox } = state;
  if (sandbox === undefined || sandbox.podIps !== undefined) return state;
  const { podIp, ...rest } = sandbox as typeof sandbox & { readonly podIp?: string };
  return { ...state, sandbox: { ...rest, podIps: podIp === undefined ? [] : [podIp] } };
}

/** Opens the store below a node's state folder. */
export function openPodStore(stateDir: string): PodStore {
  const podsDir = join(stateDir, 'pods');
  const logsDir = join(stateDir, 'logs');
  mkdirSync(podsDir, { recursive: true, mode: 0o711 });
  mkdirSync(logsDir, { recursive: true, mode: 0o700 });
  const podDir = (uid: string): string => join(podsDir, uid);
  const made = new Set<string>();
  return {
    podDir,
    logPath: (namespace, pod, uid, container, attempt) =>
      join(logsDir, `${namespace}_${pod}_${uid}`, container, `${attempt}.log`),
    save(state) {
      if (!made.has(state.uid)) {
        mkdirSync(podDir(state.uid), { recursive: true, mode: 0o711 });
        made.add(state.uid);
      }
      const file = join(podDir(state.uid), 'state.json');
      writeFileSync(`${file}.new`, JSON.stringify(state));
      renameSync(`${file}.new`, file);
    },
    load(uid) {
      const file = join(podDir(uid), 'state.json');
      if (!existsSync(file)) return undefined;
      try {
        return withAddresses(JSON.parse(readFileSync(file, 'utf8')) as StoredPodState);
      } catch {
        // Torn by a crash of the machine: the Pod starts anew.
        return undefined;
      }
    },
    uids: () => readdirSync(podsDir),
    remove(uid) {
      made.delete(uid);
      rmSync(podDir(uid), { recursive: true, force: true });
      for (const name of readdirSync(logsDir)) {
        if (name.endsWith(`_${uid}`)) rmSync(join(logsDir, name), { recursive: true, force: true });
      }
    },
  };
}
