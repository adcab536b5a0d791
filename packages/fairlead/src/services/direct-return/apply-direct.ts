import { execFile } from 'node:child_process';
import { readFileSync, writeFileSync } from 'node:fs';
import type { Clock } from '../../sys/clock.ts';
import type { Log } from '../../sys/role.ts';
import { stopAll } from '../../sys/stop-all.ts';
import type { RunNft } from '../nft-command.ts';
import type { ProgramChanges } from '../nft-planner.ts';
import { type BackendWish, DirectBackends, tunnelCommands, tunnelLink, tunnelMac } from './direct-backends.ts';
import { type DirectPort, directTableName, directTableText } from './direct-layout.ts';
import { findLinkPlace, findUplinks, type LinkPlace } from './link-addresses.ts';
import { runBatch } from './run-ip.ts';

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

/** Sends packets of Services with `fairlead.dev/direct-server-return` to endpoints untranslated. */
export function createDirectReturn(options: DirectReturnOptions): DirectReturnPlane {
  const { clock, log } = options;
  const ports = new Map<string, readonly DirectPort[]>();
  const backends = new DirectBackends(options.podNamespaceOf ?? (() => undefined), runInNamespace);
  let installed = '';
  let tunnelled = new Set<string>();
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

  const linksOf = (ips: ReadonlySet<string>): Map<string, string> =>
    new Map([...ips].map((ip) => [tunnelLink(ip), ip]));
  const forwarding = (verb: string, ip: string): string =>
    `fdb ${verb} ${tunnelMac(ip)} dev ${tunnelLink(ip)} dst ${ip}`;

  /** The node's ends of tunnels: a link for each family, and a forwarding entry for each endpoint. */
  const makeTunnels = async (endpoints: ReadonlySet<string>): Promise<void> => {
    const before = linksOf(tunnelled);
    const made = [...linksOf(endpoints)].filter(([link]) => !before.has(link));
    await runBatch(
      'ip',
      made.flatMap(([, ip]) => tunnelCommands(ip, 'node')),
    );
    tunnelled = tunnelled.union(endpoints);
    await runBatch(
      'bridge',
      [...endpoints].map((ip) => forwarding('replace', ip)),
    );
  };

  const dropTunnels = async (endpoints: ReadonlySet<string>): Promise<void> => {
    const after = linksOf(endpoints);
    const gone = [...linksOf(tunnelled).keys()].filter((link) => !after.has(link));
    await runBatch(
      'ip',
      gone.map((link) => `link delete ${link}`),
    );
    const left = [...tunnelled].filter((ip) => !endpoints.has(ip) && after.has(tunnelLink(ip)));
    await runBatch(
      'bridge',
      left.map((ip) => forwarding('delete', ip)),
    );
    tunnelled = new Set(endpoints);
  };

  const dropTable = (): Promise<void> => {
    const table = `netdev ${directTableName}`;
    // A kernel without the family has no such table either.
    return options.runNft(`add table ${table}\ndelete table ${table}\n`).catch(() => undefined);
  };

  const findPlaces = async (all: readonly DirectPort[]): Promise<Map<string, LinkPlace>> => {
    const places = new Map<string, LinkPlace>();
    const byMac = new Set<string>();
    for (const { direct } of all) {
      for (const { ip } of direct.endpoints) {
        if (direct.by === 'vxlan')
          places.set(ip, { link: tunnelLink(ip), mac: tunnelMac(ip), ownMac: tunnelMac('0.0.0.0') });
        else byMac.add(ip);
      }
    }
    await Promise.all(
      [...byMac].map(async (ip) => {
        const place = await findLinkPlace(ip, clock);
        if (place !== undefined) places.set(ip, place);
      }),
    );
    return places;
  };

  const wishes = (all: readonly DirectPort[]): Iterable<BackendWish> => {
    const byIp = new Map<string, { ip: string; vips: Set<string>; tunnel: boolean }>();
    for (const { port, direct } of all) {
      for (const { ip, onThisNode } of direct.endpoints) {
        if (onThisNode === 'no') continue;
        const wish = byIp.get(ip) ?? { ip, vips: new Set<string>(), tunnel: false };
        for (const vip of port.vips) if (vip.kind !== 'clusterIP') wish.vips.add(vip.ip);
        wish.tunnel ||= direct.by === 'vxlan';
        byIp.set(ip, wish);
      }
    }
    return byIp.values();
  };

  const installTable = async (all: readonly DirectPort[]): Promise<void> => {
    const places = await findPlaces(all);
    const uplinks = options.uplinks ?? (await findUplinks(options.nodeIps()));
    const text = directTableText({ ports: all, places, uplinks });
    for (const { link } of places.values()) loosenSourceCheck(link);
    if (text === installed) return;
    const table = `netdev ${directTableName}`;
    await options.runNft(`add table ${table}\ndelete table ${table}\n${text}`);
    installed = text;
  };

  /** Endpoints can answer before packets come to them, and until none come any more. */
  const install = async (): Promise<void> => {
    const all = [...ports.values()].flat();
    const tunnelEnds = all.filter(({ direct }) => direct.by === 'vxlan');
    const tunnelTo = new Set(tunnelEnds.flatMap(({ direct }) => direct.endpoints.map(({ ip }) => ip)));
    await backends.give(wishes(all));
    await makeTunnels(tunnelTo);
    await installTable(all);
    await backends.takeAway();
    await dropTunnels(tunnelTo);
  };

  const installOrSay = (): Promise<void> =>
    serialize(install).catch((error: unknown) => {
      installed = '';
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
      // A predecessor's table may be there.
      if (first && !touched) void serialize(dropTable);
      first = false;
      if (!touched || removed) return Promise.resolve();
      return installOrSay().finally(refresh);
    },
    forget: () => {
      installed = '';
      if (ports.size > 0 && !removed) void installOrSay();
    },
    remove: () =>
      serialize(async () => {
        removed = true;
        cancelRefresh?.();
        ports.clear();
        await stopAll([
          () => (installed === '' ? undefined : dropTable()),
          () => backends.give([]).then(() => backends.takeAway()),
          () => dropTunnels(new Set()),
        ]);
      }),
  };
}
