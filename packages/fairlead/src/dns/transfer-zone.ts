import { randomInt } from 'node:crypto';
import { connect } from 'node:net';
import type { Clock } from '../sys/clock.ts';
import { headerFlag, rrClass, rrType } from '../wire/dns/constants.ts';
import { type DnsRecord, decodeMessage } from '../wire/dns/message.ts';
import { nameKey, type WireName } from '../wire/dns/name.ts';
import { MessageWriter } from '../wire/dns/writer.ts';
import type { Secondary } from './notify-secondaries.ts';

/** A primary that says nothing for so long is given up. */
const idleMs = 10_000;
/** Most records of a zone. */
const maxRecords = 1_000_000;

/** A whole zone, its SOA first and not again at the end; or why there is none. */
export type TransferredZone =
  | { readonly ok: true; readonly records: readonly DnsRecord[] }
  | { readonly ok: false; readonly problem: string };

/**
 * Gets a whole zone from a primary by AXFR over TCP (RFC 5936): all messages belong to the query, and the zone is whole
 * when its SOA comes again. Never rejects.
 */
export function transferZone(
  origin: WireName,
  { address, port }: Secondary,
  clock: Pick<Clock, 'after'>,
  signal: AbortSignal,
): Promise<TransferredZone> {
  const id = randomInt(65536);
  const assembly = new ZoneAssembly(id, origin);
  return new Promise((resolve) => {
    const socket = connect({ host: address, port, noDelay: true });
    let cancelIdle = (): void => {};
    const end = (result: TransferredZone): void => {
      cancelIdle();
      signal.removeEventListener('abort', onAbort);
      socket.destroy();
      resolve(result);
    };
    const fail = (problem: string): void => end({ ok: false, problem });
    const onAbort = (): void => fail('given up');
    const waitAgain = (): void => {
      cancelIdle();
      cancelIdle = clock.after(idleMs, () => fail('does not answer'));
    };
    signal.addEventListener('abort', onAbort, { once: true });
    if (signal.aborted) return onAbort();
    socket.on('error', (error: NodeJS.ErrnoException) => fail(error.code ?? error.message));
    socket.on('close', () => fail('closed the connection before the end of the zone'));
    let received: Buffer = Buffer.alloc(0);
    socket.on('data', (chunk: Buffer) => {
      waitAgain();
      received = received.length === 0 ? chunk : Buffer.concat([received, chunk]);
      while (received.length >= 2) {
        const next = 2 + received.readUInt16BE(0);
        if (received.length < next) return;
        const result = assembly.take(received.subarray(2, next));
        received = received.subarray(next);
        if (result !== undefined) return end(result);
      }
    });
    waitAgain();
    socket.write(frame(transferQuery(id, origin)));
  });
}

function transferQuery(id: number, origin: WireName): Uint8Array {
  const writer = new MessageWriter(new Uint8Array(320));
  writer.header(id, 0);
  writer.question({ name: origin, type: rrType.AXFR, class: rrClass.IN });
  return writer.bytes;
}

function frame(message: Uint8Array): Uint8Array {
  const framed = new Uint8Array(2 + message.length);
  framed.set([message.length >> 8, message.length & 255]);
  framed.set(message, 2);
  return framed;
}

/** The messages of one transfer, put together. */
class ZoneAssembly {
  readonly #id: number;
  readonly #originKey: string;
  readonly #records: DnsRecord[] = [];

  constructor(id: number, origin: WireName) {
    this.#id = id;
    this.#originKey = nameKey(origin);
  }

  /** Takes one message; absent: the zone goes on. */
  take(bytes: Uint8Array): TransferredZone | undefined {
    const fail = (problem: string): TransferredZone => ({ ok: false, problem });
    const message = decodeMessage(bytes);
    if (message === undefined) return fail('sends a malformed message');
    if (message.id !== this.#id || (message.flags & headerFlag.QR) === 0) return fail('sends what is no answer');
    const code = message.flags & 15;
    if (code !== 0) return fail(`refuses with code ${code}`);
    const [question] = message.questions;
    if (question !== undefined && nameKey(question.name) !== this.#originKey) return fail('answers another question');
    for (const record of message.answers) {
      const isSoa = record.type === rrType.SOA && nameKey(record.name) === this.#originKey;
      if (this.#records.length === 0 && !isSoa) return fail('does not begin with the SOA');
      if (isSoa && this.#records.length > 0) return { ok: true, records: this.#records };
      if (this.#records.length >= maxRecords) return fail('sends too many records');
      if (record.class === rrClass.IN) this.#records.push(record);
    }
    return message.answers.length === 0 ? fail('sends no records') : undefined;
  }
}
