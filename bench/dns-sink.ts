/**
 * Reads datagrams in batches and drops them: what a flood costs a machine before any server looks at it.
 * Argument: port. Prints `ready` when it reads.
 */
import { openUdpSocket } from '../packages/fairlead/src/dns/server/udp-server.ts';
import { DatagramBatch } from '../packages/fairlead/src/sys/datagrams.ts';
import { MSG_WAITFORONE } from '../packages/fairlead/src/sys/linux-constants.ts';

const fd = openUdpSocket({ family: 'ipv4', address: '127.0.0.1', port: Number(process.argv[2]) });
const input = new DatagramBatch(64, 1344);
console.log('ready');
for (;;) {
  const received = input.receive(fd, MSG_WAITFORONE);
  for (let slot = 0; slot < received; slot++) input.resetPeer(slot);
}
