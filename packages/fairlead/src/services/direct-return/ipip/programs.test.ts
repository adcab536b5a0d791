import assert from 'node:assert/strict';
import { after, before, describe, test } from 'node:test';
import { BpfMap, type FilteredPacket, loadPacketFilter, runPacketFilter } from '../../../sys/bpf.ts';
import { close } from '../../../sys/socket.ts';
import { kernelTestsProblem } from '../../testing/network.ts';
import { addressBytes } from './address-bytes.ts';
import { decapsulationProgram, sendersMap, vipsMap } from './decapsulation.ts';
import { encapsulationProgram, endpointKeyBytes, endpointsMap } from './encapsulation.ts';
import { packetShapes } from './packet-shape.ts';
import { segmentSizeProgram } from './segment-size.ts';
import { type FrameOptions, frame, innerOf } from './testing/frames.ts';

const goOn = 0xffffffff;
const drop = 2;
const node = '192.0.2.1';
const endpoint = '10.244.1.3';
const vip = '203.0.113.9';
const client = '198.51.100.7';
const node6 = '2001:db8::1';
const endpoint6 = 'fd00:1::3';
const vip6 = '2001:db8:f::9';
const client6 = '2001:db8:1::7';

const probe = BpfMap.create('probe', 4, 4, 1);
if (typeof probe !== 'number') probe.close();
const skip = kernelTestsProblem() || (typeof probe === 'number' && `bpf(2) is refused: errno ${-probe}`);

describe('the programs, on frames', { skip }, () => {
  const maps: BpfMap[] = [];
  const descriptors: number[] = [];
  const loaded = new Map<string, number>();
  const mapOf = (keyBytes: number, valueBytes: number, keys: readonly (readonly [Uint8Array, Buffer])[]): BpfMap => {
    const map = BpfMap.create('test', keyBytes, valueBytes, 16);
    assert.ok(typeof map !== 'number', String(map));
    maps.push(map);
    for (const [key, value] of keys) assert.equal(map.set(key, value), 0);
    return map;
  };
  const present = Buffer.from([1, 0, 0, 0]);
  before(() => {
    for (const shape of Object.values(packetShapes)) {
      const six = shape.family === 'IPv6';
      const senders = mapOf(shape.addressBytes, 4, [[addressBytes(six ? node6 : node), present]]);
      const vips = mapOf(shape.addressBytes, 4, [[addressBytes(six ? vip6 : vip), present]]);
      const key = Buffer.from([2, 0xfd, 10, 244, 1, 3, 0, 0]);
      assert.equal(key.length, endpointKeyBytes);
      const value = Buffer.concat([addressBytes(six ? node6 : node), addressBytes(six ? endpoint6 : endpoint)]);
      const endpoints = mapOf(endpointKeyBytes, 2 * shape.addressBytes, [[key, value]]);
      for (const [name, program] of [
        ['wrap', encapsulationProgram(shape)],
        ['unwrap', decapsulationProgram(shape)],
        ['segment size', segmentSizeProgram(shape)],
      ] as const) {
        const result = loadPacketFilter('test', program, {
          [endpointsMap]: endpoints,
          [sendersMap]: senders,
          [vipsMap]: vips,
        });
        assert.ok(result.ok, `${name} ${shape.family}: ${result.ok || result.log}`);
        descriptors.push(result.descriptor);
        loaded.set(`${name} ${shape.family}`, result.descriptor);
      }
    }
  });
  after(() => {
    for (const map of maps) map.close();
    for (const descriptor of descriptors) close(descriptor);
  });
  const run = (program: string, bytes: Buffer): FilteredPacket => {
    const result = runPacketFilter(loaded.get(program) ?? -1, bytes);
    assert.ok(typeof result !== 'number', `${program}: ${result}`);
    return result;
  };

  const inner: FrameOptions = { source: client, destination: vip, tcp: {} };
  const inner6: FrameOptions = { source: client6, destination: vip6, tcp: {} };
  const wrapped = (outer: Partial<FrameOptions>, inside: FrameOptions = inner): Buffer =>
    frame({ source: node, destination: endpoint, inside, ...outer });
  const wrapped6 = (outer: Partial<FrameOptions>, inside: FrameOptions = inner6): Buffer =>
    frame({ source: node6, destination: endpoint6, inside, ...outer });

  const unwrapped: readonly [name: string, frame: Buffer, expected: Buffer][] = [
    ['of a known node, for a Service', wrapped({}), frame(inner)],
    ['the same, IPv6', wrapped6({}), frame(inner6)],
    [
      'congestion on the way',
      wrapped({ congestion: 3 }, { ...inner, congestion: 2 }),
      frame({ ...inner, congestion: 3 }),
    ],
    [
      'congestion on the way, IPv6',
      wrapped6({ congestion: 3 }, { ...inner6, congestion: 1 }),
      frame({ ...inner6, congestion: 3 }),
    ],
    [
      'congestion at the sender stays',
      wrapped({ congestion: 1 }, { ...inner, congestion: 3 }),
      frame({ ...inner, congestion: 3 }),
    ],
  ];
  for (const [name, bytes, expected] of unwrapped) {
    test(`unwrapped: ${name}`, () => {
      const { verdict, packet } = run(bytes.readUInt16BE(12) === 0x0800 ? 'unwrap IPv4' : 'unwrap IPv6', bytes);
      assert.equal(verdict, goOn);
      assert.equal(packet.toString('hex'), expected.toString('hex'));
    });
  }

  const left: readonly [name: string, frame: Buffer][] = [
    ['from somebody else', wrapped({ source: '192.0.2.66' })],
    ['from somebody else, IPv6', wrapped6({ source: '2001:db8::66' })],
    ['for an address of no Service', wrapped({}, { ...inner, destination: endpoint })],
    ['for an address of no Service, IPv6', wrapped6({}, { ...inner6, destination: endpoint6 })],
    ['the other family inside', frame({ source: node, destination: endpoint, inside: inner6, protocol: 4 })],
    ['a fragment', wrapped({ fragment: 0x2000 })],
    ['a later fragment', wrapped({ fragment: 0x0010 })],
    ['nothing inside', frame({ source: node, destination: endpoint, protocol: 4 })],
    ['not a tunnel', frame({ source: node, destination: vip, tcp: {} })],
  ];
  for (const [name, bytes] of left) {
    test(`left as it is: ${name}`, () => {
      const { verdict, packet } = run(bytes.readUInt16BE(12) === 0x0800 ? 'unwrap IPv4' : 'unwrap IPv6', bytes);
      assert.equal(verdict, goOn);
      assert.equal(packet.toString('hex'), bytes.toString('hex'));
    });
  }

  test('congestion on the way of a packet that does not understand it: dropped', () => {
    assert.equal(run('unwrap IPv4', wrapped({ congestion: 3 })).verdict, drop);
    assert.equal(run('unwrap IPv6', wrapped6({ congestion: 3 })).verdict, drop);
  });

  test('an endpoint that nobody has named gets nothing', () => {
    assert.equal(run('wrap IPv4', frame(inner)).verdict, drop);
    assert.equal(run('wrap IPv6', frame(inner6)).verdict, drop);
  });

  const sizes: readonly [name: string, options: FrameOptions, expected: number][] = [
    ['a handshake’s answer', { source: vip, destination: client, tcp: { flags: 0x12, segmentSize: 1460 } }, 1440],
    ['the same, IPv6', { source: vip6, destination: client6, tcp: { flags: 0x12, segmentSize: 1440 } }, 1400],
    ['an address of its own', { source: endpoint, destination: client, tcp: { flags: 0x12, segmentSize: 1460 } }, 1460],
    ['no handshake', { source: vip, destination: client, tcp: { flags: 0x10, segmentSize: 1460 } }, 1460],
    ['nothing to take from', { source: vip, destination: client, tcp: { flags: 0x12, segmentSize: 30 } }, 30],
  ];
  for (const [name, options, expected] of sizes) {
    test(`segment size: ${name}`, () => {
      const bytes = frame(options);
      const { verdict, packet } = run(options.source.includes(':') ? 'segment size IPv6' : 'segment size IPv4', bytes);
      assert.equal(verdict, goOn);
      const wanted = frame({ ...options, tcp: { ...options.tcp, segmentSize: expected } });
      assert.equal(innerOf(packet).toString('hex'), innerOf(wanted).toString('hex'));
    });
  }
});
