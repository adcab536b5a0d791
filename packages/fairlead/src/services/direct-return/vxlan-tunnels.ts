import { interfaceIndex } from '../../sys/interface-index.ts';
import { runBatch } from './run-ip.ts';
import { tunnelMac } from './tunnel-mac.ts';

/** Identifier and port of the tunnel; not those of the overlay network between nodes. */
const tunnelOptions = 'id 78 dstport 8474 nolearning';

const tunnelLinks = ['fl-direct', 'fl-direct6'] as const;

/** Link of the tunnel to endpoints of this address's family, on the node and in Pods: a VXLAN link has one family outside. */
export function tunnelLink(ip: string): string {
  return tunnelLinks[ip.includes(':') ? 1 : 0];
}

/** What makes an end of the tunnel; `local`: the endpoint's own address, or any of the node's. */
export function tunnelCommands(ip: string, end: 'node' | 'endpoint'): string[] {
  const link = tunnelLink(ip);
  // The unspecified address says no more than the family.
  const local = end === 'endpoint' ? ` local ${ip}` : ip.includes(':') ? ' local ::' : '';
  const mac = end === 'endpoint' ? ` address ${tunnelMac(ip)}` : '';
  return [`link add ${link}${mac} type vxlan ${tunnelOptions}${local}`, `link set ${link} up`];
}

function linksOf(ips: ReadonlySet<string>): Map<string, string> {
  return new Map([...ips].map((ip) => [tunnelLink(ip), ip]));
}

function forwarding(verb: string, ip: string): string {
  return `fdb ${verb} ${tunnelMac(ip)} dev ${tunnelLink(ip)} dst ${ip}`;
}

/** The node's ends of VXLAN tunnels: a link for each family, and a forwarding entry for each endpoint. */
export class VxlanTunnels {
  #endpoints = new Set<string>();

  /** Endpoints in addition to those that are there. */
  async make(endpoints: ReadonlySet<string>): Promise<void> {
    const before = linksOf(this.#endpoints);
    const made = [...linksOf(endpoints)].filter(([link]) => !before.has(link));
    await runBatch(
      'ip',
      made.flatMap(([, ip]) => tunnelCommands(ip, 'node')),
    );
    this.#endpoints = this.#endpoints.union(endpoints);
    await runBatch(
      'bridge',
      [...endpoints].map((ip) => forwarding('replace', ip)),
    );
  }

  /** Takes away what is not among these; with the last one of a family, its link, also one that a killed predecessor left. */
  async drop(endpoints: ReadonlySet<string>): Promise<void> {
    const after = linksOf(endpoints);
    const gone = tunnelLinks.filter((link) => !after.has(link) && interfaceIndex(link) > 0);
    await runBatch(
      'ip',
      gone.map((link) => `link delete ${link}`),
    );
    const left = [...this.#endpoints].filter((ip) => !endpoints.has(ip) && after.has(tunnelLink(ip)));
    await runBatch(
      'bridge',
      left.map((ip) => forwarding('delete', ip)),
    );
    this.#endpoints = new Set(endpoints);
  }
}
