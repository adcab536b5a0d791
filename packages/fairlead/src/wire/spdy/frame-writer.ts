import { HeaderWriter, type SpdyHeaders } from './header-block.ts';

const FIN = 1;

/** Largest payload of one data frame that this side writes, in bytes. */
export const DATA_FRAME_MAX_BYTES: number = 64 * 1024;

/** Makes the frames of one connection; header blocks depend on their order. */
export class FrameWriter {
  readonly #headers = new HeaderWriter();

  synStream(stream: number, headers: SpdyHeaders, fin: boolean = false): Buffer {
    const head = Buffer.alloc(10);
    head.writeUInt32BE(stream, 0);
    return control(1, fin ? FIN : 0, Buffer.concat([head, this.#headers.write(headers)]));
  }

  synReply(stream: number, headers: SpdyHeaders = {}): Buffer {
    return control(2, 0, Buffer.concat([uint32(stream), this.#headers.write(headers)]));
  }

  /** The head of a data frame; the payload follows it on the wire. */
  dataHead(stream: number, length: number, fin: boolean): Buffer {
    const head = Buffer.alloc(8);
    head.writeUInt32BE(stream, 0);
    head[4] = fin ? FIN : 0;
    head.writeUIntBE(length, 5, 3);
    return head;
  }

  /** RST_STREAM; status 5 is CANCEL, 3 REFUSED_STREAM. */
  reset(stream: number, status: number): Buffer {
    return control(3, 0, Buffer.concat([uint32(stream), uint32(status)]));
  }

  ping(id: number): Buffer {
    return control(6, 0, uint32(id));
  }

  goAway(lastStream: number): Buffer {
    return control(7, 0, Buffer.concat([uint32(lastStream), uint32(0)]));
  }
}

function control(type: number, flags: number, payload: Buffer): Buffer {
  const head = Buffer.alloc(8);
  head.writeUInt16BE(0x8003, 0);
  head.writeUInt16BE(type, 2);
  head[4] = flags;
  head.writeUIntBE(payload.length, 5, 3);
  return Buffer.concat([head, payload]);
}

function uint32(value: number): Buffer {
  const bytes = Buffer.alloc(4);
  bytes.writeUInt32BE(value);
  return bytes;
}
