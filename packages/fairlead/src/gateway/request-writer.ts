// Hot path: turns a parsed request into the one for the upstream, in the reactor's output buffer.

import * as field from '../wire/http1/field-id.ts';
import { copyBytes, copyKeptFields } from '../wire/http1/head-writer.ts';
import type { RequestHead } from '../wire/http1/request-head.ts';
import type { CompiledEdit, CompiledRoute } from './compiled-route.ts';
import type { HeadChange } from './filters/head-change.ts';
import { replacePrefix } from './redirect.ts';
import type { ServerCertificate } from './server-certificates.ts';
import type { RequestTrace } from './tracing/request-trace.ts';

const text = (value: string): Buffer => Buffer.from(value, 'latin1');
const HTTP_1_1 = text(' HTTP/1.1\r\n');
const CHUNKED = text('transfer-encoding: chunked\r\n');
const UPGRADE = text('connection: upgrade\r\nupgrade: ');
const FORWARDED_HOST = text('x-forwarded-host: ');

/** What is known about a client connection from its start. */
export interface ClientIdentity {
  readonly address: string;
  /** The peer is a trusted proxy: its X-Forwarded-* and Forwarded fields stay. */
  readonly trusted: boolean;
  /** `x-forwarded-for: ADDRESS` line. */
  readonly forLine: Buffer;
  /** `x-forwarded-proto` and `x-forwarded-port` lines. */
  readonly protoLine: Buffer;
  readonly portLine: Buffer;
  /** What a TLS client was shown; undefined on a plain connection. */
  readonly certificate: ServerCertificate | undefined;
  /** The PROXY protocol header that tells an endpoint of the client. */
  readonly preamble: (version: 'v1' | 'v2') => Uint8Array;
}

/** Applies an edit's removals. */
export function dropEdited(head: { dropNamed(name: Uint8Array): void }, edit: CompiledEdit): void {
  for (const name of edit.dropped) head.dropNamed(name);
}

/** Writes the request's head at the start of `to`; returns its length. */
export function writeRequestHead(
  head: RequestHead,
  to: Uint8Array,
  route: CompiledRoute,
  identity: ClientIdentity,
  path: Uint8Array | undefined,
  withUpgrade: boolean,
  change: HeadChange | undefined = undefined,
  trace: RequestTrace | undefined = undefined,
): number {
  const { bytes, base } = head;
  let mask = 0;
  if (head.hasForwarding) mask = noteForwarding(head, identity.trusted);
  change?.applyDrops(head);
  trace?.applyDrops(head);
  const edit = route.requestEdit;
  if (edit !== undefined) {
    dropEdited(head, edit);
    if (edit.dropsHost && head.hostField >= 0) head.dropped[head.hostField] = 1;
  }
  let at = writeRequestLine(head, to, route, path);
  at = copyKeptFields(head, to, at);
  at = append(identity.forLine, to, at);
  if ((mask & PROTO) === 0) at = append(identity.protoLine, to, at);
  if ((mask & PORT) === 0) at = append(identity.portLine, to, at);
  if ((mask & HOST) === 0 && head.hostField >= 0) {
    at = append(FORWARDED_HOST, to, at);
    at = copyBytes(bytes, head.valueStart(head.hostField), head.valueEnd(head.hostField), to, at);
    to[at++] = 13;
    to[at++] = 10;
  } else if (head.hostField < 0 && head.hostEnd > head.hostStart) {
    // HTTP/1.0 with an absolute target.
    at = append(HOST_LINE, to, at);
    at = copyBytes(bytes, base + head.hostStart, base + head.hostEnd, to, at);
    to[at++] = 13;
    to[at++] = 10;
  }
  if (edit !== undefined) at = append(edit.lines, to, at);
  if (change !== undefined) at = change.write(to, at);
  if (trace !== undefined) at = trace.write(to, at);
  if (head.isChunked) at = append(CHUNKED, to, at);
  if (withUpgrade) {
    at = append(UPGRADE, to, at);
    at = copyBytes(bytes, head.valueStart(head.upgradeField), head.valueEnd(head.upgradeField), to, at);
    to[at++] = 13;
    to[at++] = 10;
  }
  to[at++] = 13;
  to[at++] = 10;
  return at;
}

const HOST_LINE = text('host: ');
const PROTO = 1;
const PORT = 2;
const HOST = 4;

/** Drops forwarding fields of an untrusted peer; of a trusted one, notes which are set already. */
function noteForwarding(head: RequestHead, trusted: boolean): number {
  let mask = 0;
  for (let index = 0; index < head.fieldCount; index++) {
    const id = head.ids[index]!;
    if (id < field.FORWARDED) continue;
    if (!trusted) head.dropped[index] = 1;
    else if (id === field.X_FORWARDED_PROTO) mask |= PROTO;
    else if (id === field.X_FORWARDED_PORT) mask |= PORT;
    else if (id === field.X_FORWARDED_HOST) mask |= HOST;
  }
  return mask;
}

function append(bytes: Uint8Array, to: Uint8Array, at: number): number {
  return copyBytes(bytes, 0, bytes.length, to, at);
}

/** Method, path with query, version. Copied in one piece unless the target changes. */
function writeRequestLine(
  head: RequestHead,
  to: Uint8Array,
  route: CompiledRoute,
  path: Uint8Array | undefined,
): number {
  const { bytes, base } = head;
  let replaced = path;
  if (route.pathRewrite !== undefined) replaced = rewrittenPath(head, route, path);
  if (replaced === undefined) {
    const at = copyBytes(bytes, base + head.methodStart, base + head.targetEnd, to, 0);
    return append(HTTP_1_1, to, at);
  }
  let at = copyBytes(bytes, base + head.methodStart, base + head.methodEnd, to, 0);
  to[at++] = 32;
  at = append(replaced, to, at);
  at = copyBytes(bytes, base + head.pathEnd, base + head.targetEnd, to, at);
  return append(HTTP_1_1, to, at);
}

function rewrittenPath(head: RequestHead, route: CompiledRoute, path: Uint8Array | undefined): Buffer {
  const rewrite = route.pathRewrite!;
  if (rewrite.type === 'full') return Buffer.from(encodePath(rewrite.value), 'latin1');
  const { bytes, base } = head;
  const source = path ?? bytes.subarray(base + head.pathStart, base + head.pathEnd);
  const current = Buffer.from(source).toString('latin1');
  return Buffer.from(replacePrefix(current, route.matchedPrefix, encodePath(rewrite.value)), 'latin1');
}

/** A configured path may hold what a request line may not. */
function encodePath(path: string): string {
  return path.replace(/[^!$&'()*+,\-./0-9:;=@A-Z_a-z~%]/g, (char) => encodeURIComponent(char));
}
