import { connect as connectTcp, type Socket } from 'node:net';
import { connect as connectTls } from 'node:tls';

/** Requests of one kind. */
export interface LoadKind {
  readonly name: string;
  readonly port: number;
  readonly tls: boolean;
  /** A connection for each request. */
  readonly close: boolean;
  readonly perSecond: number;
}

/** What became of the requests of one kind. Times in milliseconds, from the moment at which a request was due. */
export interface KindReport {
  readonly name: string;
  readonly requests: number;
  readonly failed: number;
  /** How they failed, and how often each way. */
  readonly failures: Readonly<Record<string, number>>;
  readonly p50: number;
  readonly p99: number;
  readonly p999: number;
}

/** What became of a load. */
export interface LoadReport {
  readonly kinds: readonly KindReport[];
  readonly seconds: number;
  /** How late this program itself sent a request, 99 of 100: what the clients' machine adds to the times above. */
  readonly lateP99: number;
}

/** Beyond it a request is lost. */
const ANSWER_MS = 20_000;
/** Connections of one kind at a time; what is due beyond them waits, and its time runs. */
const CONNECTIONS_MAX = 512;
const HEAD_END = Buffer.from('\r\n\r\n');

/**
 * Sends requests at fixed rates, whatever their answers take (an open loop: a slow answer delays no other request and
 * hides none), on as many connections as that needs. A connection that the server announced to close (`Connection:
 * close`) or closes while nothing is asked of it is replaced, as any client does; every other end is a failure.
 */
export async function runOpenLoop(kinds: readonly LoadKind[], seconds: number): Promise<LoadReport> {
  const sources = kinds.map((kind) => new RequestSource(kind));
  const startMs = performance.now();
  const endMs = startMs + seconds * 1000;
  const late: number[] = [];
  for (let now = startMs; now < endMs; now = performance.now()) {
    for (const source of sources) source.sendDue(startMs, now, late);
    await new Promise((resolve) => setTimeout(resolve, 1));
  }
  for (const source of sources) source.sendDue(startMs, endMs, late);
  await Promise.all(sources.map((source) => source.settled()));
  return { kinds: sources.map((source) => source.report()), seconds, lateP99: quantileOf(late, 0.99) };
}

/** The requests of one kind. */
class RequestSource {
  readonly kind: LoadKind;
  readonly #idle: LoadConnection[] = [];
  readonly #open = new Set<LoadConnection>();
  /** When the requests that wait for a connection were due, and how many of them have been taken. */
  readonly #waiting: number[] = [];
  #taken = 0;
  readonly #times: number[] = [];
  readonly #failures = new Map<string, number>();
  #sent = 0;
  #underWay = 0;
  #settled: () => void = () => {};

  constructor(kind: LoadKind) {
    this.kind = kind;
  }

  /** Sends what is due by now. */
  sendDue(startMs: number, nowMs: number, late: number[]): void {
    const gapMs = 1000 / this.kind.perSecond;
    const due = Math.floor((nowMs - startMs) / gapMs);
    for (; this.#sent < due; this.#sent++) {
      const dueMs = startMs + this.#sent * gapMs;
      late.push(nowMs - dueMs);
      this.#underWay++;
      this.#send(dueMs);
    }
  }

  #send(dueMs: number): void {
    const idle = this.#idle.pop();
    if (idle !== undefined) idle.ask(dueMs);
    else if (this.#open.size < CONNECTIONS_MAX) {
      const connection = new LoadConnection(this.kind, this);
      this.#open.add(connection);
      connection.ask(dueMs);
    } else this.#waiting.push(dueMs);
  }

  /** Resolves when every request has ended one way or the other; those that have not in {@link ANSWER_MS} are lost. */
  async settled(): Promise<void> {
    if (this.#underWay > 0) {
      const { promise, resolve } = Promise.withResolvers<void>();
      this.#settled = resolve;
      const timer = setTimeout(resolve, ANSWER_MS);
      await promise;
      clearTimeout(timer);
    }
    for (const connection of this.#open) connection.close();
    if (this.#underWay > 0) this.#failures.set('no answer', (this.#failures.get('no answer') ?? 0) + this.#underWay);
  }

  /** A request is over; `failure` undefined: it was answered as it should be. */
  noteEnd(dueMs: number, failure: string | undefined): void {
    if (failure === undefined) this.#times.push(performance.now() - dueMs);
    else this.#failures.set(failure, (this.#failures.get(failure) ?? 0) + 1);
    if (--this.#underWay === 0) this.#settled();
  }

  /** A connection can take the next request. */
  noteIdle(connection: LoadConnection): void {
    const next = this.#takeWaiting();
    if (next === undefined) this.#idle.push(connection);
    else connection.ask(next);
  }

  noteGone(connection: LoadConnection): void {
    this.#open.delete(connection);
    const at = this.#idle.indexOf(connection);
    if (at >= 0) this.#idle.splice(at, 1);
    const next = this.#takeWaiting();
    if (next !== undefined) this.#send(next);
  }

  /** The one that has waited longest. Not by `shift`, which moves all the others of a long queue. */
  #takeWaiting(): number | undefined {
    if (this.#taken < this.#waiting.length) return this.#waiting[this.#taken++];
    this.#waiting.length = 0;
    this.#taken = 0;
    return undefined;
  }

  report(): KindReport {
    const failed = [...this.#failures.values()].reduce((sum, count) => sum + count, 0);
    return {
      name: this.kind.name,
      requests: this.#sent,
      failed,
      failures: Object.fromEntries(this.#failures),
      p50: quantileOf(this.#times, 0.5),
      p99: quantileOf(this.#times, 0.99),
      p999: quantileOf(this.#times, 0.999),
    };
  }
}

/** One connection, with one request at a time. */
class LoadConnection {
  readonly #source: RequestSource;
  readonly #socket: Socket;
  readonly #request: string;
  /** When the present request was due; undefined: there is none. */
  #dueMs: number | undefined = undefined;
  #received: Buffer | undefined = undefined;
  #isGone = false;

  constructor({ port, tls, close }: LoadKind, source: RequestSource) {
    this.#source = source;
    this.#request = `GET / HTTP/1.1\r\nHost: shop.example\r\n${close ? 'Connection: close\r\n' : ''}\r\n`;
    const place = { port, host: '127.0.0.1' };
    this.#socket = tls
      ? connectTls({ ...place, servername: 'shop.example', rejectUnauthorized: false })
      : connectTcp({ ...place, noDelay: true });
    this.#socket.on('data', (bytes: Buffer) => this.#take(bytes));
    this.#socket.on('end', () => this.#end(this.#received === undefined ? 'closed without an answer' : 'cut off'));
    this.#socket.on('error', (error: NodeJS.ErrnoException) => this.#end(error.code ?? error.message));
    this.#socket.setTimeout(ANSWER_MS, () => this.#end('no answer'));
  }

  ask(dueMs: number): void {
    this.#dueMs = dueMs;
    this.#socket.write(this.#request, 'latin1');
  }

  close(): void {
    this.#isGone = true;
    this.#socket.destroy();
  }

  #take(bytes: Buffer): void {
    const all = this.#received === undefined ? bytes : Buffer.concat([this.#received, bytes]);
    const headEnd = all.indexOf(HEAD_END);
    const head = headEnd < 0 ? '' : all.toString('latin1', 0, headEnd + 2);
    const length = Number(/\r\ncontent-length: *(\d+)\r\n/i.exec(head)?.[1] ?? 0);
    if (headEnd < 0 || all.length < headEnd + 4 + length) {
      this.#received = all;
      return;
    }
    this.#received = undefined;
    const dueMs = this.#dueMs;
    this.#dueMs = undefined;
    const status = head.slice(9, 12);
    if (dueMs === undefined) {
      this.#end(undefined);
      return;
    }
    this.#source.noteEnd(dueMs, status === '200' ? undefined : `status ${status}`);
    if (/\r\nconnection: *close\r\n/i.test(head)) this.#end(undefined);
    else this.#source.noteIdle(this);
  }

  /** The connection is over; with it, its request. */
  #end(failure: string | undefined): void {
    if (this.#isGone) return;
    this.close();
    if (this.#dueMs !== undefined) this.#source.noteEnd(this.#dueMs, failure ?? 'closed');
    this.#source.noteGone(this);
  }
}

/** Sorts its values. */
function quantileOf(values: number[], share: number): number {
  values.sort((a, b) => a - b);
  return values[Math.min(values.length - 1, Math.floor(values.length * share))] ?? Number.NaN;
}
