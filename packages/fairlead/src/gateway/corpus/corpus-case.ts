/** What becomes of the client's connection behind the case: the next request on it is answered, or never read. */
export type Fate = 'stays' | 'closes';

/** One row of the request corpus: bytes of a client → its answers, its connection, and what the upstream saw. */
export interface RequestCase {
  /** Where the rule stands: `9112 6.3` is RFC 9112 section 6.3; `limit` and `policy` are our own. */
  readonly rule: string;
  readonly name: string;
  /** What the client sends, Latin-1. */
  readonly bytes: string;
  /** Statuses of all answers to these bytes, interim ones included. */
  readonly answers: readonly number[];
  readonly fate: Fate;
  /** Complete requests that reach the upstream: `METHOD target`, then the decoded body in quotes if there is one. */
  readonly upstream: readonly string[];
  /** Lines that the upstream must have seen, whatever the case of their names. */
  readonly forwarded?: readonly string[];
  /** Text that must not reach the upstream, whatever its case. */
  readonly withheld?: readonly string[];
}

/** The Host line of the corpus. */
export const H = 'Host: h\r\n';

/** A request for `/a` with one more block of fields, each ended by CRLF. */
export function get(fields: string = '', line: string = 'GET /a HTTP/1.1', host: string = H): string {
  return `${line}\r\n${host}${fields}\r\n`;
}

/** A POST for `/a`. */
export function post(fields: string, body: string, version: string = '1.1'): string {
  return `POST /a HTTP/${version}\r\n${H}${fields}\r\n${body}`;
}

/** Refused before anything reaches the upstream; the connection ends. */
export function refused(rule: string, name: string, bytes: string, status = 400): RequestCase {
  return { rule, name, bytes, answers: [status], fate: 'closes', upstream: [] };
}

/** Answered with 200 by the upstream; the connection goes on. */
export function accepted(
  rule: string,
  name: string,
  bytes: string,
  upstream: readonly string[] = ['GET /a'],
  more: Partial<RequestCase> = {},
): RequestCase {
  return { rule, name, bytes, answers: upstream.map(() => 200), fate: 'stays', upstream, ...more };
}
