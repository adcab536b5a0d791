import type { ServerResponse } from 'node:http';

/** Listeners of a feed at a time. */
const LISTENERS_MAX = 8;
/** What may wait for one listener, bytes; beyond, lines are dropped, which it is told. */
const WAITING_MAX_BYTES = 1 << 20;

/**
 * Takes lines of JSON, each with its line feed, and how many more there were no room for.
 */
export type TakeLines = (lines: string, dropped?: number) => void;

/** Makes lines from now on, until the returned function is called. */
export type LineSource = (take: TakeLines) => () => void;

/**
 * Lines of JSON for whoever listens right now. Its sources run while somebody does, so that it costs nothing
 * otherwise. A listener that reads slowly loses lines and is told so by `{"dropped":N}`; nobody waits for it.
 */
export class LineFeed {
  readonly #sources: readonly LineSource[];
  readonly #listeners = new Set<TakeLines>();
  #stops: readonly (() => void)[] = [];

  constructor(sources: readonly LineSource[]) {
    this.#sources = sources;
  }

  /** Answers a request with the lines to come, until the client goes; 503 when there are too many. */
  serve(response: ServerResponse): void {
    if (this.#listeners.size >= LISTENERS_MAX) {
      response.writeHead(503, { 'content-type': 'text/plain; charset=utf-8' });
      response.end(`there are ${LISTENERS_MAX} listeners already\n`);
      return;
    }
    let lost = 0;
    const listener: TakeLines = (lines, dropped = 0) => {
      lost += dropped;
      if (response.writableLength > WAITING_MAX_BYTES) {
        lost += countLines(lines);
        return;
      }
      if (lost > 0) response.write(`${JSON.stringify({ dropped: lost })}\n`);
      lost = 0;
      response.write(lines);
    };
    response.writeHead(200, { 'content-type': 'application/x-ndjson' });
    // The sources run before the client hears that they do.
    this.#add(listener);
    response.flushHeaders();
    response.once('close', () => this.#remove(listener));
  }

  #add(listener: TakeLines): void {
    this.#listeners.add(listener);
    if (this.#listeners.size > 1) return;
    const tell: TakeLines = (lines, dropped) => {
      for (const take of this.#listeners) take(lines, dropped);
    };
    this.#stops = this.#sources.map((start) => start(tell));
  }

  #remove(listener: TakeLines): void {
    if (!this.#listeners.delete(listener) || this.#listeners.size > 0) return;
    for (const stop of this.#stops) stop();
    this.#stops = [];
  }
}

function countLines(text: string): number {
  let count = 0;
  for (let at = text.indexOf('\n'); at >= 0; at = text.indexOf('\n', at + 1)) count++;
  return count;
}
