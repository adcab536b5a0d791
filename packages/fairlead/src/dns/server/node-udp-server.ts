import { createSocket, type RemoteInfo, type Socket } from 'node:dgram';
import { once } from 'node:events';
import { sharesPorts } from '../../sys/engine-kind.ts';
import { encodeSocketAddress, type SocketAddress } from '../../sys/socket-address.ts';
import { rcode } from '../../wire/dns/constants.ts';
import { nameToText } from '../../wire/dns/name.ts';
import { DnsError } from '../dns-error.ts';
import { ViewChooser } from '../views/view-chooser.ts';
import { counterIndex, counterWords } from './counters.ts';
import { HandOffRoom } from './hand-off-room.ts';
import { handOff, QueryAnswerer } from './query-answerer.ts';
import { RateLimiter, rateVerdict } from './rate-limiter.ts';
import { ServerCookies } from './server-cookie.ts';
import type { TableBuffers } from './table-layout.ts';
import type { UdpServerOptions } from './udp-server.ts';
import type { UdpService } from './udp-service.ts';

/** Pause before an address that is not there yet is tried again. */
const retryMs = 200;
/** Room of an answer. */
const outputBytes = 1344;
/** Beyond the response codes: what is not yet known. */
const forwardedClass = 16;

/** UDP on node:dgram, in the main thread: for machines without FFI. The same answers, one datagram at a time. */
export class NodeUdpServer implements UdpService {
  readonly counters: readonly Float64Array[] = [new Float64Array(counterWords)];
  /** There are no threads that could fail. */
  readonly starts: number = 0;
  readonly #options: UdpServerOptions;
  readonly #answerer: QueryAnswerer;
  readonly #limiter: RateLimiter | undefined;
  readonly #room: HandOffRoom;
  readonly #output: Uint8Array = new Uint8Array(outputBytes);
  readonly #peer: Uint8Array = new Uint8Array(32);
  readonly #sockets: Socket[] = [];
  readonly #addresses: SocketAddress[] = [];
  readonly #retries: Set<() => void> = new Set();
  #isStarted = false;
  #isClosed = false;
  #untilLogged: number;

  private constructor(options: UdpServerOptions) {
    this.#options = options;
    this.#untilLogged = options.logEvery ?? 0;
    this.#answerer = new QueryAnswerer(options.table.buffers, options.zones, {
      counters: this.counters[0]!,
      foreign: options.foreign.buffers,
      cookies: new ServerCookies(options.cookieSecret),
      subnetSources: options.subnetSources ?? [],
      accessRules: options.accessRules,
      takesNotify: options.takesNotify,
      views: options.views && new ViewChooser(options.views),
    });
    this.#answerer.peer = this.#peer;
    const shares = new Int32Array(new SharedArrayBuffer(HandOffRoom.bytes));
    this.#room = new HandOffRoom(options.table.control, shares, options.cookieSecret);
    this.#limiter = options.rateLimits && new RateLimiter(options.rateLimits);
  }

  /** @throws DnsError `listen` when an address is taken; one that is not there yet is tried again and again. */
  static async open(options: UdpServerOptions): Promise<NodeUdpServer> {
    const server = new NodeUdpServer(options);
    try {
      for (const [index, address] of options.listen.entries()) await server.#open(index, address);
    } catch (error) {
      await server.stop();
      throw error;
    }
    return server;
  }

  get addresses(): readonly SocketAddress[] {
    return this.#addresses;
  }

  start(): void {
    this.#isStarted = true;
  }

  replaceBuffers(buffers: TableBuffers): void {
    this.#answerer.replace(buffers);
  }

  /** Everything that has been read is answered already. */
  drain(): Promise<void> {
    return Promise.resolve();
  }

  async stop(): Promise<void> {
    if (this.#isClosed) return;
    this.#isClosed = true;
    for (const cancel of this.#retries) cancel();
    await Promise.all(this.#sockets.map((socket) => new Promise<void>((resolve) => socket.close(() => resolve()))));
  }

  async #open(index: number, address: SocketAddress): Promise<void> {
    const isV6 = address.family === 'ipv6';
    const socket = createSocket({
      type: isV6 ? 'udp6' : 'udp4',
      ipv6Only: isV6,
      ...(sharesPorts ? { reusePort: true } : {}),
    });
    try {
      socket.bind(address.port, address.address);
      await once(socket, 'listening');
    } catch (error) {
      socket.close();
      const { code = '' } = error as NodeJS.ErrnoException;
      if (code !== 'EADDRNOTAVAIL' || address.port === 0) {
        const text = `cannot listen on UDP ${address.address} port ${address.port}: ${code}`;
        throw new DnsError('listen', text, error);
      }
      this.#addresses[index] = address;
      return this.#retryLater(index, address);
    }
    if (this.#isClosed) return void socket.close();
    this.#sockets.push(socket);
    this.#addresses[index] = { ...address, port: socket.address().port };
    socket.on('error', (error) => this.#options.log('warn', 'DNS over UDP', { error }));
    socket.on('message', (message, client) => this.#take(socket, index, message, client));
  }

  #retryLater(index: number, address: SocketAddress): void {
    const cancel = this.#options.clock.after(retryMs, () => {
      this.#retries.delete(cancel);
      this.#open(index, address).catch((error: unknown) => {
        this.#options.log('error', 'DNS over UDP is not served', { address: address.address, error });
      });
    });
    this.#retries.add(cancel);
  }

  #take(socket: Socket, index: number, message: Uint8Array, { address, port, family }: RemoteInfo): void {
    if (!this.#isStarted || this.#isClosed) return;
    const [plain = '', scope] = address.split('%');
    const client: SocketAddress = { family: family === 'IPv6' ? 'ipv6' : 'ipv4', address: plain, port };
    encodeSocketAddress(client, this.#peer);
    const answerer = this.#answerer;
    const output = this.#output;
    answerer.server = this.#addresses[index]!;
    answerer.nowSeconds = Math.floor(this.#options.clock.now() / 1000);
    this.counters[0]![counterIndex.batches]!++;
    let length = answerer.answer(message, 0, message.length, output, 0, 0);
    if (length !== 0) this.#sample(length, client);
    if (length !== 0 && !answerer.hasValidCookie) length = this.#limited(length, message);
    const send = (answer: Uint8Array): void => {
      if (this.#isClosed) return;
      socket.send(answer, port, scope === undefined ? plain : address, (error) => {
        if (error !== null) this.counters[0]![counterIndex.sendFailures]!++;
      });
    };
    if (length === handOff) {
      if (this.#handOver(message, client, send)) return;
      length = answerer.fail(message, 0, output, 0, rcode.SERVFAIL);
    } else if (answerer.wantsRefresh) void this.#options.refresh(Uint8Array.from(message), answerer.view);
    if (length > 0) send(output.slice(0, length));
  }

  /** Length of an answer after rate limiting; 0: not sent. */
  #limited(length: number, message: Uint8Array): number {
    if (this.#limiter === undefined) return length;
    const answerClass = length === handOff ? forwardedClass : this.#output[3]! & 15;
    const verdict = this.#limiter.check(this.#peer, 0, answerClass, this.#answerer.nowSeconds);
    if (verdict === rateVerdict.send) return length;
    this.counters[0]![counterIndex.rateLimited]!++;
    return verdict === rateVerdict.drop ? 0 : this.#answerer.truncate(message, 0, this.#output, 0);
  }

  /** Looks an answer up that the table does not have; false: too many are being looked up. */
  #handOver(message: Uint8Array, client: SocketAddress, send: (answer: Uint8Array) => void): boolean {
    const share = this.#room.take(this.#peer, 0);
    if (share < 0) return false;
    this.counters[0]![counterIndex.handedOff]!++;
    this.#options
      .resolve(Uint8Array.from(message), client, this.#answerer.view)
      .then((answer) => answer && send(answer))
      .catch((error: unknown) => this.#options.log('error', 'DNS query failed', { error }))
      .finally(() => this.#room.giveBack(share));
    return true;
  }

  /** Logs one of so many queries, and tells who listens of each. */
  #sample(length: number, client: SocketAddress): void {
    const { logEvery = 0, log, tap } = this.#options;
    const { query } = this.#answerer;
    const isTapped = tap?.wants() === true;
    const isLogged = logEvery > 0 && --this.#untilLogged <= 0;
    if (isLogged) this.#untilLogged = logEvery;
    if ((!isLogged && !isTapped) || query.questionEnd === 0) return;
    const name = nameToText(query.name.slice(0, query.nameBytes));
    const code = length === handOff ? -1 : this.#output[3]! & 15;
    const asked = { client: client.address, name, type: query.qtype };
    if (isLogged) log('info', 'DNS query', { ...asked, answer: code < 0 ? 'forwarded' : code });
    if (isTapped) tap?.tell({ ...asked, code, protocol: 'udp' });
  }
}
