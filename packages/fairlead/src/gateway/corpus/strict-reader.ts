/**
 * Reads the complete requests in an upstream's bytes, as a strict HTTP/1.1 server would, with no code in
 * common with the gateway. A request that is cut off is left out; bytes that are no request throw.
 * @returns `METHOD target`, then the decoded body in quotes if it is not empty.
 */
export function readRequests(bytes: string): string[] {
  const requests: string[] = [];
  let rest = bytes;
  while (rest !== '') {
    const headEnd = rest.indexOf('\r\n\r\n');
    if (headEnd < 0) break;
    const lines = rest.slice(0, headEnd).split('\r\n');
    const line = /^([^ ]+) ([^ ]+) HTTP\/1\.1$/.exec(lines[0]!);
    if (line === null) throw new Error(`no request line: ${JSON.stringify(lines[0])}`);
    rest = rest.slice(headEnd + 4);
    const values = (name: string): string[] =>
      lines
        .filter((field) => field.toLowerCase().startsWith(`${name}:`))
        .map((field) => field.slice(name.length + 1).trim());
    const lengths = values('content-length');
    const codings = values('transfer-encoding');
    if (lengths.length + codings.length > 1 || values('host').length !== 1) throw new Error(lines.join('|'));
    const body = codings.length === 1 ? readChunked(rest) : cut(rest, Number(lengths[0] ?? 0));
    if (body === undefined) break;
    rest = rest.slice(body.taken);
    requests.push(`${line[1]} ${line[2]}${body.text === '' ? '' : ` ${JSON.stringify(body.text)}`}`);
  }
  return requests;
}

interface Body {
  readonly text: string;
  /** Bytes on the wire. */
  readonly taken: number;
}

function cut(rest: string, length: number): Body | undefined {
  return rest.length < length ? undefined : { text: rest.slice(0, length), taken: length };
}

/** A chunked body with its trailers; undefined if it is cut off. */
export function readChunked(rest: string): Body | undefined {
  let text = '';
  let at = 0;
  for (;;) {
    const size = /^([0-9a-f]+)\r\n/i.exec(rest.slice(at));
    if (size === null) return undefined;
    at += size[0].length;
    const length = Number.parseInt(size[1]!, 16);
    if (length === 0) break;
    if (rest.length < at + length + 2) return undefined;
    text += rest.slice(at, at + length);
    at += length + 2;
  }
  const end = /^(?:[^\r\n]+\r\n)*\r\n/.exec(rest.slice(at));
  return end === null ? undefined : { text, taken: at + end[0].length };
}
