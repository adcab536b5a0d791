import type { Socket } from 'node:net';
import type { NodeConnection } from './node-connection.ts';
import type { NodeReactor } from './node-reactor.ts';

/** What has been decided on the first bytes of a socket. */
export interface PrefaceVerdict {
  /** How many of them nobody else shall see. */
  readonly takenBytes: number;
  /** Goes on with the socket, paused and with the other bytes put back. */
  readonly next: () => void;
}

/**
 * Reads the first bytes of a socket until `look` has decided on all that came so far (undefined: more is
 * needed). `ended` is called instead when the peer ends before. Returns a function that gives up.
 */
export function readPreface(
  reactor: NodeReactor,
  owner: NodeConnection | undefined,
  socket: Socket,
  look: (bytes: Buffer) => PrefaceVerdict | undefined,
  ended: () => void,
): () => void {
  let gathered = Buffer.alloc(0);
  let isOver = false;
  const leave = (): void => {
    isOver = true;
    socket.off('data', onData);
    socket.off('end', onEnd);
    socket.pause();
  };
  const onData = (chunk: Buffer): void =>
    reactor.turn(owner, () => {
      if (isOver) return;
      gathered = Buffer.concat([gathered, chunk]);
      const verdict = look(gathered);
      if (verdict === undefined || isOver) return;
      leave();
      if (verdict.takenBytes < gathered.length) socket.unshift(gathered.subarray(verdict.takenBytes));
      verdict.next();
    });
  const onEnd = (): void =>
    reactor.turn(owner, () => {
      if (isOver) return;
      leave();
      ended();
    });
  socket.on('data', onData);
  socket.on('end', onEnd);
  socket.resume();
  return leave;
}
