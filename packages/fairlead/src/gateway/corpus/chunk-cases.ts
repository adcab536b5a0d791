import { accepted, post, type RequestCase, refused } from './corpus-case.ts';

const TE = 'Transfer-Encoding: chunked\r\n';
const broken = (rule: string, name: string, body: string): RequestCase => refused(rule, name, post(TE, body));
const whole = (rule: string, name: string, body: string, seen: string, more: Partial<RequestCase> = {}): RequestCase =>
  accepted(rule, name, post(TE, body), [`POST /a${seen === '' ? '' : ` ${JSON.stringify(seen)}`}`], more);
const END = '0\r\n\r\n';

/** Chunked bodies (RFC 9112 7.1): sizes, extensions, data, trailers. */
export const CHUNK_CASES: readonly RequestCase[] = [
  broken('9112 7.1', 'size with a plus sign', `+1\r\nx\r\n${END}`),
  broken('9112 7.1', 'size with a minus sign', `-1\r\nx\r\n${END}`),
  broken('9112 7.1', 'size with 0x', `0x1\r\nx\r\n${END}`),
  broken('9112 7.1', 'size with an underscore', `0_1\r\nx\r\n${END}`),
  broken('9112 7.1', 'size with a leading space', ` 1\r\nx\r\n${END}`),
  broken('9112 7.1', 'size with a trailing space', `1 \r\nx\r\n${END}`),
  broken('9112 7.1', 'size with a trailing tab', `1\t\r\nx\r\n${END}`),
  broken('9112 7.1', 'size with a letter', `1g\r\nx\r\n${END}`),
  broken('9112 7.1', 'size with a comma', `1,0\r\nx\r\n${END}`),
  broken('9112 7.1', 'size with NUL', `1\0\r\nx\r\n${END}`),
  broken('9112 7.1', 'no size', `\r\nx\r\n${END}`),
  broken('9112 7.1', 'no size but an extension', `;a=b\r\nx\r\n${END}`),
  broken('9112 7.1', 'size beyond 2^64', `10000000000000001\r\nx\r\n${END}`),
  broken('9112 7.1', 'size beyond 2^53', `20000000000001\r\nx\r\n${END}`),
  broken('limit', 'size with 300 zeros', `${'0'.repeat(300)}1\r\nx\r\n${END}`),
  broken('9112 2.2', 'size ended by LF', `1\nx\r\n${END}`),
  broken('9112 2.2', 'size ended by CR', `1\rx\r\n${END}`),
  broken('9112 2.2', 'size ended by CR CR LF', `1\r\r\nx\r\n${END}`),
  broken('9112 7.1', 'data ended by LF', `1\r\nx\n${END}`),
  broken('9112 7.1', 'data ended by CR', `1\r\nx\r${END}`),
  broken('9112 7.1', 'data not ended', `1\r\nx${END}`),
  broken('9112 7.1', 'data longer than its size', `1\r\nxx\r\n${END}`),
  broken('9112 7.1', 'data shorter than its size', `3\r\nx\r\n${END}`),
  broken('9112 7.1.1', 'extension with LF', `1;a\nx\r\n${END}`),
  broken('9112 7.1.1', 'extension with bare CR', `1;a\rb\r\nx\r\n${END}`),
  broken('9112 7.1.1', 'extension with NUL', `1;a\0\r\nx\r\n${END}`),
  broken('9112 7.1.1', 'quoted LF in an extension', `1;a="\n"\r\nx\r\n${END}`),
  broken('limit', 'extension of 300 bytes', `1;${'a'.repeat(300)}\r\nx\r\n${END}`),
  broken('9112 7.1', 'last chunk ended by LF', '0\n\r\n'),
  broken('9112 7.1', 'body ended by LF', '0\r\n\n\r\n\r\n'),
  broken('9112 5.2', 'trailer folded', '0\r\nX: y\r\n z\r\n\r\n'),
  broken('9112 5.1', 'trailer with a space before its colon', '0\r\nX : y\r\n\r\n'),
  broken('9112 5.1', 'trailer without a colon', '0\r\nX\r\n\r\n'),
  broken('9112 5.1', 'trailer without a name', '0\r\n: y\r\n\r\n'),
  broken('9110 5.5', 'trailer with NUL', '0\r\nX: \0\r\n\r\n'),
  broken('9112 2.2', 'trailer ended by LF', '0\r\nX: y\n\r\n\r\n'),
  broken('limit', '33 trailers', `0\r\n${'X: y\r\n'.repeat(33)}\r\n`),
  broken('limit', 'trailers of 9,000 bytes', `0\r\nX: ${'y'.repeat(9000)}\r\n\r\n`),
  whole('9112 7.1', 'no data', END, ''),
  whole('9112 7.1', 'two chunks', `2\r\nab\r\n3\r\ncde\r\n${END}`, 'abcde'),
  whole('9112 7.1', 'size in capitals', `A\r\n0123456789\r\n${END}`, '0123456789'),
  whole('9112 7.1', 'size in small letters', `a\r\n0123456789\r\n${END}`, '0123456789'),
  whole('9112 7.1', 'zeros before the size', `0001\r\nx\r\n${END}`, 'x'),
  whole('9112 7.1', 'last chunk of many zeros', '1\r\nx\r\n000\r\n\r\n', 'x'),
  whole('9112 7.1.1', 'extensions are dropped', `1;a=b;c="d"\r\nx\r\n0;e\r\n\r\n`, 'x', { withheld: ['a=b', ';e'] }),
  whole('9112 7.1', 'data that looks like the end', `5\r\n0\r\n\r\n\r\n${END}`, '0\r\n\r\n'),
  whole(
    '9112 7.1',
    'data that looks like a request',
    `${(27).toString(16)}\r\nGET /evil HTTP/1.1\r\nA: b\r\n\r\r\n${END}`,
    'GET /evil HTTP/1.1\r\nA: b\r\n\r',
  ),
  whole('9112 7.1.2', 'a trailer is passed on', '0\r\nX: y\r\n\r\n', '', { forwarded: ['X: y'] }),
  whole('9110 6.5.1', 'a trailer cannot set Content-Length', '0\r\nContent-Length: 9\r\n\r\n', '', {
    withheld: ['content-length'],
  }),
  whole('9110 6.5.1', 'a trailer cannot set Transfer-Encoding', '0\r\nTransfer-Encoding: x\r\n\r\n', '', {
    withheld: ['encoding: x'],
  }),
  whole('9110 6.5.1', 'a trailer cannot set Host', '0\r\nHost: evil\r\n\r\n', '', { withheld: ['evil'] }),
  whole('9110 6.5.1', 'a trailer cannot set Authorization', '0\r\nAuthorization: evil\r\n\r\n', '', {
    withheld: ['evil'],
  }),
  whole('9110 6.5.1', 'a trailer cannot set Connection', '0\r\nConnection: close\r\n\r\n', '', {
    withheld: ['connection'],
  }),
  whole('9110 6.5.1', 'a trailer cannot tell a client address', '0\r\nX-Forwarded-For: 1.2.3.4\r\n\r\n', '', {
    withheld: ['1.2.3.4'],
  }),
];
