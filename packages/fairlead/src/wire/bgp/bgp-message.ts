import {
  AS_TRANS,
  afi,
  BGP_HEADER_BYTES,
  BGP_MAX_BYTES,
  capability,
  errorCode,
  messageType,
  safiUnicast,
} from './bgp-constants.ts';

/** What a peer says of graceful restart (RFC 4724). */
export interface GracefulRestart {
  /** The sender has just restarted. */
  readonly isRestarting: boolean;
  /** How long routes are kept without a session, seconds, at most 4,095. */
  readonly seconds: number;
  /** The sender's forwarding survived its restart. */
  readonly forwards: boolean;
}

/** An OPEN, capabilities included. */
export interface BgpOpen {
  readonly asn: number;
  /** Seconds; 0: no keepalives. */
  readonly holdTime: number;
  readonly identifier: number;
  readonly families: readonly number[];
  readonly gracefulRestart?: GracefulRestart;
  /** Without it, AS numbers in paths have two bytes. */
  readonly fourByteAs: boolean;
}

/** A received message, as far as a speaker that takes no routes needs it. */
export type BgpMessage =
  | { readonly kind: 'open'; readonly open: BgpOpen }
  | { readonly kind: 'keepalive' }
  | { readonly kind: 'update' }
  | { readonly kind: 'routeRefresh'; readonly family: number }
  | { readonly kind: 'notification'; readonly code: number; readonly subcode: number; readonly text: string };

/** A message that cannot be read, with the NOTIFICATION it earns. */
export class BgpMessageError extends Error {
  override readonly name: string = 'BgpMessageError';
  readonly code: number;
  readonly subcode: number;

  constructor(code: number, subcode: number, message: string) {
    super(message);
    this.code = code;
    this.subcode = subcode;
  }
}

function frame(type: number, body: Uint8Array): Uint8Array {
  const message = new Uint8Array(BGP_HEADER_BYTES + body.length);
  message.fill(0xff, 0, 16);
  new DataView(message.buffer).setUint16(16, message.length);
  message[18] = type;
  message.set(body, BGP_HEADER_BYTES);
  return message;
}

/** A list of bytes under construction. */
function bytesOf(...parts: (number | Uint8Array | readonly number[])[]): Uint8Array {
  return Uint8Array.from(parts.flatMap((part) => (typeof part === 'number' ? [part] : [...part])));
}

/** The two bytes of a number, in network order. */
export function u16(value: number): readonly number[] {
  return [(value >>> 8) & 0xff, value & 0xff];
}

/** The four bytes of a number, in network order. */
export function u32(value: number): readonly number[] {
  return [(value >>> 24) & 0xff, (value >>> 16) & 0xff, (value >>> 8) & 0xff, value & 0xff];
}

/** Writes an OPEN with one capability parameter (RFC 5492). */
export function writeOpen(open: BgpOpen): Uint8Array {
  const capabilities: (readonly number[])[] = open.families.map((family) => [
    capability.multiprotocol,
    4,
    ...u16(family),
    0,
    safiUnicast,
  ]);
  capabilities.push([capability.routeRefresh, 0]);
  if (open.fourByteAs) capabilities.push([capability.fourByteAs, 4, ...u32(open.asn)]);
  const restart = open.gracefulRestart;
  if (restart !== undefined) {
    const flags = (restart.isRestarting ? 0x8000 : 0) | Math.min(restart.seconds, 4095);
    const families = open.families.flatMap((family) => [...u16(family), safiUnicast, restart.forwards ? 0x80 : 0]);
    capabilities.push([capability.gracefulRestart, 2 + families.length, ...u16(flags), ...families]);
  }
  const all = capabilities.flat();
  const short = open.asn > 0xffff ? AS_TRANS : open.asn;
  return frame(
    messageType.open,
    bytesOf(4, u16(short), u16(open.holdTime), u32(open.identifier), all.length + 2, 2, all.length, all),
  );
}

/** KEEPALIVE (RFC 4271 4.4): a header alone. */
export function writeKeepalive(): Uint8Array {
  return frame(messageType.keepalive, new Uint8Array(0));
}

/** Writes a NOTIFICATION; `text` explains an administrative shutdown (RFC 9003). */
export function writeNotification(code: number, subcode: number, text: string = ''): Uint8Array {
  const said = new TextEncoder().encode(text).subarray(0, 128);
  return frame(messageType.notification, bytesOf(code, subcode, ...(said.length === 0 ? [] : [said.length, said])));
}

/** Wraps the body of an UPDATE. */
export function writeUpdateBody(body: Uint8Array): Uint8Array {
  if (BGP_HEADER_BYTES + body.length > BGP_MAX_BYTES) throw new RangeError(`an UPDATE of ${body.length} bytes`);
  return frame(messageType.update, body);
}

function readCapabilities(parameters: Uint8Array): Omit<BgpOpen, 'asn' | 'holdTime' | 'identifier'> & { asn?: number } {
  const families: number[] = [];
  let asn: number | undefined;
  let gracefulRestart: GracefulRestart | undefined;
  const malformed = (): never => {
    throw new BgpMessageError(errorCode.open, 0, 'malformed optional parameters');
  };
  for (let at = 0; at < parameters.length; ) {
    const type = parameters[at];
    const length = parameters[at + 1] ?? 0;
    const value = parameters.subarray(at + 2, at + 2 + length);
    if (at + 2 > parameters.length || value.length !== length) malformed();
    at += 2 + length;
    if (type !== 2) throw new BgpMessageError(errorCode.open, 4, `optional parameter ${type}`);
    for (let inner = 0; inner < value.length; ) {
      const code = value[inner];
      const size = value[inner + 1] ?? 0;
      const data = value.subarray(inner + 2, inner + 2 + size);
      if (inner + 2 > value.length || data.length !== size) malformed();
      inner += 2 + size;
      const view = new DataView(data.buffer, data.byteOffset, data.length);
      if (code === capability.multiprotocol && size === 4 && data[3] === safiUnicast) families.push(view.getUint16(0));
      else if (code === capability.fourByteAs && size === 4) asn = view.getUint32(0);
      else if (code === capability.gracefulRestart && size >= 2) {
        const flags = view.getUint16(0);
        gracefulRestart = {
          isRestarting: (flags & 0x8000) !== 0,
          seconds: flags & 0x0fff,
          forwards: size >= 6 && ((data[5] ?? 0) & 0x80) !== 0,
        };
      }
    }
  }
  return {
    families,
    fourByteAs: asn !== undefined,
    ...(asn === undefined ? {} : { asn }),
    ...(gracefulRestart === undefined ? {} : { gracefulRestart }),
  };
}

/** OPEN: version u8 | AS u16 | hold time u16 | identifier u32 | parameters' length u8 | parameters. */
function readOpen(body: Uint8Array): BgpOpen {
  if (body.length < 10) throw new BgpMessageError(errorCode.header, 2, 'OPEN is too short');
  const view = new DataView(body.buffer, body.byteOffset, body.length);
  if (body[0] !== 4) throw new BgpMessageError(errorCode.open, 1, `version ${body[0]}`);
  const length = body[9] ?? 0;
  if (body.length !== 10 + length) throw new BgpMessageError(errorCode.open, 0, 'malformed optional parameters');
  const capabilities = readCapabilities(body.subarray(10));
  const holdTime = view.getUint16(3);
  if (holdTime === 1 || holdTime === 2) throw new BgpMessageError(errorCode.open, 6, `hold time of ${holdTime} s`);
  const identifier = view.getUint32(5);
  if (identifier === 0) throw new BgpMessageError(errorCode.open, 3, 'identifier 0.0.0.0');
  return {
    ...capabilities,
    asn: capabilities.asn ?? view.getUint16(1),
    holdTime,
    identifier,
    // Without the capability a peer speaks IPv4 unicast only (RFC 4760 8).
    families: capabilities.families.length === 0 ? [afi.ipv4] : capabilities.families,
  };
}

function readBody(type: number, body: Uint8Array): BgpMessage {
  switch (type) {
    case messageType.open:
      return { kind: 'open', open: readOpen(body) };
    case messageType.keepalive:
      if (body.length > 0) throw new BgpMessageError(errorCode.header, 2, 'KEEPALIVE with a body');
      return { kind: 'keepalive' };
    case messageType.update:
      if (body.length < 4) throw new BgpMessageError(errorCode.header, 2, 'UPDATE is too short');
      return { kind: 'update' };
    case messageType.routeRefresh:
      return { kind: 'routeRefresh', family: ((body[0] ?? 0) << 8) | (body[1] ?? 0) };
    case messageType.notification: {
      if (body.length < 2) throw new BgpMessageError(errorCode.header, 2, 'NOTIFICATION is too short');
      const [code = 0, subcode = 0, length = 0] = body;
      const explained = code === errorCode.cease && (subcode === 2 || subcode === 4) && length + 3 <= body.length;
      const text = explained ? new TextDecoder().decode(body.subarray(3, 3 + length)) : '';
      return { kind: 'notification', code, subcode, text };
    }
    default:
      throw new BgpMessageError(errorCode.header, 3, `message type ${type}`);
  }
}

/** Cuts a byte stream into messages, however it arrives. */
export class BgpReader {
  #pending: Uint8Array = new Uint8Array(0);

  /**
   * Takes bytes, gives the messages that are complete.
   * @throws BgpMessageError for what cannot be read; the stream is of no use after that.
   */
  push(bytes: Uint8Array): BgpMessage[] {
    const all = new Uint8Array(this.#pending.length + bytes.length);
    all.set(this.#pending);
    all.set(bytes, this.#pending.length);
    const messages: BgpMessage[] = [];
    let at = 0;
    while (all.length - at >= BGP_HEADER_BYTES) {
      for (let i = 0; i < 16; i++) {
        if (all[at + i] !== 0xff) throw new BgpMessageError(errorCode.header, 1, 'the marker is not all ones');
      }
      const length = ((all[at + 16] ?? 0) << 8) | (all[at + 17] ?? 0);
      if (length < BGP_HEADER_BYTES || length > BGP_MAX_BYTES) {
        throw new BgpMessageError(errorCode.header, 2, `a message of ${length} bytes`);
      }
      if (all.length - at < length) break;
      messages.push(readBody(all[at + 18] ?? 0, all.subarray(at + BGP_HEADER_BYTES, at + length)));
      at += length;
    }
    this.#pending = all.slice(at);
    return messages;
  }
}
