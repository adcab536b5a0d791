import assert from 'node:assert/strict';
import { describe, test } from 'node:test';
import fc from 'fast-check';
import type { ExchangeRecord } from '../exchange-record.ts';
import { LOG_FIELDS } from './log-fields.ts';
import { compileLogFormat, type LogFormat, NAMED_LOG_FORMATS } from './log-format.ts';

const NOW = Date.parse('2026-11-21T18:50:07.123Z');
/** What a log sees of an exchange. */
type Seen = Pick<
  ExchangeRecord,
  | 'status'
  | 'client'
  | 'route'
  | 'request'
  | 'headerValues'
  | 'headBytes'
  | 'reason'
  | 'isTls'
  | 'protocol'
  | 'bytesSent'
  | 'bytesReceived'
  | 'durationMs'
  | 'upstreamMs'
> & { readonly identity: { readonly address: string }; readonly tries: { readonly backend: unknown } };
const SEEN: Seen = {
  status: 200,
  route: { label: 'Ingress shop/web' } as ExchangeRecord['route'],
  request: { method: 'GET', host: 'shop.example', target: '/a/b?c=d' },
  headerValues: [],
  headBytes: 100,
  reason: undefined,
  isTls: false,
  protocol: 'HTTP/1.1',
  bytesSent: 350,
  bytesReceived: 42,
  durationMs: 12.3456,
  upstreamMs: 10,
  client: '192.0.2.1',
  identity: { address: '198.51.100.1' },
  tries: { backend: { key: 'shop/web:80' }, endpointLabel: '10.0.0.1:80', count: 2 } as Seen['tries'],
};
const NOTHING: Seen = {
  ...SEEN,
  status: 0,
  route: undefined,
  request: { method: '', host: '', target: '' },
  upstreamMs: undefined,
  tries: { backend: undefined },
};

function line(format: LogFormat, seen: Seen = SEEN): string {
  const result = compileLogFormat(format);
  assert.ok(result.ok, result.ok ? '' : result.problems.join('; '));
  return result.format.line(seen as unknown as ExchangeRecord, NOW);
}
const template = (text: string): LogFormat => ({ type: 'template', text });
const json = (...fields: readonly string[]): LogFormat => ({ type: 'json', fields });

const rows: readonly (readonly [name: string, format: LogFormat, line: string, seen?: Partial<Seen>])[] = [
  [
    'JSON',
    NAMED_LOG_FORMATS.json!,
    '{"time":"2026-11-21T18:50:07.123Z","client":"192.0.2.1","method":"GET","host":"shop.example","target":"/a/b?c=d","protocol":"HTTP/1.1","status":200,"bytesSent":350,"durationMs":12.346,"backend":"shop/web:80","upstream":"10.0.0.1:80","attempts":2,"route":"Ingress shop/web"}',
  ],
  [
    'JSON of some fields, in the order asked for',
    json('status', 'path', 'query'),
    '{"status":200,"path":"/a/b","query":"c=d"}',
  ],
  ['JSON of nothing', json('query', 'upstreamMs', 'flags'), '{}', NOTHING],
  [
    'JSON of a header',
    json('header.User-Agent', 'status'),
    '{"header.User-Agent":"x","status":200}',
    { headerValues: ['x'] },
  ],
  [
    'combined, as nginx',
    NAMED_LOG_FORMATS.combined!,
    '192.0.2.1 - - [21/Nov/2026:18:50:07 +0000] "GET /a/b?c=d HTTP/1.1" 200 250 "-" "curl/8"',
    { headerValues: [undefined, 'curl/8'] },
  ],
  [
    'common, of what could not be read',
    NAMED_LOG_FORMATS.common!,
    '192.0.2.1 - - [21/Nov/2026:18:50:07 +0000] "-" 0 250',
    NOTHING,
  ],
  [
    'as Envoy',
    NAMED_LOG_FORMATS.envoy!,
    '[2026-11-21T18:50:07.123Z] "GET /a/b?c=d HTTP/1.1" 503 UF,URX 42 250 12.346 10 "-" "curl/8" "-" "shop.example" "10.0.0.1:80"',
    { status: 503, reason: 'upstream-connect', headerValues: [undefined, 'curl/8', undefined] },
  ],
  [
    'variables of nginx',
    template('$scheme $args $uri $request_time $upstream_response_time $msec'),
    'http c=d /a/b 0.012 0.010 1795287007.123',
  ],
  ['braces', template(`$${'{status}'}x$status`), '200x200'],
  ['a header of nginx', template('$http_x_request_id'), 'r1', { headerValues: ['r1'] }],
  ['a header or another one', template('%REQ(X-A?X-B)%'), 'b', { headerValues: [undefined, 'b'] }],
  [
    'a header or a part of the request',
    template('%REQ(X-ENVOY-ORIGINAL-PATH?:PATH)%'),
    '/a/b?c=d',
    { headerValues: [undefined] },
  ],
  ['signs as they are', template('100%% of $$5'), '100% of $5'],
  ['own names', template('$durationMs $backend $route'), '12.346 shop/web:80 Ingress shop/web'],
  ['who is connected', template('$client $peer $realip_remote_addr'), '192.0.2.1 198.51.100.1 198.51.100.1'],
  ['TLS', template('$scheme'), 'https', { isTls: true }],
];

describe('access log formats', () => {
  for (const [name, format, expected, seen = {}] of rows) {
    test(name, () => assert.equal(line(format, { ...SEEN, ...seen }), `${expected}\n`));
  }
});

const wrong: readonly (readonly [name: string, format: LogFormat, problems: readonly RegExp[]])[] = [
  ['an unknown variable', template('$status $nope'), [/unknown variable '\$nope'/]],
  ['several at once', template('%NOPE% $a %REQ%'), [/%NOPE%/, /\$a/, /%REQ%/]],
  ['a lonely sign', template('50%'), [/'%'/]],
  ['an argument that is not taken', template('%PROTOCOL(X)%'), [/PROTOCOL/]],
  ['an unknown part of the request', template('%REQ(:SCHEME)%'), [/SCHEME/]],
  ['two lines', template('$status\n$status'), [/one line/]],
  ['credentials', template('$http_authorization %REQ(COOKIE)%'), [/authorization/, /cookie/]],
  ['credentials in JSON', json('header.Cookie'), [/cookie/]],
  ['what is no header', json('header.a b'), [/'a b'/]],
  ['an unknown field', json('status', 'size', 'color'), [/'size'/, /'color'/]],
  ['no field', json(), [/no fields/]],
];
describe('formats that are refused, with all that is wrong', () => {
  for (const [name, format, problems] of wrong) {
    test(name, () => {
      const result = compileLogFormat(format);
      assert.ok(!result.ok);
      assert.equal(result.problems.length, problems.length, result.problems.join('; '));
      for (const [at, problem] of problems.entries()) assert.match(result.problems[at]!, problem);
    });
  }
});

/** What clients may send in the hope of another line, or of a terminal that obeys. */
const nasty: readonly (readonly [name: string, text: string])[] = [
  ['a quote', '" 200 "'],
  ['a backslash', 'a\\'],
  ['a line feed', 'a\n192.0.2.9 - - "GET / HTTP/1.1" 200'],
  ['a carriage return', 'a\rb'],
  ['an escape sequence', '\u001b[2J'],
  ['a C1 control', '\u009b2J'],
  ['a delete', '\u007f'],
  ['a NUL', '\u0000'],
  ['bytes of UTF-8', '\u00e2\u0080\u00a8'],
  ['the end of a JSON text', '","status":200,"x":"'],
];
describe('nothing that a client sends ends a value or a line', () => {
  const shapes: readonly (readonly [name: string, format: LogFormat])[] = [
    ['template', template('"$request_uri" $status "$http_user_agent"')],
    ['JSON', json('target', 'status', 'header.user-agent')],
  ];
  for (const [shape, format] of shapes) {
    const check = (text: string): void => {
      const written = line(format, {
        ...SEEN,
        request: { method: 'GET', host: 'h', target: text },
        headerValues: [text],
      });
      const body = written.slice(0, -1);
      assert.equal(written.at(-1), '\n');
      assert.match(body, /^[ -~\xa0-\xff]*$/, 'no control character');
      if (format.type === 'json') {
        assert.deepEqual(JSON.parse(body), { target: text, status: 200, 'header.user-agent': text });
      } else assert.match(body, /^"(?:[^"\\]|\\x[0-9A-F]{2})*" 200 "(?:[^"\\]|\\x[0-9A-F]{2})*"$/);
    };
    for (const [name, text] of nasty) test(`${shape}: ${name}`, () => check(text));
    test(`${shape}: anything`, () => {
      fc.assert(
        fc.property(
          fc.string({ unit: fc.integer({ min: 0, max: 255 }).map((code) => String.fromCharCode(code)), minLength: 1 }),
          check,
        ),
      );
    });
  }
});

test('names of fields are there once', () => {
  for (const names of [
    LOG_FIELDS.map(({ name }) => name),
    LOG_FIELDS.map(({ envoy }) => envoy),
    LOG_FIELDS.map(({ nginx }) => nginx),
  ]) {
    const given = names.filter((name) => name !== undefined);
    assert.equal(new Set(given).size, given.length);
  }
});
