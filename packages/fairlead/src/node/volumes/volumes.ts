import { chmodSync, existsSync, mkdirSync } from 'node:fs';
import { dirname, join, normalize } from 'node:path';
import type {
  Container,
  DownwardAPIVolumeFile,
  KeyToPath,
  Pod,
  ServiceAccountTokenProjection,
  Volume,
} from '@fairlead/api';
import { type ConfigSource, ContainerConfigError } from '../environment/container-env.ts';
import { expandVariables } from '../environment/expand.ts';
import { fieldValue, type PodFacts, resourceFieldValue } from '../environment/field-ref.ts';
import type { BindMount } from '../sandbox/sandbox.ts';
import { inside, type VolumeFile, writeContent } from './content-folder.ts';
import { linkClaim, prepareHostPath } from './machine-volumes.ts';

/** What volumes are made from. */
export interface VolumeSource extends ConfigSource {
  /** A valid token for a projection of this Pod. */
  tokenFor(projection: ServiceAccountTokenProjection): Promise<string>;
}

/** Folder of a volume's content, or the link to it; a `hostPath` volume is the path itself. */
function volumeDir(podDir: string, volume: Volume): string {
  return volume.hostPath?.path ?? join(podDir, 'volumes', volume.name);
}

/** Makes every volume of a Pod; rejects with {@link ContainerConfigError} naming what is missing. */
export async function prepareVolumes(pod: Pod, podDir: string, facts: PodFacts, source: VolumeSource): Promise<void> {
  for (const volume of pod.spec?.volumes ?? []) {
    if (volume.hostPath !== undefined) {
      prepareHostPath(volume.name, volume.hostPath);
      continue;
    }
    const folder = volumeDir(podDir, volume);
    if (volume.persistentVolumeClaim !== undefined || volume.ephemeral !== undefined) {
      await linkClaim(pod, volume, folder, source);
      continue;
    }
    mkdirSync(folder, { recursive: true, mode: 0o755 });
    if (volume.emptyDir !== undefined) {
      chmodSync(folder, 0o777);
      continue;
    }
    const files = await volumeFiles(pod, volume, facts, source);
    writeContent(folder, files);
  }
}

async function volumeFiles(pod: Pod, volume: Volume, facts: PodFacts, source: VolumeSource): Promise<VolumeFile[]> {
  const namespace = pod.metadata?.namespace ?? 'default';
  const { configMap, secret, downwardAPI, projected } = volume;
  if (configMap !== undefined) {
    const mode = configMap.defaultMode ?? 0o644;
    return configMapFiles(namespace, configMap.name ?? '', configMap.items, mode, configMap.optional, source);
  }
  if (secret !== undefined) {
    const mode = secret.defaultMode ?? 0o644;
    return secretFiles(namespace, secret.secretName ?? '', secret.items, mode, secret.optional, source);
  }
  if (downwardAPI !== undefined) return downwardFiles(pod, downwardAPI.items, downwardAPI.defaultMode ?? 0o644, facts);
  if (projected !== undefined) {
    const mode = projected.defaultMode ?? 0o644;
    const files: VolumeFile[] = [];
    for (const part of projected.sources ?? []) {
      if (part.configMap !== undefined) {
        const { name = '', items, optional } = part.configMap;
        files.push(...(await configMapFiles(namespace, name, items, mode, optional, source)));
      } else if (part.secret !== undefined) {
        const { name = '', items, optional } = part.secret;
        files.push(...(await secretFiles(namespace, name, items, mode, optional, source)));
      } else if (part.downwardAPI !== undefined) {
        files.push(...downwardFiles(pod, part.downwardAPI.items, mode, facts));
      } else if (part.serviceAccountToken !== undefined) {
        const token = await source.tokenFor(part.serviceAccountToken);
        files.push({ path: part.serviceAccountToken.path, data: Buffer.from(token), mode });
      }
    }
    return files;
  }
  throw new ContainerConfigError(`volume "${volume.name}" is of a type that this node does not support`);
}

async function configMapFiles(
  namespace: string,
  name: string,
  items: readonly KeyToPath[] | undefined,
  mode: number,
  optional: boolean | undefined,
  source: ConfigSource,
): Promise<VolumeFile[]> {
  const map = await source.configMap(namespace, name);
  if (map === undefined && optional !== true) throw new ContainerConfigError(`configmap "${name}" not found`);
  const data = new Map<string, Buffer>();
  for (const [key, value] of Object.entries(map?.data ?? {})) data.set(key, Buffer.from(value));
  for (const [key, value] of Object.entries(map?.binaryData ?? {})) data.set(key, Buffer.from(value, 'base64'));
  return selectFiles(`configmap "${name}"`, data, items, mode, optional === true);
}

async function secretFiles(
  namespace: string,
  name: string,
  items: readonly KeyToPath[] | undefined,
  mode: number,
  optional: boolean | undefined,
  source: ConfigSource,
): Promise<VolumeFile[]> {
  const secret = await source.secret(namespace, name);
  if (secret === undefined && optional !== true) throw new ContainerConfigError(`secret "${name}" not found`);
  const data = new Map(Object.entries(secret?.data ?? {}).map(([key, value]) => [key, Buffer.from(value, 'base64')]));
  return selectFiles(`secret "${name}"`, data, items, mode, optional === true);
}

function selectFiles(
  what: string,
  data: ReadonlyMap<string, Buffer>,
  items: readonly KeyToPath[] | undefined,
  mode: number,
  optional: boolean,
): VolumeFile[] {
  if (items === undefined || items.length === 0) {
    return [...data].map(([key, value]) => ({ path: key, data: value, mode }));
  }
  const files: VolumeFile[] = [];
  for (const item of items) {
    const value = data.get(item.key);
    if (value !== undefined) files.push({ path: item.path, data: value, mode: item.mode ?? mode });
    else if (!optional) throw new ContainerConfigError(`${what} has no key "${item.key}"`);
  }
  return files;
}

function downwardFiles(
  pod: Pod,
  items: readonly DownwardAPIVolumeFile[] | undefined,
  defaultMode: number,
  facts: PodFacts,
): VolumeFile[] {
  return (items ?? []).map((item) => {
    const mode = item.mode ?? defaultMode;
    if (item.fieldRef !== undefined) {
      const value = fieldValue(pod, item.fieldRef.fieldPath, facts);
      if (value === undefined) throw new ContainerConfigError(`unsupported fieldPath: ${item.fieldRef.fieldPath}`);
      return { path: item.path, data: Buffer.from(value), mode };
    }
    const owner = pod.spec?.containers.find((container) => container.name === item.resourceFieldRef?.containerName);
    const value =
      owner === undefined || item.resourceFieldRef === undefined
        ? undefined
        : resourceFieldValue(owner, item.resourceFieldRef);
    if (value === undefined) throw new ContainerConfigError(`downwardAPI item ${item.path} names no supported value`);
    return { path: item.path, data: Buffer.from(value), mode };
  });
}

/** The nearest existing folder above a path that does not exist; undefined for one that does. */
function existingAncestor(path: string): string | undefined {
  if (existsSync(path)) return undefined;
  let folder = dirname(path);
  while (!existsSync(folder)) folder = dirname(folder);
  return folder;
}

/**
 * Programs look for their token below `/var/run/secrets`, which machines do not have. An overlay over `/run` would
 * hide the Pod's own resolv.conf where that is a link into `/run`, so an empty folder is made there and left: a
 * removal would also take the mounts of other Pods away.
 */
function makeSecretsPoint(target: string): void {
  if (!/^(\/var)?\/run\/secrets\//.test(target)) return;
  try {
    mkdirSync(target, { recursive: true });
  } catch {
    // No /run, or not ours to write: made as any other path.
  }
}

/** The bind mounts of one container. */
export function containerMounts(
  pod: Pod,
  container: Container,
  podDir: string,
  env: Readonly<Record<string, string>>,
): readonly BindMount[] {
  const mounts: BindMount[] = [];
  for (const mount of container.volumeMounts ?? []) {
    const volume = pod.spec?.volumes?.find((candidate) => candidate.name === mount.name);
    if (volume === undefined) throw new ContainerConfigError(`volumeMount "${mount.name}" names no volume of the Pod`);
    const sub =
      mount.subPathExpr === undefined ? mount.subPath : expandVariables(mount.subPathExpr, (name) => env[name]);
    const root = volumeDir(podDir, volume);
    const source = sub === undefined || sub === '' ? root : inside(root, sub);
    if (!existsSync(source)) mkdirSync(source, { recursive: true, mode: 0o777 });
    const content = volume.configMap ?? volume.secret ?? volume.downwardAPI ?? volume.projected;
    const target = normalize(mount.mountPath).replace(/(.)\/$/, '$1');
    makeSecretsPoint(target);
    mounts.push({
      source,
      target,
      readOnly: mount.readOnly === true || volume.persistentVolumeClaim?.readOnly === true || content !== undefined,
      existingAncestor: existingAncestor(mount.mountPath),
    });
  }
  return mounts;
}

/** `FAIRLEAD_VOLUME_<NAME>` for programs of a mode without mounts. */
export function volumeEnvironment(pod: Pod, podDir: string): Record<string, string> {
  const env: Record<string, string> = {};
  for (const volume of pod.spec?.volumes ?? []) {
    env[`FAIRLEAD_VOLUME_${volume.name.toUpperCase().replaceAll(/[^A-Z0-9]/g, '_')}`] = volumeDir(podDir, volume);
  }
  return env;
}
