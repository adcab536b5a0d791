import type { Node } from '../types.ts';
import { ageOf, NONE, nameOf, UNKNOWN } from './cells.ts';

const ROLE_PREFIX = 'node-role.kubernetes.io/';

/** NAME STATUS ROLES AGE VERSION INTERNAL-IP EXTERNAL-IP OS-IMAGE KERNEL-VERSION CONTAINER-RUNTIME */
export function nodeCells(node: Node, nowMs: number): unknown[] {
  const info = node.status?.nodeInfo;
  const addressOf = (type: string): string =>
    node.status?.addresses?.find((address) => address.type === type)?.address ?? NONE;
  return [
    nameOf(node),
    statusText(node),
    rolesText(node),
    ageOf(node, nowMs),
    info?.kubeletVersion ?? '',
    addressOf('InternalIP'),
    addressOf('ExternalIP'),
    info?.osImage || UNKNOWN,
    info?.kernelVersion || UNKNOWN,
    info?.containerRuntimeVersion || UNKNOWN,
  ];
}

function statusText(node: Node): string {
  const ready = node.status?.conditions?.find((condition) => condition.type === 'Ready');
  const text = ready === undefined ? 'Unknown' : ready.status === 'True' ? 'Ready' : 'NotReady';
  return node.spec?.unschedulable === true ? `${text},SchedulingDisabled` : text;
}

function rolesText(node: Node): string {
  const roles = new Set<string>();
  for (const [key, value] of Object.entries(node.metadata?.labels ?? {})) {
    if (key.startsWith(ROLE_PREFIX) && key.length > ROLE_PREFIX.length) roles.add(key.slice(ROLE_PREFIX.length));
    else if (key === 'kubernetes.io/role' && value !== '') roles.add(value);
  }
  return roles.size === 0 ? NONE : [...roles].sort().join(',');
}
