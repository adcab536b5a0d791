import { randomInt } from 'node:crypto';
import type { Clock } from '../sys/clock.ts';
import { socketAddress } from '../sys/socket-address.ts';
import { rcode, rrClass, rrType } from '../wire/dns/constants.ts';
import type { DnsRecord } from '../wire/dns/message.ts';
import { nameFromText, nameKey, type WireName } from '../wire/dns/name.ts';
import { MessageWriter } from '../wire/dns/writer.ts';
import { FileZone, type FileZoneResult } from './file-zone.ts';
import { exchangeUdp } from './forward/upstream-exchange.ts';
import type { Secondary } from './notify-secondaries.ts';
import type { SecondarySource, SecondaryZonesOptions } from './secondary-zones.ts';
import { runInSlices } from './sliced-steps.ts';
import { transferZone } from './transfer-zone.ts';

/** Pause before the primaries of a zone that never came are asked again. */
const firstRetryMs = 10_000;
/** Bounds of what a SOA says, in seconds: no primary makes us ask all the time, or never. */
const shortestSeconds = 1;
const longestSeconds = 7 * 86_400;
/** Time for a primary's SOA. */
const soaTimeoutMs = 3000;
/** Part of a pause that chance takes away, so that not all zones are asked for at once. */
const jitter = 0.1;

/**
 * One zone of primaries: asked for its SOA when the refresh time is over or a primary says so, transferred when the
 * serial has grown, and given up (SERVFAIL) when nobody has answered for the time that the SOA says (RFC 1034 4.3.5).
 */
export class SecondaryZone {
  readonly #source: SecondarySource;
  readonly #origin: WireName | undefined;
  readonly #parts: Omit<SecondaryZonesOptions, 'sources'>;
  readonly #stopping: AbortController = new AbortController();
  #zone: FileZone | undefined;
  /** When it is not to be served any more. */
  #expiresMs = 0;
  #isNotified = false;
  #wake: () => void = () => {};

  constructor(source: SecondarySource, parts: Omit<SecondaryZonesOptions, 'sources'>) {
    this.#source = source;
    this.#origin = nameFromText(source.origin);
    this.#parts = parts;
    parts.zones.set(source.origin, undefined);
    void this.#run();
  }

  /** Whether the sender is a primary; then the zone is looked at now. */
  notify(from: string): boolean {
    if (!this.#source.primaries.some(({ address, port }) => socketAddress(address, port)?.address === from))
      return false;
    this.#isNotified = true;
    this.#wake();
    return true;
  }

  stop(): void {
    this.#stopping.abort();
    this.#wake();
  }

  async #run(): Promise<void> {
    const { clock, log, zones, random } = this.#parts;
    let isRefreshed = false;
    await this.#restore();
    while (!this.#stopping.signal.aborted) {
      this.#isNotified = false;
      isRefreshed = await this.#refresh();
      const zone = this.#zone;
      let pauseMs = firstRetryMs;
      if (zone !== undefined) {
        const { refresh, retry, expire } = timesOf(zone.soa);
        if (isRefreshed) this.#expiresMs = clock.monotonicMs() + expire;
        pauseMs = isRefreshed ? refresh : retry;
      }
      for (let leftMs = pauseMs * (1 - random() * jitter); leftMs > 0 && !this.#mustLook; ) {
        const untilExpiryMs = this.#zone === undefined ? leftMs : this.#expiresMs - clock.monotonicMs();
        const partMs = Math.max(0, Math.min(leftMs, untilExpiryMs));
        await this.#sleep(partMs);
        leftMs -= partMs;
        if (this.#zone !== undefined && clock.monotonicMs() >= this.#expiresMs) {
          log('error', 'DNS zone has expired: no primary answers', { zone: this.#source.origin });
          this.#zone = undefined;
          zones.set(this.#source.origin, undefined);
        }
      }
    }
  }

  get #mustLook(): boolean {
    return this.#isNotified || this.#stopping.signal.aborted;
  }

  #sleep(delayMs: number): Promise<void> {
    return new Promise((resolve) => {
      const cancel = this.#parts.clock.after(delayMs, resolve);
      this.#wake = () => {
        cancel();
        resolve();
      };
    });
  }

  /** Takes what was kept of the zone, unless it has expired. The primaries are asked at once all the same. */
  async #restore(): Promise<void> {
    const origin = this.#origin;
    const { store, clock, log } = this.#parts;
    if (store === undefined || origin === undefined) return;
    try {
      const kept = await store.read(this.#source.origin);
      const made = kept && (await assemble(origin, kept.records, clock));
      if (kept === undefined || made?.ok !== true || this.#stopping.signal.aborted) return;
      // A file from the future: the clock was set back since, and says nothing about its age.
      const ageMs = Math.max(0, clock.now() - kept.confirmedAtMs);
      const leftMs = timesOf(made.zone.soa).expire - ageMs;
      if (leftMs <= 0) return;
      this.#expiresMs = clock.monotonicMs() + leftMs;
      this.#install(made.zone);
      log('info', 'DNS zone taken from disk', { zone: this.#source.origin, serial: made.zone.serial, ageMs });
    } catch (error) {
      log('warn', 'DNS zone cannot be read from disk', { zone: this.#source.origin, error });
    }
  }

  #install(zone: FileZone): void {
    this.#zone = zone;
    this.#parts.zones.set(this.#source.origin, zone);
    this.#parts.onLoaded?.(zone);
  }

  /** Keeps the zone for the next start, or that it is still current. */
  #keep(isNew: boolean): void {
    const { store, clock, log } = this.#parts;
    const { origin } = this.#source;
    if (store === undefined || this.#zone === undefined) return;
    const kept = isNew ? store.write(origin, this.#zone, clock.now()) : store.confirm(origin, clock.now());
    kept.catch((error: unknown) => log('warn', 'DNS zone cannot be kept on disk', { zone: origin, error }));
  }

  /** Asks the primaries in turn. Whether one of them has said that our copy is up to date, or given a new one. */
  async #refresh(): Promise<boolean> {
    const problems: string[] = [];
    for (const primary of this.#source.primaries) {
      const problem = await this.#refreshFrom(primary);
      if (this.#stopping.signal.aborted) return false;
      if (problem === undefined) return true;
      problems.push(`${primary.address} ${problem}`);
    }
    this.#parts.log('warn', 'DNS zone cannot be refreshed', { zone: this.#source.origin, problems });
    return false;
  }

  /** What is wrong with a primary; absent: nothing, and our copy is the primary's. */
  async #refreshFrom(primary: Secondary): Promise<string | undefined> {
    const origin = this.#origin;
    const { clock, log } = this.#parts;
    if (origin === undefined) return 'has no zone of this name';
    if (this.#zone !== undefined) {
      const serial = await this.#serialOf(origin, primary);
      if (typeof serial === 'string') return serial;
      if ((serial - this.#zone.serial) << 0 <= 0) {
        this.#keep(false);
        return undefined;
      }
    }
    const transferred = await transferZone(origin, primary, clock, this.#stopping.signal);
    if (!transferred.ok) return transferred.problem;
    const made = await assemble(origin, transferred.records, clock);
    if (!made.ok) return made.problem;
    if (this.#stopping.signal.aborted) return 'given up';
    this.#install(made.zone);
    this.#keep(true);
    const { serial, size } = made.zone;
    log('info', 'DNS zone transferred', { zone: this.#source.origin, primary: primary.address, serial, records: size });
    return undefined;
  }

  /** Serial of a primary's SOA; a text says why there is none. */
  async #serialOf(name: WireName, primary: Secondary): Promise<number | string> {
    const question = { name, type: rrType.SOA, class: rrClass.IN };
    const id = randomInt(65536);
    const writer = new MessageWriter(new Uint8Array(320));
    writer.header(id, 0);
    writer.question(question);
    const result = await exchangeUdp({
      upstream: primary,
      query: writer.bytes,
      id,
      question,
      timeoutMs: soaTimeoutMs,
      clock: this.#parts.clock,
      signal: this.#stopping.signal,
    });
    if (!result.ok) return result.reason;
    const { flags, answers } = result.message;
    const soa = answers.find((record) => record.type === rrType.SOA && nameKey(record.name) === nameKey(name));
    if ((flags & 15) !== rcode.NOERROR || soa === undefined) return `has no SOA (code ${flags & 15})`;
    return wordFromEnd(soa, 20);
  }
}

/** Checks and indexes records in slices. */
function assemble(
  origin: WireName,
  records: readonly DnsRecord[],
  clock: Pick<Clock, 'monotonicMs'>,
): Promise<FileZoneResult> {
  return new Promise((resolve) => runInSlices(FileZone.assemble(origin, records), clock, resolve));
}

function wordFromEnd({ data }: DnsRecord, bytes: number): number {
  return new DataView(data.buffer, data.byteOffset, data.length).getUint32(data.length - bytes);
}

/** Times of a SOA in milliseconds. */
function timesOf(soa: DnsRecord): { readonly refresh: number; readonly retry: number; readonly expire: number } {
  const [refresh, retry, expire] = [16, 12, 8].map(
    (bytes) => Math.min(longestSeconds, Math.max(shortestSeconds, wordFromEnd(soa, bytes))) * 1000,
  ) as [number, number, number];
  return { refresh, retry, expire };
}
