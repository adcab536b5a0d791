/** Why the API server could not start, had to stop or could not carry out a write. */
export type ApiServerErrorCode =
  | 'AddressInUse'
  | 'AddressUnavailable'
  | 'DataCorrupt'
  | 'DataForeign'
  | 'DataLocked'
  | 'DataUnwritable'
  | 'InvalidOptions'
  | 'KeyMaterial'
  | 'OutcomeUnknown'
  | 'StorageFull'
  | 'StoreUnreachable'
  | 'TooLarge'
  | 'Closed';

/** An operational failure of the API server; the message is one clear line for the operator. */
export class ApiServerError extends Error {
  override readonly name: string = 'ApiServerError';
  readonly code: ApiServerErrorCode;

  constructor(code: ApiServerErrorCode, message: string, cause?: unknown) {
    super(message, cause === undefined ? undefined : { cause });
    this.code = code;
  }
}
