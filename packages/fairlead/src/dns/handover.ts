import { connect, createServer, type Server, type Socket } from 'node:net';
import type { Clock } from '../sys/clock.ts';
import type { Log, Running } from '../sys/role.ts';

/** A server that is about to leave waits so long for one that has come, but is not ready. */
const successorMaxMs = 30_000;
/** A server that has come waits so long for its own first sync while another one serves. */
const predecessorMaxMs = 20_000;

/**
 * How two processes that serve one address tell each other of themselves, so that a restart loses no query: an
 * abstract Unix socket of the network namespace, which the serving process listens on.
 *
 *     old  serves ........................ is told to stop, waits ── drains ── leaves
 *     new            connects, loads from the API ── serves ── says "ready" ──▶ listens in its turn
 *
 * The old one believes "ready" only while it is leaving anyway, so nobody can end a server by it.
 */
export class Handover implements Running {
  readonly #path: string;
  readonly #clock: Clock;
  readonly #log: Log;
  #server: Server | undefined;
  #predecessor: Socket | undefined;
  readonly #successors: Map<Socket, boolean> = new Map();
  #onChange: () => void = () => {};
  #isStopped = false;

  /** `name`: what is served, e.g. `10.0.0.53:53`; the same for both processes. */
  constructor(name: string, clock: Clock, log: Log) {
    this.#path = `\0fairlead-dns ${name}`;
    this.#clock = clock;
    this.#log = log;
  }

  /** Whether another process serves the address now. */
  async meetPredecessor(): Promise<boolean> {
    const socket = connect(this.#path);
    const isThere = await new Promise<boolean>((resolve) => {
      socket.once('connect', () => resolve(true));
      socket.once('error', () => resolve(false));
    });
    if (!isThere) return false;
    this.#predecessor = socket;
    socket.on('error', () => {});
    socket.resume();
    return true;
  }

  /** Resolves when `loaded` does, the predecessor is gone, or it has been waited for long enough. */
  async beforeServing(loaded: Promise<unknown>): Promise<void> {
    const predecessor = this.#predecessor;
    if (predecessor === undefined || predecessor.destroyed) return;
    const gone = new Promise<void>((resolve) => predecessor.once('close', () => resolve()));
    await this.#atMost(predecessorMaxMs, [loaded, gone]);
  }

  /** Tells the predecessor that this process serves, and takes its place at the socket when it has left. */
  async serving(): Promise<void> {
    const predecessor = this.#predecessor;
    if (predecessor === undefined || predecessor.destroyed) return this.#listen();
    predecessor.once('close', () => void this.#listen());
    predecessor.write('ready\n');
  }

  /**
   * Waits for a successor: `lameduckMs` for one to come and say that it serves, longer for one that is there
   * and not yet ready. True: it serves.
   */
  async awaitSuccessor(lameduckMs: number): Promise<boolean> {
    const isReady = (): boolean => [...this.#successors.values()].some((ready) => ready);
    const ready = new Promise<void>((resolve) => {
      this.#onChange = () => isReady() && resolve();
      this.#onChange();
    });
    await this.#atMost(lameduckMs, [ready]);
    if (!isReady() && this.#successors.size > 0) await this.#atMost(successorMaxMs, [ready]);
    return isReady();
  }

  async stop(): Promise<void> {
    this.#isStopped = true;
    this.#predecessor?.destroy();
    const server = this.#server;
    if (server === undefined) return;
    const closed = new Promise<void>((resolve) => server.close(() => resolve()));
    for (const successor of this.#successors.keys()) successor.destroy();
    await closed;
  }

  async #listen(): Promise<void> {
    if (this.#isStopped) return;
    const server = createServer((socket) => {
      this.#successors.set(socket, false);
      socket.on('data', (chunk: Buffer) => {
        if (!chunk.includes('ready')) return;
        this.#successors.set(socket, true);
        this.#onChange();
      });
      socket.on('error', () => {});
      socket.once('close', () => this.#successors.delete(socket));
    });
    const isListening = await new Promise<boolean>((resolve) => {
      server.once('error', () => resolve(false));
      server.listen(this.#path, () => resolve(true));
    });
    if (!isListening) {
      this.#log('debug', 'another process is asked first for the hand-over of DNS', {});
      return;
    }
    // It must not keep a process that is done otherwise.
    server.unref();
    this.#server = server;
    if (this.#isStopped) server.close();
  }

  async #atMost(delayMs: number, events: readonly Promise<unknown>[]): Promise<void> {
    let cancel = (): void => {};
    const timeout = new Promise<void>((resolve) => {
      cancel = this.#clock.after(delayMs, resolve);
    });
    await Promise.race([timeout, ...events]);
    cancel();
  }
}
