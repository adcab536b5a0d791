import type { Socket } from 'node:dgram';
import { isIPv6 } from 'node:net';
import { parentPort } from 'node:worker_threads';
import { systemClock, systemRandom } from '../../sys/clock.ts';
import { readBfdPacket, writeBfdPacket } from '../../wire/bfd/bfd-packet.ts';
import type { BfdCommand, BfdEvent, BfdPeer } from './bfd-messages.ts';
import { BfdSession } from './bfd-session.ts';
import { type BfdSender, openBfdReceiver, openBfdSender } from './bfd-sockets.ts';

/** A receiver that could not be had is tried for again, with its session, after so long. */
const retryMs = 5000;

interface Watched {
  readonly peer: BfdPeer;
  readonly session: BfdSession;
  readonly sender: BfdSender;
  readonly discriminator: number;
}

/** The sessions of this node, in a thread of their own: what holds up the agent must not look like a dead link. */
class BfdThread {
  readonly #watched = new Map<string, Watched>();
  /** What is wanted; a session may still be on its way. */
  readonly #wanted = new Map<string, BfdPeer>();
  readonly #receivers = new Map<boolean, Socket>();

  #tell(event: BfdEvent): void {
    parentPort?.postMessage(event);
  }

  obey(command: BfdCommand): void {
    switch (command.kind) {
      case 'watch':
        this.#wanted.set(command.name, command.peer);
        void this.#watch(command.name, command.peer);
        return;
      case 'unwatch':
        this.#wanted.delete(command.name);
        this.#end(command.name);
        return;
      case 'stop':
        for (const name of [...this.#watched.keys()]) this.#end(name);
        for (const receiver of this.#receivers.values()) receiver.close();
        parentPort?.close();
        return;
    }
  }

  #end(name: string): void {
    const watched = this.#watched.get(name);
    if (watched === undefined) return;
    this.#watched.delete(name);
    watched.session.stop();
    watched.sender.close();
  }

  #newDiscriminator(): number {
    const taken = new Set([...this.#watched.values()].map(({ discriminator }) => discriminator));
    let number = 0;
    while (number === 0 || taken.has(number)) number = Math.floor(systemRandom() * 0xffff_ffff) + 1;
    return number;
  }

  async #watch(name: string, peer: BfdPeer): Promise<void> {
    this.#end(name);
    const problem = this.#ensureReceiver(isIPv6(peer.address));
    const sender = problem ?? (await openBfdSender(peer.address, peer.sourceAddress, systemRandom));
    if (this.#wanted.get(name) !== peer) {
      if (typeof sender !== 'string') sender.close();
      return;
    }
    if (typeof sender === 'string') {
      this.#tell({ kind: 'failed', name, message: sender });
      systemClock.after(retryMs, () => {
        if (this.#wanted.get(name) === peer) void this.#watch(name, peer);
      });
      return;
    }
    const discriminator = this.#newDiscriminator();
    const session = new BfdSession({
      times: peer.times,
      discriminator,
      clock: systemClock,
      random: systemRandom,
      send: (packet) => sender.send(writeBfdPacket(packet)),
      onState: (state, cause) => this.#tell({ kind: 'state', name, state, cause }),
    });
    this.#watched.set(name, { peer, session, sender, discriminator });
    this.#tell({ kind: 'state', name, state: session.state, cause: 'packet' });
  }

  #ensureReceiver(v6: boolean): string | undefined {
    if (this.#receivers.has(v6)) return undefined;
    const receiver = openBfdReceiver(v6, (bytes, { address }) => this.#receive(bytes, address));
    if (typeof receiver === 'string') return receiver;
    this.#receivers.set(v6, receiver);
    return undefined;
  }

  /** Sessions are told apart by our number in the packet; the first packets of a peer have none, but an address. */
  #receive(bytes: Uint8Array, from: string): void {
    const packet = readBfdPacket(bytes);
    if (packet === undefined) return;
    for (const { peer, session, discriminator } of this.#watched.values()) {
      const isOurs = packet.yourDiscriminator === 0 || packet.yourDiscriminator === discriminator;
      if (isOurs && peer.address === from) session.receive(packet);
    }
  }
}

const thread = new BfdThread();
parentPort?.on('message', (command: BfdCommand) => thread.obey(command));
