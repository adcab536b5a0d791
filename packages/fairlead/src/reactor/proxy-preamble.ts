import { parseIpv4, parseIpv6, type SocketAddress } from '../sys/socket-address.ts';
import { writeProxyV1, writeProxyV2 } from '../wire/proxy-protocol/proxy-header.ts';

/** An IPv4 client of a dual-stack socket is told of as what it is. */
function unmapped({ address, port }: SocketAddress): { readonly address: string; readonly port: number } {
  return { address: address.startsWith('::ffff:') ? address.slice(7) : address, port };
}

/** The PROXY protocol header that tells an endpoint of its client and of where that connected to. */
export function proxyPreamble(version: 'v1' | 'v2', client: SocketAddress, destination: SocketAddress): Uint8Array {
  const from = unmapped(client);
  const to = unmapped(destination);
  if (version === 'v1') return writeProxyV1(from, to);
  const raw = (text: string): Uint8Array => parseIpv4(text) ?? parseIpv6(text) ?? new Uint8Array(0);
  return writeProxyV2({ raw: raw(from.address), port: from.port }, { raw: raw(to.address), port: to.port });
}
