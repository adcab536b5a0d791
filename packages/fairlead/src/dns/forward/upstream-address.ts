import { addressFamily } from '../owner-names.ts';
import type { Upstream } from './upstream-exchange.ts';

const defaultPorts = { dns: 53, tls: 853, https: 443 } as const;

/**
 * Parses `ADDRESS`, `ADDRESS:PORT` or `[ADDRESS]:PORT`; `tls://ADDRESS[:PORT][#NAME]` for DNS over TLS;
 * `https://ADDRESS[:PORT][/PATH][#NAME]` for DNS over HTTPS, by default at `/dns-query`. NAME is what the
 * certificate must have, by default the address.
 */
export function parseUpstream(text: string): Upstream | undefined {
  const [, scheme = 'dns', front = '', tlsName] = /^(?:(dns|tls|https):\/\/)?([^#]+)(?:#(.+))?$/.exec(text) ?? [];
  const transport = scheme as keyof typeof defaultPorts;
  const slash = transport === 'https' ? front.indexOf('/') : -1;
  const rest = slash < 0 ? front : front.slice(0, slash);
  const match = /^\[(.+)\](?::(\d+))?$/.exec(rest) ?? /^([^:]+)(?::(\d+))?$/.exec(rest) ?? /^(.+)$/.exec(rest);
  const [, address = '', portText] = match ?? [];
  const port = portText === undefined ? defaultPorts[transport] : Number(portText);
  if (addressFamily(address.split('%')[0]!) === undefined || port < 1 || port > 65535) return undefined;
  if (transport === 'dns') return tlsName === undefined ? { address, port } : undefined;
  const secure = { address, port, tlsName: tlsName ?? address };
  return transport === 'tls' ? secure : { ...secure, httpsPath: slash < 0 ? '/dns-query' : front.slice(slash) };
}

/** An upstream as users write it, for logs and metrics. */
export function formatUpstream({ address, port, tlsName, httpsPath }: Upstream): string {
  const host = address.includes(':') ? `[${address}]:${port}` : `${address}:${port}`;
  if (httpsPath !== undefined) return `https://${host}${httpsPath}`;
  return tlsName === undefined ? host : `tls://${host}`;
}
