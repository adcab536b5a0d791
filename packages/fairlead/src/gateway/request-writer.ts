// Hot path: turns a parsed request into the one for the upstream, in the reactor's output buffer.

import * as field from '../wire/http1/field-id.ts';
import { copyBytes, copyKeptFields } from '../wire/http1/head-writer.ts';
import type { RequestHead } from '../wire/http1/request-head.ts';
import type { FieldList } from '../wire/http2/field-list.ts';
import type { CompiledEdit, CompiledRoute } from './compiled-route.ts';
import type { HeadChange } from './filters/head-change.ts';
import type { ServerCertificate } from './server-certificates.ts';
import type { RequestTrace } from './tracing/request-trace.ts';
import type { ToldClient } from './trust.ts';

const text = (value: string): Buffer => Buffer.from(value, 'latin1');
const HTTP_1_1 = text(' HTTP/1.1\r\n');
const CHUNKED = text('transfer-encoding: chunked\r\n');
const UPGRADE = text('connection: upgrade\r\nupgrade: ');
const FORWARDED_HOST = text('x-forwarded-host: ');

/** What is known about a client connection from its start. */
export interface ClientIdentity {
  readonly address: string;
  /** What a trusted proxy says about the client of a request; undefined: the peer is the client. */
  readonly told: ((head: RequestHead) => ToldClient) | undefined;
  /** The field that trusted proxies tell of clients in. */
  readonly believed: 'x-forwarded-for' | 'forwarded';
  /** `x-forwarded-for: ADDRESS` line, and where the peer is the client `x-real-ip`. */
  readonly forLine: Buffer;
  /** Element of Forwarded up to the host (RFC 7239); undefined: none is sent. */
  readonly forwardedStart: Buffer | undefined;
  /** `x-forwarded-proto` and `x-forwarded-port` lines. */
  readonly protoLine: Buffer;
  readonly portLine: Buffer;
  /** All of them up to the value of `x-forwarded-host`, where no request has others: the usual case in one copy. */
  readonly usualLines: Buffer | undefined;
  /** The same as fields, without `x-forwarded-host`; made for the first request that needs them. */
  readonly usualFields: FieldList | undefined;
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
  const { bytes } = head;
  // Before fields are dropped: it reads them.
  const told = identity.told?.(head);
  const mask = dropReplaced(head, route, identity, change);
  trace?.applyDrops(head);
  const edit = route.requestEdit;
  let at = writeRequestLine(head, to, route, path);
  at = copyKeptFields(head, to, at);
  const { usualLines } = identity;
  if (usualLines !== undefined && head.hostField >= 0) {
    at = appendLine(usualLines, bytes, head.valueStart(head.hostField), head.valueEnd(head.hostField), to, at);
  } else at = writeForwarding(head, identity, told, mask, to, at);
  if (edit !== undefined) at = append(edit.lines, to, at);
  if (change !== undefined) at = change.write(to, at);
  if (trace !== undefined) at = trace.write(to, at);
  if (head.isChunked) at = append(CHUNKED, to, at);
  if (withUpgrade) {
    at = appendLine(UPGRADE, bytes, head.valueStart(head.upgradeField), head.valueEnd(head.upgradeField), to, at);
  }
  to[at++] = 13;
  to[at++] = 10;
  return at;
}

/** Marks what the endpoint does not get, because somebody else sets it; returns which forwarding fields stay. */
export function dropReplaced(
  head: RequestHead,
  { requestEdit: edit }: CompiledRoute,
  identity: ClientIdentity,
  change: HeadChange | undefined,
): number {
  const mask = head.hasForwarding ? noteForwarding(head, identity) : 0;
  change?.applyDrops(head);
  if (edit === undefined) return mask;
  dropEdited(head, edit);
  if (edit.dropsHost && head.hostField >= 0) head.dropped[head.hostField] = 1;
  return mask;
}

const HOST_LINE = text('host: ');
const PROTO = 1;
const PORT = 2;
const HOST = 4;
const REAL_IP = 8;

/**
 * Drops forwarding fields of an untrusted peer, and of a trusted one those that nobody vouches for; notes which are
 * set already.
 */
function noteForwarding(head: RequestHead, { told, believed }: ClientIdentity): number {
  let mask = 0;
  for (let index = 0; index < head.fieldCount; index++) {
    const id = head.ids[index]!;
    if (id < field.FORWARDED) continue;
    if (told === undefined || (id === field.FORWARDED) !== (believed === 'forwarded')) head.dropped[index] = 1;
    else if (id === field.X_FORWARDED_PROTO) mask |= PROTO;
    else if (id === field.X_FORWARDED_PORT) mask |= PORT;
    else if (id === field.X_FORWARDED_HOST) mask |= HOST;
    else if (id === field.X_REAL_IP) mask |= REAL_IP;
  }
  return mask;
}

/** Writes what tells of the client, one by one: some of it may be there already. `mask` is of {@link dropReplaced}. */
export function writeForwarding(
  head: RequestHead,
  identity: ClientIdentity,
  told: ToldClient | undefined,
  mask: number,
  to: Uint8Array,
  at: number,
): number {
  const { bytes, base } = head;
  if (told !== undefined) {
    at = append(text(toldLines(told, identity, mask)), to, at);
    if (told.scheme !== undefined) mask |= PROTO;
    if (told.host !== undefined) mask |= HOST;
  }
  at = append(identity.forLine, to, at);
  if ((mask & PROTO) === 0) at = append(identity.protoLine, to, at);
  if ((mask & PORT) === 0) at = append(identity.portLine, to, at);
  if (identity.forwardedStart !== undefined) at = writeForwarded(head, identity.forwardedStart, to, at);
  if ((mask & HOST) === 0 && head.hostField >= 0) {
    return appendLine(FORWARDED_HOST, bytes, head.valueStart(head.hostField), head.valueEnd(head.hostField), to, at);
  }
  if (head.hostField >= 0 || head.hostEnd === head.hostStart) return at;
  // HTTP/1.0 with an absolute target.
  return appendLine(HOST_LINE, bytes, base + head.hostStart, base + head.hostEnd, to, at);
}

/** What Forwarded says, in the usual fields, and who the client is, unless a trusted proxy has said so. */
function toldLines({ address, scheme, host }: ToldClient, { believed }: ClientIdentity, mask: number): string {
  const realIp = (mask & REAL_IP) === 0 ? `x-real-ip: ${address}\r\n` : '';
  if (believed !== 'forwarded') return realIp;
  const proto = scheme === undefined ? '' : `x-forwarded-proto: ${scheme}\r\n`;
  // Quoted strings of RFC 7239 may hold what ends a field's line only where that field could.
  const hostLine = host === undefined ? '' : `x-forwarded-host: ${host}\r\n`;
  return `x-forwarded-for: ${address}\r\n${realIp}${proto}${hostLine}`;
}

/** Our own element of Forwarded. The host's characters need no escape in quotes. */
function writeForwarded(head: RequestHead, start: Uint8Array, to: Uint8Array, at: number): number {
  const { hostField: index } = head;
  at = append(start, to, at);
  if (index >= 0) at = copyBytes(head.bytes, head.valueStart(index), head.valueEnd(index), to, at);
  to[at++] = 34;
  to[at++] = 13;
  to[at++] = 10;
  return at;
}

function append(bytes: Uint8Array, to: Uint8Array, at: number): number {
  return copyBytes(bytes, 0, bytes.length, to, at);
}

/** A field's line: its start, the value `from[start, end)`, CRLF. */
function appendLine(
  lineStart: Uint8Array,
  from: Uint8Array,
  start: number,
  end: number,
  to: Uint8Array,
  at: number,
): number {
  at = append(lineStart, to, at);
  at = copyBytes(from, start, end, to, at);
  to[at++] = 13;
  to[at++] = 10;
  return at;
}

/** Method, path with query, version. Copied in one piece where it lies so, unless the target changes. */
function writeRequestLine(
  head: RequestHead,
  to: Uint8Array,
  route: CompiledRoute,
  path: Uint8Array | undefined,
): number {
  const { bytes, base } = head;
  const replaced = replacedPath(head, route, path);
  if (replaced === undefined && !head.isPacked) {
    const at = copyBytes(bytes, base + head.methodStart, base + head.targetEnd, to, 0);
    return append(HTTP_1_1, to, at);
  }
  let at = copyBytes(bytes, base + head.methodStart, base + head.methodEnd, to, 0);
  to[at++] = 32;
  if (replaced === undefined) at = copyBytes(bytes, base + head.targetStart, base + head.pathEnd, to, at);
  else at = append(replaced, to, at);
  at = copyBytes(bytes, base + head.pathEnd, base + head.targetEnd, to, at);
  return append(HTTP_1_1, to, at);
}

/** The path that the endpoint gets, where it is another one than the target's own: normalised, or rewritten by the route. */
export function replacedPath(
  head: RequestHead,
  { pathRewrite: rewrite }: CompiledRoute,
  path: Uint8Array | undefined,
): Uint8Array | undefined {
  if (rewrite === undefined) return path;
  const { bytes, base } = head;
  const source = path ?? bytes.subarray(base + head.pathStart, base + head.pathEnd);
  const result = rewrite(Buffer.from(source).toString('latin1'));
  return result === undefined ? path : Buffer.from(result, 'latin1');
}
