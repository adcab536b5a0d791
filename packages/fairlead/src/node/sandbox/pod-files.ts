import type { Pod } from '@fairlead/api';

/** What decides a Pod's resolv.conf. */
export interface DnsSettings {
  readonly clusterDns: string | undefined;
  readonly clusterDomain: string;
  /** Text of the node's own resolv.conf. */
  readonly nodeResolvConf: string;
}

/** Limits of the resolver and of Kubernetes validation. */
const MAX_NAMESERVERS = 3;
const MAX_SEARCHES = 32;

interface ResolvConf {
  nameservers: string[];
  searches: string[];
  options: string[];
}

/** Parses the three directives that matter; the last `search` or `domain` wins. */
function parseResolvConf(text: string): ResolvConf {
  const parsed: ResolvConf = { nameservers: [], searches: [], options: [] };
  for (const line of text.split('\n')) {
    const [directive, ...values] = line
      .replace(/[#;].*$/, '')
      .trim()
      .split(/\s+/);
    if (directive === 'nameserver' && values[0] !== undefined) parsed.nameservers.push(values[0]);
    if (directive === 'search' || directive === 'domain') parsed.searches = values;
    if (directive === 'options') parsed.options.push(...values);
  }
  return parsed;
}

/**
 * A Pod's resolv.conf by `dnsPolicy` and `dnsConfig`: ClusterFirst searches the Pod's namespace,
 * `svc` and the cluster domain before the node's own list, with `ndots:5`.
 */
export function podResolvConf(pod: Pod, settings: DnsSettings): string {
  const spec = pod.spec;
  const namespace = pod.metadata?.namespace ?? 'default';
  const node = parseResolvConf(settings.nodeResolvConf);
  const policy = spec?.dnsPolicy ?? 'ClusterFirst';
  const clusterFirst =
    settings.clusterDns !== undefined &&
    (policy === 'ClusterFirstWithHostNet' || (policy === 'ClusterFirst' && spec?.hostNetwork !== true));
  let conf: ResolvConf;
  if (policy === 'None') {
    conf = { nameservers: [], searches: [], options: [] };
  } else if (clusterFirst) {
    const domain = settings.clusterDomain;
    conf = {
      nameservers: [settings.clusterDns!],
      searches: [`${namespace}.svc.${domain}`, `svc.${domain}`, domain, ...node.searches],
      options: ['ndots:5'],
    };
  } else {
    conf = node;
  }
  const extra = spec?.dnsConfig;
  const options = new Map(conf.options.map((text) => [text.split(':')[0]!, text]));
  for (const option of extra?.options ?? []) {
    if (option.name === undefined) continue;
    options.set(option.name, option.value === undefined ? option.name : `${option.name}:${option.value}`);
  }
  const nameservers = [...new Set([...conf.nameservers, ...(extra?.nameservers ?? [])])].slice(0, MAX_NAMESERVERS);
  const searches = [...new Set([...conf.searches, ...(extra?.searches ?? [])])].slice(0, MAX_SEARCHES);
  const lines = nameservers.map((server) => `nameserver ${server}`);
  if (searches.length > 0) lines.push(`search ${searches.join(' ')}`);
  if (options.size > 0) lines.push(`options ${[...options.values()].join(' ')}`);
  return `${lines.join('\n')}\n`;
}

/** The host name that a Pod sees: `spec.hostname` or its own name, at most 63 characters. */
export function podHostname(pod: Pod): string {
  return (pod.spec?.hostname ?? pod.metadata?.name ?? '').slice(0, 63).replace(/[-.]+$/, '');
}

/** A Pod's /etc/hosts: loopback, its own names, `hostAliases`. */
export function podHosts(pod: Pod, podIps: readonly string[], clusterDomain: string): string {
  const hostname = podHostname(pod);
  const namespace = pod.metadata?.namespace ?? 'default';
  const subdomain = pod.spec?.subdomain;
  const fqdn = subdomain === undefined ? '' : `${hostname}.${subdomain}.${namespace}.svc.${clusterDomain}\t`;
  const lines = ['127.0.0.1\tlocalhost', '::1\tlocalhost ip6-localhost ip6-loopback'];
  for (const podIp of podIps) lines.push(`${podIp}\t${fqdn}${hostname}`);
  for (const alias of pod.spec?.hostAliases ?? []) lines.push(`${alias.ip}\t${(alias.hostnames ?? []).join('\t')}`);
  return `${lines.join('\n')}\n`;
}
