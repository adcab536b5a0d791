import { callbackAddress, declareOwn } from '../libc.ts';
import { copyFromNative } from '../native-values.ts';
import { NativeText } from '../openssl.ts';

// nghttp2 as Node's binary exports it (nghttp2.h 1.6x): the other opinion on HTTP/2 and HPACK, for tests.

type Pointer = number;
const own = declareOwn;

const cInflateNew = own<[number]>('int nghttp2_hd_inflate_new(uintptr_t)');
const cInflateDel = own<[Pointer]>('void nghttp2_hd_inflate_del(uintptr_t)');
const cInflate = own<[Pointer, number, number, number, number, number]>(
  'long nghttp2_hd_inflate_hd2(uintptr_t, uintptr_t, uintptr_t, uintptr_t, size_t, int)',
);
const cInflateEnd = own<[Pointer]>('int nghttp2_hd_inflate_end_headers(uintptr_t)');
const cInflateResize = own<[Pointer, number]>('int nghttp2_hd_inflate_change_table_size(uintptr_t, size_t)');
const cDeflateNew = own<[number, number]>('int nghttp2_hd_deflate_new(uintptr_t, size_t)');
const cDeflateDel = own<[Pointer]>('void nghttp2_hd_deflate_del(uintptr_t)');
const cDeflateResize = own<[Pointer, number]>('int nghttp2_hd_deflate_change_table_size(uintptr_t, size_t)');
const cDeflate = own<[Pointer, number, number, number, number]>(
  'long nghttp2_hd_deflate_hd(uintptr_t, uintptr_t, size_t, uintptr_t, size_t)',
);

/** struct nghttp2_nv: name* | value* | namelen | valuelen | flags:u8. */
const NV_BYTES = 40;
const INFLATE_FINAL = 1;
const INFLATE_EMIT = 2;
const NO_INDEX = 1;

/** A header field, as it was sent. */
export type Field = readonly [name: string, value: string];

function pointerAt(memory: NativeText, at = 0): Pointer {
  return Number(memory.bytes.readBigUInt64LE(at));
}

/** Room for a pointer that a function gives back. */
const outPointer = (): NativeText => new NativeText(new Uint8Array(8));

/** The HPACK decoder of one connection. */
export class Nghttp2Inflater {
  #pointer: Pointer;

  constructor() {
    const out = outPointer();
    cInflateNew(out.address);
    this.#pointer = pointerAt(out);
  }

  /** Our own SETTINGS_HEADER_TABLE_SIZE, which the peer has acknowledged. */
  resize(bytes: number): void {
    cInflateResize(this.#pointer, bytes);
  }

  /** The fields of a block; undefined if it is malformed. */
  decode(block: Uint8Array): Field[] | undefined {
    const input = new NativeText(block);
    const nv = new NativeText(new Uint8Array(NV_BYTES));
    const flags = new NativeText(new Uint8Array(4));
    const fields: Field[] = [];
    for (let at = 0; ; ) {
      flags.bytes.fill(0);
      const taken = cInflate(this.#pointer, nv.address, flags.address, input.address + at, block.length - at, 1);
      if (taken < 0) return undefined;
      at += taken;
      const told = flags.bytes.readInt32LE(0);
      if ((told & INFLATE_EMIT) !== 0) {
        const name = copyFromNative(pointerAt(nv), pointerAt(nv, 16)).toString('latin1');
        fields.push([name, copyFromNative(pointerAt(nv, 8), pointerAt(nv, 24)).toString('latin1')]);
      }
      if ((told & INFLATE_FINAL) !== 0) {
        cInflateEnd(this.#pointer);
        return fields;
      }
      if (taken === 0 && (told & INFLATE_EMIT) === 0) return undefined;
    }
  }

  free(): void {
    if (this.#pointer !== 0) cInflateDel(this.#pointer);
    this.#pointer = 0;
  }
}

/** The HPACK encoder of one connection. */
export class Nghttp2Deflater {
  #pointer: Pointer;

  constructor(tableBytes = 4096) {
    const out = outPointer();
    cDeflateNew(out.address, tableBytes);
    this.#pointer = pointerAt(out);
  }

  /** What the peer's SETTINGS_HEADER_TABLE_SIZE allows. */
  resize(bytes: number): void {
    cDeflateResize(this.#pointer, bytes);
  }

  /** @param secret fields that are never indexed. */
  encode(fields: readonly Field[], secret: (index: number) => boolean = () => false): Buffer {
    const texts = fields.map(([name, value]) => [
      new NativeText(Buffer.from(name, 'latin1')),
      new NativeText(Buffer.from(value, 'latin1')),
    ]);
    const list = new NativeText(new Uint8Array(NV_BYTES * Math.max(fields.length, 1)));
    for (const [index, [name, value]] of texts.entries()) {
      const at = index * NV_BYTES;
      list.bytes.writeBigUInt64LE(BigInt(name!.address), at);
      list.bytes.writeBigUInt64LE(BigInt(value!.address), at + 8);
      list.bytes.writeBigUInt64LE(BigInt(name!.length), at + 16);
      list.bytes.writeBigUInt64LE(BigInt(value!.length), at + 24);
      list.bytes[at + 32] = secret(index) ? NO_INDEX : 0;
    }
    const room = texts.reduce((sum, [name, value]) => sum + name!.length + value!.length + 32, 64);
    const out = new NativeText(new Uint8Array(room));
    const written = cDeflate(this.#pointer, out.address, room, list.address, fields.length);
    if (written < 0) throw new Error(`nghttp2_hd_deflate_hd: ${written} (${texts.length} fields)`);
    return Buffer.from(out.bytes.subarray(0, written));
  }

  free(): void {
    if (this.#pointer !== 0) cDeflateDel(this.#pointer);
    this.#pointer = 0;
  }
}

const cCallbacksNew = own<[number]>('int nghttp2_session_callbacks_new(uintptr_t)');
const cServerNew = own<[number, Pointer, number]>('int nghttp2_session_server_new(uintptr_t, uintptr_t, uintptr_t)');
const cSessionDel = own<[Pointer]>('void nghttp2_session_del(uintptr_t)');
const cReceive = own<[Pointer, number, number]>('long nghttp2_session_mem_recv(uintptr_t, uintptr_t, size_t)');
const cSend = own<[Pointer, number]>('long nghttp2_session_mem_send(uintptr_t, uintptr_t)');
const cSubmitSettings = own<[Pointer, number, number, number]>(
  'int nghttp2_submit_settings(uintptr_t, uint8_t, uintptr_t, size_t)',
);
const setter = (name: string): ((callbacks: Pointer, callback: Pointer) => number) =>
  own<[Pointer, Pointer]>(`void nghttp2_session_callbacks_set_${name}_callback(uintptr_t, uintptr_t)`);

/** What a server of nghttp2 has seen of one stream. */
export interface SeenStream {
  readonly fields: Field[];
  readonly trailers: Field[];
  body: Buffer;
  /** The head was whole. */
  hasHead: boolean;
  /** END_STREAM has come. */
  ended: boolean;
}

/** Offsets in struct nghttp2_frame_hd: length:size_t, stream_id:i32, type:u8, flags:u8. */
const FRAME = { streamId: 8, type: 12, flags: 13 } as const;

let current: Nghttp2Server | undefined;
let callbacks = 0;

/** The callbacks of all servers: one runs at a time. */
function sharedCallbacks(): Pointer {
  if (callbacks !== 0) return callbacks;
  const out = outPointer();
  cCallbacksNew(out.address);
  callbacks = pointerAt(out);
  const frameOf = (address: Pointer): { streamId: number; type: number; flags: number } => {
    const bytes = copyFromNative(address, 16);
    return {
      streamId: bytes.readInt32LE(FRAME.streamId),
      type: bytes[FRAME.type]!,
      flags: bytes[FRAME.flags]!,
    };
  };
  setter('on_header')(
    callbacks,
    callbackAddress<[number, number, number, number, number, number, number, number]>(
      'int nghttp2_on_header(uintptr_t, uintptr_t, uintptr_t, size_t, uintptr_t, size_t, uint8_t, uintptr_t)',
      (_, frame, name, nameLength, value, valueLength) => {
        const stream = current!.stream(frameOf(frame).streamId);
        const field = [
          copyFromNative(name, nameLength).toString('latin1'),
          copyFromNative(value, valueLength).toString('latin1'),
        ] as const;
        (stream.hasHead ? stream.trailers : stream.fields).push(field);
        return 0;
      },
    ),
  );
  setter('on_data_chunk_recv')(
    callbacks,
    callbackAddress<[number, number, number, number, number, number]>(
      'int nghttp2_on_data(uintptr_t, uint8_t, int32_t, uintptr_t, size_t, uintptr_t)',
      (_, _flags, streamId, data, length) => {
        const stream = current!.stream(streamId);
        stream.body = Buffer.concat([stream.body, copyFromNative(data, length)]);
        return 0;
      },
    ),
  );
  setter('on_frame_recv')(
    callbacks,
    callbackAddress<[number, number, number]>('int nghttp2_on_frame(uintptr_t, uintptr_t, uintptr_t)', (_, frame) => {
      const { streamId, type, flags } = frameOf(frame);
      if (type > 1) return 0;
      const stream = current!.stream(streamId);
      if (type === 1) stream.hasHead = true;
      if ((flags & 1) !== 0) stream.ended = true;
      return 0;
    }),
  );
  return callbacks;
}

/** A server's end of a connection, as nghttp2 reads it. Messages are checked as HTTP demands. */
export class Nghttp2Server {
  readonly streams: Map<number, SeenStream> = new Map();
  /** GOAWAY with an error was sent, or input was refused. */
  failed = false;
  #pointer: Pointer;

  constructor() {
    const out = outPointer();
    cServerNew(out.address, sharedCallbacks(), 0);
    this.#pointer = pointerAt(out);
    cSubmitSettings(this.#pointer, 0, 0, 0);
    this.#send();
  }

  stream(id: number): SeenStream {
    let stream = this.streams.get(id);
    if (stream === undefined) {
      stream = { fields: [], trailers: [], body: Buffer.alloc(0), hasHead: false, ended: false };
      this.streams.set(id, stream);
    }
    return stream;
  }

  feed(bytes: Uint8Array): void {
    if (this.failed || bytes.length === 0) return;
    const input = new NativeText(bytes);
    current = this;
    const taken = cReceive(this.#pointer, input.address, bytes.length);
    if (taken < 0) this.failed = true;
    else this.#send();
    current = undefined;
  }

  /** Takes what it wants to send, and looks for its GOAWAY. */
  #send(): void {
    const out = outPointer();
    current = this;
    for (;;) {
      const length = cSend(this.#pointer, out.address);
      if (length <= 0) break;
      const bytes = copyFromNative(pointerAt(out), length);
      // One call gives one frame at least, and whole ones.
      for (let at = 0; at + 9 <= bytes.length; at += 9 + bytes.readUIntBE(at, 3)) {
        if (bytes[at + 3] === 7 && bytes.readUInt32BE(at + 13) !== 0) this.failed = true;
      }
    }
    current = undefined;
  }

  free(): void {
    if (this.#pointer !== 0) cSessionDel(this.#pointer);
    this.#pointer = 0;
  }
}
