/** Queries and answers in the form of tests: text in, text out. Not used by the product. */
import { execFileSync } from 'node:child_process';
import { createSocket } from 'node:dgram';
import { readFileSync } from 'node:fs';
import { connect } from 'node:net';
import { join } from 'node:path';
import type { EndpointSlice, Service } from '@fairlead/api';
import type { SocketAddress } from '../sys/socket-address.ts';
import { headerFlag, rcode, rrClass, rrType } from '../wire/dns/constants.ts';
import { type DnsMessage, type DnsRecord, decodeMessage } from '../wire/dns/message.ts';
import { nameFromText, nameToText, readName } from '../wire/dns/name.ts';
import { MessageWriter } from '../wire/dns/writer.ts';
import { compileServiceRecords, compileSliceRecords, type DnsCompileOptions, isHeadless } from './compile.ts';
import { mergeRecords } from './merge-records.ts';
import type { CompiledRecords, NameRecords, OwnerName, ZoneFacts } from './program.ts';

/** Bits and sizes of a test query. */
export interface QueryBits {
  readonly id?: number;
  readonly flags?: number;
  readonly class?: number;
  /** Announced UDP size; absent: no OPT record. */
  readonly edns?: number;
  readonly dnssecOk?: boolean;
}

type TypeName = keyof typeof rrType;

/** Wire form of a query. */
export function encodeQuery(name: string, type: TypeName | number, bits: QueryBits = {}): Uint8Array {
  const writer = new MessageWriter(new Uint8Array(512));
  writer.header(bits.id ?? 0x1234, bits.flags ?? headerFlag.RD);
  writer.question({
    name: nameFromText(name)!,
    type: typeof type === 'number' ? type : rrType[type],
    class: bits.class ?? rrClass.IN,
  });
  if (bits.edns !== undefined) {
    writer.opt(0, bits.dnssecOk === true);
    const bytes = writer.bytes;
    bytes[bytes.length - 8] = bits.edns >> 8;
    bytes[bytes.length - 7] = bits.edns & 255;
  }
  return writer.bytes;
}

/** One record as text: `owner ttl TYPE data`. */
export function recordText(record: DnsRecord): string {
  const type = Object.entries(rrType).find(([, value]) => value === record.type)?.[0] ?? `TYPE${record.type}`;
  return `${nameToText(record.name)} ${record.ttl} ${type} ${dataText(record)}`;
}

function dataText({ type, data }: DnsRecord): string {
  const view = new DataView(data.buffer, data.byteOffset, data.length);
  const nameAt = (at: number): string => nameToText(readName(data, at, data.length)?.name ?? Uint8Array.of(0));
  switch (type) {
    case rrType.A:
      return data.join('.');
    case rrType.AAAA:
      return Array.from({ length: 8 }, (_, index) => view.getUint16(index * 2).toString(16)).join(':');
    case rrType.SRV:
      return `${view.getUint16(0)} ${view.getUint16(2)} ${view.getUint16(4)} ${nameToText(data.subarray(6))}`;
    case rrType.CNAME:
    case rrType.PTR:
    case rrType.NS:
      return nameToText(data);
    case rrType.SOA:
      return nameAt(0);
    case rrType.TXT:
      return JSON.stringify(new TextDecoder().decode(data.subarray(1)));
    default:
      return Buffer.from(data).toString('hex');
  }
}

/** An answer in short: `NOERROR aa tc`, then the records of all sections but OPT, each with its section's letter. */
export function answerText(message: DnsMessage): string[] {
  const code =
    Object.entries(rcode).find(([, value]) => value === (message.flags & 15))?.[0] ?? String(message.flags & 15);
  const flags = (['AA', 'TC'] as const).filter((flag) => (message.flags & headerFlag[flag]) !== 0);
  const section = (letter: string, records: readonly DnsRecord[]): string[] =>
    records.filter((record) => record.type !== rrType.OPT).map((record) => `${letter} ${recordText(record)}`);
  return [
    [code, ...flags.map((flag) => flag.toLowerCase())].join(' '),
    ...section('an', message.answers),
    ...section('ns', message.authority),
    ...section('ad', message.additional),
  ];
}

/** Asks over UDP; rejects after `deadlineMs`. */
export function askUdp(server: SocketAddress, query: Uint8Array, deadlineMs = 10_000): Promise<DnsMessage> {
  return new Promise((resolve, reject) => {
    const socket = createSocket(server.family === 'ipv6' ? 'udp6' : 'udp4');
    const signal = AbortSignal.timeout(deadlineMs);
    const onAbort = (): void => {
      socket.close();
      reject(new Error('no answer'));
    };
    signal.addEventListener('abort', onAbort, { once: true });
    socket.once('message', (bytes) => {
      signal.removeEventListener('abort', onAbort);
      socket.close();
      const message = decodeMessage(bytes);
      if (message === undefined) reject(new Error(`malformed answer ${bytes.toString('hex')}`));
      else resolve(message);
    });
    socket.send(query, server.port, server.address);
  });
}

/** Sends framed queries on one connection, in pieces of `pieceBytes`, and collects as many answers. */
export function askTcp(
  server: SocketAddress,
  queries: readonly Uint8Array[],
  pieceBytes = 65536,
): Promise<DnsMessage[]> {
  const frames = Buffer.concat(
    queries.map((query) => Buffer.concat([Uint8Array.of(query.length >> 8, query.length & 255), query])),
  );
  return new Promise((resolve, reject) => {
    const socket = connect({ host: server.address, port: server.port, noDelay: true });
    socket.setTimeout(10_000, () => socket.destroy(new Error('no answer')));
    socket.once('error', reject);
    let received = Buffer.alloc(0);
    const answers: DnsMessage[] = [];
    socket.on('data', (chunk: Buffer) => {
      received = Buffer.concat([received, chunk]);
      while (received.length >= 2 && received.length >= 2 + received.readUInt16BE(0)) {
        const length = received.readUInt16BE(0);
        answers.push(decodeMessage(received.subarray(2, 2 + length))!);
        received = received.subarray(2 + length);
      }
      if (answers.length < queries.length) return;
      socket.end();
      resolve(answers);
    });
    const writeFrom = (at: number): void => {
      if (at >= frames.length) return;
      socket.write(frames.subarray(at, at + pieceBytes), () => writeFrom(at + pieceBytes));
    };
    socket.once('connect', () => writeFrom(0));
  });
}

/** A Service with cluster IPs, or `None`. */
export function makeService(key: string, clusterIPs: readonly string[], ports: string[] = ['http/TCP/80']): Service {
  const [namespace = '', name = ''] = key.split('/');
  return {
    metadata: { namespace, name },
    spec: {
      clusterIPs: [...clusterIPs],
      clusterIP: clusterIPs[0],
      ports: ports.map((text) => {
        const [portName = '', protocol = 'TCP', port = '0'] = text.split('/');
        return { name: portName, protocol: protocol as 'TCP', port: Number(port) };
      }),
    },
  };
}

/** Endpoints in text: `ADDRESS[=HOSTNAME][!]`, where `!` is not ready. */
export function makeSlice(
  key: string,
  name: string,
  endpoints: readonly string[],
  ports: readonly string[] = ['http/TCP/80'],
): EndpointSlice {
  const [namespace = '', service = ''] = key.split('/');
  return {
    metadata: { namespace, name, labels: { 'kubernetes.io/service-name': service } },
    addressType: endpoints[0]?.includes(':') ? 'IPv6' : 'IPv4',
    endpoints: endpoints.map((text) => {
      const [address = '', hostname] = text.replace('!', '').split('=');
      return { addresses: [address], hostname, conditions: { ready: !text.endsWith('!') } };
    }),
    ports: ports.map((text) => {
      const [portName = '', protocol = 'TCP', port = '0'] = text.split('/');
      return { name: portName, protocol: protocol as 'TCP', port: Number(port) };
    }),
  };
}

/** What a Service and its slices contribute together. */
export function compileAll(
  service: Service,
  slices: readonly EndpointSlice[],
  options: DnsCompileOptions,
): CompiledRecords {
  const parts = [compileServiceRecords(service, slices, options)];
  if (isHeadless(service)) parts.push(...slices.map((slice) => compileSliceRecords(service, slice, options)));
  return mergeSources(parts);
}

/** The names of all sources, merged by the plain rules. */
function mergeSources(sources: Iterable<CompiledRecords>): Map<OwnerName, NameRecords> {
  const all = new Map<OwnerName, NameRecords[]>();
  for (const source of sources) {
    for (const [owner, records] of source) all.set(owner, [...(all.get(owner) ?? []), records]);
  }
  return new Map([...all].map(([owner, records]) => [owner, mergeRecords(records)]));
}

/** The program that a builder must have, by the plain rules: sources in order, then the empty names between. */
export function plainNames(zone: ZoneFacts, sources: Iterable<CompiledRecords>): Map<OwnerName, NameRecords> {
  const names = mergeSources(sources);
  const suffix = `.${zone.origin}`;
  for (const owner of [...names.keys()]) {
    for (let name = owner; name.endsWith(suffix); ) {
      name = name.slice(name.indexOf('.') + 1);
      if (!names.has(name)) names.set(name, []);
    }
  }
  return names;
}

/** A self-signed certificate for `dns.test` and 127.0.0.1, made by openssl in a folder. */
export function makeCertificate(
  folder: string,
  commonName = 'dns.test',
): { readonly cert: string; readonly key: string } {
  const name = ['-subj', `/CN=${commonName}`, '-addext', 'subjectAltName=DNS:dns.test,IP:127.0.0.1'];
  const files = ['-keyout', join(folder, 'key.pem'), '-out', join(folder, 'cert.pem')];
  const kind = ['req', '-x509', '-nodes', '-newkey', 'ec', '-pkeyopt', 'ec_paramgen_curve:P-256', '-days', '2'];
  execFileSync('openssl', [...kind, ...name, ...files], { stdio: 'ignore' });
  return { cert: readFileSync(join(folder, 'cert.pem'), 'utf8'), key: readFileSync(join(folder, 'key.pem'), 'utf8') };
}
