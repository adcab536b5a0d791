import { ApiServerError } from '../api-server-error.ts';
import { StatusError } from './status-error.ts';

const again = { headers: { 'retry-after': '1' } } as const;

/** The answer for a failure of the store, or `undefined` for any other error. */
export function storageFailure(error: unknown): StatusError | undefined {
  if (!(error instanceof ApiServerError)) return undefined;
  const { code, message } = error;
  switch (code) {
    case 'StorageFull':
      return new StatusError(507, 'InsufficientStorage', message);
    case 'TooLarge':
      return new StatusError(413, 'RequestEntityTooLarge', message);
    case 'OutcomeUnknown':
      // Without Retry-After: a client that repeats a write must know that it may have been carried out.
      return new StatusError(
        504,
        'Timeout',
        `Timeout: request did not complete within the allotted timeout: ${message}`,
        {},
      );
    case 'StoreUnreachable':
    case 'Closed':
      return new StatusError(503, 'ServiceUnavailable', message, { retryAfterSeconds: 1 }, again);
    default:
      return undefined;
  }
}
