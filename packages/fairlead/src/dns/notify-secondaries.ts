import { randomInt } from 'node:crypto';
import { createSocket } from 'node:dgram';
import type { Clock } from '../sys/clock.ts';
import { headerFlag, rrClass, rrType } from '../wire/dns/constants.ts';
import type { DnsRecord } from '../wire/dns/message.ts';
import { MessageWriter } from '../wire/dns/writer.ts';

/** Opcode NOTIFY (RFC 1996 3.12) in the flags word. */
const opcodeNotify = 4 << 11;
/** Pauses between attempts; a secondary that stays silent comes by the refresh time. */
const pausesMs = [1000, 2000, 4000, 8000];

/** A secondary to tell of new serials. */
export interface Secondary {
  readonly address: string;
  readonly port: number;
}

/**
 * Tells a secondary of a zone's new serial (RFC 1996) until it answers or four attempts are over. Resolves to
 * whether it answered; never rejects.
 */
export function notifySecondary(
  soa: DnsRecord,
  { address, port }: Secondary,
  clock: Pick<Clock, 'after'>,
): Promise<boolean> {
  const id = randomInt(65536);
  const writer = new MessageWriter(new Uint8Array(1232));
  writer.header(id, opcodeNotify | headerFlag.AA);
  writer.question({ name: soa.name, type: rrType.SOA, class: rrClass.IN });
  writer.record('answer', soa);
  const message = writer.bytes;
  return new Promise((resolve) => {
    const socket = createSocket(address.includes(':') ? 'udp6' : 'udp4');
    let attempt = 0;
    let cancel = (): void => {};
    const end = (isAnswered: boolean): void => {
      cancel();
      socket.close();
      resolve(isAnswered);
    };
    const send = (): void => {
      const pause = pausesMs[attempt++];
      if (pause === undefined) end(false);
      else {
        socket.send(message, port, address, () => {});
        cancel = clock.after(pause, send);
      }
    };
    socket.on('error', () => end(false));
    socket.on('message', (reply, peer) => {
      const isReply = reply.length >= 12 && reply.readUInt16BE(0) === id && (reply[2]! & 0xf8) === 0xa0;
      if (isReply && peer.port === port) end(true);
    });
    socket.unref();
    socket.bind(0, send);
  });
}
