/**
 * One exchange of a connection (RFC 9113 5.1). Idle, reserved and closed streams have no object,
 * so two flags are the whole state:
 *
 * | localEnded | remoteEnded | state                |
 * | ---------- | ----------- | -------------------- |
 * | no         | no          | open                 |
 * | yes        | no          | half-closed (local)  |
 * | no         | yes         | half-closed (remote) |
 * | yes        | yes         | closed               |
 */
export class Http2Stream<Owner> {
  readonly id: number;
  /** Whatever the user of the connection keeps with the stream. */
  owner: Owner | undefined = undefined;
  /** END_STREAM was sent, or the stream was reset. */
  localEnded: boolean = false;
  /** END_STREAM was received, or the stream was reset. */
  remoteEnded: boolean = false;
  /** The head of the message (not an interim one) was received. */
  headReceived: boolean = false;
  headSent: boolean = false;
  /** Neither side uses it any more. */
  isGone: boolean = false;
  /** Bytes that the peer lets us send; below 0 after its settings shrank. */
  sendWindow: number;
  /** Bytes that the peer may still send. */
  receiveWindow: number;
  /** Received bytes that {@link Http2Connection.consume} has not been told of. */
  unconsumed: number = 0;
  /** Consumed bytes that no WINDOW_UPDATE has returned yet. */
  unreturned: number = 0;
  /** Content still to come by content-length; -1 if not declared. */
  contentLeft: number = -1;
  /** A client's request whose response has no content: HEAD. */
  isHeadRequest: boolean = false;
  /** Sending waits for a window. */
  isBlocked: boolean = false;

  constructor(id: number, sendWindow: number, receiveWindow: number) {
    this.id = id;
    this.sendWindow = sendWindow;
    this.receiveWindow = receiveWindow;
  }
}
