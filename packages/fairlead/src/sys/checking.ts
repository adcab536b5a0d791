import type * as Koffi from 'koffi';

/**
 * The checking `sys`: with FAIRLEAD_CHECK_SYS=1 every foreign call is looked at before it is made.
 *
 * - a descriptor argument must be open (so a second close, or use after close, is found)
 * - a range the kernel or OpenSSL reads or writes must lie inside one buffer whose address was taken
 *   and which is still alive
 * - an SSL or SSL_CTX must have been created and not yet freed
 *
 * A violation is a bug: it throws, and a line on stderr names the call, because whoever contains the
 * exception may hide it. For tests: each call costs several more.
 */
export const isChecking: boolean = process.env.FAIRLEAD_CHECK_SYS === '1';

type Call = (...args: readonly number[]) => number;

/** Positions of descriptors among the arguments. */
const DESCRIPTORS: Readonly<Record<string, readonly number[]>> = {
  accept4: [0],
  bind: [0],
  close: [0],
  connect: [0],
  epoll_ctl: [0, 2],
  epoll_wait: [0],
  getpeername: [0],
  getsockname: [0],
  getsockopt: [0],
  listen: [0],
  read: [0],
  readv: [0],
  recv: [0],
  recvmmsg: [0],
  send: [0],
  sendmmsg: [0],
  setsockopt: [0],
  shutdown: [0],
  splice: [0, 2],
  write: [0],
  writev: [0],
  SSL_set_fd: [1],
};

/** Positions of an address and its length in bytes. */
const RANGES: Readonly<Record<string, readonly [address: number, length: number]>> = {
  bind: [1, 2],
  connect: [1, 2],
  read: [1, 2],
  recv: [1, 2],
  send: [1, 2],
  setsockopt: [3, 4],
  write: [1, 2],
  BIO_new_mem_buf: [0, 1],
  SSL_read: [1, 2],
  SSL_write: [1, 2],
  SSL_read_ex: [1, 2],
  SSL_write_ex2: [1, 2],
  SSL_inject_net_dgram: [1, 2],
};

/** Functions that make an SSL: sessions of TCP, and listeners, connections and streams of QUIC. */
const MAKES_SESSION: ReadonlySet<string> = new Set([
  'SSL_new',
  'SSL_new_listener',
  'SSL_accept_connection',
  'SSL_accept_stream',
  'SSL_new_stream',
]);
/** Called back with sessions that nobody has been given yet. */
const WITHIN_CALLBACKS: ReadonlySet<string> = new Set(['SSL_get_servername', 'SSL_use_cert_and_key']);
/** Functions on a context. */
const OF_CONTEXT: ReadonlySet<string> = new Set(['SSL_new', 'SSL_new_listener']);

interface Range {
  readonly start: number;
  readonly end: number;
  readonly owner: WeakRef<ArrayBufferLike>;
}

/** Buffers whose address was taken, by address. */
const ranges = new Map<number, Range>();
const forget = new FinalizationRegistry<number>((start) => {
  if (ranges.get(start)?.owner.deref() === undefined) ranges.delete(start);
});
const sessions = new Set<number>();
const contexts = new Set<number>();

/** Notes a buffer whose address somebody asked for. */
export function noteAddress(bytes: Uint8Array, start: number): void {
  const known = ranges.get(start);
  const owner = known?.owner.deref();
  if (owner === bytes.buffer && known!.end >= start + bytes.byteLength) return;
  ranges.set(start, { start, end: start + bytes.byteLength, owner: new WeakRef(bytes.buffer) });
  if (owner !== bytes.buffer) forget.register(bytes.buffer, start);
}

function isKnownRange(start: number, length: number): boolean {
  for (const range of ranges.values()) {
    if (start >= range.start && start + length <= range.end && range.owner.deref() !== undefined) return true;
  }
  return false;
}

function fail(name: string, args: readonly number[], why: string): never {
  const message = `checking sys: ${name}(${args.join(', ')}): ${why}`;
  process.stderr.write(`${message}\n`);
  throw new Error(message);
}

/** Looks at a range that a structure names, as those of compressors do. Does nothing unless checking. */
export function checkRange(name: string, start: number, length: number): void {
  if (!isChecking || length === 0) return;
  if (length < 0 || !isKnownRange(start, length)) fail(name, [start, length], 'outside every known buffer');
}

let isOpen: (fd: number) => boolean = () => true;

/** Gives the check its own way to ask the kernel. */
export function setUpChecking(library: Koffi.LibraryHandle): void {
  const fcntl = library.func('int fcntl(int, int, int)') as unknown as Call;
  const F_GETFD = 1;
  isOpen = (fd) => fcntl(fd, F_GETFD, 0) >= 0;
}

/** The same function, with the checks in front. */
export function checkedCall(definition: string, call: Call): Call {
  const name = /(\w+)\(/.exec(definition)?.[1] ?? '';
  const descriptors = DESCRIPTORS[name] ?? [];
  const range = RANGES[name];
  const ofContext = OF_CONTEXT.has(name) || /^SSL_CTX_(?!new$)/.test(name);
  const ofSession = /^SSL_(?!CTX_|SESSION_)/.test(name) && !ofContext && !WITHIN_CALLBACKS.has(name);
  return (...args) => {
    for (const at of descriptors) if (!isOpen(args[at]!)) fail(name, args, `descriptor ${args[at]} is not open`);
    if (range !== undefined) {
      const [start, length] = [args[range[0]]!, args[range[1]]!];
      if (length < 0 || (length > 0 && !isKnownRange(start, length))) fail(name, args, 'outside every known buffer');
    }
    if (ofSession && !sessions.has(args[0]!)) fail(name, args, 'no live SSL');
    if (ofContext && !contexts.has(args[0]!)) fail(name, args, 'no live SSL_CTX');
    const result = call(...args);
    if (MAKES_SESSION.has(name) && result !== 0) sessions.add(result);
    else if (name === 'SSL_free') sessions.delete(args[0]!);
    else if (name === 'SSL_CTX_new' && result !== 0) contexts.add(result);
    else if (name === 'SSL_CTX_free') contexts.delete(args[0]!);
    return result;
  };
}
