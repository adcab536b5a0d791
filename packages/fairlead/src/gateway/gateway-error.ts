/** What can go wrong operationally in the gateway. */
export type GatewayErrorCode =
  | 'port-in-use'
  | 'not-permitted'
  | 'address-unavailable'
  | 'listen-failed'
  | 'bad-listener'
  | 'rejected'
  | 'keys'
  | 'stopped';

/** The one error class of the gateway. The message is one clear line. */
export class GatewayError extends Error {
  readonly code: GatewayErrorCode;
  /** Name of the listener that could not be opened. */
  readonly listener: string | undefined;

  constructor(code: GatewayErrorCode, message: string, options: { cause?: unknown; listener?: string } = {}) {
    super(message, options.cause === undefined ? undefined : { cause: options.cause });
    this.name = 'GatewayError';
    this.code = code;
    this.listener = options.listener;
  }
}
