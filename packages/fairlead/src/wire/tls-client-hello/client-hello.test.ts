import assert from 'node:assert/strict';
import { once } from 'node:events';
import { createServer } from 'node:net';
import { test } from 'node:test';
import { type ConnectionOptions, connect } from 'node:tls';
import fc from 'fast-check';
import { CLIENT_HELLO_MAX_BYTES, parseClientHello } from './client-hello.ts';

const u16 = (value: number): number[] => [value >> 8, value & 255];
const vector = (width: 1 | 2, bytes: readonly number[]): number[] => [
  ...(width === 1 ? [bytes.length] : u16(bytes.length)),
  ...bytes,
];
const text = (value: string): number[] => [...Buffer.from(value, 'latin1')];
const extension = (type: number, data: readonly number[]): number[] => [...u16(type), ...vector(2, data)];
const serverName = (name: string): number[] => extension(0, vector(2, [0, ...vector(2, text(name))]));
const alpn = (...names: string[]): number[] =>
  extension(
    16,
    vector(
      2,
      names.flatMap((name) => vector(1, text(name))),
    ),
  );
const versions = (...list: number[]): number[] => extension(43, vector(1, list.flatMap(u16)));

function hello(extensions: readonly number[] | undefined): number[] {
  const body = [3, 3, ...new Array<number>(32).fill(7), 0, ...vector(2, [0x13, 0x01]), ...vector(1, [0])];
  if (extensions !== undefined) body.push(...vector(2, extensions));
  return [1, 0, ...u16(body.length), ...body];
}

/** Cuts a handshake message into records of at most `size` bytes. */
function records(message: readonly number[], size = 16384): Uint8Array {
  const out: number[] = [];
  for (let at = 0; at < message.length; at += size) out.push(22, 3, 1, ...vector(2, message.slice(at, at + size)));
  return Uint8Array.from(out);
}

const good: readonly [
  name: string,
  extensions: number[] | undefined,
  serverName: string | undefined,
  alpn: string[],
  version: number,
][] = [
  ['no extensions at all', undefined, undefined, [], 0x0303],
  ['server name', serverName('shop.example'), 'shop.example', [], 0x0303],
  ['upper case and a trailing dot', serverName('Shop.EXAMPLE.'), 'shop.example', [], 0x0303],
  ['protocols in order', alpn('h2', 'http/1.1'), undefined, ['h2', 'http/1.1'], 0x0303],
  ['versions with GREASE', versions(0x7a7a, 0x0304, 0x0303), undefined, [], 0x0304],
  ['unknown extensions', [...extension(0x1234, [1, 2, 3]), ...serverName('a.b')], 'a.b', [], 0x0303],
];

for (const [name, extensions, expectedName, protocols, maxVersion] of good) {
  test(`reads: ${name}, in one record and in many`, () => {
    for (const size of [16384, 100, 3, 1]) {
      assert.deepEqual(parseClientHello(records(hello(extensions), size)), {
        type: 'hello',
        hello: { serverName: expectedName, alpn: protocols, maxVersion },
      });
    }
  });
}

const bad: readonly [name: string, bytes: Uint8Array][] = [
  ['plain HTTP', Buffer.from('GET / HTTP/1.1\r\n\r\n')],
  ['one byte of plain HTTP', Buffer.from('G')],
  ['another content type', Uint8Array.from([23, 3, 1, 0, 1, 1])],
  ['SSL 2', Uint8Array.from([22, 2, 0, 0, 1, 1])],
  ['an empty record', Uint8Array.from([22, 3, 1, 0, 0])],
  ['a record above 16 KiB', Uint8Array.from([22, 3, 1, 0x40, 1])],
  ['another handshake message', records([2, 0, 0, 1, 0])],
  ['an endless ClientHello', records([1, 1, 0, 0])],
  [
    'trailing bytes',
    records(
      (() => {
        const m = hello([]);
        return [1, 0, ...u16(m.length - 3), ...m.slice(4), 0];
      })(),
    ),
  ],
  ['a repeated extension', records(hello([...alpn('h2'), ...alpn('h2')]))],
  ['an extension that overruns', records(hello([0, 0, 0, 9, 1]))],
  ['two host names', records(hello(extension(0, vector(2, [0, ...vector(2, text('a')), 0, ...vector(2, text('b'))]))))],
  ['an empty host name', records(hello(serverName('')))],
  ['a host name with a slash', records(hello(serverName('a/b')))],
  ['a host name with NUL', records(hello(serverName('a\0.example')))],
  ['an empty protocol', records(hello(alpn('')))],
];
for (const [name, bytes] of bad) {
  test(`refuses: ${name}`, () => assert.equal(parseClientHello(bytes).type, 'malformed'));
}

test('every proper prefix is incomplete and asks for more than it has', () => {
  for (const size of [16384, 50]) {
    const bytes = records(hello([...serverName('shop.example'), ...alpn('h2', 'http/1.1')]), size);
    for (let length = 0; length < bytes.length; length++) {
      const result = parseClientHello(bytes.subarray(0, length));
      assert.equal(result.type, 'incomplete', `${length} of ${bytes.length}`);
      if (result.type === 'incomplete') {
        assert.ok(result.needBytes > length && result.needBytes <= bytes.length, `${result.needBytes} at ${length}`);
      }
    }
  }
});

test('arbitrary and mutated bytes never throw nor ask for more than the limit', () => {
  const sound = records(hello([...serverName('shop.example'), ...alpn('h2'), ...versions(0x0304)]));
  const mutated = fc
    .array(fc.tuple(fc.nat(sound.length - 1), fc.nat(255)), { minLength: 1, maxLength: 6 })
    .map((edits) => {
      const copy = Uint8Array.from(sound);
      for (const [at, value] of edits) copy[at] = value;
      return copy;
    });
  fc.assert(
    fc.property(fc.oneof(fc.uint8Array({ maxLength: 300 }), mutated), (bytes) => {
      const result = parseClientHello(bytes);
      if (result.type === 'incomplete') {
        assert.ok(result.needBytes > bytes.length);
        assert.ok(result.needBytes <= CLIENT_HELLO_MAX_BYTES + 16384 + 5);
      }
    }),
    { numRuns: 3000 },
  );
});

const clients: readonly [
  name: string,
  options: ConnectionOptions,
  expected: readonly [string | undefined, string[], number],
][] = [
  [
    'TLS 1.3',
    { servername: 'real.example', ALPNProtocols: ['h2', 'http/1.1'] },
    ['real.example', ['h2', 'http/1.1'], 0x0304],
  ],
  ['TLS 1.2', { servername: 'real.example', maxVersion: 'TLSv1.2' }, ['real.example', [], 0x0303]],
  ['no name', {}, [undefined, [], 0x0304]],
];
for (const [name, options, [expectedName, protocols, maxVersion]] of clients) {
  test(`reads what a real client sends: ${name}`, async () => {
    const server = createServer();
    server.listen(0, '127.0.0.1');
    await once(server, 'listening');
    const { port } = server.address() as { port: number };
    const client = connect({ port, host: '127.0.0.1', ...options });
    client.on('error', () => {});
    const [socket] = await once(server, 'connection');
    const [bytes] = await once(socket, 'data');
    assert.deepEqual(parseClientHello(bytes), {
      type: 'hello',
      hello: { serverName: expectedName, alpn: protocols, maxVersion },
    });
    client.destroy();
    socket.destroy();
    server.close();
  });
}
