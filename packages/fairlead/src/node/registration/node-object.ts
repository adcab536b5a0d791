import { existsSync, readFileSync } from 'node:fs';
import { arch, availableParallelism, hostname, platform, release, totalmem } from 'node:os';
import type { Node, NodeCondition, NodeStatus } from '@fairlead/api';
import { kubeTime } from '../pod/status.ts';

/** What a node says about itself. */
export interface NodeFacts {
  readonly nodeName: string;
  /** The node's InternalIPs, one per family, the preferred one first. */
  readonly nodeIps: readonly string[];
  readonly mode: 'kernel' | 'userspace';
  readonly version: string;
  readonly logServerPort: number;
  /** Most Pods that the node takes. */
  readonly maxPods: number;
}

/** Architecture in Go's words, as the label `kubernetes.io/arch` has it. */
function goArch(name: string): string {
  return name === 'x64' ? 'amd64' : name === 'ia32' ? '386' : name;
}

/** The labels that every node carries. */
export function nodeLabels(nodeName: string): Record<string, string> {
  const labels: Record<string, string> = {
    'kubernetes.io/hostname': nodeName,
    'kubernetes.io/os': platform(),
    'kubernetes.io/arch': goArch(arch()),
  };
  return { ...labels, 'beta.kubernetes.io/os': platform(), 'beta.kubernetes.io/arch': goArch(arch()) };
}

function firstLine(file: string): string {
  return existsSync(file) ? readFileSync(file, 'utf8').trim() : '';
}

function osImage(): string {
  const text = firstLine('/etc/os-release');
  return /^PRETTY_NAME="?([^"\n]*)"?$/m.exec(text)?.[1] ?? platform();
}

/** The Node object to create. */
export function nodeObject(facts: NodeFacts): Node {
  return {
    kind: 'Node',
    apiVersion: 'v1',
    metadata: { name: facts.nodeName, labels: nodeLabels(facts.nodeName) },
    spec: {},
  };
}

/** The node's status; `before` keeps transition times of conditions that did not change. */
export function nodeStatus(facts: NodeFacts, before: NodeStatus | undefined, now: number, ready: boolean): NodeStatus {
  const capacity = {
    cpu: String(availableParallelism()),
    memory: `${Math.floor(totalmem() / 1024)}Ki`,
    pods: String(facts.maxPods),
  };
  const condition = (type: string, status: 'True' | 'False', reason: string, message: string): NodeCondition => {
    const old = before?.conditions?.find((candidate) => candidate.type === type);
    return {
      type,
      status,
      reason,
      message,
      lastHeartbeatTime: kubeTime(now),
      lastTransitionTime: old?.status === status ? (old.lastTransitionTime ?? kubeTime(now)) : kubeTime(now),
    };
  };
  return {
    capacity,
    allocatable: capacity,
    addresses: [
      ...facts.nodeIps.map((address) => ({ type: 'InternalIP', address })),
      { type: 'Hostname', address: facts.nodeName },
    ],
    daemonEndpoints: { kubeletEndpoint: { Port: facts.logServerPort } },
    nodeInfo: {
      machineID: firstLine('/etc/machine-id'),
      systemUUID: firstLine('/etc/machine-id'),
      bootID: firstLine('/proc/sys/kernel/random/boot_id'),
      kernelVersion: release(),
      osImage: osImage(),
      containerRuntimeVersion: `fairlead://${facts.mode}`,
      kubeletVersion: facts.version,
      kubeProxyVersion: facts.version,
      operatingSystem: platform(),
      architecture: goArch(arch()),
    },
    conditions: [
      condition('MemoryPressure', 'False', 'NodeHasSufficientMemory', 'node has sufficient memory available'),
      condition('DiskPressure', 'False', 'NodeHasNoDiskPressure', 'node has no disk pressure'),
      condition('PIDPressure', 'False', 'NodeHasSufficientPID', 'node has sufficient PID available'),
      ready
        ? condition('Ready', 'True', 'NodeReady', `${hostname()} runs Pods in ${facts.mode} mode`)
        : condition('Ready', 'False', 'NodeNotReady', 'the node agent is starting'),
    ],
  };
}
