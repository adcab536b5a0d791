import { type EndpointSlice, type Node, nodes, type Service, type Stored, services } from '@fairlead/api';
import { addressPools, bgpAdvertisements, bgpPeers, l2Announcements } from '@fairlead/api/fairlead-dev/types';
import { type ApiClient, createEventRecorder, type Informer, isNotFound, startInformer } from '@fairlead/client';
import { type Collection, mapCollection, onBatch } from '../collections/index.ts';
import type { Clock, Random } from '../sys/clock.ts';
import type { Log, Running } from '../sys/role.ts';
import type { AddressMetrics } from './address-metrics.ts';
import { BgpAnnouncer } from './bgp/bgp-announcer.ts';
import { type AnnouncerNode, compileAddresses } from './compile.ts';
import { type AddressNotice, Layer2Announcer } from './layer2/layer2-announcer.ts';
import type { AddressProgram } from './program.ts';
import { serviceReach } from './service-reach.ts';

/** Options of {@link startAddresses}. */
export interface AddressesOptions {
  readonly client: ApiClient;
  readonly nodeName: string;
  /** Services with their slices, as the service proxy watches them. */
  readonly services: Collection<{
    readonly service: Stored<Service>;
    readonly slices: readonly Stored<EndpointSlice>[];
  }>;
  /** Addresses of the node besides those of its Node object. */
  readonly nodeIps: readonly string[];
  readonly clock: Clock;
  readonly random: Random;
  readonly log: Log;
  readonly metrics: AddressMetrics;
}

/** The running announcements of a node. */
export interface RunningAddresses extends Running {
  program(): AddressProgram;
  /** Brings the metrics up to date. */
  observe(): void;
}

const excludeLabel = 'node.kubernetes.io/exclude-from-external-load-balancers';
/** How often a server that does not serve our kinds is asked again. */
const askEveryMs = 30_000;
/** How often an excluded node looks whether another one is not. */
const excludedEveryMs = 15_000;

/** Announces the load balancer addresses of Services from this node, as L2Announcements and BGPAdvertisements say. */
export function startAddresses(options: AddressesOptions): RunningAddresses {
  const announcements = new Announcements(options);
  void announcements.begin();
  return announcements;
}

/** A program as text, to tell whether anything changed. */
function programText({ layer2, bgp }: AddressProgram, nodeIps: readonly string[]): string {
  return JSON.stringify([[...layer2], [...bgp].map(([peer, routes]) => [peer, [...routes]]), nodeIps]);
}

class Announcements implements RunningAddresses {
  readonly #options: AddressesOptions;
  readonly #layer2: Layer2Announcer;
  readonly #bgp: BgpAnnouncer;
  readonly #recorder: ReturnType<typeof createEventRecorder>;
  #program: AddressProgram = { layer2: new Map(), bgp: new Map() };
  #informers: Informer<unknown>[] = [];
  #batcher: ReturnType<typeof onBatch> | undefined;
  #cancel: () => void = () => {};
  #stopped = false;
  /** Whether some other node may announce; asked for only while this one is excluded. */
  #othersMayAnnounce = true;

  constructor(options: AddressesOptions) {
    this.#options = options;
    const { client, nodeName, clock, random, log, metrics } = options;
    this.#recorder = createEventRecorder(client, { component: 'addresses', host: nodeName, clock, random, log });
    const onNotice = (notice: AddressNotice): void => void this.#notify(notice);
    this.#layer2 = new Layer2Announcer({ client, nodeName, clock, random, log, metrics, onNotice });
    this.#bgp = new BgpAnnouncer({ client, nodeName, clock, log, metrics, onNotice });
  }

  program(): AddressProgram {
    return this.#program;
  }

  observe(): void {
    this.#layer2.observe();
    this.#bgp.observe();
  }

  /** Waits until the server serves our kinds: a cluster's server may never do. */
  async begin(): Promise<void> {
    if (this.#stopped) return;
    const { client, clock, log } = this.#options;
    let again = askEveryMs;
    try {
      await client.request('GET', '/apis/fairlead.dev/v1alpha1');
      if (!this.#stopped) this.#start();
      return;
    } catch (error) {
      if (!isNotFound(error)) again = 1000;
      log('debug', 'kinds for load balancer addresses are not served yet', { error: (error as Error).message });
    }
    if (!this.#stopped) this.#cancel = clock.after(again, () => void this.begin());
  }

  #start(): void {
    const { client, nodeName, clock, random, log } = this.#options;
    const surroundings = { clock, random, log };
    const own = startInformer(client, nodes, { fieldSelector: `metadata.name=${nodeName}` }, surroundings);
    const pools = startInformer(client, addressPools, {}, surroundings);
    const layer2 = startInformer(client, l2Announcements, {}, surroundings);
    const adverts = startInformer(client, bgpAdvertisements, {}, surroundings);
    const peers = startInformer(client, bgpPeers, {}, surroundings);
    this.#informers = [own, pools, layer2, adverts, peers] as Informer<unknown>[];
    const reach = mapCollection('reach of load balancers', this.#options.services, ({ service, slices }) =>
      serviceReach(service, slices, nodeName),
    );
    let last = '';
    const sync = async (): Promise<void> => {
      if (this.#stopped || !reach.hasSynced || this.#informers.some((informer) => !informer.hasSynced)) return;
      const node = this.#nodeOf(own.get(nodeName));
      const program = compileAddresses({
        node,
        services: reach.values(),
        pools: pools.values(),
        l2Announcements: layer2.values(),
        bgpAdvertisements: adverts.values(),
        bgpPeers: peers.values(),
      });
      const nodeIps = this.#nodeIps(own.get(nodeName));
      const specs = [...peers.values()].map(({ metadata, spec }) => [metadata.name, spec]);
      const input = JSON.stringify([programText(program, nodeIps), specs]);
      if (input === last) return;
      last = input;
      this.#program = program;
      try {
        await this.#layer2.apply(program.layer2, nodeIps);
        await this.#bgp.apply(
          program.bgp,
          new Map([...peers.values()].map((peer) => [peer.metadata.name, peer])),
          nodeIps,
        );
      } catch (error) {
        last = '';
        log('error', 'addresses could not be announced', { error: (error as Error).message });
      }
    };
    const batcher = onBatch({ minMs: 5, maxMs: 50, clock }, sync);
    this.#batcher = batcher;
    const trigger = (): void => batcher.trigger();
    for (const informer of this.#informers) informer.subscribe(trigger);
    reach.subscribe(trigger);
    void Promise.all([reach.synced, ...this.#informers.map((informer) => informer.synced)]).then(trigger);
  }

  #nodeIps(node: Stored<Node> | undefined): string[] {
    const addresses = (node?.status?.addresses ?? []).filter(({ type }) => type === 'InternalIP');
    return [...new Set([...this.#options.nodeIps, ...addresses.map(({ address }) => address)])];
  }

  #nodeOf(node: Stored<Node> | undefined): AnnouncerNode {
    const labels = node?.metadata.labels ?? {};
    const leaving =
      node?.metadata.deletionTimestamp !== undefined ||
      node?.spec?.taints?.some(({ key }) => key === 'ToBeDeletedByClusterAutoscaler') === true;
    const excluded = Object.hasOwn(labels, excludeLabel);
    this.#cancel();
    if (excluded) this.#askForOthers();
    else this.#othersMayAnnounce = true;
    return { labels, isExcluded: leaving || (excluded && this.#othersMayAnnounce) };
  }

  /** With every node excluded (a cluster of control planes), the label would leave nobody: then it does not count. */
  #askForOthers(): void {
    const { client, clock } = this.#options;
    const ask = async (): Promise<void> => {
      const list = await client.list(nodes, { labelSelector: `!${excludeLabel}`, limit: 1 }).catch(() => undefined);
      if (this.#stopped || list === undefined) return;
      const others = list.items.length > 0;
      if (others === this.#othersMayAnnounce) return;
      this.#othersMayAnnounce = others;
      this.#batcher?.trigger();
    };
    void ask();
    this.#cancel = clock.after(excludedEveryMs, () => this.#batcher?.trigger());
  }

  async #notify({ services: keys, type, reason, message }: AddressNotice): Promise<void> {
    for (const key of keys) {
      const [namespace = '', name = ''] = key.split('/');
      const service = await this.#options.client.get(services, { namespace, name }).catch(() => undefined);
      if (service === undefined) continue;
      this.#recorder.record(service, type, reason, message, { kind: 'Service', apiVersion: 'v1' });
    }
  }

  async stop(): Promise<void> {
    if (this.#stopped) return;
    this.#stopped = true;
    this.#cancel();
    for (const informer of this.#informers) informer.stop();
    await this.#batcher?.stop();
    await Promise.all([this.#layer2.stop(), this.#bgp.stop()]);
    await this.#recorder.flush();
  }
}
