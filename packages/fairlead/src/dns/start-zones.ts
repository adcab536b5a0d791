import { join } from 'node:path';
import { compileHostsRecords } from './compile-static.ts';
import type { CheckedDnsOptions, DnsNamesOptions, DnsOptions } from './dns-options.ts';
import { type OwnZoneSources, OwnZones, tellSecondaries } from './own-zones.ts';
import type { OwnerName } from './program.ts';
import type { NotifyVerdict } from './secondary-zones.ts';
import type { ServerViews } from './server/dns-server.ts';
import { ZoneStore } from './zone-store.ts';

/** Zones of files and of primaries, and the views that have zones of their own. */
export interface StartedZones {
  /** Of the server itself; absent: it has none. */
  readonly base: OwnZones | undefined;
  /** Absent: all clients get the same. */
  readonly views: ServerViews | undefined;
  /** All of them, to be stopped. */
  readonly all: readonly OwnZones[];
}

/** Begins to load the zones of the server and of its views. */
export function startOwnZones(options: DnsOptions, checked: CheckedDnsOptions): StartedZones {
  const { notify = [], clock, random, log, zoneFolder } = options;
  const all: OwnZones[] = [];
  const start = (
    { zoneFiles, secondaries }: Partial<DnsNamesOptions>,
    forwardDomains: OwnZoneSources['forwardDomains'],
    view: string,
  ): OwnZones | undefined => {
    const sources = { zoneFiles, secondaries };
    if (!OwnZones.areWanted(sources)) return undefined;
    const zones = new OwnZones(
      { ...sources, forwardDomains },
      {
        ...{ clock, random, log },
        onLoaded: ({ soa }) => tellSecondaries(notify, soa, { clock, log }),
        // Views may have other zones of the same name.
        store: zoneFolder === undefined ? undefined : new ZoneStore(join(zoneFolder, view)),
      },
    );
    all.push(zones);
    return zones;
  };
  const base = start(
    options,
    checked.forwardRules.map(({ domain }) => domain),
    'all',
  );
  const views = options.views && {
    zones: options.views.zones,
    views: options.views.views.map((view, index) => {
      const forwarding = checked.viewForwarding[index] ?? { upstreams: [], forwardRules: [] };
      const { rewrites = [], templates = [], accessRules = [], hasCluster } = view;
      const zones = start(
        view,
        forwarding.forwardRules.map(({ domain }) => domain),
        `view-${index + 1}`,
      );
      const hosts = compileHostsRecords(view.hosts, checked.ttlSeconds);
      return { ...forwarding, rewrites, templates, accessRules, hasCluster, hosts, fileZones: zones?.zones };
    }),
  };
  return { base, views, all };
}

/** Tells the zones of a NOTIFY; one that takes it decides. */
export function notifyZones(all: readonly OwnZones[], origin: OwnerName, from: string): NotifyVerdict {
  const verdicts = all.map((zones) => zones.notify(origin, from));
  return (
    verdicts.find((verdict) => verdict === 'taken') ?? verdicts.find((verdict) => verdict !== 'no zone') ?? 'no zone'
  );
}
