/** What can go wrong operationally in the gateway. */
export type GatewayErrorCode =
  | 'port-in-use'
  | 'not-permitted'
  | 'address-unavailable'
  | 'listen-failed'
  | 'bad-listener'
  | 'rejected'
  | 'stopped';

/** The one error class of the gateway. The message is one clear line. */
export class GatewayError extends Error {
  readonly code: GatewayErrorCode;

  constructor(code: GatewayErrorCode, message: string, cause?: unknown) {
    super(message, cause === undefined ? undefined : { cause });
    this.name = 'GatewayError';
    this.code = code;
  }
}
