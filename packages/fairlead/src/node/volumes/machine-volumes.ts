import {
  existsSync,
  lstatSync,
  mkdirSync,
  readlinkSync,
  rmSync,
  type Stats,
  statSync,
  symlinkSync,
  writeFileSync,
} from 'node:fs';
import { dirname } from 'node:path';
import type { HostPathVolumeSource, PersistentVolume, Pod, Volume } from '@fairlead/api';
import { type ConfigSource, ContainerConfigError } from '../environment/container-env.ts';

/** A volume that cannot be mounted now: its Pod waits, with an event `FailedMount`. */
export class MountError extends ContainerConfigError {
  override readonly name: string = 'MountError';
}

/** What a type of hostPath asks of its path, and how it is said that it is something else. */
const pathTypes: Readonly<Record<string, { is(stats: Stats): boolean; readonly text: string }>> = {
  Directory: { is: (stats) => stats.isDirectory(), text: 'is not a directory' },
  DirectoryOrCreate: { is: (stats) => stats.isDirectory(), text: 'is not a directory' },
  File: { is: (stats) => stats.isFile(), text: 'is not a file' },
  FileOrCreate: { is: (stats) => stats.isFile(), text: 'is not a file' },
  Socket: { is: (stats) => stats.isSocket(), text: 'is not a socket file' },
  CharDevice: { is: (stats) => stats.isCharacterDevice(), text: 'is not a character device' },
  BlockDevice: { is: (stats) => stats.isBlockDevice(), text: 'is not a block device' },
};

/** Makes the path of a hostPath where its type allows that, and checks what it is. @throws MountError */
export function prepareHostPath(volume: string, { path, type = '' }: HostPathVolumeSource): void {
  const fail = (message: string): MountError =>
    new MountError(`MountVolume.SetUp failed for volume "${volume}" : ${message}`);
  try {
    // Without a type nothing is checked, and container runtimes make the folder.
    if ((type === '' || type === 'DirectoryOrCreate') && !existsSync(path)) mkdirSync(path, { recursive: true });
    if (type === 'FileOrCreate' && !existsSync(path)) writeFileSync(path, '', { mode: 0o644 });
  } catch (error) {
    throw fail((error as Error).message);
  }
  const wanted = pathTypes[type];
  if (wanted === undefined) return;
  const found = statSync(path, { throwIfNoEntry: false });
  if (found === undefined || !wanted.is(found)) throw fail(`hostPath type check failed: ${path} ${wanted.text}`);
}

/**
 * Makes `link` lead to the volume of a claim: mounts follow it, and so do programs of userspace mode.
 * @throws MountError the claim is not there, not bound, of another Pod, or its volume cannot be had on this node
 */
export async function linkClaim(pod: Pod, volume: Volume, link: string, source: ConfigSource): Promise<void> {
  const path = claimPath(volume.name, await volumeOfClaim(pod, volume, source));
  if (lstatSync(link, { throwIfNoEntry: false })?.isSymbolicLink() === true && readlinkSync(link) === path) return;
  rmSync(link, { recursive: true, force: true });
  mkdirSync(dirname(link), { recursive: true, mode: 0o755 });
  symlinkSync(path, link);
}

async function volumeOfClaim(pod: Pod, volume: Volume, source: ConfigSource): Promise<PersistentVolume> {
  const { namespace = 'default', name: podName = '', uid } = pod.metadata ?? {};
  const claimName = volume.persistentVolumeClaim?.claimName ?? `${podName}-${volume.name}`;
  const claim = await source.claim(namespace, claimName);
  if (claim === undefined) throw new MountError(`persistentvolumeclaim "${claimName}" not found`);
  const owned = claim.metadata?.ownerReferences?.some((owner) => owner.uid === uid) === true;
  if (volume.ephemeral !== undefined && !owned) {
    throw new MountError(
      `PVC ${namespace}/${claimName} was not created for pod ${namespace}/${podName} (pod is not owner)`,
    );
  }
  const volumeName = claim.spec?.volumeName ?? '';
  if (volumeName === '' || claim.status?.phase !== 'Bound') throw new MountError('PVC is not bound');
  const found = await source.volume(volumeName);
  if (found === undefined) throw new MountError(`persistentvolume "${volumeName}" not found`);
  if (found.spec?.claimRef?.uid !== claim.metadata?.uid) {
    throw new MountError(`PVC "${claimName}" and PV "${volumeName}" are not bound to each other`);
  }
  return found;
}

/** The path of a persistent volume on this machine. @throws MountError */
function claimPath(volume: string, { metadata, spec }: PersistentVolume): string {
  const { hostPath, local, volumeMode } = spec ?? {};
  const name = metadata?.name ?? '';
  if (volumeMode === 'Block')
    throw new MountError(`volume "${name}" is a block device, which this node does not support`);
  if (hostPath !== undefined) {
    prepareHostPath(volume, hostPath);
    return hostPath.path;
  }
  if (local === undefined) throw new MountError(`volume "${name}" is of a type that this node does not support`);
  if (existsSync(local.path)) return local.path;
  throw new MountError(
    `MountVolume.NewMounter initialization failed for volume "${name}" : path "${local.path}" does not exist`,
  );
}
