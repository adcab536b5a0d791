import assert from 'node:assert/strict';
import { once } from 'node:events';
import { type AddressInfo, createServer, type Socket } from 'node:net';
import { describe, test } from 'node:test';
import { systemClock } from '../sys/clock.ts';
import { headerFlag, rrClass, rrType } from '../wire/dns/constants.ts';
import { type DnsRecord, decodeMessage } from '../wire/dns/message.ts';
import { nameFromText } from '../wire/dns/name.ts';
import { MessageWriter } from '../wire/dns/writer.ts';
import { parseZoneFile } from '../wire/dns/zone-file.ts';
import { transferZone } from './transfer-zone.ts';

const origin = nameFromText('zone.test')!;
const parsed = parseZoneFile('$TTL 60\n@ SOA ns m 5 1 1 1 1\n@ NS ns\nns A 192.0.2.1\nwww A 192.0.2.2\n', {
  origin,
  file: 'test',
});
assert.ok(parsed.ok);
const { records } = parsed;
const [soa] = records as readonly [DnsRecord];

interface Reply {
  readonly id?: number;
  readonly flags?: number;
  readonly question?: string;
  readonly records: readonly DnsRecord[];
}

/** Messages with frames, as a primary sends them. */
function stream(id: number, replies: readonly Reply[]): Buffer {
  return Buffer.concat(
    replies.map((reply) => {
      const writer = new MessageWriter(new Uint8Array(4096));
      writer.header(reply.id ?? id, reply.flags ?? headerFlag.QR | headerFlag.AA);
      const name = nameFromText(reply.question ?? 'zone.test')!;
      writer.question({ name, type: rrType.AXFR, class: rrClass.IN });
      for (const record of reply.records) writer.record('answer', record);
      const { bytes } = writer;
      return Buffer.concat([Uint8Array.of(bytes.length >> 8, bytes.length & 255), bytes]);
    }),
  );
}

/** What comes of a primary that does something with the connection once it has the query. */
async function transferFrom(act: (socket: Socket, id: number) => void) {
  const sockets = new Set<Socket>();
  const server = createServer((socket) => {
    sockets.add(socket);
    socket.on('error', () => {});
    socket.once('data', (query: Buffer) => {
      assert.equal(decodeMessage(query.subarray(2))?.questions[0]?.type, rrType.AXFR);
      act(socket, query.readUInt16BE(2));
    });
  }).listen(0, '127.0.0.1');
  await once(server, 'listening');
  const { port } = server.address() as AddressInfo;
  try {
    return await transferZone(origin, { address: '127.0.0.1', port }, systemClock, AbortSignal.timeout(30_000));
  } finally {
    for (const socket of sockets) socket.destroy();
    server.close();
  }
}

const whole = [{ records: [...records, soa] }];
const good: readonly (readonly [title: string, replies: readonly Reply[]])[] = [
  ['in one message', whole],
  ['in many', [...records, soa].map((record) => ({ records: [record] }))],
];
describe('a whole zone', () => {
  for (const [title, replies] of good) {
    test(title, async () => {
      const result = await transferFrom((socket, id) => socket.write(stream(id, replies)));
      assert.deepEqual(result.ok && result.records.length, records.length);
    });
  }
  test('byte by byte', async () => {
    const result = await transferFrom((socket, id) => {
      socket.setNoDelay(true);
      for (const byte of stream(id, whole)) socket.write(Uint8Array.of(byte));
    });
    assert.equal(result.ok, true);
  });
});

const bad: readonly (readonly [title: string, act: (socket: Socket, id: number) => void, problem: RegExp])[] = [
  ['nothing but a close', (socket) => socket.end(), /closed the connection/],
  [
    'half a zone',
    (socket, id) => socket.end(stream(id, [{ records: records.slice(0, 2) }])),
    /closed the connection before the end/,
  ],
  ['a reset', (socket) => socket.resetAndDestroy(), /ECONNRESET/],
  ['no message', (socket) => socket.write(Buffer.from('0003616263', 'hex')), /malformed/],
  ['another ID', (socket, id) => socket.write(stream(id, [{ id: id ^ 1, records }])), /no answer/],
  ['a query', (socket, id) => socket.write(stream(id, [{ flags: 0, records }])), /no answer/],
  ['another zone', (socket, id) => socket.write(stream(id, [{ question: 'other.test', records }])), /another question/],
  ['a refusal', (socket, id) => socket.write(stream(id, [{ flags: 0x8005, records: [] }])), /code 5/],
  ['no records', (socket, id) => socket.write(stream(id, [{ records: [] }])), /no records/],
  [
    'records before the SOA',
    (socket, id) => socket.write(stream(id, [{ records: records.slice(1) }])),
    /begin with the SOA/,
  ],
];
describe('no zone', () => {
  for (const [title, act, problem] of bad) {
    test(title, { timeout: 40_000 }, async () => {
      const result = await transferFrom(act);
      assert.match(result.ok ? '' : result.problem, problem);
    });
  }
});
