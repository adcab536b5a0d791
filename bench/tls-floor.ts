import { readFileSync } from 'node:fs';
import { selfSignedIdentity } from '../packages/fairlead/src/gateway/self-signed.ts';
import { systemClock } from '../packages/fairlead/src/sys/clock.ts';
import { declareOwn } from '../packages/fairlead/src/sys/libc.ts';
import * as ssl from '../packages/fairlead/src/sys/openssl.ts';
import { PinnedBuffer } from '../packages/fairlead/src/sys/pinned.ts';
import { createClientContext, createServerContext } from '../packages/fairlead/src/sys/tls-context.ts';
import { printTable } from './table.ts';

const SESSIONS = 1500;
const MESSAGE_BYTES = 300;

const newPair = declareOwn<[number, number, number, number]>(
  'int BIO_new_bio_pair(uintptr_t, size_t, uintptr_t, size_t)',
);
const setBio = declareOwn<[number, number, number]>('void SSL_set_bio(uintptr_t, uintptr_t, uintptr_t)');
const setReadBuffer = declareOwn<[number, number]>('void SSL_CTX_set_default_read_buffer_len(uintptr_t, size_t)');

/** Commands of SSL_CTX_ctrl (openssl/ssl.h 3.5) that only this trial uses. */
const SSL_CTRL_CLEAR_MODE = 78;
const SSL_CTRL_SET_MAX_SEND_FRAGMENT = 52;
const SSL_CTRL_SET_SPLIT_SEND_FRAGMENT = 125;
const SSL_CTRL_SET_MAX_PIPELINES = 126;
const SSL_CTRL_SET_MAX_PROTO_VERSION = 124;

/** What is changed in the context that the gateway uses, and how far each session gets. */
interface Variant {
  readonly title: string;
  readonly change?: (context: number) => void;
  /** No handshake: what `SSL_new` alone takes. */
  readonly isFresh?: boolean;
}

const control = (command: number, value: number) => (context: number) =>
  void ssl.contextControl(context, command, value, 0);

const VARIANTS: readonly Variant[] = [
  { title: 'SSL_new and nothing else', isFresh: true },
  { title: "idle, as the gateway's (buffers released)" },
  { title: '… TLS 1.2', change: control(SSL_CTRL_SET_MAX_PROTO_VERSION, ssl.TLS1_2_VERSION) },
  { title: '… without read-ahead', change: control(ssl.SSL_CTRL_SET_READ_AHEAD, 0) },
  { title: '… one pipeline', change: control(SSL_CTRL_SET_MAX_PIPELINES, 1) },
  { title: '… fragments of 512 bytes, parted at them', change: smallFragments },
  { title: '… read buffer of 1 KiB', change: (context) => setReadBuffer(context, 1024) },
  { title: '… no session ticket', change: (context) => void ssl.contextSetTicketCount(context, 0) },
  { title: '… buffers kept', change: control(SSL_CTRL_CLEAR_MODE, ssl.SSL_MODE_RELEASE_BUFFERS) },
];

function smallFragments(context: number): void {
  control(SSL_CTRL_SET_SPLIT_SEND_FRAGMENT, 512)(context);
  control(SSL_CTRL_SET_MAX_SEND_FRAGMENT, 512)(context);
}

/** Pages that this process has written, bytes. */
function ownBytes(): number {
  const text = readFileSync('/proc/self/smaps_rollup', 'latin1');
  return Number(/^Anonymous:\s+(\d+) kB/m.exec(text)?.[1] ?? 0) * 1024;
}

const PAIR = new PinnedBuffer(16);
const MESSAGE = new PinnedBuffer(MESSAGE_BYTES);

/** A server's session behind its handshake, a request and an answer; its peer and what lay between are gone. */
function idleSession(server: number, client: number): number {
  const [session, peer] = [ssl.sslNew(server), ssl.sslNew(client)];
  newPair(PAIR.address, 0, PAIR.address + 8, 0);
  const [near, far] = [Number(PAIR.bytes.readBigUInt64LE(0)), Number(PAIR.bytes.readBigUInt64LE(8))];
  setBio(session, near, near);
  setBio(peer, far, far);
  ssl.sslSetAcceptState(session);
  ssl.sslSetConnectState(peer);
  for (let round = 0; round < 6; round++) {
    ssl.sslDoHandshake(peer);
    ssl.sslDoHandshake(session);
  }
  for (const [from, to] of [
    [peer, session],
    [session, peer],
  ] as const) {
    ssl.sslWrite(from, MESSAGE.address, MESSAGE_BYTES);
    const read = ssl.sslRead(to, MESSAGE.address, MESSAGE_BYTES);
    if (read !== MESSAGE_BYTES) throw new Error(`the handshake failed: ${ssl.takeErrorText()}`);
  }
  // As the gateway's do once nothing is left to be read.
  ssl.sslRead(session, MESSAGE.address, MESSAGE_BYTES);
  ssl.clearErrors();
  ssl.sslFree(peer);
  setBio(session, 0, 0);
  return session;
}

function measure({ title, change, isFresh }: Variant): readonly (string | number)[] {
  const server = createServerContext({ identity: selfSignedIdentity('localhost', systemClock.now()) });
  const client = createClientContext({ verify: 'off' });
  if (!server.ok || !client.ok) throw new Error('no context');
  change?.(server.context.pointer);
  const make = (): number =>
    isFresh === true ? ssl.sslNew(server.context.pointer) : idleSession(server.context.pointer, client.context.pointer);
  const sessions = Array.from({ length: 50 }, make);
  const before = ownBytes();
  for (let i = 0; i < SESSIONS; i++) sessions.push(make());
  const each = (ownBytes() - before) / SESSIONS / 1024;
  for (const session of sessions) ssl.sslFree(session);
  server.context.free();
  client.context.free();
  return [title, each];
}

/** `--variant N`: one row, in this process; without it each in a process of its own, so that none finds the memory of others. */
export async function runTlsFloor(args: readonly string[]): Promise<void> {
  const index = args.indexOf('--variant');
  if (index >= 0) {
    process.stdout.write(JSON.stringify(measure(VARIANTS[Number(args[index + 1])]!)));
    return;
  }
  const { execFileSync } = await import('node:child_process');
  const rows = VARIANTS.map((_, variant) => {
    const program = [process.argv[1]!, 'tls-floor', '--variant', `${variant}`];
    return JSON.parse(execFileSync(process.execPath, program, { encoding: 'utf8' })) as readonly (string | number)[];
  });
  printTable(`OpenSSL ${process.versions.openssl}: what a server's session takes`, ['session', 'KiB'], rows);
}
