/** What kind of operation failed. */
export type DnsErrorCode = 'listen' | 'options';

/** An operational failure of the DNS server. */
export class DnsError extends Error {
  override readonly name: string = 'DnsError';
  readonly code: DnsErrorCode;

  constructor(code: DnsErrorCode, message: string, cause?: unknown) {
    super(message, cause === undefined ? undefined : { cause });
    this.code = code;
  }
}
