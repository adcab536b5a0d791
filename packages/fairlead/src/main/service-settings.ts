import type { LocalDetection } from '../services/node-context.ts';
import type { Setting, SettingReader } from './settings.ts';

/** Settings of the service proxy in `fairlead agent`; names and values are kube-proxy's where it has them. */
export const serviceSettings: readonly Setting[] = [
  { name: 'cluster-cidr', value: 'LIST', description: 'Pod ranges of the cluster (default: --pod-cidr)' },
  {
    name: 'detect-local-mode',
    value: 'MODE',
    description:
      'which sources are Pods of this node: NodeCIDR (default), ClusterCIDR, BridgeInterface, InterfaceNamePrefix',
  },
  { name: 'pod-bridge-interface', value: 'NAME', description: 'link of Pods, for BridgeInterface' },
  {
    name: 'pod-interface-name-prefix',
    value: 'PREFIX',
    description: 'beginning of the links’ names, for InterfaceNamePrefix',
  },
  { name: 'masquerade-all', description: 'hide every source from endpoints behind cluster IPs' },
  {
    name: 'nodeport-addresses',
    value: 'LIST',
    description: "ranges of node addresses with node ports, or 'primary' (default: all)",
  },
  { name: 'service-proxy-name', value: 'NAME', description: 'serve only Services with this label value' },
  {
    name: 'conntrack-tcp-be-liberal',
    description: 'let connection tracking take TCP segments outside the window for valid',
  },
  { name: 'direct-links', value: 'LIST', description: 'links over which clients of direct server return come' },
  { name: 'cleanup-kube-proxy', description: 'first remove the rules that kube-proxy left on this machine' },
];

/** Checked settings of the service proxy. */
export interface ServiceRoleSettings {
  /** Empty: as `--pod-cidr`. */
  readonly clusterCidrs: readonly string[];
  readonly localDetection: LocalDetection;
  readonly masqueradeAll: boolean;
  readonly nodePortCidrs?: 'primary' | readonly string[];
  readonly proxyName?: string;
  readonly liberalTracking: boolean;
  /** Empty: links with the node's addresses. */
  readonly directLinks: readonly string[];
  readonly cleanupKubeProxy: boolean;
}

function listOf(text: string | undefined): string[] {
  return (text ?? '')
    .split(',')
    .map((part) => part.trim())
    .filter((part) => part !== '');
}

const modes = ['NodeCIDR', 'ClusterCIDR', 'BridgeInterface', 'InterfaceNamePrefix'] as const;
/** IFNAMSIZ with its end mark. */
const linkName = /^[^\s/"*]{1,15}$/;

function readDetection(reader: SettingReader): LocalDetection {
  const link = (name: string): string => {
    const value = reader.required(name);
    if (value !== '' && !linkName.test(value)) reader.problems.push(`--${name} ${value}: must be the name of a link`);
    return value;
  };
  switch (reader.oneOf('detect-local-mode', modes, 'NodeCIDR')) {
    case 'NodeCIDR':
      return { by: 'node-cidr' };
    case 'ClusterCIDR':
      return { by: 'cluster-cidr' };
    case 'BridgeInterface':
      return { by: 'interface', name: link('pod-bridge-interface') };
    case 'InterfaceNamePrefix':
      return { by: 'interface', name: `${link('pod-interface-name-prefix')}*` };
  }
}

/** Reads the settings; problems are reported to the reader. */
export function readServiceSettings(reader: SettingReader, isCidr: (text: string) => boolean): ServiceRoleSettings {
  const cidrs = (name: string): string[] => {
    const list = listOf(reader.text(name));
    for (const text of list) if (!isCidr(text)) reader.problems.push(`--${name} ${text}: must be an address range`);
    return list;
  };
  const nodePorts = reader.text('nodeport-addresses');
  const proxyName = reader.text('service-proxy-name');
  return {
    clusterCidrs: cidrs('cluster-cidr'),
    localDetection: readDetection(reader),
    masqueradeAll: reader.switched('masquerade-all'),
    ...(nodePorts === undefined
      ? {}
      : { nodePortCidrs: nodePorts === 'primary' ? 'primary' : cidrs('nodeport-addresses') }),
    ...(proxyName === undefined ? {} : { proxyName }),
    liberalTracking: reader.switched('conntrack-tcp-be-liberal'),
    directLinks: listOf(reader.text('direct-links')),
    cleanupKubeProxy: reader.switched('cleanup-kube-proxy'),
  };
}
