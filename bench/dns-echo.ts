/**
 * The least that a DNS server over UDP can cost in this way: batches from recvmmsg(2), each datagram sent back by sendmmsg(2)
 * as an answer with one more record of 16 bytes; no name is looked up. Argument: port. Prints `ready` when it serves.
 */
import { openUdpSocket } from '../packages/fairlead/src/dns/server/udp-server.ts';
import { DatagramBatch } from '../packages/fairlead/src/sys/datagrams.ts';
import { MSG_WAITFORONE } from '../packages/fairlead/src/sys/linux-constants.ts';

const slotBytes = 1344;
const capacity = 64;
/** QR and AA; one answer; no additional records. */
const header: readonly (readonly [at: number, value: number])[] = [
  [2, 0x84],
  [3, 0],
  [7, 1],
  [11, 0],
];
/** Pointer to the question, A, IN, TTL 5, 10.96.0.1. */
const record = Uint8Array.of(0xc0, 12, 0, 1, 0, 1, 0, 0, 0, 5, 0, 4, 10, 96, 0, 1);

const fd = openUdpSocket({ family: 'ipv4', address: '127.0.0.1', port: Number(process.argv[2]) });
const input = new DatagramBatch(capacity, slotBytes);
const { bytes } = input;
console.log('ready');
for (;;) {
  const received = input.receive(fd, MSG_WAITFORONE);
  for (let slot = 0; slot < received; slot++) {
    const start = slot * slotBytes;
    const end = start + input.receivedLength(slot);
    let at = start + 12;
    while (at < end && bytes[at] !== 0) at += bytes[at]! + 1;
    at += 5;
    for (const [field, value] of header) bytes[start + field] = value;
    for (let index = 0; index < record.length; index++) bytes[at + index] = record[index]!;
    input.setSendLength(slot, at + record.length - start);
  }
  for (let sent = 0; sent < received; ) sent += Math.max(1, input.send(fd, sent, received - sent, 0));
  for (let slot = 0; slot < received; slot++) {
    input.resetPeer(slot);
    input.setSendLength(slot, slotBytes);
  }
}
