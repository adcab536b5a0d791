import { headerFlag, rcode, rrClass, rrType } from '../../wire/dns/constants.ts';
import { type DnsRecord, decodeMessage } from '../../wire/dns/message.ts';
import { nameFromText, nameToText, type WireName } from '../../wire/dns/name.ts';
import { MessageWriter } from '../../wire/dns/writer.ts';
import type { FileZone } from '../file-zone.ts';
import { normalizeName } from '../owner-names.ts';
import type { DnsProgram, OwnerName, ZoneFacts } from '../program.ts';
import { soaRecord, wireRecordSet } from '../record-data.ts';

/** Room of one message of a transfer: within the reach of compression pointers. */
const messageBytes = 16_000;
/** Transfers at once; more are refused. */
const maxTransfers = 8;

/** What a transfer reads of the server. */
export interface TransferContext {
  readonly program: DnsProgram;
  readonly serial: number;
  /** Whether all names of a zone of ours are known. */
  readonly isComplete: (origin: OwnerName) => boolean;
  /** A zone of a file. */
  readonly fileZone?: ((origin: OwnerName) => FileZone | undefined) | undefined;
}

/**
 * Whole zones for secondaries (AXFR, RFC 5936; IXFR, RFC 1995, which falls back to a whole zone, or is the SOA
 * alone for whoever is up to date). Who may have them is decided before.
 *
 * A transfer is made while it is sent, so that a large zone takes no memory. A change meanwhile may be part of
 * it or not; it raises the serial, so that the secondary comes again.
 */
export class ZoneTransfers {
  readonly #context: () => TransferContext;
  #running = 0;
  #finished = 0;

  constructor(context: () => TransferContext) {
    this.#context = context;
  }

  /** Transfers that were sent to their end. */
  get finished(): number {
    return this.#finished;
  }

  /** Messages that answer a well-formed AXFR or IXFR query. End the generator early when the client is gone. */
  *answer(query: Uint8Array): Generator<Uint8Array, void, undefined> {
    const message = decodeMessage(query);
    const question = message?.questions[0];
    if (message === undefined || question === undefined) return;
    const context = this.#context();
    const owner = normalizeName(nameToText(question.name));
    const zone = [context.program.zone, ...context.program.otherZones].find(({ origin }) => origin === owner);
    const refuse = (code: number): Uint8Array => {
      const writer = new MessageWriter(new Uint8Array(512));
      writer.header(message.id, headerFlag.QR | code);
      writer.question(question);
      return writer.bytes;
    };
    const fileZone = zone === undefined ? context.fileZone?.(owner) : undefined;
    if (zone === undefined && fileZone === undefined) return yield refuse(rcode.NOTAUTH);
    if (zone !== undefined && !context.isComplete(zone.origin)) return yield refuse(rcode.SERVFAIL);
    if (this.#running >= maxTransfers) return yield refuse(rcode.REFUSED);
    this.#running++;
    try {
      const known = question.type === rrType.IXFR ? serialOf(message.authority) : undefined;
      const serial = fileZone?.serial ?? context.serial;
      const isCurrent = known !== undefined && (serial - known) >> 0 <= 0;
      const records =
        zone === undefined
          ? fileZone !== undefined && (isCurrent ? [fileZone.soa] : fileZone.transfer())
          : isCurrent
            ? [soaRecord(question.name, zone, context.serial, zone.negativeTtl)]
            : zoneRecords(question.name, zone, context);
      if (records === false) return;
      yield* pack(
        records,
        message.id,
        question,
        message.additional.some(({ type }) => type === rrType.OPT),
      );
      this.#finished++;
    } finally {
      this.#running--;
    }
  }
}

/** Serial of the SOA that an IXFR query carries (RFC 1995 3). */
function serialOf(authority: readonly DnsRecord[]): number | undefined {
  const soa = authority.find(({ type, data }) => type === rrType.SOA && data.length >= 20);
  if (soa === undefined) return undefined;
  return new DataView(soa.data.buffer, soa.data.byteOffset, soa.data.length).getUint32(soa.data.length - 20);
}

/** The zone's records between two copies of its SOA. */
function* zoneRecords(name: WireName, zone: ZoneFacts, { program, serial }: TransferContext): Generator<DnsRecord> {
  const soa = soaRecord(name, zone, serial, zone.negativeTtl);
  yield soa;
  const children = [program.zone, ...program.otherZones]
    .map(({ origin }) => origin)
    .filter((origin) => origin !== zone.origin && origin.endsWith(`.${zone.origin}`));
  for (const [owner, sets] of program.names.entries()) {
    if (sets.length === 0 || !isInZone(owner, zone.origin)) continue;
    if (children.some((child) => isInZone(owner, child))) continue;
    const wireOwner = nameFromText(owner);
    if (wireOwner === undefined) continue;
    for (const set of sets) {
      // All addresses, also those that a rule leaves out of single answers.
      const whole = set.type === 'A' || set.type === 'AAAA' ? { ...set, maxAnswers: set.addresses.length } : set;
      if (set.type !== 'SOA') yield* wireRecordSet(wireOwner, whole, zone, serial).answers;
    }
  }
  yield soa;
}

function isInZone(owner: OwnerName, origin: OwnerName): boolean {
  return owner === origin || owner.endsWith(`.${origin}`);
}

/** Puts records into messages. The question is in the first one, an OPT record too if the query had one. */
function* pack(
  records: Iterable<DnsRecord>,
  id: number,
  question: { readonly name: WireName; readonly type: number },
  hasOpt: boolean,
): Generator<Uint8Array> {
  let isFirst = true;
  const begin = (): MessageWriter => {
    const writer = new MessageWriter(new Uint8Array(65535), messageBytes);
    writer.header(id, headerFlag.QR | headerFlag.AA);
    if (isFirst) writer.question({ ...question, class: rrClass.IN });
    return writer;
  };
  const end = (writer: MessageWriter): Uint8Array => {
    if (isFirst && hasOpt) writer.opt(0, false);
    isFirst = false;
    return writer.bytes;
  };
  let writer = begin();
  let count = 0;
  for (const record of records) {
    if (!writer.record('answer', record)) {
      yield end(writer);
      writer = begin();
      count = 0;
      // One that is too large for a message of its own cannot be: records are at most a name and some bytes.
      if (!writer.record('answer', record)) continue;
    }
    count++;
  }
  if (count > 0) yield end(writer);
}
