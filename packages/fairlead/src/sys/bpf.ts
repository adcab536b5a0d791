import { assemble, type BpfLine } from './bpf-assembler.ts';
import { declare, resultOrErrno } from './libc.ts';
import { NativeStruct } from './native-struct.ts';
import { close } from './socket.ts';

/** The system call's number is the machine's. */
const callNumber = process.arch === 'arm64' ? 280 : 321;
const cSyscall = declare<[number, number, number, number]>('long syscall(long, long, uintptr_t, long)');

// enum bpf_cmd, linux/bpf.h
const BPF_MAP_CREATE = 0;
const BPF_MAP_UPDATE_ELEM = 2;
const BPF_MAP_DELETE_ELEM = 3;
const BPF_PROG_LOAD = 5;
const BPF_PROG_TEST_RUN = 10;

const BPF_MAP_TYPE_HASH = 1;
/** Elements are allocated as they come: an empty map costs nothing. */
const BPF_F_NO_PREALLOC = 1;
const BPF_PROG_TYPE_SCHED_CLS = 3;

/** `union bpf_attr`, as far as the commands here go. */
const attributeBytes = 128;
const nameBytes = 15;
const logBytes = 64 * 1024;
/** Enough for a frame and what a program may add. */
const packetBytes = 4096;

/** A call of bpf(2); -errno when it is refused. */
function callBpf(command: number, attributes: NativeStruct): number {
  return resultOrErrno(cSyscall(callNumber, command, attributes.address, attributeBytes));
}

/** Bytes at an address that stays as long as the object lives. */
function nativeBytes(bytes: Uint8Array): NativeStruct {
  const memory = new NativeStruct(Math.max(4, (bytes.length + 3) & ~3));
  memory.bytes.set(bytes);
  return memory;
}

/** A hash table in the kernel that programs and this process share. It lives as long as one of them has it. */
export class BpfMap {
  readonly descriptor: number;
  readonly #setting = new NativeStruct(attributeBytes);
  readonly #deleting = new NativeStruct(attributeBytes);
  readonly #key: NativeStruct;
  readonly #value: NativeStruct;
  readonly #keyBytes: number;

  private constructor(descriptor: number, keyBytes: number, valueBytes: number) {
    this.descriptor = descriptor;
    this.#keyBytes = keyBytes;
    this.#key = nativeBytes(new Uint8Array(keyBytes));
    this.#value = nativeBytes(new Uint8Array(valueBytes));
    // What a command does not know must be zero.
    for (const attributes of [this.#setting, this.#deleting]) {
      attributes.set32(0, descriptor);
      attributes.setPointer(8, this.#key.address);
    }
    this.#setting.setPointer(16, this.#value.address);
  }

  /** A new, empty map; -errno when the kernel refuses it. */
  static create(name: string, keyBytes: number, valueBytes: number, maxEntries: number): BpfMap | number {
    const attributes = new NativeStruct(attributeBytes);
    attributes.set32(0, BPF_MAP_TYPE_HASH);
    attributes.set32(4, keyBytes);
    attributes.set32(8, valueBytes);
    attributes.set32(12, maxEntries);
    attributes.set32(16, BPF_F_NO_PREALLOC);
    attributes.bytes.write(name.slice(0, nameBytes), 28, 'latin1');
    const descriptor = callBpf(BPF_MAP_CREATE, attributes);
    return descriptor < 0 ? descriptor : new BpfMap(descriptor, keyBytes, valueBytes);
  }

  /** Adds an element, or gives it another value. 0 or -errno. */
  set(key: Uint8Array, value: Uint8Array): number {
    this.#key.bytes.set(key);
    this.#value.bytes.set(value);
    return callBpf(BPF_MAP_UPDATE_ELEM, this.#setting);
  }

  /** 0 or -errno: -ENOENT when there is no such element. */
  delete(key: Uint8Array): number {
    this.#key.bytes.set(key.subarray(0, this.#keyBytes));
    return callBpf(BPF_MAP_DELETE_ELEM, this.#deleting);
  }

  close(): void {
    close(this.descriptor);
  }
}

/** A loaded program, or why there is none: `log` is the verifier's, empty when it was not asked. */
export type LoadedProgram =
  | { readonly ok: true; readonly descriptor: number }
  | { readonly ok: false; readonly errno: number; readonly log: string };

/** Terms under which the kernel lets a program call all helpers; see docs/decisions/0011. */
const license = nativeBytes(Buffer.from('Dual MIT/GPL\0', 'latin1'));

/**
 * Loads a packet filter (BPF_PROG_TYPE_SCHED_CLS). It lives until its descriptor is closed and nothing uses it.
 * Needs CAP_BPF and CAP_NET_ADMIN.
 */
export function loadPacketFilter(
  name: string,
  lines: readonly BpfLine[],
  maps: Readonly<Record<string, BpfMap>>,
): LoadedProgram {
  const descriptors = new Map(Object.entries(maps).map(([key, map]) => [key, map.descriptor]));
  const code = nativeBytes(assemble(lines, descriptors));
  const attributes = new NativeStruct(attributeBytes);
  attributes.set32(0, BPF_PROG_TYPE_SCHED_CLS);
  attributes.set32(4, code.bytes.length / 8);
  attributes.setPointer(8, code.address);
  attributes.setPointer(16, license.address);
  attributes.bytes.write(name.slice(0, nameBytes), 48, 'latin1');
  const descriptor = callBpf(BPF_PROG_LOAD, attributes);
  if (descriptor >= 0) return { ok: true, descriptor };
  // Again, with what the verifier has to say.
  const log = new NativeStruct(logBytes);
  attributes.set32(24, 1);
  attributes.set32(28, logBytes);
  attributes.setPointer(32, log.address);
  const again = callBpf(BPF_PROG_LOAD, attributes);
  if (again >= 0) return { ok: true, descriptor: again };
  return { ok: false, errno: again, log: log.bytes.toString('latin1', 0, log.bytes.indexOf(0)) };
}

/** What a program made of a packet. */
export interface FilteredPacket {
  /** TC_ACT_*: 0 pass, 2 drop, 7 redirected, 0xffffffff (-1) as if there were no program. */
  readonly verdict: number;
  readonly packet: Buffer;
}

/** Runs a packet filter once on a frame that is on no link, as tests do; -errno when it cannot be run. */
export function runPacketFilter(descriptor: number, frame: Uint8Array): FilteredPacket | number {
  const input = nativeBytes(frame);
  const output = new NativeStruct(packetBytes);
  const attributes = new NativeStruct(attributeBytes);
  attributes.set32(0, descriptor);
  attributes.set32(8, frame.length);
  attributes.set32(12, packetBytes);
  attributes.setPointer(16, input.address);
  attributes.setPointer(24, output.address);
  attributes.set32(32, 1);
  const result = callBpf(BPF_PROG_TEST_RUN, attributes);
  if (result < 0) return result;
  return { verdict: attributes.get32(4), packet: Buffer.from(output.bytes.subarray(0, attributes.get32(12))) };
}
