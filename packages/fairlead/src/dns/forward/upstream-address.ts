import { addressFamily } from '../owner-names.ts';
import type { Upstream } from './upstream-exchange.ts';

/** Parses `ADDRESS`, `ADDRESS:PORT` or `[ADDRESS]:PORT`; `tls://ADDRESS[:PORT]#NAME` for DNS over TLS. */
export function parseUpstream(text: string): Upstream | undefined {
  const secure = /^tls:\/\/([^#]+)(?:#(.+))?$/.exec(text);
  const rest = secure?.[1] ?? text;
  const match = /^\[(.+)\](?::(\d+))?$/.exec(rest) ?? /^([^:]+)(?::(\d+))?$/.exec(rest) ?? /^(.+)$/.exec(rest);
  const [, address = '', port = secure === null ? '53' : '853'] = match ?? [];
  if (addressFamily(address.split('%')[0]!) === undefined || Number(port) < 1 || Number(port) > 65535) return undefined;
  return { address, port: Number(port), ...(secure === null ? {} : { tlsName: secure[2] ?? address }) };
}
