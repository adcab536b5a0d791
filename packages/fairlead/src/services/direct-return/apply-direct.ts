import { execFile } from 'node:child_process';
import { readFileSync, writeFileSync } from 'node:fs';
import type { Clock } from '../../sys/clock.ts';
import type { Log } from '../../sys/role.ts';
import { stopAll } from '../../sys/stop-all.ts';
import { isLargeTransaction, type RunNft } from '../nft-command.ts';
import type { ProgramChanges } from '../nft-planner.ts';
import type { DirectReturn } from '../program.ts';
import { StableNumbers } from '../stable-numbers.ts';
import { type BackendWish, DirectBackends } from './direct-backends.ts';
import { type DirectLayout, type DirectPort, directTable } from './direct-layout.ts';
import { type DirectTable, directTableChange, directTableName } from './direct-table.ts';
import { IpipEndpointEnds } from './ipip/endpoint-ends.ts';
import { IpipNodeEnd, ipipLink } from './ipip/node-end.ts';
import { findLinkPlace, findUplinks, type LinkPlace } from './link-addresses.ts';
import type { PeerNodes } from './peer-nodes.ts';
import { tunnelMac } from './tunnel-mac.ts';
import { tunnelLink, VxlanTunnels } from './vxlan-tunnels.ts';

/** What {@link createDirectReturn} needs. */
export interface DirectReturnOptions {
  readonly runNft: RunNft;
  readonly clock: Clock;
  readonly log: Log;
  readonly nodeIps: () => readonly string[];
  /** Links over which clients come. Default: those with the node's addresses and the default route. */
  readonly uplinks?: readonly string[];
  /** Network namespace of a Pod that this machine's agent made, by Pod address. */
  readonly podNamespaceOf?: (ip: string) => string | undefined;
  /** From whom wrapped packets are taken, beside this node. */
  readonly peers: PeerNodes;
}

/** Direct server return of this node. One call at a time. */
export interface DirectReturnPlane {
  /** Failures are logged and tried again: translation serves meanwhile. */
  apply(changes: ProgramChanges): Promise<void>;
  /** What is installed is not known any more. */
  forget(): void;
  remove(): Promise<void>;
}

/** Endpoints' link addresses are looked at again after this long: a Pod may have been made anew. */
const refreshMs = 5000;

function runInNamespace(namespace: string, command: readonly string[]): Promise<boolean> {
  return new Promise((resolve) => {
    execFile('ip', ['netns', 'exec', namespace, ...command], (error) => resolve(error === null));
  });
}

/** Answers come over a link from addresses that no route leads to: strict source checks would drop them. */
function loosenSourceCheck(link: string): void {
  const path = (name: string): string => `/proc/sys/net/ipv4/conf/${name}/rp_filter`;
  try {
    const effective = Math.max(...['all', link].map((name) => Number(readFileSync(path(name), 'utf8'))));
    if (effective === 1) writeFileSync(path(link), '2');
  } catch {
    // No such link any more, or no right: then the kernel's own default decides.
  }
}

type Tunnel = Exclude<DirectReturn['by'], 'mac'>;

/** Endpoints to which packets go in this way. */
function endpointsBy(ports: readonly DirectPort[], by: DirectReturn['by']): Set<string> {
  const own = ports.filter(({ direct }) => direct.by === by);
  return new Set(own.flatMap(({ direct }) => direct.endpoints.map(({ ip }) => ip)));
}

/** What endpoints on this node need. */
function backendWishes(all: readonly DirectPort[]): Iterable<BackendWish> {
  const byIp = new Map<string, { ip: string; vips: Set<string>; vxlan: boolean; ipipVips: Set<string> }>();
  for (const { port, direct } of all) {
    const vips = port.vips.filter(({ kind }) => kind !== 'clusterIP').map(({ ip }) => ip);
    for (const { ip, onThisNode } of direct.endpoints) {
      if (onThisNode === 'no') continue;
      const wish = byIp.get(ip) ?? { ip, vips: new Set<string>(), vxlan: false, ipipVips: new Set<string>() };
      for (const vip of vips) {
        wish.vips.add(vip);
        if (direct.by === 'ipip') wish.ipipVips.add(vip);
      }
      wish.vxlan ||= direct.by === 'vxlan';
      byIp.set(ip, wish);
    }
  }
  return byIp.values();
}

/** Sends packets of Services with `fairlead.dev/direct-server-return` to endpoints untranslated. */
export function createDirectReturn(options: DirectReturnOptions): DirectReturnPlane {
  const { clock, log } = options;
  const ports = new Map<string, readonly DirectPort[]>();
  const endpointEnds = new IpipEndpointEnds();
  const backends = new DirectBackends(
    options.podNamespaceOf ?? (() => undefined),
    runInNamespace,
    endpointEnds,
    (ip, error) => log('warn', 'A Pod cannot be made the end of a tunnel', { ip, error: String(error) }),
  );
  const vxlan = new VxlanTunnels();
  const ipip = new IpipNodeEnd((family) => options.nodeIps().find((ip) => ip.includes(':') === (family === 'IPv6')));
  let installed: { readonly table: DirectTable | undefined; readonly link: number } | undefined;
  const numbers = new StableNumbers();
  /** What is in the kernel is not known; an installation under way still counts on what it was. */
  let forgotten = false;
  let cancelRefresh: (() => void) | undefined;
  let last: Promise<unknown> = Promise.resolve();
  let removed = false;
  let first = true;

  /** Transactions never overlap. */
  const serialize = (work: () => Promise<void>): Promise<void> => {
    const result = last.then(work, work);
    last = result.catch(() => undefined);
    return result;
  };

  const dropTable = (): Promise<void> => {
    const table = `netdev ${directTableName}`;
    // A kernel without the family has no such table either.
    return options.runNft(`add table ${table}\ndelete table ${table}\n`).catch(() => undefined);
  };

  /** Places on links of this node, for all whose packets are not wrapped. */
  const findPlaces = async (all: readonly DirectPort[]): Promise<ReadonlyMap<string, LinkPlace>> => {
    const places = new Map<string, LinkPlace>();
    await Promise.all(
      [...endpointsBy(all, 'mac')].map(async (ip) => {
        const place = await findLinkPlace(ip, clock);
        if (place !== undefined) places.set(ip, place);
      }),
    );
    return places;
  };
  const tunnelPlace = (by: Tunnel, ip: string): LinkPlace | undefined => {
    if (by === 'ipip' && !ipip.reaches(ip)) return undefined;
    return { link: by === 'vxlan' ? tunnelLink(ip) : ipipLink, mac: tunnelMac(ip), ownMac: tunnelMac('0.0.0.0') };
  };

  /** What a predecessor may have left, that was killed while Services asked for it. */
  const dropLeftovers = async (): Promise<void> => {
    await dropTable();
    await vxlan.drop(new Set());
    await ipip.drop(new Set());
  };

  const runChange = async (before: DirectTable | undefined, after: DirectTable): Promise<void> => {
    const change = directTableChange(before, after);
    if (change.isEmpty) return;
    try {
      await options.runNft(isLargeTransaction(change) ? change.parts() : change.text());
    } catch (error) {
      if (before === undefined) throw error;
      // The table is not what it was, or an old kernel does not let a chain go so soon.
      await options.runNft(directTableChange(undefined, after).parts());
    }
  };

  const installTable = async (all: readonly DirectPort[]): Promise<void> => {
    const places = await findPlaces(all);
    const uplinks = options.uplinks ?? (await findUplinks(options.nodeIps()));
    const placeOf: DirectLayout['placeOf'] = (by, ip) => (by === 'mac' ? places.get(ip) : tunnelPlace(by, ip));
    const table = directTable({ ports: all, placeOf, uplinks }, numbers);
    for (const link of new Set([...places.values()].map((place) => place.link))) loosenSourceCheck(link);
    for (const link of new Set([...endpointsBy(all, 'vxlan')].map(tunnelLink))) loosenSourceCheck(link);
    // Rules know links by their numbers.
    if (installed?.link !== ipip.interfaceIndex) installed = undefined;
    if (table !== undefined) await runChange(installed?.table, table);
    else if (installed === undefined || installed.table !== undefined) await dropTable();
    installed = { table, link: ipip.interfaceIndex };
  };

  const forgetAll = (): void => {
    forgotten = false;
    installed = undefined;
    ipip.forget();
    backends.forget();
  };

  /** Endpoints can answer before packets come to them, and until none come any more. */
  const install = async (): Promise<void> => {
    if (forgotten) forgetAll();
    const all = [...ports.values()].flat();
    const vxlanTo = endpointsBy(all, 'vxlan');
    const ipipTo = endpointsBy(all, 'ipip');
    if (ipipTo.size > 0) options.peers.watch(() => void installOrSay());
    endpointEnds.setSenders(new Set([...options.peers.addresses(), ...options.nodeIps()]));
    await backends.give(backendWishes(all));
    await vxlan.make(vxlanTo);
    await ipip.make(ipipTo);
    await installTable(all);
    await backends.takeAway();
    await vxlan.drop(vxlanTo);
    await ipip.drop(ipipTo);
  };

  const installOrSay = (): Promise<void> =>
    serialize(install).catch((error: unknown) => {
      forgotten = true;
      log('warn', 'Direct server return cannot be installed; connections are translated', { error: String(error) });
    });
  const refresh = (): void => {
    cancelRefresh?.();
    cancelRefresh = undefined;
    if (ports.size === 0 || removed) return;
    cancelRefresh = clock.after(refreshMs, () => void installOrSay().finally(refresh));
  };

  return {
    apply: (changes) => {
      let touched = false;
      for (const [key, program] of changes) {
        const own = (program?.ports ?? []).flatMap((port) =>
          port.directReturn === undefined ? [] : [{ port, direct: port.directReturn }],
        );
        touched ||= own.length > 0 || ports.has(key);
        if (own.length > 0) ports.set(key, own);
        else ports.delete(key);
      }
      if (first && !touched) void serialize(dropLeftovers);
      first = false;
      if (!touched || removed) return Promise.resolve();
      return installOrSay().finally(refresh);
    },
    forget: () => {
      forgotten = true;
      if (ports.size > 0 && !removed) void installOrSay();
    },
    remove: () =>
      serialize(async () => {
        removed = true;
        cancelRefresh?.();
        ports.clear();
        await stopAll([
          () => dropTable(),
          () => backends.give([]).then(() => backends.takeAway()),
          () => vxlan.drop(new Set()),
          () => ipip.drop(new Set()),
          () => options.peers.stop(),
        ]);
      }),
  };
}
