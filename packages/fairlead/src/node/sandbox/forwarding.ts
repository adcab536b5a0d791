import { existsSync, readFileSync } from 'node:fs';
import type { Log } from '../../sys/role.ts';
import { familyOf } from '../machine-network.ts';
import type { Sysctls } from './sysctls.ts';

/** Flags of a route in /proc/net/ipv6_route that a router advertisement made (linux/ipv6_route.h). */
const RTF_ADDRCONF = 0x0004_0000;

/**
 * Links whose default route comes from router advertisements, by the text of /proc/net/ipv6_route: 32 hex digits of
 * the destination, its prefix length, …, flags, link.
 */
export function advertisedLinks(routes: string): string[] {
  const links = routes.split('\n').flatMap((line) => {
    const [destination = '', prefix, , , , , , , flags = '', link] = line.trim().split(/\s+/);
    const isDefault = /^0+$/.test(destination) && prefix === '00';
    return isDefault && (Number.parseInt(flags, 16) & RTF_ADDRCONF) !== 0 && link !== undefined ? [link] : [];
  });
  return [...new Set(links)];
}

/**
 * Makes the node forward packets of the families of its Pod ranges.
 *
 * IPv6: Linux drops the default routes of router advertisements, and takes no new ones, when `forwarding` is switched
 * on. `force_forwarding` (Linux 6.17) leaves them alone; on older kernels a machine that has such routes is warned.
 */
export function forwardPackets(sysctls: Sysctls, podCidrs: readonly string[], log: Log): void {
  // IPv4 also in a cluster without IPv4 Pods: the rules of Services forward what is translated.
  sysctls.set('net/ipv4/ip_forward', '1');
  // A packet that leaves by the bridge it came from must not earn a redirect: the Pod would then
  // send the rest of a translated connection past the node.
  sysctls.set('net/ipv4/conf/all/send_redirects', '0');
  if (!podCidrs.some((cidr) => familyOf(cidr) === 6)) return;
  const ipv6 = 'net/ipv6/conf/all';
  if (readFileSync(`/proc/sys/${ipv6}/forwarding`, 'utf8').trim() !== '0') return;
  if (existsSync(`/proc/sys/${ipv6}/force_forwarding`)) {
    // `all` stands for the links that are there, `default` for those to come.
    sysctls.set('net/ipv6/conf/default/force_forwarding', '1');
    sysctls.set(`${ipv6}/force_forwarding`, '1');
    return;
  }
  const kept = (link: string): boolean => readFileSync(`/proc/sys/net/ipv6/conf/${link}/accept_ra`, 'utf8')[0] === '2';
  const links = advertisedLinks(readFileSync('/proc/net/ipv6_route', 'utf8')).filter((link) => !kept(link));
  if (links.length > 0) {
    log('warn', 'IPv6 routes from router advertisements end while this machine forwards packets of Pods', {
      links,
      keepThemBy: links.map((link) => `sysctl net.ipv6.conf.${link}.accept_ra=2`),
    });
  }
  sysctls.set(`${ipv6}/forwarding`, '1');
}
