import { getHeapSpaceStatistics } from 'node:v8';
import { systemClock } from '../../sys/clock.ts';
import { eventfd } from '../../sys/eventfd.ts';
import { AF_INET, SOCK_NONBLOCK, SOCK_STREAM } from '../../sys/linux-constants.ts';
import { bind, listen, localAddress, socket } from '../../sys/socket.ts';
import { EncodedAddress, socketAddress } from '../../sys/socket-address.ts';
import { DescriptorLedger } from '../descriptor-ledger.ts';
import { EpollReactor } from '../epoll-reactor.ts';
import type { ConnectionHandler, SocketConnection } from '../reactor.ts';

// Program of a test: `short-connections.ts COUNT` has a reactor accept so many connections, 64 at a time, and prints by how
// many bytes the old generation of its heap grew while the second half of them came and went.

const total = Number(process.argv[2]);
const AT_A_TIME = 64;

const oldBytes = (): number =>
  getHeapSpaceStatistics().find(({ space_name }) => space_name === 'old_space')!.space_used_size;

const reactor = new EpollReactor({
  clock: systemClock,
  log: () => {},
  wakeFd: eventfd(),
  onWake: () => {},
  ledger: new DescriptorLedger(),
});

/** What both sides are but for one callback. */
class Peer implements ConnectionHandler {
  connection: SocketConnection | undefined = undefined;
  onConnected(): void {}
  onData(): void {}
  onEnd(): void {}
  onDrained(): void {}
  onTimeout(): void {}
  onFailed(): void {}
}

/** Says something and closes. */
class Server extends Peer {
  override onData(): void {
    this.connection!.writeBytes(Buffer.from('bye'));
    this.connection!.closeGracefully();
  }
}

let begun = 0;
let before = 0;

/** Says something first; the next one takes its place. */
class Client extends Peer {
  override onConnected(): void {
    this.connection!.writeBytes(Buffer.from('hello'));
  }
  override onData(): void {
    this.connection!.close();
    begin();
  }
}

function begin(): void {
  if (begun === total / 2) before = oldBytes();
  if (begun++ >= total) {
    reactor.stop();
    return;
  }
  const client = new Client();
  client.connection = reactor.connect(address, client);
}

const listening = socket(AF_INET, SOCK_STREAM | SOCK_NONBLOCK);
bind(listening, socketAddress('127.0.0.1', 0)!);
listen(listening, 1024);
const address = new EncodedAddress(localAddress(listening)!);
reactor.listen(
  listening,
  (connection) => {
    const server = new Server();
    server.connection = connection;
    return server;
  },
  { gate: { admit: () => true, release() {} } },
);
for (let i = 0; i < AT_A_TIME; i++) begin();
await reactor.run();
process.stdout.write(String(oldBytes() - before));
process.exit(0);
