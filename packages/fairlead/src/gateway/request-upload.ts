// Hot path for uploads: a request's body on its way from the client to its tries.
import type { Connection } from '../reactor/reactor.ts';
import type { FilterRun } from './filters/filter-run.ts';
import { MirrorCopy } from './mirror-copy.ts';
import type { ProxyCore } from './proxy-core.ts';
import { RequestBody } from './request-body.ts';
import type { RequestTries } from './request-tries.ts';

/** The bodies of a client connection's requests, one after the other. */
export class RequestUpload {
  readonly body: RequestBody = new RequestBody();
  readonly #core: ProxyCore;
  readonly #connection: Connection;
  readonly #tries: RequestTries;
  /** Copies of the present request, until they are whole. */
  #mirrors: MirrorCopy | undefined = undefined;

  constructor(core: ProxyCore, connection: Connection, tries: RequestTries) {
    this.#core = core;
    this.#connection = connection;
    this.#tries = tries;
  }

  /** Keeps bytes that nobody takes yet; the kernel keeps the rest. */
  hold(start: number, end: number): void {
    if (start < end) this.#connection.retain(start, end);
    this.#connection.pauseReading();
  }

  /** Appends body bytes to the output and keeps what follows the body; negative if it is refused. */
  encode(start: number, end: number, at: number): number {
    const { input, output } = this.#core.reactor;
    const result = this.body.encode(input.bytes, start, end, output.bytes, at);
    if (this.body.isDone && this.body.position < end) this.hold(this.body.position, end);
    return result;
  }

  /** Sends body bytes on; negative if they are refused. */
  pass(start: number, end: number): number {
    const { input, output } = this.#core.reactor;
    // The common case of an upload needs no copy.
    if (this.body.takeWhole(end - start)) {
      this.#tries.write(input, start, end);
      this.#mirrors?.append(input.bytes, start, end);
    } else {
      const at = this.encode(start, end, 0);
      if (at < 0) return at;
      this.#tries.write(output, 0, at);
      this.#mirrors?.append(output.bytes, 0, at);
    }
    if (this.#mirrors !== undefined) this.#endMirrors();
    this.slowDown();
    return 0;
  }

  /** Begins the copies that the request's filters asked for, with the `length` bytes that the output holds of it. */
  startMirrors({ mirrors, requester, content }: FilterRun, length: number, isHead: boolean): void {
    if (mirrors.length === 0) return;
    const head = { identity: requester.identity, trace: requester.trace, isHead };
    this.#mirrors = new MirrorCopy([...mirrors], head, this.#core.reactor.output.bytes, length);
    if (content !== undefined) this.#mirrors.append(content, 0, content.length);
    this.#endMirrors();
  }

  /** The head was sent: goes on with content that was gathered before, as a whole, if any was. */
  sendContent(content: Buffer | undefined): void {
    const { output } = this.#core.reactor;
    for (let at = 0; content !== undefined && at < content.length; at += output.length) {
      const piece = content.subarray(at, at + output.length);
      output.bytes.set(piece);
      this.#tries.write(output, 0, piece.length);
    }
    this.slowDown();
  }

  /** Sends the copies once they are whole. */
  #endMirrors(): void {
    if (!this.body.isDone) return;
    this.#mirrors?.send();
    this.#mirrors = undefined;
  }

  /** Lets the client wait while the endpoint takes its time. */
  slowDown(): void {
    if (this.#tries.upstream?.connection.isCongested !== true) return;
    this.body.noteHeldBack();
    this.#connection.pauseReading();
  }
}
