// Hot path: turns an upstream's response head into the one for the client.
import { copyBytes, copyKeptFields } from '../wire/http1/head-writer.ts';
import type { ResponseHead } from '../wire/http1/response-head.ts';
import { statusLine } from '../wire/http2/to-http1.ts';
import type { CompiledEdit } from './compiled-route.ts';
import type { HeadChange } from './filters/head-change.ts';
import { dropEdited } from './request-writer.ts';

const text = (value: string): Buffer => Buffer.from(value, 'latin1');
const CLOSE = text('connection: close\r\n');
const KEEP_ALIVE = text('connection: keep-alive\r\n');
const CHUNKED = text('transfer-encoding: chunked\r\n');
const UPGRADE = text('connection: upgrade\r\nupgrade: ');

/** Which Connection field the client gets. */
export type ConnectionField = 'none' | 'close' | 'keep-alive';

/** Writes the head of a final response at the start of `to`; returns its length. */
export function writeResponseHead(
  head: ResponseHead,
  to: Uint8Array,
  edit: CompiledEdit | undefined,
  chunked: boolean,
  connection: ConnectionField,
  change: HeadChange | undefined = undefined,
  altSvc: Uint8Array | undefined = undefined,
): number {
  change?.applyDrops(head);
  if (edit !== undefined) dropEdited(head, edit);
  let at = writeStatusLine(head, to);
  at = copyKeptFields(head, to, at);
  if (edit !== undefined) at = copyBytes(edit.lines, 0, edit.lines.length, to, at);
  if (change !== undefined) at = change.write(to, at);
  if (altSvc !== undefined) at = copyBytes(altSvc, 0, altSvc.length, to, at);
  if (chunked) at = copyBytes(CHUNKED, 0, CHUNKED.length, to, at);
  if (connection === 'close') at = copyBytes(CLOSE, 0, CLOSE.length, to, at);
  else if (connection === 'keep-alive') at = copyBytes(KEEP_ALIVE, 0, KEEP_ALIVE.length, to, at);
  to[at++] = 13;
  to[at++] = 10;
  return at;
}

/** Writes an informational response (1xx); 101 with its Upgrade. Returns its length. */
export function writeInterimHead(
  head: ResponseHead,
  to: Uint8Array,
  change: HeadChange | undefined = undefined,
): number {
  change?.applyDrops(head);
  let at = writeStatusLine(head, to);
  at = copyKeptFields(head, to, at);
  if (change !== undefined) at = change.write(to, at);
  if (head.status === 101 && head.upgradeField >= 0) {
    at = copyBytes(UPGRADE, 0, UPGRADE.length, to, at);
    at = copyBytes(head.bytes, head.valueStart(head.upgradeField), head.valueEnd(head.upgradeField), to, at);
    to[at++] = 13;
    to[at++] = 10;
  }
  to[at++] = 13;
  to[at++] = 10;
  return at;
}

/** The status line as it came, with our version (RFC 9110 2.5) and the space before its reason, which may be absent. */
function writeStatusLine(head: ResponseHead, to: Uint8Array): number {
  if (head.isPacked) {
    const line = statusLine(head.status);
    return copyBytes(line, 0, line.length, to, 0);
  }
  let at = copyBytes(head.bytes, head.base, head.base + head.fieldsStart, to, 0);
  to[7] = 49;
  if (at === STATUS_BYTES + 2) {
    to[STATUS_BYTES] = 32;
    to[STATUS_BYTES + 1] = 13;
    to[STATUS_BYTES + 2] = 10;
    at++;
  }
  return at;
}

/** `HTTP/1.1 200`. */
const STATUS_BYTES = 12;
