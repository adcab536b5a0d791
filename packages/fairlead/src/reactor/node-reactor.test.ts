import assert from 'node:assert/strict';
import { systemClock } from '../sys/clock.ts';
import * as linux from '../sys/linux-constants.ts';
import { bind, close, connectEncoded, localAddress, setSocketOption, socket } from '../sys/socket.ts';
import { EncodedAddress, socketAddress } from '../sys/socket-address.ts';
import { NodeReactor } from './node-reactor.ts';
import { testConnections } from './testing/connections.ts';
import { testDatagrams } from './testing/datagrams.ts';
import { testProxied } from './testing/proxied.ts';
import { testRelays } from './testing/relays.ts';
import type { BoundForTest, ReactorMaker } from './testing/scene.ts';

/**
 * Ports are held by sockets that share them and take nothing: of TCP they do not listen, of UDP they are
 * connected elsewhere. So nobody else gets a port between its choice and its use.
 */
const makeNodeReactor: ReactorMaker = async () => {
  const logs: string[] = [];
  const held: number[] = [];
  const reactor = new NodeReactor(systemClock, (_, message, fields) =>
    logs.push(`${message} ${JSON.stringify(fields)}`),
  );
  const bound = (type: number): BoundForTest => {
    const fd = socket(linux.AF_INET, type | linux.SOCK_NONBLOCK);
    held.push(fd);
    setSocketOption(fd, linux.SOL_SOCKET, linux.SO_REUSEADDR, 1);
    setSocketOption(fd, linux.SOL_SOCKET, linux.SO_REUSEPORT, 1);
    assert.equal(bind(fd, socketAddress('127.0.0.1', 0)!), 0);
    const at = localAddress(fd)!;
    if (type === linux.SOCK_DGRAM) connectEncoded(fd, new EncodedAddress(socketAddress('127.0.0.1', 9)!));
    return { socket: { address: at.address, port: at.port, isShared: true }, at };
  };
  return {
    reactor,
    logs,
    bindTcp: () => bound(linux.SOCK_STREAM),
    bindUdp: () => bound(linux.SOCK_DGRAM),
    startListening() {},
    finish() {
      for (const fd of held) close(fd);
      const { openConnections } = reactor.stats();
      return openConnections === 0 ? [] : [`${openConnections} connections`];
    },
  };
};

testConnections('node:net', makeNodeReactor);
testRelays('node:net', makeNodeReactor);
testProxied('node:net', makeNodeReactor);
testDatagrams('node:net', makeNodeReactor);
