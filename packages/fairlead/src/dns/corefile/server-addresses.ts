import { normalizeName } from '../owner-names.ts';
import type { CorefileNote } from './corefile-settings.ts';
import type { CorefileServer } from './parse-corefile.ts';

/** A zone that a block is for, at one port. */
export interface BlockAddress {
  /** `.` for all names. */
  readonly zone: string;
  readonly port: number;
}

/** The addresses of a server block that speak plain DNS, and a note if there are others. */
export function serverAddresses(server: CorefileServer): {
  readonly zones: readonly BlockAddress[];
  readonly notes: CorefileNote[];
} {
  const zones = server.addresses.map(addressOf).filter((address) => address !== undefined);
  if (zones.length === server.addresses.length) return { zones, notes: [] };
  const detail = 'only plain DNS blocks; for TLS and HTTPS give a certificate with --dns-tls-cert';
  return { zones, notes: [{ line: server.line, directive: server.addresses.join(' '), result: 'ignored', detail }] };
}

/** `.` and 53 for `.:53`, `example.org` for `dns://example.org:53`; absent: another transport. */
function addressOf(address: string): BlockAddress | undefined {
  const [, transport, rest = ''] = /^(?:([a-z]+):\/\/)?(.*)$/.exec(address) ?? [];
  if (transport !== undefined && transport !== 'dns') return undefined;
  const [, host = '', port = '53'] = /^(.*?)(?::(\d{1,5}))?$/.exec(rest) ?? [];
  const zone = normalizeName(host);
  return { zone: zone === '' ? '.' : zone, port: Number(port) };
}
