import { read32, type Setting } from './frame-writer.ts';
import * as h2 from './protocol.ts';

/** What one side of a connection asks for. */
export interface Http2Options {
  /** Streams that the peer may have open at once. */
  readonly maxConcurrentStreams: number;
  /** Bytes that the peer may send on a stream before we return window. */
  readonly streamWindowBytes: number;
  /** The same for the connection; at least 65,535. */
  readonly connectionWindowBytes: number;
  /** Largest frame we accept, 16,384 to 16,777,215. */
  readonly maxFrameBytes: number;
  /** Largest header list we accept, by RFC 9113 6.5.2. */
  readonly maxHeaderListBytes: number;
  /** A server offers extended CONNECT (RFC 8441). */
  readonly allowsConnectProtocol: boolean;
}

/** Limits of an edge proxy. */
export const DEFAULT_HTTP2_OPTIONS: Http2Options = {
  maxConcurrentStreams: 100,
  streamWindowBytes: h2.DEFAULT_WINDOW_BYTES,
  connectionWindowBytes: 1024 * 1024,
  maxFrameBytes: h2.DEFAULT_FRAME_BYTES,
  maxHeaderListBytes: 60 * 1024,
  allowsConnectProtocol: false,
};

/** The entries of our SETTINGS frame. Defaults of the protocol are left out. */
export function settingsOf(options: Http2Options, role: 'client' | 'server'): readonly Setting[] {
  const settings: Setting[] = [];
  if (role === 'client') settings.push([h2.SETTINGS_ENABLE_PUSH, 0]);
  else settings.push([h2.SETTINGS_MAX_CONCURRENT_STREAMS, options.maxConcurrentStreams]);
  if (options.streamWindowBytes !== h2.DEFAULT_WINDOW_BYTES) {
    settings.push([h2.SETTINGS_INITIAL_WINDOW_SIZE, options.streamWindowBytes]);
  }
  if (options.maxFrameBytes !== h2.DEFAULT_FRAME_BYTES) {
    settings.push([h2.SETTINGS_MAX_FRAME_SIZE, options.maxFrameBytes]);
  }
  settings.push([h2.SETTINGS_MAX_HEADER_LIST_SIZE, options.maxHeaderListBytes]);
  if (role === 'server' && options.allowsConnectProtocol) settings.push([h2.SETTINGS_ENABLE_CONNECT_PROTOCOL, 1]);
  return settings;
}

/** What the peer has asked for so far. */
export class PeerSettings {
  headerTableBytes: number = 4096;
  maxConcurrentStreams: number = Infinity;
  initialWindowBytes: number = h2.DEFAULT_WINDOW_BYTES;
  maxFrameBytes: number = h2.DEFAULT_FRAME_BYTES;
  maxHeaderListBytes: number = Infinity;
  allowsConnectProtocol: boolean = false;
  readonly #fromServer: boolean;

  constructor(peer: 'client' | 'server') {
    this.#fromServer = peer === 'server';
  }

  /** Takes over one entry; returns the connection error it is, or NO_ERROR. Unknown ones are ignored. */
  apply(id: number, value: number): number {
    switch (id) {
      case h2.SETTINGS_HEADER_TABLE_SIZE:
        this.headerTableBytes = value;
        break;
      case h2.SETTINGS_ENABLE_PUSH:
        if (value > 1 || (this.#fromServer && value === 1)) return h2.PROTOCOL_ERROR;
        break;
      case h2.SETTINGS_MAX_CONCURRENT_STREAMS:
        this.maxConcurrentStreams = value;
        break;
      case h2.SETTINGS_INITIAL_WINDOW_SIZE:
        if (value > h2.MAX_31_BITS) return h2.FLOW_CONTROL_ERROR;
        this.initialWindowBytes = value;
        break;
      case h2.SETTINGS_MAX_FRAME_SIZE:
        if (value < h2.DEFAULT_FRAME_BYTES || value > h2.LARGEST_FRAME_BYTES) return h2.PROTOCOL_ERROR;
        this.maxFrameBytes = value;
        break;
      case h2.SETTINGS_MAX_HEADER_LIST_SIZE:
        this.maxHeaderListBytes = value;
        break;
      case h2.SETTINGS_ENABLE_CONNECT_PROTOCOL:
        if (value > 1 || (value === 0 && this.allowsConnectProtocol)) return h2.PROTOCOL_ERROR;
        this.allowsConnectProtocol = value === 1;
        break;
    }
    return h2.NO_ERROR;
  }

  /** Takes over all entries of a frame's payload, whose length is a multiple of six. */
  applyAll(bytes: Uint8Array, start: number, end: number): number {
    for (let at = start; at < end; at += 6) {
      const error = this.apply((bytes[at]! << 8) | bytes[at + 1]!, read32(bytes, at + 2));
      if (error !== h2.NO_ERROR) return error;
    }
    return h2.NO_ERROR;
  }
}
