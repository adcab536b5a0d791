import type { NftChain } from '../wire/nft/table.ts';
import type { NftFamily } from '../wire/nft/transaction.ts';
import { type NftLayoutOptions, nodeAddressMatch } from './nft-layout.ts';

/** What the kernel tells clients on behalf of endpoints: an Ethernet's segment size, Linux' default window scale. */
const windowScale = 7;

/** The kernel setting without which the end of a client's handshake would be taken for a connection of its own. */
export const looseTrackingSetting = '/proc/sys/net/netfilter/nf_conntrack_tcp_loose';

/**
 * The hooked chains that answer handshakes for Service ports in `syn-proxied`.
 *
 * ```
 * client ── SYN ──▶ untracked ─▶ forward or input: the kernel answers with a cookie
 *        ── ACK ──▶ invalid, as no SYN was tracked ─▶ cookie good: the kernel itself sends a SYN,
 *                   from the client's address, through output ─▶ dispatch ─▶ endpoint
 * ```
 *
 * Tracking is strict meanwhile: of a connection whose entry is gone (it has drained, or the entry was lost), the next
 * packet is invalid, is not translated, and would fall silent. Other Services' are reset, as they are otherwise; for
 * `syn-proxied` ports the kernel takes it for the end of a handshake that it knows nothing of, and drops it, unless it is
 * known to have drained (`ended-connections.ts`).
 *
 * Source lists are looked at before the first answer, limits when the SYN is sent on.
 */
export function synProxyLayout(ip: NftFamily, options: NftLayoutOptions): readonly NftChain[] {
  const { nodePorts } = options;
  const frontend = `${ip} daddr . meta l4proto . th dport`;
  const port = 'meta l4proto . th dport';
  const saddr = `${ip} saddr`;
  const opening = 'tcp flags & (fin | syn | rst | ack) == syn';
  const atNode = `${port} @syn-proxied-ports ${nodeAddressMatch(ip, options)}`;
  const answer = `synproxy mss ${ip === 'ip' ? 1460 : 1440} wscale ${windowScale} timestamp sack-perm`;
  const unknown = 'meta l4proto tcp ct state invalid,untracked';
  const astray = 'tcp flags & (syn | rst) == 0 ct state invalid';
  const resetting = [
    `${astray} meta priority set ${frontend} map @frontends reject with tcp reset`,
    ...(nodePorts
      ? [`${astray} ${nodeAddressMatch(ip, options)} meta priority set ${port} map @node-ports reject with tcp reset`]
      : []),
  ];
  const answering = [
    `${unknown} ${frontend} @syn-proxied ${answer}`,
    ...(nodePorts ? [`${unknown} ${atNode} ${answer}`] : []),
  ];
  return [
    {
      name: 'syn-proxy-pick',
      hook: 'type filter hook prerouting priority -300',
      rules: [
        `${opening} ${frontend} @syn-proxied ${frontend} . ${saddr} @denied drop`,
        `${opening} ${frontend} @syn-proxied ${frontend} @restricted ${frontend} . ${saddr} != @admitted drop`,
        `${opening} ${frontend} @syn-proxied notrack`,
        ...(nodePorts
          ? [
              `${opening} ${atNode} ${port} . ${saddr} @denied-ports drop`,
              `${opening} ${atNode} ${port} @restricted-ports ${port} . ${saddr} != @admitted-ports drop`,
              `${opening} ${atNode} notrack`,
            ]
          : []),
      ],
    },
    { name: 'syn-proxy-forward', hook: 'type filter hook forward priority 0', rules: [...answering, ...resetting] },
    { name: 'syn-proxy-input', hook: 'type filter hook input priority 0', rules: [...answering, ...resetting] },
    { name: 'syn-proxy-output', hook: 'type filter hook output priority 0', rules: resetting },
  ];
}
