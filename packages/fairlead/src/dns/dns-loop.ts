import type { EndpointSlice, Ingress, Namespace, Pod, Service, Stored } from '@fairlead/api';
import type { Informer } from '@fairlead/client';
import {
  compileNamespaceRecords,
  compilePodRecords,
  compileServiceRecords,
  compileSliceRecords,
  type DnsCompileOptions,
  isHeadless,
} from './compile.ts';
import { compileExternalIngress, compileExternalService } from './compile-external.ts';
import { readDnsPolicy } from './dns-policy.ts';
import type { CompiledRecords, OwnerName } from './program.ts';

/** What the loop reads of an informer. */
export type DnsSource<T> = Pick<Informer<T>, 'subscribe' | 'synced' | 'get'>;

/** The objects that records come from. */
export interface DnsSources {
  readonly services: DnsSource<Service>;
  readonly endpointSlices: DnsSource<EndpointSlice>;
  readonly namespaces: DnsSource<Namespace>;
  /** Only in the verified mode of Pod records. */
  readonly pods?: DnsSource<Pod> | undefined;
  /** Only with an external zone. */
  readonly ingresses?: DnsSource<Ingress> | undefined;
}

/** Where compiled records go: the server. */
export interface RecordSink {
  setSource(source: string, records: CompiledRecords | undefined): void;
  markSynced(): void;
  /** The same for the external zone. */
  markOtherSynced(index: number): void;
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
  /** Zone for clients outside: load balancers' addresses and Ingress hosts. */
  readonly externalZone?: OwnerName | undefined;
  readonly onNotice?: ((notice: DnsNotice) => void) | undefined;
}

const serviceNameLabel = 'kubernetes.io/service-name';

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
  /** Slices by Service key, then by slice key. */
  readonly #slices: Map<string, Map<string, Stored<EndpointSlice>>> = new Map();
  readonly #dirtyServices: Set<string> = new Set();
  /** Keys of slices, with those of their Services. */
  readonly #dirtySlices: Map<string, string> = new Map();
  readonly #unsubscribers: (() => void)[] = [];
  #isSynced = false;
  #isStopped = false;

  constructor(sources: DnsSources, sink: RecordSink, options: DnsLoopOptions) {
    this.#sources = sources;
    this.#sink = sink;
    this.#options = options;
    this.#watch();
    const { ingresses, ...rest } = sources;
    const all = Object.values(rest) as readonly (DnsSource<unknown> | undefined)[];
    this.synced = Promise.all(all.map((source) => source?.synced)).then(() => {
      if (this.#isStopped) return;
      this.#isSynced = true;
      this.#compileDirty();
      sink.markSynced();
    });
    // The external zone may have to wait longer, e.g. for the right to read Ingresses.
    void Promise.all([this.synced, ingresses?.synced]).then(() => {
      if (ingresses !== undefined && !this.#isStopped) sink.markOtherSynced(0);
    });
  }

  stop(): void {
    this.#isStopped = true;
    for (const unsubscribe of this.#unsubscribers) unsubscribe();
  }

  #watch(): void {
    const { services, endpointSlices, namespaces, pods, ingresses } = this.#sources;
    const { externalZone } = this.#options;
    this.#unsubscribers.push(
      services.subscribe((changes) => {
        for (const { key, old, new: next } of changes) {
          if (next !== undefined) this.#checkPolicy(key, old, next);
          this.#dirtyServices.add(key);
          // What a Service says of its endpoints (not ready ones, headless at all) concerns all its slices.
          for (const slice of this.#slices.get(key)?.keys() ?? []) this.#dirtySlices.set(slice, key);
        }
        this.#compileDirty();
      }),
      endpointSlices.subscribe((changes) => {
        for (const { key, old, new: next } of changes) {
          // The same Service twice is the rule: then dropping it first would only make work.
          if (old !== undefined && (next === undefined || serviceKeyOf(next) !== serviceKeyOf(old))) {
            this.#dropSlice(key, old);
          }
          if (next !== undefined) this.#keepSlice(key, next);
        }
        this.#compileDirty();
      }),
      namespaces.subscribe((changes) => {
        for (const { key, new: namespace } of changes) {
          const records = namespace && compileNamespaceRecords(namespace, this.#options);
          this.#sink.setSource(`namespace/${key}`, records);
        }
      }),
    );
    if (externalZone !== undefined && ingresses !== undefined) {
      const options = { zone: externalZone, ttlSeconds: this.#options.ttlSeconds };
      this.#unsubscribers.push(
        ingresses.subscribe((changes) => {
          for (const { key, new: ingress } of changes) {
            this.#sink.setSource(`ingress/${key}`, ingress && compileExternalIngress(ingress, options));
          }
        }),
        services.subscribe((changes) => {
          for (const { key, new: service } of changes) {
            this.#sink.setSource(`external/${key}`, service && compileExternalService(service, options));
          }
        }),
      );
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
  #checkPolicy(key: string, old: Service | undefined, next: Service): void {
    const { onNotice } = this.#options;
    if (onNotice === undefined || next.metadata?.annotations === undefined) return;
    const { problems } = readDnsPolicy(next);
    if (problems.length === 0) return;
    const textOf = (found: typeof problems): string =>
      found.map(({ field, message }) => `${field}: ${message}`).join('; ');
    const message = textOf(problems);
    if (old !== undefined && textOf(readDnsPolicy(old).problems) === message) return;
    onNotice({ service: key, reason: 'InvalidDnsPolicy', message });
  }

  #keepSlice(key: string, slice: Stored<EndpointSlice>): void {
    const service = serviceKeyOf(slice);
    if (service === undefined) return;
    const slices = this.#slices.get(service);
    if (slices === undefined) this.#slices.set(service, new Map([[key, slice]]));
    else slices.set(key, slice);
    this.#noteSlice(key, service);
  }

  #dropSlice(key: string, slice: Stored<EndpointSlice>): void {
    const service = serviceKeyOf(slice);
    const slices = service === undefined ? undefined : this.#slices.get(service);
    if (service === undefined || slices === undefined) return;
    slices.delete(key);
    if (slices.size === 0) this.#slices.delete(service);
    this.#noteSlice(key, service);
  }

  /** Slices of a Service with a cluster IP do not matter. */
  #noteSlice(key: string, service: string): void {
    const owner = this.#sources.services.get(service);
    this.#dirtySlices.set(key, service);
    if (owner === undefined || isHeadless(owner)) this.#dirtyServices.add(service);
  }

  #compileDirty(): void {
    if (!this.#isSynced) return;
    // First the endpoints' own names, then the Service's, which lists them.
    for (const [key, serviceKey] of this.#dirtySlices) {
      const service = this.#sources.services.get(serviceKey);
      const slice = this.#slices.get(serviceKey)?.get(key);
      const isWanted = service !== undefined && slice !== undefined && isHeadless(service);
      this.#sink.setSource(`slice/${key}`, isWanted ? compileSliceRecords(service, slice, this.#options) : undefined);
    }
    this.#dirtySlices.clear();
    for (const key of this.#dirtyServices) {
      const service = this.#sources.services.get(key);
      const slices = [...(this.#slices.get(key)?.values() ?? [])];
      this.#sink.setSource(`service/${key}`, service && compileServiceRecords(service, slices, this.#options));
    }
    this.#dirtyServices.clear();
  }
}

function serviceKeyOf(slice: Stored<EndpointSlice>): string | undefined {
  const service = slice.metadata.labels?.[serviceNameLabel];
  return service === undefined || service === '' ? undefined : `${slice.metadata.namespace ?? ''}/${service}`;
}
