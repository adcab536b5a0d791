import { FrameReader } from './frame-reader.ts';

/** A request stream: one exchange (RFC 9114 4.1). */
export class Http3Stream<Owner> {
  readonly id: number;
  /** Whatever the user of the connection keeps with the stream. */
  owner: Owner | undefined = undefined;
  /** The peer's end was received, or the stream was reset. */
  remoteEnded: boolean = false;
  /** The head of the request was received. */
  headReceived: boolean = false;
  /** Trailers were received: nothing may follow but unknown frames. */
  trailersReceived: boolean = false;
  /** Content still to come by content-length; -1 if not declared. */
  contentLeft: number = -1;
  readonly frames: FrameReader = new FrameReader();

  constructor(id: number) {
    this.id = id;
  }
}

/** A unidirectional stream of the peer; `kind` is its type once known, -1 before, -2 for one that is discarded. */
export class Http3UniStream {
  kind: number = -1;
  readonly frames: FrameReader = new FrameReader();
  /** Bytes of a type that came in pieces. */
  readonly typeBytes: Uint8Array = new Uint8Array(8);
  typeLength: number = 0;
}
