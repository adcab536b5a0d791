import type { EndpointSlice } from '@fairlead/api';
import type { Clock } from '../sys/clock.ts';
import type { InstallableSteps } from './compile-headless.ts';
import type { DnsSource, RecordSink } from './dns-source.ts';
import { EntryBlock } from './server/entry-block.ts';
import { SliceIndex } from './slice-index.ts';
import { SlicedWork } from './sliced-work.ts';
import { ServiceNamesWriter } from './write-service-names.ts';

/** What a kind of Service (Service, ServiceImport) needs to become records. */
export interface ServiceKind<T> {
  /** First part of the names of its sources in the sink, e.g. `service`. */
  readonly prefix: string;
  /** Label of a slice that names its owner. */
  readonly label: string;
  /** Whether its names come from its slices. */
  readonly isHeadless: (owner: T) => boolean;
  /** Its own names; `writer` may be used for them, one owner at a time. */
  readonly compileOwner: (owner: T, slices: readonly EndpointSlice[], writer: ServiceNamesWriter) => InstallableSteps;
  /** Fills a block with the names of a slice's endpoints. */
  readonly writeSlice: (owner: T, slice: EndpointSlice, block: EntryBlock) => void;
  /** Told of a headless owner's slice whose change has been installed; not of the first load. */
  readonly onInstalled?: ((slice: EndpointSlice) => void) | undefined;
}

/**
 * Keeps the records of Services and their slices: first the endpoints' own names, then the Service's, which
 * lists them. Nothing is compiled before {@link ServiceRecordsLoop.begin}.
 */
export class ServiceRecordsLoop<T> {
  readonly #kind: ServiceKind<T>;
  readonly #owners: DnsSource<T>;
  readonly #sink: RecordSink;
  readonly #index: SliceIndex;
  /** Keys of slices, with those of their owners. */
  readonly #ownerOf: Map<string, string> = new Map();
  readonly #block: EntryBlock = new EntryBlock();
  readonly #writer: ServiceNamesWriter = new ServiceNamesWriter();
  readonly #slices: SlicedWork;
  readonly #services: SlicedWork;
  readonly #unsubscribers: readonly (() => void)[];
  #hasBegun = false;
  #isLoaded = false;

  constructor(
    kind: ServiceKind<T>,
    owners: DnsSource<T>,
    endpointSlices: DnsSource<EndpointSlice>,
    sink: RecordSink,
    clock: Pick<Clock, 'monotonicMs'>,
  ) {
    this.#kind = kind;
    this.#owners = owners;
    this.#sink = sink;
    this.#index = new SliceIndex(kind.label, (slice, owner) => this.#noteSlice(slice, owner));
    this.#slices = new SlicedWork(clock, (key) => this.#compileSlice(key));
    this.#services = new SlicedWork(clock, (key) => this.#compileOwner(key));
    this.#unsubscribers = [
      owners.subscribe((changes) => {
        for (const { key } of changes) {
          this.#services.mark(key);
          // What a Service says of its endpoints (not ready ones, headless at all) concerns all its slices.
          for (const slice of this.#index.of(key)?.keys() ?? []) this.#markSlice(slice, key);
        }
        this.#run();
      }),
      endpointSlices.subscribe((changes) => {
        this.#index.take(changes);
        this.#run();
      }),
    ];
  }

  /** Compiles all that is known. Resolves when it is installed; from then on changes are followed. */
  async begin(): Promise<void> {
    this.#hasBegun = true;
    await this.#slices.run();
    await this.#services.run();
    this.#isLoaded = true;
  }

  stop(): void {
    for (const unsubscribe of this.#unsubscribers) unsubscribe();
    this.#slices.stop();
    this.#services.stop();
  }

  #run(): void {
    if (!this.#hasBegun) return;
    void this.#slices.run();
    void this.#services.run();
  }

  #markSlice(slice: string, owner: string): void {
    this.#ownerOf.set(slice, owner);
    this.#slices.mark(slice);
  }

  /** Slices of a Service with a virtual IP do not matter to its own name. */
  #noteSlice(slice: string, ownerKey: string): void {
    const owner = this.#owners.get(ownerKey);
    this.#markSlice(slice, ownerKey);
    if (owner === undefined || this.#kind.isHeadless(owner)) this.#services.mark(ownerKey);
  }

  #compileSlice(key: string): void {
    const ownerKey = this.#ownerOf.get(key) ?? '';
    this.#ownerOf.delete(key);
    const owner = this.#owners.get(ownerKey);
    const slice = this.#index.of(ownerKey)?.get(key);
    const isWanted = owner !== undefined && slice !== undefined && this.#kind.isHeadless(owner);
    const source = `${this.#kind.prefix}-slice/${key}`;
    if (isWanted) this.#kind.writeSlice(owner, slice, this.#block);
    this.#sink.setSource(source, isWanted ? this.#block : undefined);
    if (isWanted && this.#isLoaded) this.#kind.onInstalled?.(slice);
  }

  /** In steps, what it leads to at once. An owner that changes meanwhile is marked again, and compiled again. */
  *#compileOwner(key: string): Generator<void, void, undefined> {
    const owner = this.#owners.get(key);
    const slices = [...(this.#index.of(key)?.values() ?? [])];
    const records = owner && (yield* this.#kind.compileOwner(owner, slices, this.#writer));
    this.#sink.setSource(`${this.#kind.prefix}/${key}`, records);
  }
}
