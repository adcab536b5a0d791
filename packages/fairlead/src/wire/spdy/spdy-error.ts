/** The peer sent what SPDY/3.1 does not allow; the connection is of no more use. */
export class SpdyError extends Error {
  override readonly name: string = 'SpdyError';
}
