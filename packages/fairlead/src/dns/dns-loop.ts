import type { EndpointSlice, Ingress, Namespace, Pod, Service, Stored } from '@fairlead/api';
import type { Clock } from '../sys/clock.ts';
import {
  compileNamespaceRecords,
  compilePodRecords,
  compileServiceSteps,
  type DnsCompileOptions,
  isHeadless,
  writeSliceRecords,
} from './compile.ts';
import { compileImportSteps, importSource, isHeadlessImport } from './compile-clusterset.ts';
import { readDnsPolicy } from './dns-policy.ts';
import type { DnsSource, RecordSink } from './dns-source.ts';
import { type ExternalSources, startExternalLoop } from './external-loop.ts';
import type { DnsGateway, DnsRoute } from './gateway-kinds.ts';
import { importNameLabel, type ServiceImport } from './multicluster-kinds.ts';
import type { OwnerName } from './program.ts';
import { ServiceRecordsLoop } from './service-records-loop.ts';
import { writeEndpointNames } from './write-endpoint-names.ts';

/** The objects that records come from. */
export interface DnsSources {
  readonly services: DnsSource<Service>;
  readonly endpointSlices: DnsSource<EndpointSlice>;
  readonly namespaces: DnsSource<Namespace>;
  /** Only in the verified mode of Pod records. */
  readonly pods?: DnsSource<Pod> | undefined;
  /** Only with an external zone. */
  readonly ingresses?: DnsSource<Ingress> | undefined;
  readonly gateways?: DnsSource<DnsGateway> | undefined;
  readonly routes?: Readonly<Record<string, DnsSource<DnsRoute>>> | undefined;
  /** Only with a zone of the cluster set. */
  readonly imports?: DnsSource<ServiceImport> | undefined;
}

/** A mistake of the user in a Service, worth a Warning Event. */
export interface DnsNotice {
  /** `namespace/name`. */
  readonly service: string;
  readonly reason: string;
  readonly message: string;
}

/** Options of {@link DnsLoop}. */
export interface DnsLoopOptions extends DnsCompileOptions {
  readonly clock: Pick<Clock, 'monotonicMs'>;
  /** Zone for clients outside: load balancers' addresses, hosts of Ingresses and routes. */
  readonly externalZone?: OwnerName | undefined;
  /** Zone of Services imported from other clusters (KEP-1645). */
  readonly clustersetZone?: OwnerName | undefined;
  /** Asked once, when the API has delivered everything: the zone of this node. */
  readonly findNodeZone?: (() => Promise<string | undefined>) | undefined;
  readonly onNotice?: ((notice: DnsNotice) => void) | undefined;
  /** Told of a headless Service's slice whose change has been installed. */
  readonly onInstalled?: ((slice: EndpointSlice) => void) | undefined;
}

/**
 * Compiles what changed and gives it to the server, in the turn in which the change arrived. Nothing is
 * compiled before all sources are complete, so a half-known cluster is never served.
 */
export class DnsLoop {
  /** Resolves when the first complete program is installed. */
  readonly synced: Promise<void>;
  readonly #sources: DnsSources;
  readonly #sink: RecordSink;
  readonly #options: DnsLoopOptions;
  #compileOptions: DnsCompileOptions;
  readonly #services: ServiceRecordsLoop<Service>;
  readonly #imports: ServiceRecordsLoop<ServiceImport> | undefined;
  readonly #unsubscribers: (() => void)[] = [];
  #isStopped = false;

  constructor(sources: DnsSources, sink: RecordSink, options: DnsLoopOptions) {
    this.#sources = sources;
    this.#sink = sink;
    this.#options = options;
    this.#compileOptions = options;
    this.#services = new ServiceRecordsLoop<Service>(
      {
        prefix: 'service',
        label: 'kubernetes.io/service-name',
        isHeadless,
        compileOwner: (service, slices, writer) => compileServiceSteps(service, slices, this.#compileOptions, writer),
        writeSlice: (service, slice, block) => writeSliceRecords(service, slice, this.#compileOptions, block),
        onInstalled: options.onInstalled,
      },
      sources.services,
      sources.endpointSlices,
      sink,
      options.clock,
    );
    this.#imports = this.#startImports();
    this.#watch();
    this.synced = this.#load();
    void this.#loadOthers();
  }

  stop(): void {
    this.#isStopped = true;
    this.#services.stop();
    this.#imports?.stop();
    for (const unsubscribe of this.#unsubscribers) unsubscribe();
  }

  async #load(): Promise<void> {
    const { services, endpointSlices, namespaces, pods } = this.#sources;
    await Promise.all([services.synced, endpointSlices.synced, namespaces.synced, pods?.synced]);
    const nodeZone = await this.#options.findNodeZone?.();
    if (nodeZone !== undefined) this.#compileOptions = { ...this.#compileOptions, nodeZone };
    if (this.#isStopped) return;
    await this.#services.begin();
    if (!this.#isStopped) this.#sink.markSynced();
  }

  /** The other zones may have to wait longer, e.g. for the right to read Ingresses. */
  async #loadOthers(): Promise<void> {
    const { ingresses, gateways, routes, imports } = this.#sources;
    const { externalZone, clustersetZone } = this.#options;
    await this.synced;
    const external = async (): Promise<void> => {
      await Promise.all([ingresses, gateways, ...Object.values(routes ?? {})].map((source) => source?.synced));
      if (externalZone !== undefined && !this.#isStopped) this.#sink.markOtherSynced(externalZone);
    };
    const clusterset = async (): Promise<void> => {
      await imports?.synced;
      if (this.#isStopped || this.#imports === undefined || clustersetZone === undefined) return;
      await this.#imports.begin();
      this.#sink.markOtherSynced(clustersetZone);
    };
    await Promise.all([external(), clusterset()]);
  }

  #startImports(): ServiceRecordsLoop<ServiceImport> | undefined {
    const { imports, endpointSlices } = this.#sources;
    const { clustersetZone: zone, clock } = this.#options;
    if (imports === undefined || zone === undefined) return undefined;
    return new ServiceRecordsLoop<ServiceImport>(
      {
        prefix: 'import',
        label: importNameLabel,
        isHeadless: isHeadlessImport,
        compileOwner: (imported, slices, writer) =>
          compileImportSteps(imported, slices, { ...this.#compileOptions, zone, hasZonalNames: false }, writer),
        writeSlice: (imported, slice, block) =>
          writeEndpointNames(importSource(imported, zone), slice, this.#compileOptions.ttlSeconds, block),
      },
      imports,
      endpointSlices,
      this.#sink,
      clock,
    );
  }

  #watch(): void {
    const { services, namespaces, pods, ingresses, gateways, routes } = this.#sources;
    const { externalZone, ttlSeconds } = this.#options;
    this.#unsubscribers.push(
      services.subscribe((changes) => {
        for (const { key, old, new: next } of changes) if (next !== undefined) this.#checkPolicy(key, old, next);
      }),
      namespaces.subscribe((changes) => {
        for (const { key, new: namespace } of changes) {
          const records = namespace && compileNamespaceRecords(namespace, this.#options);
          this.#sink.setSource(`namespace/${key}`, records);
        }
      }),
    );
    if (externalZone !== undefined && ingresses !== undefined) {
      const external: ExternalSources = { services, ingresses, gateways, routes };
      this.#unsubscribers.push(startExternalLoop(external, this.#sink, { zone: externalZone, ttlSeconds }));
    }
    if (pods === undefined) return;
    this.#unsubscribers.push(
      pods.subscribe((changes) => {
        for (const { key, new: pod } of changes) {
          this.#sink.setSource(`pod/${key}`, pod && compilePodRecords(pod, this.#options));
        }
      }),
    );
  }

  /** Tells of mistakes in annotations, once per change of them. */
  #checkPolicy(key: string, old: Stored<Service> | undefined, next: Stored<Service>): void {
    const { onNotice } = this.#options;
    if (onNotice === undefined || next.metadata.annotations === undefined) return;
    const { problems } = readDnsPolicy(next);
    if (problems.length === 0) return;
    const textOf = (found: typeof problems): string =>
      found.map(({ field, message }) => `${field}: ${message}`).join('; ');
    const message = textOf(problems);
    if (old !== undefined && textOf(readDnsPolicy(old).problems) === message) return;
    onNotice({ service: key, reason: 'InvalidDnsPolicy', message });
  }
}
