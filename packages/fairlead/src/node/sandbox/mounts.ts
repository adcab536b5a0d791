import type { BindMount } from './sandbox.ts';

/**
 * Arguments that prepare a container's own mount and host-name namespace and then become its program.
 *
 *     /bin/sh -c SCRIPT fairlead HOSTNAME COUNT SOURCE TARGET ro|rw … PROGRAM ARGS…
 *
 * Runs inside namespaces that a caller has made; nothing of it is seen outside.
 */
export function mountScript(hostname: string | undefined, mounts: readonly BindMount[]): readonly string[] {
  const lines: string[] = [];
  if (hostname !== undefined) lines.push('printf %s "$1" > /proc/sys/kernel/hostname || exit 126');
  lines.push('shift');
  const args: string[] = [];
  for (const mount of mounts) {
    lines.push('mount --bind "$1" "$2" || exit 126');
    if (mount.readOnly) lines.push('mount -o remount,bind,ro "$2" || exit 126');
    lines.push('shift 2');
    args.push(mount.source, mount.target);
  }
  lines.push('exec "$@"');
  return ['/bin/sh', '-c', lines.join('\n'), 'fairlead', hostname ?? '', ...args];
}
