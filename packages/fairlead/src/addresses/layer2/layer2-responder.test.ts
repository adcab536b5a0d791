import assert from 'node:assert/strict';
import { beforeEach, describe, test } from 'node:test';
import { ipToBytes, parseIp } from '@fairlead/api';
import fc from 'fast-check';
import { ARP_REPLY, ARP_REQUEST, arpAnnouncements, arpProbe, arpReply, readArp } from '../../wire/arp/arp.ts';
import {
  NEIGHBOR_ADVERTISEMENT,
  neighborAdvertisement,
  neighborProbe,
  readNdp,
  unsolicitedAdvertisement,
} from '../../wire/ndp/ndp.ts';
import { type AnnouncementState, Layer2Responder, type OutgoingFrame } from './layer2-responder.ts';

const ours = Uint8Array.of(2, 0, 0, 0, 0, 1);
const other = Uint8Array.of(2, 0, 0, 0, 0, 2);
const client = Uint8Array.of(2, 0, 0, 0, 0, 9);
const ipv4 = '192.0.2.10';
const ipv6 = '2001:db8::10';
const bytesOf = (text: string): Uint8Array => ipToBytes(parseIp(text)!);
const numberOf = (text: string): number => Number(parseIp(text)!.value);

/** The question of a client with an address. */
function arpQuestion(asked: string, from: string = '192.0.2.99'): Uint8Array {
  const frame = arpProbe(numberOf(asked), client);
  new DataView(frame.buffer).setUint32(28, numberOf(from));
  return frame;
}

describe('layer 2 responder', () => {
  let states: string[];
  let foreign: string[];
  let responder: Layer2Responder;
  const links = [{ index: 3, mac: ours }];
  beforeEach(() => {
    states = [];
    foreign = [];
    responder = new Layer2Responder(
      (address: string, state: AnnouncementState) => states.push(`${address} ${state}`),
      (address, mac) => foreign.push(`${address} ${mac}`),
    );
    responder.extend(4000, 0);
    responder.announce(ipv4, links, 0);
    responder.announce(ipv6, links, 0);
  });
  const answers = (frame: Uint8Array, nowMs: number, link = 3): OutgoingFrame[] =>
    responder.receive(link, frame, nowMs);
  /** Runs all that is due until a time; the sent frames with their times. */
  const run = (fromMs: number, untilMs: number): (readonly [number, OutgoingFrame])[] => {
    const sent: (readonly [number, OutgoingFrame])[] = [];
    for (let now = fromMs; now <= untilMs; now += 50) for (const frame of responder.tick(now)) sent.push([now, frame]);
    return sent;
  };

  test('a question is answered to the asker, with the link’s own address', () => {
    const [answer, ...more] = answers(arpQuestion(ipv4), 100);
    assert.equal(more.length, 0);
    const reply = readArp(answer!.frame)!;
    assert.deepEqual(
      [answer!.link, reply.operation, [...reply.senderMac], reply.senderIp],
      [3, ARP_REPLY, [...ours], numberOf(ipv4)],
    );
    assert.deepEqual([...answer!.frame.subarray(0, 6)], [...client]);
  });

  test('a probe for IPv6 is answered to all, a question to the asker', () => {
    const [toAll] = answers(neighborProbe(bytesOf(ipv6), client), 100);
    const advertisement = readNdp(toAll!.frame)!;
    assert.deepEqual([advertisement.type, [...advertisement.linkAddress!]], [NEIGHBOR_ADVERTISEMENT, [...ours]]);
    assert.equal(toAll!.frame[58], 0x20, 'override, not solicited');
  });

  const silent: readonly (readonly [string, Uint8Array, number])[] = [
    ['another address', arpQuestion('192.0.2.11'), 3],
    ['another link', arpQuestion(ipv4), 4],
    ['another IPv6 address', neighborProbe(bytesOf('2001:db8::11'), client), 3],
    ['an announcement of others', arpAnnouncements(numberOf('192.0.2.77'), other)[0]!, 3],
    ['half a frame', arpQuestion(ipv4).subarray(0, 30), 3],
  ];
  for (const [name, frame, link] of silent)
    test(`silent: ${name}`, () => assert.deepEqual(answers(frame, 100, link), []));

  test('announced at 0, 0.5, 1, 2 and 4 s, then every 30 s, to everybody', () => {
    responder.extend(1e9, 0);
    const arp = run(0, 70_000).filter(([, { frame }]) => readArp(frame)?.operation === ARP_REQUEST);
    assert.deepEqual(
      arp.map(([at]) => at),
      [0, 500, 1000, 2000, 4000, 34_000, 64_000],
    );
    assert.ok(arp.every(([, { frame }]) => frame.subarray(0, 6).every((byte) => byte === 0xff)));
  });

  test('after a withdrawal it is silent at once', () => {
    responder.withdraw(ipv4);
    assert.deepEqual(answers(arpQuestion(ipv4), 1), []);
    assert.equal(
      run(0, 5000).some(([, { frame }]) => readArp(frame) !== undefined),
      false,
    );
  });

  test('past the deadline it asks first; nobody answers: it goes on, and asks again', () => {
    run(0, 4000);
    assert.deepEqual(answers(arpQuestion(ipv4), 4001), [], 'silent in the very moment, before any timer');
    const sent = run(4050, 5500);
    const probes = sent.filter(([, { frame }]) => readArp(frame)?.senderIp === 0);
    assert.equal(probes.length, 3);
    assert.deepEqual(states, [`${ipv4} asking`, `${ipv6} asking`, `${ipv4} unconfirmed`, `${ipv6} unconfirmed`]);
    assert.equal(answers(arpQuestion(ipv4), 5600).length, 1);
    assert.ok(
      run(5600, 12_000).some(([, { frame }]) => readArp(frame)?.senderIp === 0),
      'asked again',
    );
  });

  const claims: readonly (readonly [string, string, Uint8Array])[] = [
    ['an ARP announcement', ipv4, arpAnnouncements(numberOf(ipv4), other)[0]!],
    ['an ARP answer', ipv4, arpReply(readArp(arpProbe(numberOf(ipv4), ours))!, other)],
    ['an advertisement', ipv6, unsolicitedAdvertisement(bytesOf(ipv6), other)],
    ['the answer to a probe', ipv6, neighborAdvertisement(readNdp(neighborProbe(bytesOf(ipv6), ours))!, other)],
  ];
  for (const [name, address, frame] of claims) {
    test(`${name} of another host: past the deadline it yields, until the Lease is fresh`, () => {
      run(0, 4000);
      answers(frame, 4200);
      assert.equal(states.at(-1), `${address} yielded`);
      const question = address === ipv4 ? arpQuestion(ipv4) : neighborProbe(bytesOf(ipv6), client);
      run(4200, 9000);
      assert.deepEqual(answers(question, 9000), [], 'still silent');
      responder.extend(13_000, 9100);
      assert.equal(answers(question, 9200).length, 1);
      assert.ok(run(9200, 9300).length > 0, 'announced anew');
    });
    test(`${name} of another host: within the deadline it is told and answered on`, () => {
      answers(frame, 100);
      assert.deepEqual(foreign, [`${address} 02:00:00:00:00:02`]);
    });
  }

  test('own frames that come back are no claims', () => {
    run(0, 4000);
    answers(arpAnnouncements(numberOf(ipv4), ours)[0]!, 4200);
    assert.ok(!states.includes(`${ipv4} yielded`));
  });

  test('any bytes: no throw, no answer for what was not asked', () => {
    fc.assert(
      fc.property(fc.uint8Array({ maxLength: 120 }), fc.constantFrom(0x0806, 0x86dd, 0), (bytes, type) => {
        if (type !== 0 && bytes.length > 13) bytes.set([type >> 8, type & 0xff], 12);
        const frames = responder.receive(3, bytes, 100);
        if (frames.length > 0) assert.ok(readArp(bytes)?.targetIp === numberOf(ipv4) || readNdp(bytes) !== undefined);
      }),
      { numRuns: 2000 },
    );
  });

  test('a changed byte of a solicitation is noticed', () => {
    const good = neighborProbe(bytesOf(ipv6), client);
    assert.notEqual(readNdp(good), undefined);
    for (let at = 14 + 8; at < good.length; at++) {
      const bad = Uint8Array.from(good);
      bad[at] = (bad[at] ?? 0) ^ 0x5a;
      assert.equal(readNdp(bad), undefined, `byte ${at}`);
    }
  });
});
