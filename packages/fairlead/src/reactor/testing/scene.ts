import assert from 'node:assert/strict';
import { errnoName } from '../../sys/errno.ts';
import type { SocketAddress } from '../../sys/socket-address.ts';
import { EncodedAddress } from '../../sys/socket-address.ts';
import type { BoundSocket, ConnectionHandler, Reactor, SocketConnection } from '../reactor.ts';

/** A handler that notes what happens; single behaviours are replaced per test. */
export class Notes implements ConnectionHandler {
  readonly events: string[] = [];
  connection: SocketConnection | undefined = undefined;
  data: (start: number, end: number) => void = () => {};
  ended: () => void = () => {};
  failed: () => void = () => {};
  drained: () => void = () => {};
  timeout: () => void = () => {};
  connected: () => void = () => {};

  onConnected(): void {
    this.events.push('connected');
    this.connected();
  }
  onData(start: number, end: number): void {
    this.events.push(`data ${end - start}`);
    this.data(start, end);
  }
  onEnd(): void {
    this.events.push('end');
    this.ended();
  }
  onDrained(): void {
    this.events.push('drained');
    this.drained();
  }
  onTimeout(): void {
    this.events.push('timeout');
    this.timeout();
  }
  onFailed(error: number): void {
    this.events.push(`failed ${errnoName(error)}`);
    this.failed();
  }
}

/** A socket bound on the loopback address. */
export interface BoundForTest {
  readonly socket: BoundSocket;
  readonly at: SocketAddress;
}

/** One implementation of the reactor, as the suites need it. */
export interface ReactorUnderTest {
  readonly reactor: Reactor;
  readonly logs: string[];
  bindTcp(): BoundForTest;
  bindUdp(): BoundForTest;
  /** Makes a bound TCP socket one to which connections can be made. */
  startListening(bound: BoundForTest): void;
  /** Closes what was bound; what is still open, as text: nothing, if all went well. */
  finish(): readonly string[];
}

/** Makes reactors of one implementation. */
export type ReactorMaker = () => Promise<ReactorUnderTest>;

/** A reactor with one server and one client. */
export interface Scene extends ReactorUnderTest {
  readonly server: Notes;
  readonly client: Notes;
  /** Where the server listens. */
  readonly at: SocketAddress;
}

/** Runs a reactor until the scene stops it (or 20 s pass, which fails the test). */
export async function play(make: ReactorMaker, setUp: (scene: Scene) => void): Promise<Scene> {
  const made = await make();
  const { reactor } = made;
  const bound = made.bindTcp();
  made.startListening(bound);
  const scene: Scene = { ...made, server: new Notes(), client: new Notes(), at: bound.at };
  reactor.listen(bound.socket, (connection) => {
    scene.server.connection = connection;
    return scene.server;
  });
  let late = false;
  reactor.after(20_000, () => {
    late = true;
    reactor.stop();
  });
  setUp(scene);
  await reactor.run();
  assert.equal(late, false, `stuck after ${scene.server.events} / ${scene.client.events}`);
  assert.deepEqual(made.finish(), [], 'every descriptor is closed');
  return scene;
}

/** Lets the client connect to the server. */
export function dial(scene: Scene, at: SocketAddress = scene.at): void {
  scene.client.connection = scene.reactor.connect(new EncodedAddress(at), scene.client);
}

/** An address at which nobody listens. */
export function unusedAddress(scene: ReactorUnderTest): SocketAddress {
  // Bound, but without listen(2) a connection to it is refused.
  return scene.bindTcp().at;
}
