import type { BindMount } from './sandbox.ts';

/** How a container's view of the file system is put together. */
export interface MountPlan {
  /** New host name of the container's UTS namespace; absent: the node's is kept. */
  readonly hostname: string | undefined;
  readonly mounts: readonly BindMount[];
  /** An existing empty folder; a tmpfs of the container's own mount namespace goes over it. */
  readonly scratchDir: string;
  /** Working directory of the program. */
  readonly cwd: string;
}

/**
 * Arguments that prepare a container's own mount and host-name namespace and then become its program:
 *
 *     /bin/sh -c SCRIPT fairlead HOSTNAME SCRATCH CWD [SOURCE TARGET]… PROGRAM ARGS…
 *
 * It runs inside namespaces that its caller has made; nothing of it is seen outside. Cases of a mount path:
 *
 *  - it exists: bind mount over it;
 *  - a folder above it exists, other than `/`: a writable overlay over that folder, then as before;
 *  - nothing above it exists: the program gets a root of its own, a tmpfs into which every entry of
 *    `/` is bound, with the path made in it.
 */
export function mountScript(plan: MountPlan): readonly string[] {
  const { hostname, mounts } = plan;
  const lines = ['set -e'];
  if (hostname !== undefined) lines.push('printf %s "$1" > /proc/sys/kernel/hostname');
  const missing = mounts.filter((mount) => mount.existingAncestor !== undefined);
  const rooted = missing.filter((mount) => mount.existingAncestor === '/');
  const args: string[] = [];
  if (mounts.length > 0) lines.push('S=$2; C=$3');
  lines.push('shift 3');
  if (missing.length > 0) {
    lines.push('mount -t tmpfs -o mode=755 tmpfs "$S"', 'make() {', POINT, '}');
  }
  const overlaid = new Set<string>();
  for (const mount of [...mounts.filter((candidate) => !rooted.includes(candidate)), ...rooted]) {
    const inRoot = mount.existingAncestor === '/';
    if (inRoot && !overlaid.has('/')) lines.push(NEW_ROOT);
    else if (mount.existingAncestor !== undefined && !overlaid.has(mount.existingAncestor)) {
      const layer = `"$S"/layer${overlaid.size}`;
      lines.push(
        `mkdir -p ${layer}/upper ${layer}/work`,
        `mount -t overlay -o "lowerdir=$3,upperdir=$S/layer${overlaid.size}/upper,workdir=$S/layer${overlaid.size}/work" overlay "$3"`,
      );
      // The overlay hides what was bound into the folder: the Pod's own name resolution.
      if (mount.existingAncestor === '/etc') {
        lines.splice(-1, 0, SAVE_NAMES);
        lines.push(RESTORE_NAMES);
      }
    }
    const target = inRoot ? '"$S/root$2"' : '"$2"';
    if (mount.existingAncestor !== undefined) {
      overlaid.add(mount.existingAncestor);
      lines.push(`make "$1" ${target}`);
    }
    lines.push(`mount --bind "$1" ${target}`);
    if (mount.readOnly) lines.push(`mount -o remount,bind,ro ${target}`);
    lines.push('shift 3');
    args.push(mount.source, mount.target, mount.existingAncestor ?? '');
  }
  lines.push(
    rooted.length === 0
      ? 'exec "$@"'
      : `exec chroot "$S/root" /bin/sh -c 'cd "$1" && shift && exec "$@"' fairlead "$C" "$@"`,
  );
  return ['/bin/sh', '-c', lines.join('\n'), 'fairlead', hostname ?? '', plan.scratchDir, plan.cwd, ...args];
}

/** Makes the mount point `$2` for `$1`: a folder for a folder, a file for a file. */
const POINT = 'if [ -d "$1" ]; then mkdir -p "$2"; else mkdir -p "$(dirname "$2")"; : >> "$2"; fi';

const SAVE_NAMES = 'for f in resolv.conf hosts; do cat /etc/$f > "$S/$f" 2>/dev/null || :; done';
const RESTORE_NAMES = 'for f in resolv.conf hosts; do rm -f /etc/$f; cp "$S/$f" /etc/$f; done';

/** A root folder that holds every entry of the machine's. */
const NEW_ROOT = [
  'mkdir "$S/root"',
  'for entry in /*; do',
  '  if [ -L "$entry" ]; then cp -P "$entry" "$S/root$entry"',
  '  elif [ -d "$entry" ]; then mkdir "$S/root$entry"; mount --rbind "$entry" "$S/root$entry"',
  '  elif [ -f "$entry" ]; then : > "$S/root$entry"; mount --bind "$entry" "$S/root$entry"; fi',
  'done',
].join('\n');
